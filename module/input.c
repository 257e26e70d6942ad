// SPDX-License-Identifier: GPL-2.0
/*
 * Segments from below: validate, look up, lock or backlog.
 *
 * What fails a check is dropped and counted before any connection is looked for, so
 * nothing malformed can change one.
 */
#include <linux/tcp.h>
#include <net/busy_poll.h>
#include <net/sock.h>

#include "demux.h"
#include "family.h"
#include "input.h"
#include "lookup.h"
#include "lower.h"
#include "options.h"
#include "ports.h"
#include "request.h"
#include "skb_cb.h"
#include "state.h"
#include "timewait.h"
#include "xmit.h"
#include "xtcp_sock.h"

bool xtcp_input_options(const struct sk_buff *skb, struct xtcp_options *opt)
{
	const struct tcphdr *th = tcp_hdr(skb);

	return xtcp_options_parse((const u8 *)(th + 1), th->doff * 4 - sizeof(*th),
				  th->syn, opt);
}

/* Header length and checksum. Return: false if the segment is to be dropped. */
static bool xtcp_input_header_ok(struct xtcp_net *xn, struct sk_buff *skb)
{
	const struct tcphdr *th;

	if (unlikely(!pskb_may_pull(skb, sizeof(*th))))
		goto bad;
	th = (const struct tcphdr *)skb->data;
	if (unlikely(th->doff < sizeof(*th) / 4 || !pskb_may_pull(skb, th->doff * 4)))
		goto bad;
	/* pskb_may_pull() may have moved the header. */
	skb_reset_transport_header(skb);
	if (unlikely(!xtcp_lower_csum_ok(skb))) {
		XTCP_INC(xn, INCSUMERRORS);
		XTCP_INC(xn, INERRS);
		return false;
	}
	return true;
bad:
	XTCP_INC(xn, INHDRERRORS);
	XTCP_INC(xn, INERRS);
	return false;
}

/*
 * Combinations that no sender makes: SYN with FIN or RST, and none of SYN, ACK, RST, which
 * every state drops.
 */
static bool xtcp_input_flags_ok(u8 flags)
{
	if (flags & XTCP_SYN)
		return !(flags & (XTCP_FIN | XTCP_RST));
	return flags & (XTCP_ACK | XTCP_RST);
}

static void xtcp_input_fill_cb(struct sk_buff *skb)
{
	const struct tcphdr *th = tcp_hdr(skb);
	struct xtcp_skb_cb *cb = xtcp_cb(skb);

	cb->seq = ntohl(th->seq);
	cb->end_seq = cb->seq + th->syn + th->fin + skb->len - th->doff * 4;
	cb->ack = ntohl(th->ack_seq);
	cb->wnd = ntohs(th->window);
	cb->urg = th->urg ? ntohs(th->urg_ptr) : 0;
	cb->flags = ((const u8 *)th)[13];
	cb->mark = 0;
	cb->ecn = xtcp_lower_ecn(skb);
}

/* Policy, TTL and the socket's filter, which may cut payload off. */
static bool xtcp_input_admit(struct sock *sk, struct sk_buff *skb)
{
	unsigned int len = skb->len;

	if (!xtcp_lower_admit(sk, skb))
		return false;
	if (xtcp_filter_trim(sk, skb, tcp_hdr(skb)->doff * 4)) {
		XTCP_INC(xtcp_sk(sk)->xn, FILTERDROP);
		return false;
	}
	if (unlikely(skb->len != len)) {
		xtcp_cb(skb)->end_seq -= len - skb->len;
		if (xtcp_cb(skb)->flags & XTCP_FIN) {
			xtcp_cb(skb)->flags &= ~XTCP_FIN;
			xtcp_cb(skb)->end_seq--;
		}
	}
	return true;
}

/* A connection: now, or when the user lets go of it. Consumes @skb. */
static void xtcp_input_socket(struct sock *sk, struct sk_buff *skb,
			      const struct xtcp_options *opt)
{
	struct xtcp_net *xn = xtcp_sk(sk)->xn;

	if (!xtcp_input_admit(sk, skb)) {
		kfree_skb(skb);
		return;
	}
	/* What SO_INCOMING_CPU and SO_INCOMING_NAPI_ID tell, and where SO_BUSY_POLL looks. */
	sk_incoming_cpu_update(sk);
	sk_mark_napi_id(sk, skb);
	skb->dev = NULL;
	bh_lock_sock_nested(sk);
	if (!sock_owned_by_user(sk)) {
		if (sk->sk_state == TCP_ESTABLISHED)
			xtcp_demux_learn(sk, skb);
		xtcp_state_segment(sk, skb, opt);
	} else {
		/* The window may fill while nobody looks; ACKs and FIN come on top. */
		u32 limit = READ_ONCE(sk->sk_rcvbuf) + (READ_ONCE(sk->sk_sndbuf) >> 1) + 64 * 1024;

		skb_dst_drop(skb);
		if (sk_add_backlog(sk, skb, limit)) {
			XTCP_INC(xn, BACKLOGDROP);
			kfree_skb(skb);
		}
	}
	bh_unlock_sock(sk);
}

