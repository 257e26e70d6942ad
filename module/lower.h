/* SPDX-License-Identifier: GPL-2.0 */
/* Below XTCP: routes, IP headers, checksums: out in lower.c, in by lower_input.c. */
#ifndef _XTCP_LOWER_H
#define _XTCP_LOWER_H

#include <linux/types.h>
#include <net/flow.h>
#include "compat/compat.h"

struct dst_entry;
struct sk_buff;
struct sock;
struct xtcp_key;
struct xtcp_net;
struct xtcp_request;
struct xtcp_sock;

/* Handlers for IP protocol 253. 0, or -errno if somebody has it. */
int xtcp_lower_register(void);
void xtcp_lower_unregister(void);

/**
 * xtcp_lower_connect() - settle both addresses and the route of an active open
 * @sk: socket in CLOSE
 * @uaddr: destination; AF_INET or, for an IPv6 socket, AF_INET6 (v4-mapped too)
 * @len: its length
 *
 * Fills the addresses in the socket and node.key.raddr, rport, scope.
 * Context: socket lock held, process.
 * Return: 0, or the errno that TCP's connect() gives.
 */
int xtcp_lower_connect(struct sock *sk, xtcp_sockaddr *uaddr, int len);

/* Undo xtcp_lower_connect(): an address that was not bound is forgotten. */
void xtcp_lower_disconnect(struct sock *sk);

/* Route @sk by its complete four-tuple and set its offload abilities. 0 or -errno. */
int xtcp_lower_route(struct sock *sk);

/*
 * The socket's route, looked up again if it went stale; NULL without one
 * (sk_err_soft says why). Socket lock held.
 */
struct dst_entry *xtcp_lower_dst(struct sock *sk);

/* A segment went unanswered: look for another route. Socket lock held. */
void xtcp_lower_negative_advice(struct sock *sk);

/* Give @child, a clone of its listener, the addresses and route of @req. 0 or -errno. */
int xtcp_lower_adopt(struct sock *child, const struct xtcp_request *req,
		     struct sk_buff *skb);

/* MSS option for @sk's route: its MTU less the fixed headers (RFC 9293 MUST-67). */
u16 xtcp_lower_advmss(struct sock *sk);

/* True if the administrator switched ECN on for the route of @sk, or of an answer to @req. */
bool xtcp_lower_route_ecn(struct sock *sk);
bool xtcp_lower_route_ecn_request(const struct xtcp_request *req);

/* Octets of IP header and options in front of each segment. Socket lock held. */
unsigned int xtcp_lower_header_len(const struct sock *sk);

/* True if no router may cut @sk's segments: what arrives fits the path. Socket lock held. */
bool xtcp_lower_dont_fragment(const struct sock *sk);

/* True if @sk's segments travel in IPv4. */
bool xtcp_lower_is_v4(const struct sock *sk);

/**
 * xtcp_lower_xmit() - send a segment of a connection
 * @sk: the socket, locked
 * @skb: header at skb->data, checksum field not set; gso_size set if it is longer
 *	 than one segment. Consumed.
 * @ecn: INET_ECN_* for its IP header; the rest of that octet is the user's
 *
 * Return: 0, a NET_XMIT_* code, or -errno; the segment may not have left then.
 */
int xtcp_lower_xmit(struct sock *sk, struct sk_buff *skb, u8 ecn);

/**
 * xtcp_lower_reply() - send a segment that no connection sends
 * @sk: listener or control socket, unlocked: only its settings are read
 * @skb: header at skb->data. Consumed.
 * @key: addresses, local side first
 * @oif: interface it must leave by, 0: any
 * @mark: routing mark
 * @tos: type of service
 *
 * Context: softirq or process, BH disabled or not. Return: as xtcp_lower_xmit().
 */
int xtcp_lower_reply(struct sock *sk, struct sk_buff *skb, const struct xtcp_key *key,
		     int oif, u32 mark, u8 tos);

/**
 * struct xtcp_lower_way - how an answer leaves that no connection sends
 * @dst: the route, with a reference
 * @fl: what it was found by
 */
struct xtcp_lower_way {
	struct dst_entry *dst;
	struct flowi fl;
};

/* Find @way for an answer to @req, which has no socket yet. 0 or -errno. */
int xtcp_lower_request_way(struct xtcp_lower_way *way, const struct xtcp_request *req);

/* xtcp_lower_advmss() for @way. */
u16 xtcp_lower_way_advmss(const struct xtcp_lower_way *way);

/* xtcp_lower_reply() by @way, whose reference it consumes. */
int xtcp_lower_reply_by(struct xtcp_lower_way *way, struct sock *sk, struct sk_buff *skb,
			const struct xtcp_key *key, u32 mark, u8 tos);

/* What a reply to @skb is to carry: interface, mark, type of service. */
void xtcp_lower_reply_path(const struct sk_buff *skb, int *oif, u32 *mark, u8 *tos);

/* INET_ECN_* of a received segment. */
u8 xtcp_lower_ecn(const struct sk_buff *skb);

/* True if the checksum of a received segment is right; skb->data at its header. */
bool xtcp_lower_csum_ok(struct sk_buff *skb);

/* True if @skb was sent to this host alone, from a possible peer. */
bool xtcp_lower_unicast(const struct sk_buff *skb);

/* Interface that @skb came in by, and its L3 master's slave. */
void xtcp_lower_iif(const struct sk_buff *skb, int *dif, int *sdif);

/* IPsec policy allows @skb in; @sk is NULL where it belongs to no socket. */
bool xtcp_lower_policy_ok(struct xtcp_net *xn, struct sock *sk, struct sk_buff *skb);

/* IPsec policy and the TTL floor of @sk allow @skb in. */
bool xtcp_lower_admit(struct sock *sk, struct sk_buff *skb);

/*
 * Keep for IPV6_2292PKTOPTIONS what an IPv6 socket wants to know of @skb, the newest segment
 * in order (RFC 3542 4). Socket lock held; GFP_ATOMIC.
 */
void xtcp_lower_note6(struct sock *sk, struct sk_buff *skb);

#endif /* _XTCP_LOWER_H */
