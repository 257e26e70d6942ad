// SPDX-License-Identifier: GPL-2.0
/* KUnit: header options, bytes to struct and back (RFC 9293 3.2, 7323, 2018). */
#include <kunit/test.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../options.h"
#include "../window.h"
#include "rnd.h"

#define NOP	1
#define MSS	2
#define WSCALE	3
#define SACK_OK	4
#define SACK	5
#define TS	8

#define CANARY	0xa5

/*
 * Parse the @len octets at @p out of an allocation of just that size, so that KASAN
 * sees a read beside them.
 */
static bool opt_parse_exact(struct kunit *test, const u8 *p, unsigned int len, bool syn,
			    struct xtcp_options *opt)
{
	u8 *copy = kmemdup(p, len, GFP_KERNEL);
	bool good;

	KUNIT_ASSERT_NOT_NULL(test, copy);
	good = xtcp_options_parse(copy, len, syn, opt);
	kfree(copy);
	return good;
}

#define opt_parse_bytes(test, syn, opt, ...) ({				\
	static const u8 opt_bytes[] = { __VA_ARGS__ };			\
	opt_parse_exact(test, opt_bytes, sizeof(opt_bytes), syn, opt);	\
})

static void options_parse__none(struct kunit *test)
{
	struct xtcp_options opt;
	u8 nothing = TS;

	memset(&opt, CANARY, sizeof(opt));
	KUNIT_EXPECT_TRUE(test, xtcp_options_parse(&nothing, 0, true, &opt));
	KUNIT_EXPECT_EQ(test, opt.seen, 0);
	KUNIT_EXPECT_EQ(test, opt.num_sacks, 0);
}

static void options_parse__aligned_timestamps(struct kunit *test)
{
	struct xtcp_options opt;

	KUNIT_EXPECT_TRUE(test, opt_parse_bytes(test, false, &opt, NOP, NOP, TS, 10,
						0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef));
	KUNIT_EXPECT_EQ(test, opt.seen, XTCP_SEEN_TS);
	KUNIT_EXPECT_EQ(test, opt.tsval, 0x01234567U);
	KUNIT_EXPECT_EQ(test, opt.tsecr, 0x89abcdefU);
}

/* The same twelve octets with one bit of the first four turned must not pass for them. */
static void options_parse__nearly_aligned_timestamps(struct kunit *test)
{
	int bit;

	for (bit = 0; bit < 32; bit++) {
		u8 p[12] = { NOP, NOP, TS, 10, 1, 2, 3, 4, 5, 6, 7, 8 };
		struct xtcp_options opt;
		bool good;

		p[bit / 8] ^= 1 << bit % 8;
		good = opt_parse_exact(test, p, sizeof(p), false, &opt);
		KUNIT_EXPECT_FALSE_MSG(test, good && opt.seen & XTCP_SEEN_TS, "bit %d", bit);
	}
}

/* One well-formed option of each kind. */
static const struct opt_sample {
	u8 bytes[34];
	u8 len;
	u8 seen;
} opt_samples[] = {
	{ { MSS, 4, 0x05, 0xb4 }, 4, XTCP_SEEN_MSS },
	{ { WSCALE, 3, 7 }, 3, XTCP_SEEN_WSCALE },
	{ { SACK_OK, 2 }, 2, XTCP_SEEN_SACK_OK },
	{ { TS, 10, 1, 2, 3, 4, 5, 6, 7, 8 }, 10, XTCP_SEEN_TS },
	{ { SACK, 10, 1, 2, 3, 4, 5, 6, 7, 8 }, 10, XTCP_SEEN_SACK },
	{ { SACK, 18, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 }, 18,
	  XTCP_SEEN_SACK },
	{ { SACK, 26, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
	    21, 22, 23, 24 }, 26, XTCP_SEEN_SACK },
	{ { SACK, 34, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
	    21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 }, 34, XTCP_SEEN_SACK },
};

