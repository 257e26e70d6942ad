/* SPDX-License-Identifier: GPL-2.0 */
/* Early demultiplexing: a segment's socket, and with it its route, before IP asks for one. */
#ifndef _XTCP_DEMUX_H
#define _XTCP_DEMUX_H

struct sk_buff;
struct sock;
struct xtcp_key;
struct xtcp_net;

/**
 * xtcp_demux_start() - look at received packets of a namespace from now on
 * @xn: the namespace
 *
 * The first socket of a namespace calls it: where nobody uses XTCP no packet pays for it.
 * Without memory for the hook segments take IP's own way; the next socket tries again.
 * Context: process.
 */
void xtcp_demux_start(struct xtcp_net *xn);

/* The namespace ends; its hook may still run until the end of an RCU grace period. */
void xtcp_demux_stop(struct xtcp_net *xn);

/*
 * Keep the route by which @skb came in, if it is not the one kept already: the socket's
 * segments take it from now on. Locked by bh_lock_sock(), connection ESTABLISHED.
 */
void xtcp_demux_learn(struct sock *sk, const struct sk_buff *skb);

/* Forget it. Socket lock held. */
void xtcp_demux_forget(struct sock *sk);

/**
 * xtcp_demux_take() - the socket that the hook found for a segment
 * @skb: the segment; gives up its reference to the socket
 * @key: the segment's four-tuple, which NAT may have changed since
 *
 * Context: softirq.
 * Return: the socket with that reference, or NULL: look it up.
 */
struct sock *xtcp_demux_take(struct sk_buff *skb, const struct xtcp_key *key);

#endif /* _XTCP_DEMUX_H */
