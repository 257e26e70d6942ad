// SPDX-License-Identifier: GPL-2.0
/*
 * Making segments: headers, ACK, SYN, RST (RFC 9293 3.1).
 *
 * Everything that leaves is made by xtcp_xmit_header() from struct xtcp_header;
 * connections, requests, TIME-WAIT and nobody differ only in how they fill it.
 */
#include <linux/tcp.h>
#include <net/inet_ecn.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "lower.h"
#include "options.h"
#include "pace.h"
#include "output.h"
#include "delack.h"
#include "request.h"
#include "seq.h"
#include "skb_cb.h"
#include "timer.h"
#include "timewait.h"
#include "window.h"
#include "xmit.h"
#include "xtcp_sock.h"

/* Host order but for the ports; @wnd as it stands in the header. */
struct xtcp_header {
	__be16 sport;
	__be16 dport;
	u32 seq;
	u32 ack;
	u16 wnd;
	u16 urg;
	u8 flags;
	const struct xtcp_options *opt;
};

static void xtcp_xmit_header(struct sk_buff *skb, const struct xtcp_header *h)
{
	unsigned int len = sizeof(struct tcphdr);
	struct tcphdr *th;

	if (h->opt)
		len += xtcp_options_size(h->opt);
	th = skb_push(skb, len);
	skb_reset_transport_header(skb);
	th->source = h->sport;
	th->dest = h->dport;
	th->seq = htonl(h->seq);
	th->ack_seq = htonl(h->ack);
	*(((__be16 *)th) + 6) = htons(((len >> 2) << 12) | h->flags);
	th->window = htons(h->wnd);
	th->check = 0;
	th->urg_ptr = htons(h->urg);
	if (h->opt)
		xtcp_options_write((u8 *)(th + 1), h->opt);
}

struct sk_buff *xtcp_xmit_alloc(struct sock *sk, gfp_t gfp)
{
	struct sk_buff *skb = alloc_skb_fclone(XTCP_HEADROOM, gfp);

	if (!skb)
		return NULL;
	skb_reserve(skb, XTCP_HEADROOM);
	skb->ip_summed = CHECKSUM_PARTIAL;
	memset(xtcp_cb(skb), 0, sizeof(struct xtcp_skb_cb));
	return skb;
}

/* A segment that is sent once and not kept. */
static struct sk_buff *xtcp_xmit_alloc_once(void)
{
	struct sk_buff *skb = alloc_skb(XTCP_HEADROOM, GFP_ATOMIC | __GFP_NOWARN);

	if (skb)
		skb_reserve(skb, XTCP_HEADROOM);
	return skb;
}

/* -- connections -------------------------------------------------------------- */

/* The options of a SYN: ours to offer, or to agree to. */
static void xtcp_xmit_syn_options(struct sock *sk, u8 flags, struct xtcp_options *opt)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	memset(opt, 0, sizeof(*opt));
	opt->seen = XTCP_SEEN_MSS;
	opt->mss = xtcp_lower_advmss(sk);
	if (xs->user_mss && xs->user_mss < opt->mss)
		opt->mss = xs->user_mss;
	if (xs->rcv.wscale_ok) {
		opt->seen |= XTCP_SEEN_WSCALE;
		opt->wscale = xs->rcv.wscale;
	}
	if (xs->sack.ok)
		opt->seen |= XTCP_SEEN_SACK_OK;
	xtcp_stamp_fill(&xs->stamp, xs->now_ms, opt);
	/* RFC 7323 3.2: a SYN alone echoes nothing. */
	if (!(flags & XTCP_ACK))
		opt->tsecr = 0;
}

/*
 * The options of any other segment with @len octets of text. SACK blocks ride on it where
 * it has room: a full one has none, and what is still to be reported stays owed.
 */
static void xtcp_xmit_options(struct xtcp_sock *xs, unsigned int len, struct xtcp_options *opt)
{
	unsigned int room = XTCP_OPT_SPACE, blocks;

	opt->seen = 0;
	opt->num_sacks = 0;
	xtcp_stamp_fill(&xs->stamp, xs->now_ms, opt);
	if (likely(!xs->sack.num && !xs->sack.has_dup))
		return;
	if (len)
		room = len < xs->snd.mss ? min_t(u32, room, xs->snd.mss - len) : 0;
	if (xs->stamp.ok)
		room -= min(room, xtcp_options_size(opt));
	xtcp_sack_fill(&xs->sack, xs->rcv.nxt, room, opt);
	blocks = opt->num_sacks;
	/* It comes first, and once. */
	if (blocks && xs->sack.has_dup) {
		xs->sack.has_dup = false;
		blocks--;
	}
	if (!len || blocks >= xs->sack.fresh)
		xs->sack.fresh = 0;
}