static void opt_check_values(struct kunit *test, const struct opt_sample *s,
			     const struct xtcp_options *opt)
{
	u32 want = 0x01020304;
	int i;

	switch (s->seen) {
	case XTCP_SEEN_MSS:
		KUNIT_EXPECT_EQ(test, opt->mss, 1460);
		break;
	case XTCP_SEEN_WSCALE:
		KUNIT_EXPECT_EQ(test, opt->wscale, 7);
		break;
	case XTCP_SEEN_TS:
		KUNIT_EXPECT_EQ(test, opt->tsval, 0x01020304U);
		KUNIT_EXPECT_EQ(test, opt->tsecr, 0x05060708U);
		break;
	case XTCP_SEEN_SACK:
		KUNIT_ASSERT_EQ(test, opt->num_sacks, s->len / 8);
		for (i = 0; i < opt->num_sacks; i++) {
			KUNIT_EXPECT_EQ(test, opt->sack[i].start, want);
			want += 0x04040404;
			KUNIT_EXPECT_EQ(test, opt->sack[i].end, want);
			want += 0x04040404;
		}
		break;
	}
}

/* Each option behind 0 to 40 NOPs, as far as it fits, at each alignment of the header. */
static void options_parse__every_place(struct kunit *test)
{
	unsigned int nops, align, i;

	for (i = 0; i < ARRAY_SIZE(opt_samples); i++) {
		const struct opt_sample *s = &opt_samples[i];

		for (nops = 0; nops + s->len <= XTCP_OPT_SPACE; nops++) {
			for (align = 0; align < 4; align++) {
				u8 p[XTCP_OPT_SPACE + 4] __aligned(8);
				struct xtcp_options opt;

				memset(p, NOP, sizeof(p));
				memcpy(p + align + nops, s->bytes, s->len);
				KUNIT_ASSERT_TRUE(test, xtcp_options_parse(p + align, nops + s->len,
									   true, &opt));
				KUNIT_ASSERT_EQ_MSG(test, opt.seen, s->seen, "sample %u", i);
				opt_check_values(test, s, &opt);
			}
		}
	}
}

/* MUST-7: cut off anywhere inside, an option is malformed; behind its end it is whole. */
static void options_parse__truncated(struct kunit *test)
{
	unsigned int i, len;

	for (i = 0; i < ARRAY_SIZE(opt_samples); i++) {
		const struct opt_sample *s = &opt_samples[i];
		struct xtcp_options opt;

		for (len = 1; len < s->len; len++)
			KUNIT_EXPECT_FALSE_MSG(test,
					       opt_parse_exact(test, s->bytes, len, true, &opt),
					       "sample %u cut to %u", i, len);
		KUNIT_EXPECT_TRUE(test, opt_parse_exact(test, s->bytes, s->len, true, &opt));
	}
}

/*
 * Every kind with every length octet at every distance from the end: malformed
 * exactly if the length is below two or reaches beyond, and known only with the
 * length that is its own.
 */
static void options_parse__every_length(struct kunit *test)
{
	unsigned int kind, len, room;

	for (kind = 2; kind < 256; kind++) {
		for (len = 0; len < 256; len++) {
			for (room = 2; room <= XTCP_OPT_SPACE; room++) {
				u8 p[XTCP_OPT_SPACE] = { kind, len };
				bool legal = len >= 2 && len <= room;
				struct xtcp_options opt;
				u8 seen = 0;

				if (kind == MSS && len == 4)
					seen = XTCP_SEEN_MSS;
				else if (kind == WSCALE && len == 3)
					seen = XTCP_SEEN_WSCALE;
				else if (kind == SACK_OK && len == 2)
					seen = XTCP_SEEN_SACK_OK;
				else if (kind == TS && len == 10)
					seen = XTCP_SEEN_TS;
				else if (kind == SACK && (len == 10 || len == 18 || len == 26 ||
							  len == 34))
					seen = XTCP_SEEN_SACK;
				KUNIT_ASSERT_EQ_MSG(test, xtcp_options_parse(p, room, true, &opt),
						    legal, "kind %u length %u of %u",
						    kind, len, room);
				if (legal)
					KUNIT_ASSERT_EQ_MSG(test, opt.seen, seen,
							    "kind %u length %u", kind, len);
			}
		}
	}
}

