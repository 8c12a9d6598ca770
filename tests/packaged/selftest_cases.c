// Prints the verifier cases of linux-source-6.1's selftests as JSON, a line each, with what the running kernel says of
// the case loaded as XDP. Compiled at test time against the unpacked sources (selftests.py), whose own driver it
// includes for the macros, the generated programs and the kernel's maps; of that driver's main nothing is used.
//
//   {"file":"and.c","descr":"...","insns":"hex of 8 bytes each","maps":[{"kind":"hash_8b","insns":[3]}],
//    "accepted":true,"errno":0,"log":"last line of the kernel's log"}
//
// A descr that starts with '@' is no case: tests.h puts one with the file's name in front of each file.
#include <linux/types.h>
typedef __u32 u32;  // the driver's own header for these is the kernel's
typedef __u64 u64;
#define main main_of_the_selftests
#include "test_verifier.c"
#undef main

static char log_text[1 << 20];
static FILE* out;

static void print_string(const char* text) {
  fputc('"', out);
  for (const char* at = text; *at != 0; at++) {
    const unsigned char c = (unsigned char)*at;
    if (c == '"' || c == '\\') {
      fprintf(out, "\\%c", c);
    } else if (c < 0x20 || c > 0x7e) {
      fputc(' ', out);
    } else {
      fputc(c, out);
    }
  }
  fputc('"', out);
}

static void print_map(const char* kind, const int* fixups, int* count) {
  if (fixups[0] == 0) return;
  fprintf(out, "%s{\"kind\":\"%s\",\"insns\":[", (*count)++ == 0 ? "" : ",", kind);
  for (int i = 0; i < MAX_FIXUPS && fixups[i] != 0; i++) fprintf(out, "%s%d", i == 0 ? "" : ",", fixups[i]);
  fprintf(out, "]}");
}

static void print_maps(const struct bpf_test* test) {
  int count = 0;
#define ONE(kind) print_map(#kind, test->fixup_##kind, &count)
  ONE(map_hash_8b);
  ONE(map_hash_48b);
  ONE(map_hash_16b);
  ONE(map_array_48b);
  ONE(map_sockmap);
  ONE(map_sockhash);
  ONE(map_xskmap);
  ONE(map_stacktrace);
  ONE(prog1);
  ONE(prog2);
  ONE(map_in_map);
  ONE(cgroup_storage);
  ONE(percpu_cgroup_storage);
  ONE(map_spin_lock);
  ONE(map_array_ro);
  ONE(map_array_wo);
  ONE(map_array_small);
  ONE(sk_storage_map);
  ONE(map_event_output);
  ONE(map_reuseport_array);
  ONE(map_ringbuf);
  ONE(map_timer);
  ONE(map_kptr);
#undef ONE
}