/* The acknowledgment that is about to leave says all there is to say, or all but the SACKs. */
static void xtcp_xmit_acked(struct xtcp_sock *xs)
{
	bool report = xs->sack.fresh || xs->sack.has_dup;

	/* Those stay as urgent as they were. */
	xs->rcv.ack &= report ? XTCP_ACK_BATCH | XTCP_ACK_NOW : 0;
	xs->rcv.unacked = 0;
	if (xs->rcv.quick)
		xs->rcv.quick--;
	if (!xs->rcv.ack)
		xtcp_timer_clear(xs, XTCP_DUE_DELACK);
}

/*
 * Fill in what every segment of a connection carries. Return: the codepoint of its IP
 * header, INET_ECN_*.
 */
static u8 xtcp_xmit_fill(struct sock *sk, struct xtcp_header *h, struct xtcp_options *opt,
			 u32 seq, unsigned int len, u8 flags)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	u8 ecn = INET_ECN_NOT_ECT;

	h->sport = xs->node.key.lport;
	h->dport = xs->node.key.rport;
	h->seq = seq;
	h->flags = flags;
	h->ack = 0;
	h->urg = 0;
	h->opt = opt;
	if (flags & XTCP_ACK)
		h->ack = xs->rcv.nxt;
	if (unlikely(flags & XTCP_SYN)) {
		xtcp_xmit_syn_options(sk, flags, opt);
		ecn = xtcp_ecn_syn_mark(&xs->ecn);
		/* Not scaled (RFC 7323 2.2). */
		h->wnd = min_t(u32, xs->rcv.wnd, U16_MAX);
	} else {
		xtcp_xmit_options(xs, len, opt);
		ecn = xtcp_ecn_send(&xs->ecn, seq, len && !xtcp_seq_before(seq, xs->snd.nxt),
				    &h->flags);
		h->wnd = xtcp_delack_select_window(sk) >> xs->rcv.wscale;
	}
	/* RFC 6093: the pointer is announced as soon as it fits in 16 bits. */
	if (unlikely(xs->snd.urgent) && xtcp_seq_after(xs->snd.up, seq)) {
		u32 off = xs->snd.up - seq - !!READ_ONCE(xs->xn->sysctl.stdurg);

		if (off <= U16_MAX) {
			h->urg = off;
			h->flags |= XTCP_URG;
		}
	}
	return ecn;
}

/* Send @skb in segments of at most @size octets. */
static int xtcp_xmit_cut(struct sock *sk, struct sk_buff *skb, u32 size)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_skb_cb *cb = xtcp_cb(skb);
	struct xtcp_options opt;
	unsigned int len = skb->len, segs = 1;
	struct list_head links;
	struct xtcp_header h;
	struct sk_buff *out;
	u8 ecn;

	links = xtcp_rtxq_hide_links(skb);
	/* A clone that still waits in a device queue owns the header bytes. */
	if (unlikely(skb_cloned(skb))) {
		out = pskb_copy(skb, GFP_ATOMIC | __GFP_NOWARN);
		/* Not every kernel's copy says so. */
		if (out)
			skb_shinfo(out)->flags |= skb_shinfo(skb)->flags & SKBFL_SHARED_FRAG;
	} else {
		out = skb_clone(skb, GFP_ATOMIC | __GFP_NOWARN);
	}
	skb->tcp_tsorted_anchor = links;
	if (unlikely(!out))
		return -ENOBUFS;

	ecn = xtcp_xmit_fill(sk, &h, &opt, cb->seq, len, cb->flags);
	cb->sent_us = xs->now_us;
	xtcp_rate_sent(&xs->rate, &cb->ip.rate, xs->now_us, xtcp_rtxq_empty(&xs->rtxq));
	/* IP and the devices read skb->cb and timestamps of their own. */
	out->tstamp = 0;
	out->pfmemalloc = 0;
	xtcp_smallq_own(sk, out);
	skb_dst_drop(out);
	if (len > size) {
		segs = DIV_ROUND_UP(len, size);
		skb_shinfo(out)->gso_size = size;
		skb_shinfo(out)->gso_segs = segs;
	} else {
		skb_shinfo(out)->gso_size = 0;
		skb_shinfo(out)->gso_segs = 0;
	}
	xtcp_xmit_header(out, &h);
	if (cb->flags & XTCP_ACK)
		xtcp_xmit_acked(xs);
	xs->segs_out += segs;
	if (len) {
		xs->data_segs_out += segs;
		xtcp_pace_sent(sk, len);
	}
	xs->bytes_sent += len;
	XTCP_ADD(xs->xn, OUTSEGS, segs);
	return xtcp_lower_xmit(sk, out, ecn);
}