/* The end-of-list option ends the list, whatever stands behind it. */
static void options_parse__end_of_list(struct kunit *test)
{
	struct xtcp_options opt;

	KUNIT_EXPECT_TRUE(test, opt_parse_bytes(test, true, &opt, 0, MSS, 4, 5, 0xb4, 99, 0, 1));
	KUNIT_EXPECT_EQ(test, opt.seen, 0);
	KUNIT_EXPECT_TRUE(test, opt_parse_bytes(test, true, &opt, MSS, 4, 5, 0xb4, 0, 99, 200, 7));
	KUNIT_EXPECT_EQ(test, opt.seen, XTCP_SEEN_MSS);
	KUNIT_EXPECT_EQ(test, opt.mss, 1460);
}

/* MUST-6: unknown options are stepped over; those around them count. */
static void options_parse__unknown_skipped(struct kunit *test)
{
	unsigned int kind;

	for (kind = 9; kind < 256; kind++) {
		u8 p[] = { WSCALE, 3, 5, kind, 6, MSS, 4, 9, 9, MSS, 4, 2, 0x18 };
		struct xtcp_options opt;

		KUNIT_ASSERT_TRUE(test, opt_parse_exact(test, p, sizeof(p), true, &opt));
		KUNIT_ASSERT_EQ(test, opt.seen, XTCP_SEEN_WSCALE | XTCP_SEEN_MSS);
		KUNIT_ASSERT_EQ(test, opt.mss, 536);
		KUNIT_ASSERT_EQ(test, opt.wscale, 5);
	}
}

/* Without SYN the three that belong to a handshake are as good as unknown. */
static void options_parse__handshake_only(struct kunit *test)
{
	struct xtcp_options opt;

	KUNIT_EXPECT_TRUE(test, opt_parse_bytes(test, false, &opt, MSS, 4, 5, 0xb4, WSCALE, 3, 7,
						SACK_OK, 2, TS, 10, 0, 0, 0, 9, 0, 0, 0, 8));
	KUNIT_EXPECT_EQ(test, opt.seen, XTCP_SEEN_TS);
	KUNIT_EXPECT_EQ(test, opt.mss, 0);
	KUNIT_EXPECT_EQ(test, opt.wscale, 0);
	KUNIT_EXPECT_EQ(test, opt.tsval, 9U);
}

static void options_parse__wscale_bounded(struct kunit *test)
{
	unsigned int shift;

	for (shift = 0; shift < 256; shift++) {
		u8 p[] = { WSCALE, 3, shift };
		struct xtcp_options opt;

		KUNIT_ASSERT_TRUE(test, opt_parse_exact(test, p, sizeof(p), true, &opt));
		KUNIT_ASSERT_EQ(test, opt.wscale, min_t(unsigned int, shift, XTCP_WSCALE_MAX));
	}
}

static void options_parse__last_of_two_counts(struct kunit *test)
{
	struct xtcp_options opt;

	KUNIT_EXPECT_TRUE(test, opt_parse_bytes(test, true, &opt, MSS, 4, 5, 0xb4, MSS, 4, 2, 0x18,
						SACK, 18, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3,
						4, 4, 4, 4, SACK, 10, 0, 0, 0, 5, 0, 0, 0, 6));
	KUNIT_EXPECT_EQ(test, opt.mss, 536);
	KUNIT_EXPECT_EQ(test, opt.num_sacks, 1);
	KUNIT_EXPECT_EQ(test, opt.sack[0].start, 5U);
	KUNIT_EXPECT_EQ(test, opt.sack[0].end, 6U);
}

