// SPDX-License-Identifier: GPL-2.0
/* KUnit: the blocks that a receiver reports (RFC 2018, RFC 2883), against a naive bitmap. */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include "../sack.h"
#include "../seq.h"
#include "rnd.h"

#define SPACE	512U	/* octets in which the random test plays */

static void sack_expect(struct kunit *test, const struct xtcp_sack *s, unsigned int i, u32 start,
			u32 end)
{
	KUNIT_ASSERT_LT(test, i, (unsigned int)s->num);
	KUNIT_EXPECT_EQ(test, s->block[i].start, start);
	KUNIT_EXPECT_EQ(test, s->block[i].end, end);
}

/* RFC 2018 section 4: the newest first, then the most recently reported. */
static void sack_add__newest_first(struct kunit *test)
{
	struct xtcp_sack s = { .num = 0 };

	xtcp_sack_add(&s, 100, 200);
	xtcp_sack_add(&s, 300, 400);
	xtcp_sack_add(&s, 500, 600);
	sack_expect(test, &s, 0, 500, 600);
	sack_expect(test, &s, 1, 300, 400);
	sack_expect(test, &s, 2, 100, 200);
	xtcp_sack_add(&s, 200, 250);
	KUNIT_EXPECT_EQ(test, s.num, 3);
	sack_expect(test, &s, 0, 100, 250);
	sack_expect(test, &s, 1, 500, 600);
}

static void sack_add__joins_what_it_touches(struct kunit *test)
{
	struct xtcp_sack s = { .num = 0 };

	xtcp_sack_add(&s, 100, 200);
	xtcp_sack_add(&s, 300, 400);
	xtcp_sack_add(&s, 500, 600);
	xtcp_sack_add(&s, 200, 500);
	KUNIT_EXPECT_EQ(test, s.num, 1);
	sack_expect(test, &s, 0, 100, 600);
	xtcp_sack_add(&s, 150, 160);
	KUNIT_EXPECT_EQ_MSG(test, s.num, 1, "nothing new");
	sack_expect(test, &s, 0, 100, 600);
}

/* Joining one block may make the range touch one that was passed over before. */
static void sack_add__joins_in_a_chain(struct kunit *test)
{
	struct xtcp_sack s = { .num = 0 };

	xtcp_sack_add(&s, 200, 300);
	xtcp_sack_add(&s, 100, 150);
	xtcp_sack_add(&s, 150, 200);
	KUNIT_EXPECT_EQ(test, s.num, 1);
	sack_expect(test, &s, 0, 100, 300);
}

static void sack_add__fifth_is_forgotten(struct kunit *test)
{
	struct xtcp_sack s = { .num = 0 };
	u32 i;

	for (i = 1; i <= 5; i++)
		xtcp_sack_add(&s, i * 100, i * 100 + 50);
	KUNIT_EXPECT_EQ(test, s.num, XTCP_OPT_SACK_MAX);
	sack_expect(test, &s, 0, 500, 550);
	sack_expect(test, &s, 3, 200, 250);
}

static void sack_advance__drops_what_is_acknowledged(struct kunit *test)
{
	struct xtcp_sack s = { .num = 0 };

	xtcp_sack_add(&s, 100, 200);
	xtcp_sack_add(&s, 300, 400);
	xtcp_sack_advance(&s, 99);
	KUNIT_EXPECT_EQ(test, s.num, 2);
	xtcp_sack_advance(&s, 200);
	KUNIT_EXPECT_EQ(test, s.num, 1);
	sack_expect(test, &s, 0, 300, 400);
	xtcp_sack_advance(&s, 400);
	KUNIT_EXPECT_EQ(test, s.num, 0);
}

/* What memory pressure took away must no longer be claimed. */
static void sack_cut__forgets_the_far_end(struct kunit *test)
{
	struct xtcp_sack s = { .num = 0 };

	xtcp_sack_add(&s, 100, 200);
	xtcp_sack_add(&s, 300, 400);
	xtcp_sack_add(&s, 500, 600);
	xtcp_sack_cut(&s, 350);
	KUNIT_EXPECT_EQ(test, s.num, 2);
	sack_expect(test, &s, 0, 300, 350);
	sack_expect(test, &s, 1, 100, 200);
	xtcp_sack_cut(&s, 100);
	KUNIT_EXPECT_EQ(test, s.num, 0);
}