// The log ends with statistics and an empty line; what is wrong stands before.
static const char* last_words(char* log) {
  const char* last = "";
  for (char* line = strtok(log, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    if (strncmp(line, "processed ", 10) == 0) break;
    if (strncmp(line, "verification time", 17) != 0 && strncmp(line, "stack depth", 11) != 0) last = line;
  }
  return last;
}

// A function that returns int, for programs of sub-programs whose BTF the kernel wants: tail calls in them.
static int function_btf(void) {
  static __u32 types[] = {BTF_TYPE_INT_ENC(1, BTF_INT_SIGNED, 0, 32, 4), BTF_FUNC_PROTO_ENC(1, 0),
                          BTF_TYPE_ENC(5, BTF_INFO_ENC(BTF_KIND_FUNC, 0, 0), 2), BTF_END_RAW};
  static const char strings[] = "\0int\0program";
  return load_btf_spec(types, sizeof(types) - sizeof(types[0]), strings, sizeof(strings));
}

static int is_call(const struct bpf_insn* insn) { return insn->code == (BPF_JMP | BPF_CALL); }

// Fills `infos` with where sub-programs start, ascending.
static int find_functions(const struct bpf_insn* insns, int count, struct bpf_func_info* infos, int most) {
  int found = 0;
  for (int at = 0; at < count; at++) {
    int starts = at == 0;
    for (int i = 0; i < count && !starts; i++) {
      if (insns[i].code == (BPF_LD | BPF_IMM | BPF_DW)) {
        starts = insns[i].src_reg == BPF_PSEUDO_FUNC && i + insns[i].imm + 1 == at;
        i++;
      } else {
        starts = is_call(&insns[i]) && insns[i].src_reg == BPF_PSEUDO_CALL && i + insns[i].imm + 1 == at;
      }
    }
    if (!starts) continue;
    if (found == most) return 0;
    infos[found].insn_off = (__u32)at;
    infos[found++].type_id = 3;
  }
  return found;
}

static int load(const struct bpf_insn* insns, int count, struct bpf_prog_load_opts* opts) {
  return bpf_prog_load(BPF_PROG_TYPE_XDP, NULL, "GPL", insns, (size_t)count, opts);
}

static void judge(struct bpf_test* test, const struct bpf_insn* insns, int count) {
  struct bpf_func_info infos[32];
  LIBBPF_OPTS(bpf_prog_load_opts, opts);
  int btf_fd = -1;
  int tail_calls = 0;
  for (int i = 0; i < count; i++) tail_calls |= is_call(&insns[i]) && insns[i].src_reg == 0 && insns[i].imm == 12;
  if (test->btf_types[0] != 0) {
    btf_fd = load_btf_for_test(test);
    opts.func_info = test->func_info;
    opts.func_info_cnt = (__u32)test->func_info_cnt;
  } else if (tail_calls) {
    const int functions = find_functions(insns, count, infos, 32);
    if (functions > 1) {
      btf_fd = function_btf();
      opts.func_info = infos;
      opts.func_info_cnt = (__u32)functions;
    }
  }
  if (btf_fd >= 0) {
    opts.prog_btf_fd = (__u32)btf_fd;
    opts.func_info_rec_size = sizeof(infos[0]);
  }
  int fd = load(insns, count, &opts);
  const int error = fd < 0 ? errno : 0;
  log_text[0] = 0;
  if (fd < 0) {  // once more, for the reason
    opts.log_level = 1;
    opts.log_buf = log_text;
    opts.log_size = sizeof(log_text);
    const int again = load(insns, count, &opts);
    if (again >= 0) close(again);
  }
  fprintf(out, ",\"accepted\":%s,\"errno\":%d,\"log\":", fd >= 0 ? "true" : "false", error);
  print_string(last_words(log_text));
  if (fd >= 0) close(fd);
  if (btf_fd >= 0) close(btf_fd);
}

static void print_case(const char* file, struct bpf_test* test) {
  int map_fds[MAX_NR_MAPS];
  for (int i = 0; i < MAX_NR_MAPS; i++) map_fds[i] = -1;
  struct bpf_insn* before = malloc(sizeof(test->insns));
  memcpy(before, test->insns, sizeof(test->insns));
  const int plain = probe_filter_length(test->insns);
  do_test_fixup(test, BPF_PROG_TYPE_XDP, test->insns, map_fds);
  const struct bpf_insn* insns = test->fill_insns != NULL ? test->fill_insns : test->insns;
  const struct bpf_insn* unbound = test->fill_insns != NULL ? test->fill_insns : before;
  const int count = test->fill_insns != NULL ? test->prog_len : plain;
  fprintf(out, "{\"file\":\"%s\",\"descr\":", file);
  print_string(test->descr);
  fprintf(out, ",\"insns\":\"");
  const unsigned char* bytes = (const unsigned char*)unbound;
  for (size_t i = 0; i < (size_t)count * sizeof(*insns); i++) fprintf(out, "%02x", bytes[i]);
  fprintf(out, "\",\"maps\":[");
  if (test->fill_insns == NULL) print_maps(test);
  fprintf(out, "]");
  judge(test, insns, count);
  fprintf(out, "}\n");
  free(before);
  free(test->fill_insns);
  test->fill_insns = NULL;
  for (int i = 0; i < MAX_NR_MAPS; i++) {
    if (map_fds[i] >= 0) close(map_fds[i]);
  }
}

int main(void) {
  const char* file = "";
  out = fdopen(dup(1), "w");  // the driver prints to stdout what it cannot do
  dup2(2, 1);
  srand(1);  // one of the generated programs is random
  for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
    if (tests[i].descr[0] == '@') {
      file = tests[i].descr + 1;
    } else {
      print_case(file, &tests[i]);
    }
  }
  return fclose(out) == 0 ? 0 : 1;
}
