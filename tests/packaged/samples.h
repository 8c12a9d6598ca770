/* SPDX-License-Identifier: Apache-2.0 */
/* Forced in front of the kernel's samples where they are compiled against user space's headers: names that the kernel's
 * own headers would bring. Values are those of the user space ABI. */
#pragma once
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/ptrace.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <linux/udp.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef __u64 sector_t;

#define htons __builtin_bswap16
#define ntohs __builtin_bswap16
#define htonl __builtin_bswap32
#define ntohl __builtin_bswap32
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define memcpy __builtin_memcpy
#define memset __builtin_memset
#define cpu_to_be32 __builtin_bswap32
#define max(a, b) ((a) > (b) ? (a) : (b))
#define min(a, b) ((a) < (b) ? (a) : (b))
#define __force
#define __percpu
#define __user
#define __packed __attribute__((packed))
#define SOL_IP 0
#define SOL_TCP 6
#define SOL_IPV6 41
#define TASK_COMM_LEN 16
