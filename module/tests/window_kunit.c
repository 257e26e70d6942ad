// SPDX-License-Identifier: GPL-2.0
/* KUnit: windows, and the silly-window rules of both sides (RFC 9293 3.8.6). */
#include <kunit/test.h>
#include <linux/limits.h>
#include "../window.h"
#include "rnd.h"

#define MSS	1460U

static void window_scale__smallest_that_fits(struct kunit *test)
{
	static const struct { u32 space; u8 scale; } cases[] = {
		{ 0, 0 }, { 1, 0 }, { 65535, 0 }, { 65536, 1 }, { 131071, 1 }, { 131072, 2 },
		{ 1048576, 5 }, { 6291456, 7 }, { 0x3fffffff, 14 }, { 0x40000000, 14 },
		{ U32_MAX, 14 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, xtcp_window_scale_for(cases[i].space), cases[i].scale,
				    "%u octets", cases[i].space);
}

static void window_scale__fits_the_field(struct kunit *test)
{
	struct rnd_state rnd;
	int i;

	prandom_seed_state(&rnd, 7323);
	for (i = 0; i < 10000; i++) {
		u32 space = prandom_u32_state(&rnd) >> rnd_below(&rnd, 32);
		u8 scale = xtcp_window_scale_for(space);

		KUNIT_ASSERT_LE(test, scale, XTCP_WSCALE_MAX);
		if (space < 1U << 30)
			KUNIT_ASSERT_LE(test, space >> scale, (u32)U16_MAX);
		if (scale)
			KUNIT_ASSERT_GT(test, space >> (scale - 1), (u32)U16_MAX);
	}
}

static void window_from_space__ratio(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, xtcp_window_from_space(0, 128), 0U);
	KUNIT_EXPECT_EQ(test, xtcp_window_from_space(1000, 0), 0U);
	KUNIT_EXPECT_EQ(test, xtcp_window_from_space(65536, 128), 32768U);
	KUNIT_EXPECT_EQ(test, xtcp_window_from_space(65536, 255), 65280U);
	KUNIT_EXPECT_EQ_MSG(test, xtcp_window_from_space(U32_MAX, 255), 4278190079U,
			    "no overflow on the way");
}

static struct xtcp_window_in window_open(u32 free, u32 cur)
{
	return (struct xtcp_window_in) {
		.free = free,
		.full = 65536,
		.cur = cur,
		.mss = MSS,
	};
}

static void window_select__opens_to_what_is_free(struct kunit *test)
{
	struct xtcp_window_in in = window_open(40000, 0);

	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 40000U);
	in.wscale = 7;
	KUNIT_EXPECT_EQ_MSG(test, xtcp_window_select(&in), 39936U, "312 units of 128");
	in.wscale = 0;
	in.free = 1000000;
	in.full = 1000000;
	KUNIT_EXPECT_EQ_MSG(test, xtcp_window_select(&in), 65535U, "the field is full");
	in.wscale = 2;
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 65535U << 2);
}

/* MUST-39: the right edge moves by min(full / 2, mss) or not at all. */
static void window_select__moves_by_a_useful_step(struct kunit *test)
{
	struct xtcp_window_in in = window_open(0, 5000);

	for (in.free = 0; in.free < 5000 + MSS; in.free++)
		KUNIT_ASSERT_EQ_MSG(test, xtcp_window_select(&in), 5000U, "free %u", in.free);
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 5000 + MSS);
	/* A buffer of less than two segments: half of it is the step. */
	in.full = 2000;
	in.cur = 100;
	in.free = 1099;
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 100U);
	in.free = 1100;
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 1100U);
}

