/* SPDX-License-Identifier: GPL-2.0 */
/* struct proto and the life of a struct xtcp_sock. */
#ifndef _XTCP_SOCKET_H
#define _XTCP_SOCKET_H

#include <linux/percpu.h>
#include <linux/poll.h>

struct proto;
struct sock;
struct socket;
struct xtcp_sock;

extern struct proto xtcp_prot;
extern struct proto xtcpv6_prot;

int xtcp_socket_register(void);
void xtcp_socket_unregister(void);

/* A connection starts: nothing is left of an earlier one. Options stay. Socket lock held. */
void xtcp_socket_start(struct sock *sk);

/* The socket has another congestion control: what else hangs on it. Socket lock held. */
void xtcp_socket_follow_cong(struct xtcp_sock *xs);

/* disconnect(): as xtcp_socket_start(), and what a connected socket had besides. */
void xtcp_socket_reset(struct sock *sk);

/* Make a socket of its own out of a fresh clone of a listener (sk_clone_lock()). */
void xtcp_socket_init_clone(struct sock *sk);

/* Their number on each CPU: this_cpu_inc() when one becomes an orphan, this_cpu_dec() at its end. */
DECLARE_PER_CPU(unsigned int, xtcp_orphan_count);

/* Sockets that no process holds, on the whole machine; up to 100 ms old. */
int xtcp_socket_orphans(void);

/* All buffers together are above net.xtcp.mem's third number, and @sk has a part in it. */
bool xtcp_socket_out_of_memory(const struct sock *sk);

/* struct proto_ops.poll */
__poll_t xtcp_socket_poll(struct file *file, struct socket *sock, poll_table *wait);

#endif /* _XTCP_SOCKET_H */