static void xtcp_input_request(struct xtcp_request *req, struct sk_buff *skb,
			       const struct xtcp_options *opt)
{
	struct sock *listener = req->listener, *child = NULL;

	if (xtcp_input_admit(listener, skb))
		child = xtcp_request_segment(req, skb, opt);
	if (!child) {
		kfree_skb(skb);
		return;
	}
	/* sk_clone_lock() took it, out of sparse's sight. */
	__acquire(&child->sk_lock.slock);
	sk_incoming_cpu_update(child);
	sk_mark_napi_id(child, skb);
	skb->dev = NULL;
	xtcp_state_segment(child, skb, opt);
	/* Accept may wait for the lock that we hold: wake it when the data is in, too. */
	listener->sk_data_ready(listener);
	bh_unlock_sock(child);
	sock_put(child);
}

/* LISTEN (RFC 9293 3.10.7.2), or CLOSED if @listener is NULL (3.10.7.1). Consumes @skb. */
static void xtcp_input_no_conn(struct xtcp_net *xn, struct sock *listener, struct sk_buff *skb,
			       const struct xtcp_key *key, const struct xtcp_options *opt,
			       const u32 *old_nxt)
{
	u8 flags = xtcp_cb(skb)->flags;

	if (!listener) {
		XTCP_INC(xn, NOCONN);
		xtcp_xmit_reply_rst(xn, skb, key);
	} else if (xtcp_input_admit(listener, skb) && !(flags & XTCP_RST)) {
		if (flags & XTCP_ACK)
			xtcp_xmit_reply_rst(xn, skb, key);
		else
			xtcp_request_syn(listener, skb, key, opt, old_nxt);
	}
	kfree_skb(skb);
}

static struct sock *xtcp_input_listener(struct xtcp_net *xn, struct sk_buff *skb,
					const struct xtcp_key *key)
{
	int dif, sdif;

	xtcp_lower_iif(skb, &dif, &sdif);
	return xtcp_ports_find_listener(xn, key, skb, dif, sdif);
}

/* No connection, or one that is over: @tw, whose place a SYN may take. Consumes @skb. */
static void xtcp_input_open(struct xtcp_net *xn, struct xtcp_timewait *tw, struct sk_buff *skb,
			    const struct xtcp_key *key, const struct xtcp_options *opt)
{
	struct sock *listener = xtcp_input_listener(xn, skb, key);

	if (!listener && !xtcp_lower_policy_ok(xn, NULL, skb)) {
		kfree_skb(skb);
		return;
	}
	if (tw)
		xtcp_timewait_syn(tw, listener);
	if (!tw || listener)
		xtcp_input_no_conn(xn, listener, skb, key, opt, tw ? &tw->snd_nxt : NULL);
	else
		kfree_skb(skb);
	if (listener)
		sock_put(listener);
}

/* Deliver a valid segment. Consumes @skb. */
static void xtcp_input_deliver(struct xtcp_net *xn, struct sk_buff *skb,
			       const struct xtcp_options *opt)
{
	struct xtcp_timewait *tw;
	struct xtcp_node *node;
	struct xtcp_key key;
	struct sock *sk;

	xtcp_lookup_key(&key, skb);
	sk = xtcp_demux_take(skb, &key);
	if (sk) {
		xtcp_input_socket(sk, skb, opt);
		sock_put(sk);
		return;
	}
	node = xtcp_lookup_find(xn, &key);
	if (unlikely(!node)) {
		xtcp_input_open(xn, NULL, skb, &key, opt);
		return;
	}
	switch (node->kind) {
	case XTCP_NODE_SOCK:
		xtcp_input_socket(xtcp_to_sk(container_of(node, struct xtcp_sock, node)),
				  skb, opt);
		break;
	case XTCP_NODE_REQUEST:
		xtcp_input_request(container_of(node, struct xtcp_request, node), skb, opt);
		break;
	case XTCP_NODE_TIMEWAIT:
		tw = container_of(node, struct xtcp_timewait, node);
		if (!xtcp_lower_policy_ok(xn, NULL, skb))
			kfree_skb(skb);
		else if (xtcp_timewait_segment(tw, skb, opt))
			xtcp_input_open(xn, tw, skb, &key, opt);
		else
			kfree_skb(skb);
		break;
	}
	xtcp_node_put(node);
}

void xtcp_input_rcv(struct sk_buff *skb)
{
	struct xtcp_net *xn = xtcp_net(dev_net(skb->dev));
	u16 segs = max_t(u16, 1, skb_shinfo(skb)->gso_segs);
	struct xtcp_options opt;

	if (skb->pkt_type != PACKET_HOST)
		goto drop;
	XTCP_ADD(xn, INSEGS, segs);
	if (!xtcp_input_header_ok(xn, skb))
		goto drop;
	xtcp_input_fill_cb(skb);
	XTCP_ADD(xn, INNOECTPKTS + xtcp_cb(skb)->ecn, segs);
	if (unlikely(!xtcp_input_flags_ok(xtcp_cb(skb)->flags))) {
		XTCP_INC(xn, INFLAGERRORS);
		XTCP_INC(xn, INERRS);
		goto drop;
	}
	if (unlikely(!xtcp_input_options(skb, &opt))) {
		XTCP_INC(xn, INOPTERRORS);
		XTCP_INC(xn, INERRS);
		goto drop;
	}
	xtcp_input_deliver(xn, skb, &opt);
	return;
drop:
	kfree_skb(skb);
}
