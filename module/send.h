/* SPDX-License-Identifier: GPL-2.0 */
/* sendmsg: from the writer into the send queue. */
#ifndef _XTCP_SEND_H
#define _XTCP_SEND_H

#include <linux/types.h>

struct msghdr;
struct sock;

/* struct proto.sendmsg. Return: octets queued, or -errno. */
int xtcp_send_msg(struct sock *sk, struct msghdr *msg, size_t size);

/* The same for pages that the kernel hands over (ITER_BVEC): they are not copied if possible. */
int xtcp_send_pages(struct sock *sk, struct msghdr *msg);

#endif /* _XTCP_SEND_H */