/* A peer of super-segments gets room for a whole one, or none. */
static void window_select__room_for_a_burst(struct kunit *test)
{
	struct xtcp_window_in in = window_open(0, 200);

	in.full = 80000;
	in.burst = 9000;
	for (in.free = 0; in.free < 200 + 9000; in.free++)
		KUNIT_ASSERT_EQ_MSG(test, xtcp_window_select(&in), 200U, "free %u", in.free);
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 9200U);
	/* An eighth of the buffer, if that is less, and never less than a segment. */
	in.full = 40000;
	in.free = 200 + 4999;
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 200U);
	in.free++;
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 5200U);
	in.full = 4 * MSS;
	in.free = 200 + MSS;
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 200 + MSS);
	/* Under pressure four segments have to be enough to open it. */
	in.full = 1000000;
	in.free = 500000;
	in.cur = 0;
	in.wscale = 7;
	in.burst = 65280;
	in.pressure = true;
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), round_down(4 * MSS, 128));
	in.pressure = false;
	in.free = 65279;
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 0U);
	in.free = 65280;
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 65280U);
}

static void window_select__closed_stays_closed(struct kunit *test)
{
	struct xtcp_window_in in = window_open(0, 0);

	for (in.free = 0; in.free < MSS; in.free++)
		KUNIT_ASSERT_EQ_MSG(test, xtcp_window_select(&in), 0U, "free %u", in.free);
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), MSS);
}

/* SHLD-14: what was offered is kept, even when the memory is gone. */
static void window_select__never_shrinks(struct kunit *test)
{
	struct xtcp_window_in in = window_open(0, 30000);

	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 30000U);
	in.pressure = true;
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 30000U);
	/* Between two units it rounds up: down would take some back. */
	in.wscale = 7;
	in.cur = 30001;
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 30080U);
	in.cur = 1;
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 128U);
	in.cur = 0;
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 0U);
}

static void window_select__pressure_keeps_alive(struct kunit *test)
{
	struct xtcp_window_in in = window_open(60000, 0);

	in.pressure = true;
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 4 * MSS);
	in.cur = 10000;
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 10000U);
	in.mss = U32_MAX;
	in.cur = 0;
	KUNIT_EXPECT_EQ_MSG(test, xtcp_window_select(&in), 60000U, "no overflow on the way");
}

/* A unit larger than the buffer must not keep the window closed for ever. */
static void window_select__unit_larger_than_buffer(struct kunit *test)
{
	struct xtcp_window_in in = window_open(4000, 0);

	in.full = 4000;
	in.wscale = 14;
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 1U << 14);
	in.free = MSS - 1;
	KUNIT_EXPECT_EQ_MSG(test, xtcp_window_select(&in), 0U, "less than the step is free");
	in.free = MSS;
	KUNIT_EXPECT_EQ_MSG(test, xtcp_window_select(&in), 1U << 14, "just the step");
	/* A buffer for which half is nothing: one octet is the step, and none is not. */
	in.full = 1;
	in.free = 0;
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 0U);
	in.free = 1;
	KUNIT_EXPECT_EQ(test, xtcp_window_select(&in), 1U << 14);
}

/*
 * Any state of any receiver: a multiple of the unit that the field can hold, never
 * less than what is offered, growing by a useful step, within the free space but
 * for the rounding.
 */
static void window_select__random_properties(struct kunit *test)
{
	struct rnd_state rnd;
	int i;

	prandom_seed_state(&rnd, 813);
	for (i = 0; i < 200000; i++) {
		u32 unit, limit, step, wnd, keep;
		struct xtcp_window_in in = {
			.free = prandom_u32_state(&rnd) >> rnd_range(&rnd, 1, 31),
			.full = prandom_u32_state(&rnd) >> rnd_range(&rnd, 1, 31),
			.mss = rnd_range(&rnd, 1, 65535),
			.wscale = rnd_below(&rnd, XTCP_WSCALE_MAX + 1),
			.pressure = !rnd_below(&rnd, 4),
		};

		unit = 1U << in.wscale;
		limit = (u32)U16_MAX << in.wscale;
		in.cur = min(prandom_u32_state(&rnd) >> rnd_range(&rnd, 1, 31), limit);
		step = max_t(u32, min(in.full / 2, in.mss), 1);
		keep = (in.cur + unit - 1) / unit * unit;
		wnd = xtcp_window_select(&in);
		KUNIT_ASSERT_EQ(test, wnd % unit, 0U);
		KUNIT_ASSERT_LE(test, wnd, limit);
		KUNIT_ASSERT_GE_MSG(test, wnd, in.cur, "free %u full %u mss %u wscale %u",
				    in.free, in.full, in.mss, in.wscale);
		if (wnd != keep) {
			KUNIT_ASSERT_GE(test, wnd - in.cur, step);
			KUNIT_ASSERT_TRUE(test, wnd <= in.free || wnd == unit);
		} else if (!in.pressure && in.free < limit) {
			/* Stays only if there is no useful whole unit to move by. */
			KUNIT_ASSERT_LT(test, (u64)in.free, (u64)max(in.cur + step, keep) + unit);
		}
	}
}

