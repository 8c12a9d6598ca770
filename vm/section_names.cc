// Names of program types that are not run here, by the sections that hold them: what libbpf 1.x takes section names
// for, and shorter forms that libbpf 0.x and the kernel's old samples wrote ("socket1", "kprobe.multi", "cgroup/...").
#include <algorithm>

#include "vm/program_type.h"

namespace sluice::vm {
namespace {

struct SectionName {
  std::string_view prefix, type;
};
// The longest prefix that fits decides. Types as bpftool writes them.
constexpr SectionName kNames[] = {
    {"action", "sched_act"},
    {"cgroup/", "cgroup_sock_addr"},
    {"cgroup/dev", "cgroup_device"},
    {"cgroup/getsockopt", "cgroup_sockopt"},
    {"cgroup/post_bind", "cgroup_sock"},
    {"cgroup/setsockopt", "cgroup_sockopt"},
    {"cgroup/skb", "cgroup_skb"},
    {"cgroup/sock", "cgroup_sock"},
    {"cgroup/sysctl", "cgroup_sysctl"},
    {"cgroup_skb/", "cgroup_skb"},
    {"classifier", "sched_cls"},
    {"fentry", "tracing"},
    {"fexit", "tracing"},
    {"flow_dissector", "flow_dissector"},
    {"fmod_ret", "tracing"},
    {"freplace", "ext"},
    {"iter", "tracing"},
    {"kprobe", "kprobe"},
    {"kretprobe", "kprobe"},
    {"kretsyscall", "kprobe"},
    {"ksyscall", "kprobe"},
    {"lirc_mode2", "lirc_mode2"},
    {"lsm", "lsm"},
    {"lwt_in", "lwt_in"},
    {"lwt_out", "lwt_out"},
    {"lwt_seg6local", "lwt_seg6local"},
    {"lwt_xmit", "lwt_xmit"},
    {"netfilter", "netfilter"},
    {"netkit/", "sched_cls"},
    {"perf_event", "perf_event"},
    {"raw_tp", "raw_tracepoint"},
    {"raw_tp.w", "raw_tracepoint_writable"},
    {"raw_tracepoint", "raw_tracepoint"},
    {"raw_tracepoint.w", "raw_tracepoint_writable"},
    {"sk_lookup", "sk_lookup"},
    {"sk_msg", "sk_msg"},
    {"sk_reuseport", "sk_reuseport"},
    {"sk_skb", "sk_skb"},
    {"socket", "socket_filter"},
    {"sockops", "sock_ops"},
    {"struct_ops", "struct_ops"},
    {"syscall", "syscall"},
    {"tc", "sched_cls"},
    {"tcx/", "sched_cls"},
    {"tp/", "tracepoint"},
    {"tp_btf/", "tracing"},
    {"tracepoint", "tracepoint"},
    {"uprobe", "kprobe"},
    {"uretprobe", "kprobe"},
    {"usdt", "kprobe"},
};

// "tc" and "tc/ingress" but not "tcp": two letters are too few to be the beginning of a name.
bool fits(std::string_view section, const SectionName& name) {
  if (!section.starts_with(name.prefix)) return false;
  return name.prefix.size() > 2 || section.size() == name.prefix.size() || section[name.prefix.size()] == '/';
}

}  // namespace

std::string_view type_name_of_section(std::string_view section) noexcept {
  if (const ProgramType* type = type_of_section(section, nullptr)) return type->name;
  if (section.starts_with('?')) section.remove_prefix(1);
  const SectionName* best = nullptr;
  for (const SectionName& name : kNames) {
    if (fits(section, name) && (best == nullptr || name.prefix.size() > best->prefix.size())) best = &name;
  }
  return best == nullptr ? std::string_view() : best->type;
}

}  // namespace sluice::vm
