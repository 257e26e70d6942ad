// SPDX-License-Identifier: GPL-2.0
/*
 * CUBIC congestion control (RFC 9438) with HyStart++ (RFC 9406), counted in octets.
 *
 * After a loss the window follows a cubic function of the time since, which is flat around the
 * window of the loss: quick towards it, careful near it, quick again beyond. What Reno would
 * have by then is the least. Slow start ends when round trips grow, before a loss.
 */
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/time64.h>
#include "cong.h"
#include "cubic.h"
#include "seq.h"

/* RFC 9438 4.6: the window falls to seven tenths. */
#define CUBIC_BETA(w)		((u32)div_u64((u64)(w) * 7, 10))
/* 4.7: without room to grow it gives up a part of what it had. */
#define CUBIC_CONVERGE(w)	((u32)div_u64((u64)(w) * 17, 20))
/* 4.3: 3 * (1 - beta) / (1 + beta), in 256ths, until the window of the loss is reached. */
#define CUBIC_ALPHA_256		136
/* Beyond this many milliseconds the bound of half a window a round trip has long decided. */
#define CUBIC_FAR_MS		(1U << 17)

/* No acknowledgment for so long, and two round trips: the sender had nothing to send. */
#define CUBIC_IDLE_US		(200 * USEC_PER_MSEC)

/* RFC 9406 4.2 and 4.3 */
#define HYSTART_MIN_THRESH_US	(4 * USEC_PER_MSEC)
#define HYSTART_MAX_THRESH_US	(16 * USEC_PER_MSEC)
#define HYSTART_SAMPLES		8
#define HYSTART_CSS_DIVISOR	4
#define HYSTART_CSS_ROUNDS	5

/**
 * struct cubic_curve - where the window goes
 * @w_max: window of the last loss, octets
 * @w_est: what Reno would have, octets
 * @start_us: when the curve began
 * @k_ms: milliseconds from there to its flat part
 * @running: the fields above but @w_max count
 */
struct cubic_curve {
	u32 w_max;
	u32 w_est;
	u32 start_us;
	u32 k_ms : 31;
	u32 running : 1;
};

/**
 * struct cubic - one connection, in xtcp_cong.priv
 * @now: the curve
 * @before: the curve before the last loss, for an undo
 * @part: octets times cwnd that growth left over
 * @last_us: the last acknowledgment, 0: none yet
 * @round_end: SND.NXT when the round trip began
 * @last_min_us: smallest sample of the last round trip
 * @min_us: smallest one of this
 * @base_us: smallest one when conservative slow start began
 * @samples: of this round trip, counted up to HYSTART_SAMPLES
 * @rounds: of conservative slow start, 0: not in it
 */
struct cubic {
	struct cubic_curve now;
	struct cubic_curve before;
	u64 part;
	u32 last_us;
	u32 round_end;
	u32 last_min_us;
	u32 min_us;
	u32 base_us;
	u8 samples;
	u8 rounds;
};

static struct cubic *cubic_of(struct xtcp_cong *c)
{
	BUILD_BUG_ON(sizeof(struct cubic) > sizeof(c->priv));
	return (struct cubic *)c->priv;
}

u32 xtcp_cubic_root(u64 x)
{
	u64 low = 0, high = 1 << 21;

	/* 2^21 cubed is 2^63: each step halves the range. */
	while (low < high) {
		u64 mid = (low + high + 1) / 2;

		if (mid * mid * mid <= x)
			low = mid;
		else
			high = mid - 1;
	}
	return low;
}

u32 xtcp_cubic_k_ms(u32 w_max, u32 cwnd, u32 mss)
{
	/* K = cbrt((W_max - cwnd) / C), C = 0.4 segments a second cubed: 2.5 * 10^9 ms^3. */
	if (w_max <= cwnd)
		return 0;
	return xtcp_cubic_root(div_u64((u64)min(w_max - cwnd, 0x7fffffffU) * 2500000000U, mss));
}

u32 xtcp_cubic_window(u32 w_max, u32 k_ms, u32 t_ms, u32 mss)
{
	u64 d = min(t_ms < k_ms ? k_ms - t_ms : t_ms - k_ms, CUBIC_FAR_MS);
	/* 0.4 * d^3 / 10^9 segments, in an order that neither overflows nor loses much. */
	u64 delta = div_u64(div_u64(d * d * d * 4, 10000) * mss, 1000000);

	if (t_ms < k_ms)
		return w_max > delta ? w_max - delta : 0;
	return min_t(u64, w_max + delta, XTCP_SSTHRESH_INF);
}

/* -- slow start ------------------------------------------------------------------ */

static void hystart_reset(struct cubic *q)
{
	q->last_min_us = U32_MAX;
	q->min_us = U32_MAX;
	q->samples = 0;
	q->rounds = 0;
}

/* A round trip ends when what was out at its beginning is acknowledged. */
static void hystart_round(struct cubic *q, struct xtcp_cong *c, const struct xtcp_cong_ack *ack)
{
	if (xtcp_seq_before(ack->una, q->round_end))
		return;
	q->round_end = ack->nxt;
	q->last_min_us = q->min_us;
	q->min_us = U32_MAX;
	q->samples = 0;
	if (q->rounds && q->rounds++ >= HYSTART_CSS_ROUNDS) {
		/* The round trips stayed long: this is the window. */
		c->ssthresh = c->cwnd;
		hystart_reset(q);
	}
}