/*
 * A receiver that never reads, and a sender that sends what it may in random pieces:
 * the right edge never moves back, and the window closes within the buffer and
 * one unit for each acknowledgment that found the edge between two units.
 */
static void window_select__reader_asleep(struct kunit *test)
{
	struct rnd_state rnd;
	int round;

	prandom_seed_state(&rnd, 62022);
	for (round = 0; round < 200; round++) {
		u32 full = rnd_range(&rnd, 4096, 1 << 20);
		struct xtcp_window_in in = {
			.free = full,
			.full = full,
			.mss = rnd_range(&rnd, 200, 9000),
			.wscale = xtcp_window_scale_for(full),
		};
		u32 got = 0, edge = 0, wnd = xtcp_window_select(&in), acks;

		for (acks = 0; wnd && acks < 1000000; acks++) {
			u32 take = min(wnd, rnd_range(&rnd, 1, in.mss));

			KUNIT_ASSERT_GE(test, got + wnd, edge);
			edge = got + wnd;
			got += take;
			in.free = got < full ? full - got : 0;
			in.cur = edge - got;
			wnd = xtcp_window_select(&in);
		}
		KUNIT_ASSERT_EQ_MSG(test, wnd, 0U, "full %u mss %u", full, in.mss);
		KUNIT_ASSERT_LE(test, got, full + acks * ((1U << in.wscale) - 1));
	}
}

/* Silly-window avoidance from start to end: a reader of single octets. */
static void window_select__slow_reader(struct kunit *test)
{
	struct xtcp_window_in in = window_open(0, 0);
	u32 read, opened = 0;

	for (read = 0; read < 10 * MSS; read++) {
		u32 wnd = xtcp_window_select(&in);

		if (wnd) {
			/* The peer fills it at once, in one full segment. */
			KUNIT_ASSERT_EQ(test, wnd, MSS);
			in.free -= wnd;
			opened++;
		}
		in.free++;
	}
	KUNIT_EXPECT_EQ(test, opened, 9U);
}

static const struct xtcp_window_out window_send_base = {
	.mss = MSS,
	.max_wnd = 65535,
};

static const struct {
	const char *what;
	struct xtcp_window_out out;
	bool may;
} window_send_cases[] = {
	{ "nothing to send", { .len = 0, .last = true }, false },
	{ "nothing fits", { .len = 0 }, false },
	{ "a bare FIN", { .len = 0, .last = true, .fin = true }, true },
	{ "a full segment", { .len = MSS }, true },
	{ "a full segment, corked", { .len = MSS, .last = true, .cork = true }, true },
	{ "many segments", { .len = 40 * MSS, .inflight = MSS, .small_out = true }, true },
	{ "a full segment behind a small one",
	  { .len = MSS, .last = true, .inflight = 1, .small_out = true }, true },
	{ "one octet, nothing in flight", { .len = 1, .last = true }, true },
	{ "one octet behind full segments", { .len = 1, .last = true, .inflight = 5 * MSS }, true },
	{ "one octet behind a small one: Nagle",
	  { .len = 1, .last = true, .inflight = 1, .small_out = true }, false },
	{ "nearly a segment behind a small one: Nagle",
	  { .len = MSS - 1, .last = true, .inflight = 1, .small_out = true }, false },
	{ "the same with TCP_NODELAY",
	  { .len = 1, .last = true, .inflight = 1, .small_out = true, .nodelay = true }, true },
	{ "the small one is acknowledged", { .len = 1, .last = true, .small_out = true }, true },
	{ "corked", { .len = MSS - 1, .last = true, .cork = true }, false },
	{ "TCP_CORK is stronger than TCP_NODELAY",
	  { .len = 1, .last = true, .cork = true, .nodelay = true }, false },
	{ "FIN behind a small one",
	  { .len = 1, .last = true, .inflight = 1, .small_out = true, .fin = true }, true },
	{ "FIN, corked", { .len = 1, .last = true, .cork = true, .fin = true }, true },
	{ "cut short by a window", { .len = 100 }, false },
	{ "cut short by a window, TCP_NODELAY", { .len = 100, .nodelay = true }, false },
	{ "half of the peer's small window", { .len = 500, .max_wnd = 1000 }, true },
	{ "half of it, rounded up", { .len = 500, .max_wnd = 1001 }, false },
	{ "less than half", { .len = 499, .max_wnd = 1000 }, false },
	{ "half, while a small one is out",
	  { .len = 500, .max_wnd = 1000, .inflight = 10, .small_out = true }, true },
	{ "one octet of a window of one", { .len = 1, .max_wnd = 1 }, true },
	{ "half of the largest window of all", { .len = 1, .max_wnd = U32_MAX }, false },
};