int xtcp_xmit_skb(struct sock *sk, struct sk_buff *skb)
{
	return xtcp_xmit_cut(sk, skb, xtcp_sk(sk)->snd.mss);
}

int xtcp_xmit_whole(struct sock *sk, struct sk_buff *skb)
{
	return xtcp_xmit_cut(sk, skb, skb->len);
}

/* A segment without data. */
static int xtcp_xmit_bare(struct sock *sk, u32 seq, u8 flags)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct sk_buff *skb = xtcp_xmit_alloc_once();
	struct xtcp_options opt;
	struct xtcp_header h;
	u8 ecn;

	if (unlikely(!skb))
		return -ENOBUFS;
	ecn = xtcp_xmit_fill(sk, &h, &opt, seq, 0, flags);
	xtcp_smallq_own(sk, skb);
	xtcp_xmit_header(skb, &h);
	xs->segs_out++;
	XTCP_INC(xs->xn, OUTSEGS);
	return xtcp_lower_xmit(sk, skb, ecn);
}

void xtcp_xmit_ack(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (sk->sk_state == TCP_CLOSE)
		return;
	if (xtcp_xmit_bare(sk, xs->snd.nxt, XTCP_ACK) == -ENOBUFS)
		xtcp_timer_ack_failed(xs);
	else
		xtcp_xmit_acked(xs);
}

int xtcp_xmit_ack_seq(struct sock *sk, u32 seq)
{
	return xtcp_xmit_bare(sk, seq, XTCP_ACK);
}

bool xtcp_xmit_rate_ok(unsigned long *stamp, unsigned long interval)
{
	unsigned long now = jiffies, last = READ_ONCE(*stamp);

	/* A minisock has no lock: two segments at once may both get their answer. */
	if (last && time_before(now, last + interval))
		return false;
	WRITE_ONCE(*stamp, now ?: 1);
	return true;
}

void xtcp_xmit_dupack_limited(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (xtcp_xmit_rate_ok(&xs->rcv.oow_stamp,
			      READ_ONCE(xs->xn->sysctl.invalid_ratelimit)))
		xtcp_xmit_ack(sk);
}

/* RFC 5961 section 7: a bound for the namespace, on top of the connection's own. */
static bool xtcp_challenge_allowed(struct xtcp_net *xn)
{
	unsigned long start = READ_ONCE(xn->challenge_stamp);
	u32 limit = READ_ONCE(xn->sysctl.challenge_ack_limit);

	if (limit == INT_MAX)
		return true;
	if (time_after_eq(jiffies, start + HZ) &&
	    cmpxchg(&xn->challenge_stamp, start, jiffies) == start)
		/* A random part keeps the count from being read from outside. */
		atomic_set(&xn->challenge_count, limit / 2 + get_random_u32_below(limit / 2 + 1));
	return atomic_dec_if_positive(&xn->challenge_count) >= 0;
}

void xtcp_xmit_challenge_ack(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (!xtcp_xmit_rate_ok(&xs->rcv.oow_stamp,
			       READ_ONCE(xs->xn->sysctl.invalid_ratelimit)))
		return;
	if (!xtcp_challenge_allowed(xs->xn))
		return;
	XTCP_INC(xs->xn, CHALLENGEACK);
	xtcp_xmit_ack(sk);
}

void xtcp_xmit_rst(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	XTCP_INC(xs->xn, OUTRSTS);
	if (xtcp_xmit_bare(sk, xs->snd.nxt, XTCP_RST | XTCP_ACK) == -ENOBUFS)
		XTCP_INC(xs->xn, ABORTFAILED);
}

void xtcp_xmit_rst_seq(struct sock *sk, u32 seq)
{
	XTCP_INC(xtcp_sk(sk)->xn, OUTRSTS);
	xtcp_xmit_bare(sk, seq, XTCP_RST);
}

/* -- no socket of their own --------------------------------------------------- */

static struct sock *xtcp_xmit_ctl(struct xtcp_net *xn, const struct xtcp_key *key)
{
	return ipv6_addr_v4mapped(&key->raddr) ? xn->ctl4 : xn->ctl6;
}

