#include <cerrno>
#include <cstring>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>

#include "dataplane/kernel/peer.h"

namespace sluice::kernel {
namespace {

constexpr std::size_t kLogBytes = std::size_t{1} << 24;
constexpr std::size_t kMostFrameBytes = std::size_t{128} << 10;  // more than a frame with frags can have

// Map references by descriptor instead of by index.
std::vector<bpf_insn> with_descriptors(const vm::LoadedProgram& program, std::span<const Fd> maps) {
  std::vector<bpf_insn> insns(program.insns.size());
  static_assert(sizeof(bpf_insn) == sizeof(vm::Insn));
  if (!insns.empty()) std::memcpy(insns.data(), program.insns.data(), insns.size() * sizeof(bpf_insn));
  for (std::size_t slot = 0; slot < insns.size(); ++slot) {
    bpf_insn& insn = insns[slot];
    if (insn.code != (BPF_LD | BPF_IMM | BPF_DW)) continue;
    const bool is_map = insn.src_reg == BPF_PSEUDO_MAP_FD || insn.src_reg == BPF_PSEUDO_MAP_VALUE;
    const auto index = static_cast<std::size_t>(insn.imm);
    if (is_map) insn.imm = index < maps.size() ? maps[index].get() : -1;
    ++slot;
  }
  return insns;
}

}  // namespace

std::string unavailable() {
  const bpf_insn insns[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
  const Fd fd(bpf_prog_load(BPF_PROG_TYPE_XDP, "probe", "GPL", insns, std::size(insns), nullptr));
  if (fd) return {};
  return fmt::format("bpf(2) refuses to load a program: {}", std::strerror(errno));
}

unsigned possible_cpus() {
  const int cpus = libbpf_num_possible_cpus();
  return cpus > 0 ? static_cast<unsigned>(cpus) : 1;
}

RawProgram load_instructions(const vm::LoadedProgram& program, std::span<const Fd> maps) {
  const auto insns = with_descriptors(program, maps);
  RawProgram loaded;
  LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = program.frags ? BPF_F_XDP_HAS_FRAGS : 0U);
  const auto attempt = [&] {
    return bpf_prog_load(BPF_PROG_TYPE_XDP, "sluice", "GPL", insns.data(), insns.size(), &options);
  };
  loaded.fd = Fd(attempt());
  if (!loaded.fd) {  // once more for the log, which is costly to write
    loaded.verdict.error = errno;
    std::vector<char> log(kLogBytes);
    options.log_buf = log.data();
    options.log_size = static_cast<std::uint32_t>(log.size());
    options.log_level = 1;
    loaded.fd = Fd(attempt());
    loaded.verdict.log = log.data();
  }
  loaded.verdict.accepted = static_cast<bool>(loaded.fd);
  return loaded;
}

Result<RunOutput> run(const Fd& program, const RunInput& input) {
  RunOutput output;
  output.data.resize(kMostFrameBytes);
  xdp_md context_in{};
  xdp_md context_out{};
  context_in.data = input.metadata;
  context_in.data_end = static_cast<std::uint32_t>(input.data.size());
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = input.data.data(), .data_out = output.data.data(),
              .data_size_in = static_cast<std::uint32_t>(input.data.size()),
              .data_size_out = static_cast<std::uint32_t>(output.data.size()), .ctx_in = &context_in,
              .ctx_out = &context_out, .ctx_size_in = sizeof(context_in), .ctx_size_out = sizeof(context_out),
              .repeat = static_cast<int>(input.repeat));
  if (bpf_prog_test_run_opts(program.get(), &options) != 0) {
    return Error{ErrorCode::kEnvironment,
                 fmt::format("kernel: test run of {} bytes: {}", input.data.size(), std::strerror(errno))};
  }
  output.retval = options.retval;
  output.data.resize(options.data_size_out);
  output.metadata = context_out.data - context_out.data_meta;
  output.duration_ns = options.duration;
  return output;
}

}  // namespace sluice::kernel
