// SPDX-License-Identifier: Apache-2.0
/* The kernel's types that XDP programs name in relocatable accesses, as its user headers declare them. Built for BPF with
 * debug information; only its BTF is used. A type that is not here does not exist to programs. */
#include <linux/bpf.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

/* Of <linux/if_vlan.h> and <net/ipv6.h> inside the kernel: what every program copies. */
struct vlan_hdr {
	__be16 h_vlan_TCI;
	__be16 h_vlan_encapsulated_proto;
};
struct vlan_ethhdr {
	unsigned char h_dest[ETH_ALEN];
	unsigned char h_source[ETH_ALEN];
	__be16 h_vlan_proto;
	__be16 h_vlan_TCI;
	__be16 h_vlan_encapsulated_proto;
};
struct frag_hdr {
	__u8 nexthdr;
	__u8 reserved;
	__be16 frag_off;
	__be32 identification;
};

#define NAME(kind, name) kind name *name##_

NAME(struct, xdp_md);
NAME(struct, ethhdr);
NAME(struct, vlan_hdr);
NAME(struct, vlan_ethhdr);
NAME(struct, arphdr);
NAME(struct, iphdr);
NAME(struct, ipv6hdr);
NAME(struct, ipv6_opt_hdr);
NAME(struct, ipv6_rt_hdr);
NAME(struct, frag_hdr);
NAME(struct, icmphdr);
NAME(struct, icmp6hdr);
NAME(struct, tcphdr);
NAME(struct, udphdr);
NAME(struct, in_addr);
NAME(struct, in6_addr);
NAME(struct, sockaddr_in);
NAME(struct, sockaddr_in6);
NAME(struct, bpf_fib_lookup);
NAME(struct, bpf_redir_neigh);
NAME(struct, bpf_sock);
NAME(struct, bpf_sock_tuple);
NAME(struct, bpf_tcp_sock);
NAME(struct, bpf_devmap_val);
NAME(struct, bpf_cpumap_val);
NAME(struct, bpf_spin_lock);
NAME(struct, bpf_timer);
NAME(struct, bpf_dynptr);
NAME(struct, bpf_lpm_trie_key);
NAME(enum, xdp_action);
NAME(enum, bpf_map_type);
NAME(enum, bpf_prog_type);
NAME(enum, bpf_attach_type);
NAME(enum, bpf_func_id);
NAME(enum, bpf_check_mtu_flags);
NAME(enum, bpf_check_mtu_ret);

/* Enums without a name of their own: relocations cannot ask for them. Typedefs come with the members above. */
__u64 *u64_;
__s64 *s64_;
__s32 *s32_;
__s16 *s16_;
__s8 *s8_;
__be64 *be64_;
__sum16 *sum16_;
__wsum *wsum_;