int xtcp_xmit_synack(struct xtcp_request *req)
{
	struct xtcp_sock *listener = xtcp_sk(req->listener);
	struct sk_buff *skb = xtcp_xmit_alloc_once();
	struct xtcp_options opt = { .seen = XTCP_SEEN_MSS };
	struct xtcp_header h = {
		.sport = req->node.key.lport,
		.dport = req->node.key.rport,
		.seq = req->iss,
		.ack = req->irs + 1,
		.wnd = min_t(u32, req->rcv_wnd, U16_MAX),
		.flags = XTCP_SYN | XTCP_ACK,
		.opt = &opt,
	};
	u16 user_mss = READ_ONCE(listener->user_mss);
	struct xtcp_lower_way way;

	if (!skb)
		return -ENOBUFS;
	if (xtcp_lower_request_way(&way, req)) {
		kfree_skb(skb);
		return -EHOSTUNREACH;
	}
	opt.mss = xtcp_lower_way_advmss(&way);
	if (user_mss && user_mss < opt.mss)
		opt.mss = user_mss;
	if (req->wscale_ok) {
		opt.seen |= XTCP_SEEN_WSCALE;
		opt.wscale = req->rcv_wscale;
	}
	if (req->sack_ok)
		opt.seen |= XTCP_SEEN_SACK_OK;
	if (READ_ONCE(req->ecn.ect))
		h.flags |= XTCP_ECE;
	xtcp_stamp_fill(&req->stamp, xtcp_stamp_clock(), &opt);
	xtcp_xmit_header(skb, &h);
	XTCP_INC(listener->xn, OUTSEGS);
	/* Pairs with xtcp_handshake_init_child(). */
	smp_store_release(&req->sent_us, xtcp_clock_us());
	return xtcp_lower_reply_by(&way, req->listener, skb, &req->node.key, req->mark,
				   req->tos | xtcp_ecn_syn_mark(&req->ecn));
}

/* A segment without text by way of the namespace's control socket. */
static void xtcp_xmit_bare_reply(struct xtcp_net *xn, const struct xtcp_key *key,
				 const struct xtcp_header *h, int oif, u32 mark, u8 tos)
{
	struct sock *ctl = xtcp_xmit_ctl(xn, key);
	struct sk_buff *skb;

	if (!ctl)
		return;
	skb = xtcp_xmit_alloc_once();
	if (!skb)
		return;
	xtcp_xmit_header(skb, h);
	XTCP_INC(xn, OUTSEGS);
	xtcp_lower_reply(ctl, skb, key, oif, mark, tos);
}

void xtcp_xmit_request_ack(struct xtcp_request *req)
{
	struct xtcp_options opt = { 0 };
	struct xtcp_header h = {
		.sport = req->node.key.lport,
		.dport = req->node.key.rport,
		.seq = req->iss + 1,
		.ack = req->irs + 1,
		.wnd = req->rcv_wnd >> req->rcv_wscale,
		.flags = XTCP_ACK,
		.opt = &opt,
	};

	xtcp_stamp_fill(&req->stamp, xtcp_stamp_clock(), &opt);
	xtcp_xmit_bare_reply(xtcp_sk(req->listener)->xn, &req->node.key, &h, req->iif,
			     req->mark, req->tos);
}

void xtcp_xmit_timewait_ack(struct xtcp_timewait *tw)
{
	struct xtcp_options opt = { 0 };
	struct xtcp_header h = {
		.sport = tw->node.key.lport,
		.dport = tw->node.key.rport,
		.seq = tw->snd_nxt,
		.ack = tw->rcv_nxt,
		.wnd = tw->rcv_wnd >> tw->rcv_wscale,
		.flags = XTCP_ACK,
		.opt = &opt,
	};

	xtcp_stamp_fill(&tw->stamp, xtcp_stamp_clock(), &opt);
	xtcp_xmit_bare_reply(tw->xn, &tw->node.key, &h, tw->bound_dev, tw->mark, tw->tos);
}

void xtcp_xmit_reply_rst(struct xtcp_net *xn, struct sk_buff *skb, const struct xtcp_key *key)
{
	const struct xtcp_skb_cb *cb = xtcp_cb(skb);
	struct xtcp_header h = {
		.sport = key->lport,
		.dport = key->rport,
		.flags = XTCP_RST,
	};
	u32 mark;
	u8 tos;
	int oif;

	if ((cb->flags & XTCP_RST) || !xtcp_lower_unicast(skb))
		return;
	if (cb->flags & XTCP_ACK) {
		h.seq = cb->ack;
	} else {
		h.ack = cb->end_seq;
		h.flags |= XTCP_ACK;
	}
	xtcp_lower_reply_path(skb, &oif, &mark, &tos);
	XTCP_INC(xn, OUTRSTS);
	xtcp_xmit_bare_reply(xn, key, &h, oif, mark, tos);
}
