/* SPDX-License-Identifier: GPL-2.0 */
/* sendmsg: from the writer into the send queue. */
#ifndef _XTCP_SEND_H
#define _XTCP_SEND_H

#include <linux/types.h>

struct msghdr;
struct sock;

/* struct proto.sendmsg. Return: octets queued, or -errno. */
int xtcp_send_msg(struct sock *sk, struct msghdr *msg, size_t size);

#endif /* _XTCP_SEND_H */