/*
 * RFC 9406 trusts a round trip that had eight samples: ACKs of one or two segments. A
 * receiver that acknowledges in batches sends fewer, each with the time of its last segment.
 */
static void hystart_sample(struct cubic *q, u32 rtt_us, u32 segs)
{
	u32 thresh;

	if (!rtt_us)
		return;
	q->min_us = min(q->min_us, rtt_us);
	q->samples = min_t(u32, q->samples + max(segs / 2, 1U), HYSTART_SAMPLES);
	if (q->samples < HYSTART_SAMPLES || q->last_min_us == U32_MAX)
		return;
	if (q->rounds) {
		/* Shorter again: it was no queue. */
		if (q->min_us < q->base_us)
			q->rounds = 0;
		return;
	}
	thresh = clamp_t(u32, q->last_min_us / 8, HYSTART_MIN_THRESH_US, HYSTART_MAX_THRESH_US);
	if (q->min_us >= q->last_min_us + thresh) {
		q->base_us = q->min_us;
		q->rounds = 1;
	}
}

/* Return: octets of @acked that slow start did not use. */
static u32 cubic_slow_start(struct cubic *q, struct xtcp_cong *c, const struct xtcp_cong_ack *ack)
{
	hystart_sample(q, ack->rtt_us, ack->acked / c->mss);
	hystart_round(q, c, ack);
	if (!xtcp_cong_in_slow_start(c))
		return ack->acked;
	if (!q->rounds)
		return xtcp_cong_slow_start(c, ack->acked);
	xtcp_cong_slow_start(c, ack->acked / HYSTART_CSS_DIVISOR);
	return 0;
}

/* -- congestion avoidance ---------------------------------------------------------- */

static void cubic_begin(struct cubic *q, const struct xtcp_cong *c, u32 now_us)
{
	q->now.running = true;
	q->now.start_us = now_us;
	q->now.w_est = c->cwnd;
	q->now.w_max = max(q->now.w_max, c->cwnd);
	q->now.k_ms = xtcp_cubic_k_ms(q->now.w_max, c->cwnd, c->mss);
	q->part = 0;
}

/* What Reno, falling to the same part, would have now (RFC 9438 4.3). */
static void cubic_reno(struct cubic *q, const struct xtcp_cong *c, u32 acked)
{
	u64 grow = div_u64((u64)acked * c->mss, c->cwnd);

	if (q->now.w_est < q->now.w_max)
		grow = grow * CUBIC_ALPHA_256 / 256;
	q->now.w_est = min_t(u64, q->now.w_est + grow, XTCP_SSTHRESH_INF);
}

static void cubic_grow(struct cubic *q, struct xtcp_cong *c, const struct xtcp_cong_ack *ack,
		       u32 acked)
{
	u32 t_ms, target, grow;

	if (!q->now.running)
		cubic_begin(q, c, ack->now_us);
	t_ms = (ack->now_us - q->now.start_us) / USEC_PER_MSEC;
	/* Where the curve will be when what this lets go is acknowledged. */
	target = xtcp_cubic_window(q->now.w_max, q->now.k_ms,
				   t_ms + ack->srtt_us / USEC_PER_MSEC, c->mss);
	target = clamp_t(u64, target, c->cwnd, c->cwnd + c->cwnd / 2);
	q->part += (u64)acked * (target - c->cwnd);
	grow = div_u64(q->part, c->cwnd);
	q->part -= (u64)grow * c->cwnd;
	cubic_reno(q, c, acked);
	c->cwnd = min(max(c->cwnd + grow, q->now.w_est), c->cwnd_clamp);
}

/*
 * Time in which the window was not the limit is no time on the curve (RFC 9438 5.8), or
 * it would jump after a pause.
 */
static void cubic_avoid(struct xtcp_cong *c, const struct xtcp_cong_ack *ack)
{
	struct cubic *q = cubic_of(c);
	u32 left = ack->acked, gap = ack->now_us - q->last_us;

	if (q->last_us && (!ack->cwnd_limited || gap > 2 * ack->srtt_us + CUBIC_IDLE_US))
		q->now.start_us += gap;
	q->last_us = ack->now_us ?: 1;
	if (!ack->cwnd_limited)
		return;
	if (xtcp_cong_in_slow_start(c))
		left = cubic_slow_start(q, c, ack);
	if (left && !xtcp_cong_in_slow_start(c))
		cubic_grow(q, c, ack, left);
}

static u32 cubic_ssthresh(struct xtcp_cong *c, u32 inflight)
{
	struct cubic *q = cubic_of(c);

	q->before = q->now;
	/* RFC 9438 4.7: a smaller window than last time: somebody else came. */
	q->now.w_max = c->cwnd < q->now.w_max ? CUBIC_CONVERGE(c->cwnd) : c->cwnd;
	q->now.running = false;
	hystart_reset(q);
	c->bytes_acked = 0;
	return max(CUBIC_BETA(c->cwnd), 2 * c->mss);
}

static u32 cubic_undo(struct xtcp_cong *c, u32 prior_cwnd)
{
	struct cubic *q = cubic_of(c);

	q->now = q->before;
	return max(c->cwnd, prior_cwnd);
}

static void cubic_init(struct xtcp_cong *c)
{
	hystart_reset(cubic_of(c));
}

/* No owner: part of XTCP, which every socket holds already. */
struct xtcp_cong_ops xtcp_cubic = {
	.name = "cubic",
	.init = cubic_init,
	.ssthresh = cubic_ssthresh,
	.avoid = cubic_avoid,
	.undo_cwnd = cubic_undo,
};