static void window_may_send__table(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(window_send_cases); i++) {
		struct xtcp_window_out out = window_send_cases[i].out;

		out.mss = window_send_base.mss;
		if (!out.max_wnd)
			out.max_wnd = window_send_base.max_wnd;
		KUNIT_EXPECT_EQ_MSG(test, xtcp_window_may_send(&out), window_send_cases[i].may,
				    "%s", window_send_cases[i].what);
	}
}

/* More to send never turns a yes into a no, and no flag but cork does. */
static void window_may_send__monotonic(struct kunit *test)
{
	struct rnd_state rnd;
	int i;

	prandom_seed_state(&rnd, 38);
	for (i = 0; i < 50000; i++) {
		struct xtcp_window_out out = {
			.len = rnd_below(&rnd, 3 * MSS),
			.mss = MSS,
			.max_wnd = rnd_range(&rnd, 1, 8 * MSS),
			.inflight = rnd_below(&rnd, 2) * rnd_below(&rnd, 8 * MSS),
			.last = rnd_coin(&rnd),
			.nodelay = rnd_coin(&rnd),
			.cork = rnd_coin(&rnd),
			.small_out = rnd_coin(&rnd),
			.fin = !rnd_below(&rnd, 4),
		};

		if (!xtcp_window_may_send(&out))
			continue;
		out.len += rnd_below(&rnd, MSS);
		KUNIT_ASSERT_TRUE(test, xtcp_window_may_send(&out));
		out.nodelay = true;
		KUNIT_ASSERT_TRUE(test, xtcp_window_may_send(&out));
		out.inflight = 0;
		out.small_out = false;
		KUNIT_ASSERT_TRUE(test, xtcp_window_may_send(&out));
		out.cork = false;
		out.fin = true;
		KUNIT_ASSERT_TRUE(test, xtcp_window_may_send(&out));
	}
}

static struct kunit_case window_cases[] = {
	KUNIT_CASE(window_scale__smallest_that_fits),
	KUNIT_CASE(window_scale__fits_the_field),
	KUNIT_CASE(window_from_space__ratio),
	KUNIT_CASE(window_select__opens_to_what_is_free),
	KUNIT_CASE(window_select__moves_by_a_useful_step),
	KUNIT_CASE(window_select__room_for_a_burst),
	KUNIT_CASE(window_select__closed_stays_closed),
	KUNIT_CASE(window_select__never_shrinks),
	KUNIT_CASE(window_select__pressure_keeps_alive),
	KUNIT_CASE(window_select__unit_larger_than_buffer),
	KUNIT_CASE(window_select__random_properties),
	KUNIT_CASE(window_select__reader_asleep),
	KUNIT_CASE(window_select__slow_reader),
	KUNIT_CASE(window_may_send__table),
	KUNIT_CASE(window_may_send__monotonic),
	{}
};

static struct kunit_suite window_suite = {
	.name = "xtcp_window",
	.test_cases = window_cases,
};

kunit_test_suite(window_suite);
