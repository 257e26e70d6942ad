// SPDX-License-Identifier: GPL-2.0
/*
 * The path's MTU, found by probes of larger segments and not by ICMP (RFC 4821).
 *
 * Some routers drop what is too long and say nothing, or a firewall drops what they say: a
 * black hole. Segments of the full size then vanish for ever. The way out is to send
 * shorter ones, and to find by halving how long they may be: now and then one segment of
 * new data is longer than the others. If it arrives all may be as long; if it alone is lost
 * it was too long, which says nothing of congestion.
 */
#include <linux/jiffies.h>
#include <linux/tcp.h>
#include <net/sock.h>

#include "lower.h"
#include "output.h"
#include "plpmtud.h"
#include "recovery.h"
#include "rtxq.h"
#include "seq.h"
#include "skb_cb.h"
#include "stamp.h"
#include "xtcp_sock.h"

/* -- the search -------------------------------------------------------------------- */

void xtcp_plpmtud_begin(struct xtcp_plpmtud *p, u32 low, u32 high, unsigned long now)
{
	p->on = true;
	p->low = low;
	p->high = max(low, high);
	p->probe = 0;
	p->stamp = now;
}

u32 xtcp_plpmtud_bound(struct xtcp_plpmtud *p, u32 pmtu)
{
	if (!p->on)
		return pmtu;
	p->high = min(p->high, pmtu);
	p->low = min(p->low, p->high);
	return p->low;
}

u32 xtcp_plpmtud_next(const struct xtcp_plpmtud *p, u32 max, u32 threshold)
{
	u32 size = p->low + (p->high - p->low + 1) / 2, step = max(threshold, 1U);

	if (!p->on || p->probe || p->high - p->low < step)
		return 0;
	if (size <= max)
		return size;
	return max >= p->low + step ? max : 0;
}

void xtcp_plpmtud_passed(struct xtcp_plpmtud *p, unsigned long now)
{
	p->low = max(p->low, p->probe);
	p->high = max(p->high, p->low);
	p->probe = 0;
	p->stamp = now;
}

void xtcp_plpmtud_failed(struct xtcp_plpmtud *p, unsigned long now)
{
	p->high = max(p->low, min(p->high, p->probe - 1));
	p->probe = 0;
	p->stamp = now;
}

void xtcp_plpmtud_reopen(struct xtcp_plpmtud *p, u32 high, unsigned long interval,
			 unsigned long now)
{
	if (p->probe || time_before(now, p->stamp + interval))
		return;
	p->high = max(p->low, high);
	p->stamp = now;
}

u32 xtcp_plpmtud_smaller(u32 mss, u32 base, u32 floor, bool again)
{
	u32 to = base;

	if (again || base >= mss)
		to = min(base, mss / 2);
	return max(to, floor);
}

/* -- a connection's ------------------------------------------------------------------ */

/* Octets of each packet that are no payload. */
static u32 plpmtud_headers(const struct xtcp_sock *xs)
{
	return xs->snd.head + sizeof(struct tcphdr) + (xs->stamp.ok ? XTCP_STAMP_SPACE : 0);
}

/* The longest packet that the route and the peer take. */
static u32 plpmtud_most(const struct xtcp_sock *xs)
{
	u32 mss = xs->snd.peer_mss;

	if (xs->user_mss)
		mss = min_t(u32, mss, xs->user_mss);
	return min_t(u32, xs->snd.pmtu, mss + xs->snd.head + sizeof(struct tcphdr));
}

/* Go on with @mss octets of payload and search from there. */
static void plpmtud_search_from(struct sock *sk, u32 mss)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	u32 most = plpmtud_most(xs);

	xtcp_plpmtud_begin(&xs->plpmtud, min(mss + plpmtud_headers(xs), most), most, jiffies);
	xtcp_output_sync_mss(sk, xs->snd.pmtu);
}

void xtcp_plpmtud_established(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	const struct xtcp_sysctl *ctl = &xs->xn->sysctl;

	sock_owned_by_me(sk);
	if (READ_ONCE(ctl->mtu_probing) >= 2)
		plpmtud_search_from(sk, READ_ONCE(ctl->base_mss));
}