/* The forms that peers' fast paths know, octet by octet. */
static void options_write__layout(struct kunit *test)
{
	static const u8 syn_bytes[] = { MSS, 4, 5, 0xb4, SACK_OK, 2, TS, 10, 1, 2, 3, 4, 5, 6, 7, 8,
					NOP, WSCALE, 3, 7 };
	static const u8 ack_bytes[] = { NOP, NOP, TS, 10, 1, 2, 3, 4, 5, 6, 7, 8,
					NOP, NOP, SACK, 10, 0, 0, 0, 1, 0, 0, 0, 9 };
	struct xtcp_options opt = {
		.seen = XTCP_SEEN_MSS | XTCP_SEEN_SACK_OK | XTCP_SEEN_TS | XTCP_SEEN_WSCALE,
		.mss = 1460,
		.wscale = 7,
		.tsval = 0x01020304,
		.tsecr = 0x05060708,
	};
	u8 p[XTCP_OPT_SPACE];

	KUNIT_ASSERT_EQ(test, xtcp_options_write(p, &opt), (unsigned int)sizeof(syn_bytes));
	KUNIT_EXPECT_EQ(test, memcmp(p, syn_bytes, sizeof(syn_bytes)), 0);
	opt.seen = XTCP_SEEN_TS | XTCP_SEEN_SACK;
	opt.num_sacks = 1;
	opt.sack[0].start = 1;
	opt.sack[0].end = 9;
	KUNIT_ASSERT_EQ(test, xtcp_options_write(p, &opt), (unsigned int)sizeof(ack_bytes));
	KUNIT_EXPECT_EQ(test, memcmp(p, ack_bytes, sizeof(ack_bytes)), 0);
}

static void opt_random(struct rnd_state *rnd, struct xtcp_options *opt)
{
	prandom_bytes_state(rnd, opt, sizeof(*opt));
	opt->wscale = rnd_below(rnd, XTCP_WSCALE_MAX + 1);
}

/* What of @sent the space of a header lets through. */
static unsigned int opt_sacks_that_fit(const struct xtcp_options *sent)
{
	unsigned int space = XTCP_OPT_SPACE;

	if (!(sent->seen & XTCP_SEEN_SACK))
		return 0;
	if (sent->seen & XTCP_SEEN_MSS)
		space -= 4;
	if (sent->seen & XTCP_SEEN_WSCALE)
		space -= 4;
	if (sent->seen & XTCP_SEEN_TS)
		space -= 12;
	else if (sent->seen & XTCP_SEEN_SACK_OK)
		space -= 4;
	return min_t(unsigned int, sent->num_sacks, (space - 4) / 8);
}

static void opt_check_round_trip(struct kunit *test, const struct xtcp_options *sent,
				 unsigned int align)
{
	unsigned int sacks = opt_sacks_that_fit(sent), size, i;
	u8 p[XTCP_OPT_SPACE + 8] __aligned(8);
	struct xtcp_options got;
	u8 seen = sent->seen;

	if (!sacks)
		seen &= ~XTCP_SEEN_SACK;
	size = xtcp_options_size(sent);
	KUNIT_ASSERT_LE(test, size, (unsigned int)XTCP_OPT_SPACE);
	KUNIT_ASSERT_EQ(test, size % 4, 0U);
	memset(p, CANARY, sizeof(p));
	KUNIT_ASSERT_EQ(test, xtcp_options_write(p + align, sent), size);
	for (i = 0; i < sizeof(p); i++) {
		if (i < align || i >= align + size)
			KUNIT_ASSERT_EQ_MSG(test, p[i], CANARY, "octet %u", i);
	}
	KUNIT_ASSERT_TRUE(test, opt_parse_exact(test, p + align, size, true, &got));
	KUNIT_ASSERT_EQ(test, got.seen, seen);
	KUNIT_ASSERT_EQ(test, got.num_sacks, sacks);
	if (seen & XTCP_SEEN_MSS)
		KUNIT_ASSERT_EQ(test, got.mss, sent->mss);
	if (seen & XTCP_SEEN_WSCALE)
		KUNIT_ASSERT_EQ(test, got.wscale, sent->wscale);
	if (seen & XTCP_SEEN_TS) {
		KUNIT_ASSERT_EQ(test, got.tsval, sent->tsval);
		KUNIT_ASSERT_EQ(test, got.tsecr, sent->tsecr);
	}
	KUNIT_ASSERT_EQ(test, memcmp(got.sack, sent->sack, sacks * sizeof(got.sack[0])), 0);
}