/* RFC 2883 section 4: the duplicate first, once; blocks that do not fit stay away. */
static void sack_fill__room_and_duplicates(struct kunit *test)
{
	struct xtcp_sack s = { .num = 0 };
	struct xtcp_options opt = { .seen = 0 };

	xtcp_sack_add(&s, 100, 200);
	xtcp_sack_add(&s, 300, 400);
	xtcp_sack_add(&s, 500, 600);
	xtcp_sack_add(&s, 700, 800);
	xtcp_sack_duplicate(&s, 10, 20);
	xtcp_sack_fill(&s, 50, 40, &opt);
	KUNIT_EXPECT_EQ(test, opt.num_sacks, 4);
	KUNIT_EXPECT_EQ(test, opt.sack[0].start, 10U);
	KUNIT_EXPECT_EQ(test, opt.sack[0].end, 20U);
	KUNIT_EXPECT_EQ(test, opt.sack[1].start, 700U);
	KUNIT_EXPECT_EQ(test, opt.sack[3].start, 300U);
	/* Timestamps take twelve octets: three blocks are left. */
	xtcp_sack_fill(&s, 50, 28, &opt);
	KUNIT_EXPECT_EQ(test, opt.num_sacks, 3);
	s.has_dup = false;
	xtcp_sack_fill(&s, 50, 28, &opt);
	KUNIT_EXPECT_EQ(test, opt.num_sacks, 3);
	KUNIT_EXPECT_EQ(test, opt.sack[0].start, 700U);
	opt.seen = 0;
	opt.num_sacks = 0;
	xtcp_sack_fill(&s, 50, 11, &opt);
	KUNIT_EXPECT_EQ(test, opt.seen, 0);
	KUNIT_EXPECT_EQ(test, opt.num_sacks, 0);
}

static void sack_duplicate__several(struct kunit *test)
{
	struct xtcp_sack s = { .num = 0 };

	xtcp_sack_duplicate(&s, 100, 200);
	xtcp_sack_duplicate(&s, 200, 300);
	KUNIT_EXPECT_EQ(test, s.dup.start, 100U);
	KUNIT_EXPECT_EQ(test, s.dup.end, 300U);
	xtcp_sack_duplicate(&s, 500, 600);
	KUNIT_EXPECT_EQ(test, s.dup.start, 500U);
	KUNIT_EXPECT_EQ(test, s.dup.end, 600U);
}

/*
 * Random arrivals and advances around the wrap: every block reported lies in what
 * arrived, no two touch, and the first one is the whole run around the newest arrival while no
 * block has been forgotten.
 */
static void sack_random__against_bitmap(struct kunit *test)
{
	DECLARE_BITMAP(there, SPACE);
	struct rnd_state rnd;
	u32 round, step, i;

	prandom_seed_state(&rnd, 20261121);
	for (round = 0; round < 300; round++) {
		u32 base = 0xffffff00U + round * 3, nxt = 0;
		struct xtcp_sack s = { .num = 0 };

		bitmap_zero(there, SPACE);
		for (step = 0; step < 60; step++) {
			u32 at = nxt + 1 + prandom_u32_state(&rnd) % (SPACE / 2);
			u32 len = 1 + prandom_u32_state(&rnd) % 40;

			if (at + len > SPACE)
				break;
			bitmap_set(there, at, len);
			xtcp_sack_add(&s, base + at, base + at + len);
			KUNIT_ASSERT_TRUE(test, !xtcp_seq_after(s.block[0].start, base + at) &&
						!xtcp_seq_before(s.block[0].end, base + at + len));
			if (!(prandom_u32_state(&rnd) % 8)) {
				nxt += 1 + prandom_u32_state(&rnd) % 8;
				bitmap_set(there, 0, nxt);
				nxt = find_next_zero_bit(there, SPACE, nxt);
				xtcp_sack_advance(&s, base + nxt);
			}
			for (i = 0; i < s.num; i++) {
				u32 from = s.block[i].start - base, to = s.block[i].end - base, j;

				KUNIT_ASSERT_TRUE(test, from > nxt && from < to && to <= SPACE);
				KUNIT_ASSERT_GE(test, find_next_zero_bit(there, SPACE, from),
						(unsigned long)to);
				for (j = 0; j < i; j++)
					KUNIT_ASSERT_TRUE(test,
						xtcp_seq_after(s.block[j].start, s.block[i].end) ||
						xtcp_seq_after(s.block[i].start, s.block[j].end));
			}
		}
	}
}