u32 xtcp_plpmtud_wanted(struct sock *sk, u32 cwnd_room, u32 wnd_room, bool *wait)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	const struct sk_buff *skb = skb_peek(&sk->sk_write_queue);
	const struct xtcp_sysctl *ctl = &xs->xn->sysctl;
	u32 headers, size, len, need;

	*wait = false;
	if (likely(!xs->plpmtud.on))
		return 0;
	/* A loss must mean one thing, and what follows the probe must show it. */
	if (xs->cong.state != XTCP_CA_OPEN || xs->rtxq.sacked || xs->rtxq.lost ||
	    xs->cong.cwnd < XTCP_PLPMTUD_CWND_SEGS * xs->snd.mss || !xtcp_lower_dont_fragment(sk))
		return 0;
	xtcp_plpmtud_reopen(&xs->plpmtud, plpmtud_most(xs), READ_ONCE(ctl->probe_interval), jiffies);
	headers = plpmtud_headers(xs);
	size = xtcp_plpmtud_next(&xs->plpmtud, headers + xs->cong.cwnd / 2,
				 READ_ONCE(ctl->probe_threshold));
	if (size <= headers + xs->snd.mss)
		return 0;
	len = size - headers;
	need = len + (XTCP_DUPACK_THRESHOLD + 1) * xs->snd.mss;
	if (!skb || skb->len < len || xs->snd.write_seq - xs->snd.nxt < need ||
	    xs->snd.wnd / 2 < need)
		return 0;
	/* More than half of either window is out, so acknowledgments come. */
	*wait = cwnd_room < len || wnd_room < need;
	return *wait ? 0 : len;
}

void xtcp_plpmtud_sent(struct xtcp_sock *xs, const struct sk_buff *skb)
{
	xs->plpmtud.probe = skb->len + plpmtud_headers(xs);
	xs->plpmtud.start = xtcp_cb(skb)->seq;
	xs->plpmtud.end = xtcp_cb(skb)->end_seq;
}

void xtcp_plpmtud_acked(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_plpmtud *p = &xs->plpmtud;

	if (likely(!p->probe) || xtcp_seq_before(xs->snd.una, p->end))
		return;
	XTCP_INC(xs->xn, MTUPSUCCESS);
	xtcp_plpmtud_passed(p, jiffies);
	xtcp_output_sync_mss(sk, xs->snd.pmtu);
}

static void plpmtud_fail(struct xtcp_sock *xs)
{
	XTCP_INC(xs->xn, MTUPFAIL);
	xtcp_plpmtud_failed(&xs->plpmtud, jiffies);
}

static bool plpmtud_is_probe(const struct xtcp_plpmtud *p, const struct sk_buff *skb)
{
	return p->probe && xtcp_cb(skb)->seq == p->start && xtcp_cb(skb)->end_seq == p->end;
}

bool xtcp_plpmtud_lost(struct sock *sk, struct sk_buff *skb)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (!plpmtud_is_probe(&xs->plpmtud, skb) || xs->rtxq.lost > skb->len)
		return false;
	plpmtud_fail(xs);
	if (!(xtcp_cb(skb)->mark & XTCP_MARK_LOST))
		xtcp_rtxq_mark_lost(&xs->rtxq, skb, xs->snd.una);
	/* Congestion control need not know. */
	xs->rtxq.lost_ever -= skb->len;
	return true;
}

void xtcp_plpmtud_resent(struct xtcp_sock *xs, const struct sk_buff *skb)
{
	struct xtcp_plpmtud *p = &xs->plpmtud;

	if (unlikely(p->probe) && xtcp_seq_before(xtcp_cb(skb)->seq, p->end) &&
	    xtcp_seq_after(xtcp_cb(skb)->end_seq, p->start))
		p->probe = 0;
}

bool xtcp_plpmtud_too_big(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_plpmtud *p = &xs->plpmtud;
	struct sk_buff *skb;

	if (!p->probe || p->probe <= xs->snd.pmtu)
		return false;
	skb = xtcp_rtxq_find(&xs->rtxq, p->start);
	if (!skb || !plpmtud_is_probe(p, skb))
		return false;
	plpmtud_fail(xs);
	xtcp_rtxq_mark_lost(&xs->rtxq, skb, xs->snd.una);
	xs->rtxq.lost_ever -= skb->len;
	return true;
}

void xtcp_plpmtud_timeout(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	const struct xtcp_sysctl *ctl = &xs->xn->sysctl;
	struct xtcp_plpmtud *p = &xs->plpmtud;
	const struct sk_buff *first = xtcp_rtxq_first(&xs->rtxq);
	u32 mss = xs->snd.mss;

	sock_owned_by_me(sk);
	if (p->probe) {
		/* All before it arrived: it need not be tried again to be believed. */
		if (xs->snd.una == p->start)
			plpmtud_fail(xs);
		p->probe = 0;
	}
	if (!READ_ONCE(ctl->mtu_probing) || xs->recovery.retransmits < READ_ONCE(ctl->retries1))
		return;
	mss = xtcp_plpmtud_smaller(mss, READ_ONCE(ctl->base_mss),
				   max(READ_ONCE(ctl->mtu_probe_floor), READ_ONCE(ctl->min_snd_mss)),
				   p->on);
	/* What would be as long as before was not swallowed for its size. */
	if (mss >= xs->snd.mss || !first ||
	    xtcp_cb(first)->end_seq - xtcp_seq_max(xtcp_cb(first)->seq, xs->snd.una) <= mss)
		return;
	plpmtud_search_from(sk, mss);
}
