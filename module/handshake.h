/* SPDX-License-Identifier: GPL-2.0 */
/* Opening a connection from a full socket (RFC 9293 3.5, 3.10.1, 3.10.7.3). */
#ifndef _XTCP_HANDSHAKE_H
#define _XTCP_HANDSHAKE_H

#include <linux/types.h>
#include "compat/compat.h"

struct sk_buff;
struct sock;
struct xtcp_options;
struct xtcp_request;

/* struct proto.pre_connect: cgroup BPF's say. Socket lock held. Return: 0 or -errno. */
int xtcp_handshake_pre_connect(struct sock *sk, xtcp_sockaddr *uaddr, int len);

/*
 * struct proto.connect: send a SYN and return. Socket lock held, process context.
 * Return: 0, or the errno of TCP's connect(), and then the socket is in CLOSE as before.
 */
int xtcp_handshake_connect(struct sock *sk, xtcp_sockaddr *uaddr, int len);

/* A segment in SYN-SENT. Consumes @skb. Socket lock held. */
void xtcp_handshake_syn_sent(struct sock *sk, struct sk_buff *skb,
			     const struct xtcp_options *opt);

/*
 * An acceptable segment with ACK in SYN-RECEIVED: if it acknowledges our SYN the
 * connection is established. Return: false if the segment is to be dropped.
 */
bool xtcp_handshake_syn_recv(struct sock *sk, struct sk_buff *skb);

/**
 * xtcp_handshake_child() - make the socket of a passive open
 * @req: whose third segment is @skb
 * @skb: that segment
 *
 * Return: a clone of the listener in SYN-RECEIVED, locked (bh_lock_sock), with a reference for
 * the caller, in no table yet; NULL without memory or route. Context: softirq.
 */
struct sock *xtcp_handshake_child(struct xtcp_request *req, struct sk_buff *skb);

/* Get rid of a child that nobody else has seen: unlocks it and drops both references. */
void xtcp_handshake_abandon(struct sock *child);

/* MSS that a peer's SYN stands for (RFC 9293 MUST-15). */
u16 xtcp_handshake_peer_mss(const struct xtcp_options *opt, bool v4, u16 user_mss);

#endif /* _XTCP_HANDSHAKE_H */