static void options_round_trip__every_combination(struct kunit *test)
{
	unsigned int seen, sacks, align, i;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 9293);
	for (seen = 0; seen < 32; seen++) {
		for (sacks = 0; sacks <= XTCP_OPT_SACK_MAX; sacks++) {
			for (align = 0; align < 4; align++) {
				for (i = 0; i < 8; i++) {
					struct xtcp_options opt;

					opt_random(&rnd, &opt);
					opt.seen = seen;
					opt.num_sacks = sacks;
					opt_check_round_trip(test, &opt, align);
				}
			}
		}
	}
}

/* Is @p well-formed? As plainly as RFC 9293 3.2 says it. */
static bool opt_oracle_well_formed(const u8 *p, unsigned int len)
{
	unsigned int at = 0;

	while (at < len && p[at] != 0) {
		if (p[at] == NOP) {
			at++;
		} else {
			if (at + 1 == len || p[at + 1] < 2 || at + p[at + 1] > len)
				return false;
			at += p[at + 1];
		}
	}
	return true;
}

/* Random octets, half of them such as occur in options, so that parsing gets far. */
static void opt_fuzz_fill(struct rnd_state *rnd, u8 *p, unsigned int len)
{
	static const u8 likely[] = { 0, NOP, MSS, WSCALE, SACK_OK, SACK, TS, 2, 3, 4, 10, 18, 34 };
	unsigned int i;

	prandom_bytes_state(rnd, p, len);
	for (i = 0; i < len; i++) {
		if (rnd_coin(rnd))
			p[i] = likely[rnd_below(rnd, ARRAY_SIZE(likely))];
	}
	/* An early end of list would make most runs dull. */
	if (len && !p[0])
		p[0] = NOP;
}

/*
 * Any octets, any length: never a read outside (KASAN watches the exact copy; and
 * what stands around must not matter), and well-formed exactly if the oracle says so.
 */
static void options_parse__fuzz(struct kunit *test)
{
	u8 p[8 + XTCP_OPT_SPACE + 8] __aligned(8);
	struct xtcp_options exact, inside;
	struct rnd_state rnd;
	int round;

	prandom_seed_state(&rnd, 2018);
	for (round = 0; round < 100000; round++) {
		unsigned int len = rnd_below(&rnd, XTCP_OPT_SPACE + 1);
		bool syn = rnd_coin(&rnd), good;

		memset(&exact, 0, sizeof(exact));
		memset(&inside, 0, sizeof(inside));
		prandom_bytes_state(&rnd, p, sizeof(p));
		opt_fuzz_fill(&rnd, p + 8, len);
		good = opt_parse_exact(test, p + 8, len, syn, &exact);
		KUNIT_ASSERT_EQ_MSG(test, good, opt_oracle_well_formed(p + 8, len), "round %d",
				    round);
		KUNIT_ASSERT_EQ(test, xtcp_options_parse(p + 8, len, syn, &inside), good);
		KUNIT_ASSERT_EQ_MSG(test, memcmp(&exact, &inside, sizeof(exact)), 0, "round %d",
				    round);
		KUNIT_ASSERT_LE(test, exact.num_sacks, XTCP_OPT_SACK_MAX);
		KUNIT_ASSERT_LE(test, exact.wscale, XTCP_WSCALE_MAX);
	}
}

static struct kunit_case options_cases[] = {
	KUNIT_CASE(options_parse__none),
	KUNIT_CASE(options_parse__aligned_timestamps),
	KUNIT_CASE(options_parse__nearly_aligned_timestamps),
	KUNIT_CASE(options_parse__every_place),
	KUNIT_CASE(options_parse__truncated),
	KUNIT_CASE(options_parse__every_length),
	KUNIT_CASE(options_parse__end_of_list),
	KUNIT_CASE(options_parse__unknown_skipped),
	KUNIT_CASE(options_parse__handshake_only),
	KUNIT_CASE(options_parse__wscale_bounded),
	KUNIT_CASE(options_parse__last_of_two_counts),
	KUNIT_CASE(options_write__layout),
	KUNIT_CASE(options_round_trip__every_combination),
	KUNIT_CASE(options_parse__fuzz),
	{}
};

static struct kunit_suite options_suite = {
	.name = "xtcp_options",
	.test_cases = options_cases,
};

kunit_test_suite(options_suite);