/* What changed since the last report: new, grown or joined blocks, and none that are gone. */
static void sack_fresh__counts_what_changed(struct kunit *test)
{
	struct xtcp_sack s = { .num = 0 };

	xtcp_sack_add(&s, 100, 200);
	xtcp_sack_add(&s, 200, 300);
	KUNIT_EXPECT_EQ_MSG(test, s.fresh, 1, "one block, twice grown");
	xtcp_sack_add(&s, 400, 500);
	xtcp_sack_add(&s, 600, 700);
	KUNIT_EXPECT_EQ(test, s.fresh, 3);
	xtcp_sack_add(&s, 500, 600);
	KUNIT_EXPECT_EQ_MSG(test, s.fresh, 2, "two became one");
	s.fresh = 0;
	xtcp_sack_add(&s, 100, 150);
	KUNIT_EXPECT_EQ_MSG(test, s.fresh, 1, "it comes first now, for it arrived again");
	xtcp_sack_add(&s, 350, 360);
	xtcp_sack_add(&s, 800, 900);
	/* [800, 900) [350, 360) [100, 300) are fresh, [400, 700) is not. */
	KUNIT_EXPECT_EQ(test, s.fresh, 3);
	xtcp_sack_advance(&s, 300);
	KUNIT_EXPECT_EQ_MSG(test, s.fresh, 2, "acknowledged");
	xtcp_sack_cut(&s, 800);
	KUNIT_EXPECT_EQ_MSG(test, s.fresh, 1, "dropped");
	sack_expect(test, &s, 0, 350, 360);
	xtcp_sack_cut(&s, 450);
	KUNIT_EXPECT_EQ_MSG(test, s.fresh, 1, "an old one became shorter");
	xtcp_sack_advance(&s, 360);
	KUNIT_EXPECT_EQ(test, s.fresh, 0);
	KUNIT_EXPECT_EQ(test, s.num, 1);
	xtcp_sack_cut(&s, 360);
	KUNIT_EXPECT_EQ(test, s.num, 0);
	KUNIT_EXPECT_EQ(test, s.fresh, 0);
}

/*
 * Random arrivals, advances and reports when an ACK would be full: each octet that arrived since
 * the last report lies in one of the first @fresh blocks, or is acknowledged, or was dropped.
 */
static void sack_fresh__against_bitmap(struct kunit *test)
{
	DECLARE_BITMAP(untold, SPACE);
	struct rnd_state rnd;
	u32 round, step, i, j;

	prandom_seed_state(&rnd, 20261122);
	for (round = 0; round < 300; round++) {
		u32 base = 0xffffff00U + round * 3, nxt = 0;
		struct xtcp_sack s = { .num = 0 };

		bitmap_zero(untold, SPACE);
		for (step = 0; step < 60; step++) {
			u32 at = nxt + 1 + prandom_u32_state(&rnd) % (SPACE / 2);
			u32 len = 1 + prandom_u32_state(&rnd) % 40;

			if (at + len > SPACE)
				break;
			xtcp_sack_add(&s, base + at, base + at + len);
			bitmap_set(untold, at, len);
			switch (prandom_u32_state(&rnd) % 8) {
			case 0:
				nxt += 1 + prandom_u32_state(&rnd) % 8;
				for (i = 0; i < s.num; i++)
					if (!xtcp_seq_after(s.block[i].start, base + nxt))
						nxt = max(nxt, s.block[i].end - base);
				xtcp_sack_advance(&s, base + nxt);
				bitmap_clear(untold, 0, nxt);
				break;
			case 1:
				at = nxt + 1 + prandom_u32_state(&rnd) % (SPACE / 2);
				xtcp_sack_cut(&s, base + at);
				if (at < SPACE)
					bitmap_clear(untold, at, SPACE - at);
				break;
			default:
				break;
			}
			KUNIT_ASSERT_LE(test, s.fresh, s.num);
			for (j = find_first_bit(untold, SPACE); j < SPACE;
			     j = find_next_bit(untold, SPACE, j + 1)) {
				for (i = 0; i < s.fresh; i++)
					if (s.block[i].start - base <= j &&
					    j < s.block[i].end - base)
						break;
				KUNIT_ASSERT_LT_MSG(test, i, (u32)s.fresh, "octet %u", j);
			}
			if (s.fresh >= XTCP_SACK_REPORT) {
				s.fresh = 0;
				bitmap_zero(untold, SPACE);
			}
		}
	}
}

static struct kunit_case sack_cases[] = {
	KUNIT_CASE(sack_add__newest_first),
	KUNIT_CASE(sack_add__joins_what_it_touches),
	KUNIT_CASE(sack_add__joins_in_a_chain),
	KUNIT_CASE(sack_add__fifth_is_forgotten),
	KUNIT_CASE(sack_advance__drops_what_is_acknowledged),
	KUNIT_CASE(sack_cut__forgets_the_far_end),
	KUNIT_CASE(sack_fill__room_and_duplicates),
	KUNIT_CASE(sack_duplicate__several),
	KUNIT_CASE(sack_random__against_bitmap),
	KUNIT_CASE(sack_fresh__counts_what_changed),
	KUNIT_CASE(sack_fresh__against_bitmap),
	{}
};

static struct kunit_suite sack_suite = {
	.name = "xtcp_sack",
	.test_cases = sack_cases,
};

kunit_test_suite(sack_suite);
