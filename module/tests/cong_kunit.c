// SPDX-License-Identifier: GPL-2.0
/* KUnit: the registry of congestion control, and Reno (RFC 5681, RFC 6928). */
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/string.h>
#include "../cong.h"
#include "rnd.h"

#define MSS	1460U

/* An algorithm that counts its calls in its private words. */
static int cong_probe_inits, cong_probe_releases;

static void cong_probe_init(struct xtcp_cong *c)
{
	cong_probe_inits++;
	c->priv[0]++;
}

static void cong_probe_release(struct xtcp_cong *c)
{
	cong_probe_releases++;
}

static u32 cong_probe_ssthresh(struct xtcp_cong *c, u32 inflight)
{
	return inflight;
}

static void cong_probe_avoid(struct xtcp_cong *c, const struct xtcp_cong_ack *ack)
{
}

static struct xtcp_cong_ops cong_probe = {
	.name = "kunit-probe",
	.owner = THIS_MODULE,
	.init = cong_probe_init,
	.release = cong_probe_release,
	.ssthresh = cong_probe_ssthresh,
	.avoid = cong_probe_avoid,
};

static int cong_test_init(struct kunit *test)
{
	cong_probe_inits = 0;
	cong_probe_releases = 0;
	return 0;
}

static struct xtcp_cong cong_reno(struct kunit *test)
{
	struct xtcp_cong c = {};

	KUNIT_EXPECT_EQ(test, xtcp_cong_assign(&c, NULL), 0);
	KUNIT_EXPECT_PTR_EQ(test, c.ops, (const struct xtcp_cong_ops *)&xtcp_reno);
	xtcp_cong_start(&c, MSS);
	return c;
}

static void cong_ack(struct xtcp_cong *c, u32 acked, bool limited)
{
	struct xtcp_cong_ack ack = {
		.acked = acked,
		.inflight = c->cwnd,
		.cwnd_limited = limited,
	};

	c->ops->avoid(c, &ack);
}

static void cong_register__refuses(struct kunit *test)
{
	struct xtcp_cong_ops ops = cong_probe;

	ops.avoid = NULL;
	KUNIT_EXPECT_EQ(test, xtcp_cong_register(&ops), -EINVAL);
	ops = cong_probe;
	ops.ssthresh = NULL;
	KUNIT_EXPECT_EQ(test, xtcp_cong_register(&ops), -EINVAL);
	ops = cong_probe;
	ops.name[0] = '\0';
	KUNIT_EXPECT_EQ(test, xtcp_cong_register(&ops), -EINVAL);
	memset(ops.name, 'x', sizeof(ops.name));
	KUNIT_EXPECT_EQ(test, xtcp_cong_register(&ops), -EINVAL);
	strscpy(ops.name, "two words", sizeof(ops.name));
	KUNIT_EXPECT_EQ(test, xtcp_cong_register(&ops), -EINVAL);
	KUNIT_EXPECT_FALSE(test, xtcp_cong_known("two words"));
}

static void cong_register__name_is_taken_once(struct kunit *test)
{
	struct xtcp_cong_ops twin = cong_probe;

	KUNIT_EXPECT_FALSE(test, xtcp_cong_known(cong_probe.name));
	KUNIT_ASSERT_EQ(test, xtcp_cong_register(&cong_probe), 0);
	KUNIT_EXPECT_TRUE(test, xtcp_cong_known(cong_probe.name));
	KUNIT_EXPECT_EQ(test, xtcp_cong_register(&twin), -EEXIST);
	KUNIT_EXPECT_EQ(test, xtcp_cong_register(&cong_probe), -EEXIST);
	xtcp_cong_unregister(&cong_probe);
	KUNIT_EXPECT_FALSE(test, xtcp_cong_known(cong_probe.name));
	KUNIT_EXPECT_EQ(test, xtcp_cong_register(&twin), 0);
	xtcp_cong_unregister(&twin);
}

static void cong_names__listed_and_cut_off(struct kunit *test)
{
	char all[256], buf[16];
	size_t size;

	KUNIT_ASSERT_EQ(test, xtcp_cong_register(&cong_probe), 0);
	xtcp_cong_names(all, sizeof(all));
	KUNIT_EXPECT_NOT_NULL(test, strstr(all, " kunit-probe"));
	for (size = 0; size < sizeof(buf); size++) {
		memset(buf, '#', sizeof(buf));
		xtcp_cong_names(buf, size);
		if (size) {
			KUNIT_EXPECT_LT(test, strnlen(buf, size), size);
			KUNIT_EXPECT_EQ(test, strncmp(buf, all, strlen(buf)), 0);
		}
		KUNIT_EXPECT_EQ_MSG(test, buf[size], '#', "size %zu", size);
	}
	xtcp_cong_unregister(&cong_probe);
	xtcp_cong_names(all, sizeof(all));
	KUNIT_EXPECT_NULL(test, strstr(all, "kunit-probe"));
}

static void cong_assign__unknown_changes_nothing(struct kunit *test)
{
	struct xtcp_cong c = cong_reno(test), before;

	c.bytes_acked = 77;
	c.priv[3] = 5;
	before = c;
	KUNIT_EXPECT_EQ(test, xtcp_cong_assign(&c, "no-such-thing"), -ENOENT);
	KUNIT_EXPECT_EQ(test, memcmp(&c, &before, sizeof(c)), 0);
	xtcp_cong_release(&c);
}

static void cong_assign__switches_and_releases(struct kunit *test)
{
	struct xtcp_cong c = cong_reno(test);

	KUNIT_ASSERT_EQ(test, xtcp_cong_register(&cong_probe), 0);
	c.priv[0] = 41;
	c.bytes_acked = 99;
	KUNIT_EXPECT_EQ(test, xtcp_cong_assign(&c, "kunit-probe"), 0);
	KUNIT_EXPECT_PTR_EQ(test, c.ops, (const struct xtcp_cong_ops *)&cong_probe);
	KUNIT_EXPECT_EQ_MSG(test, c.priv[0], 1ULL, "zeroed, then init");
	KUNIT_EXPECT_EQ(test, c.bytes_acked, 0U);
	KUNIT_EXPECT_EQ(test, c.cwnd, 10 * MSS);
	/* The same again: its state stays. */
	c.priv[0] = 7;
	KUNIT_EXPECT_EQ(test, xtcp_cong_assign(&c, "kunit-probe"), 0);
	KUNIT_EXPECT_EQ(test, c.priv[0], 7ULL);
	KUNIT_EXPECT_EQ(test, cong_probe_inits, 1);
	KUNIT_EXPECT_EQ(test, cong_probe_releases, 0);
	KUNIT_EXPECT_EQ(test, xtcp_cong_assign(&c, NULL), 0);
	KUNIT_EXPECT_EQ(test, cong_probe_releases, 1);
	xtcp_cong_release(&c);
	KUNIT_EXPECT_NULL(test, c.ops);
	xtcp_cong_release(&c);
	KUNIT_EXPECT_EQ(test, cong_probe_releases, 1);
	xtcp_cong_unregister(&cong_probe);
}

static void cong_inherit__own_private_state(struct kunit *test)
{
	struct xtcp_cong listener = {}, child;

	KUNIT_ASSERT_EQ(test, xtcp_cong_register(&cong_probe), 0);
	KUNIT_ASSERT_EQ(test, xtcp_cong_assign(&listener, "kunit-probe"), 0);
	listener.priv[0] = 50;
	child = listener;
	xtcp_cong_inherit(&child);
	KUNIT_EXPECT_PTR_EQ(test, child.ops, listener.ops);
	KUNIT_EXPECT_EQ(test, child.priv[0], 1ULL);
	KUNIT_EXPECT_EQ(test, cong_probe_inits, 2);
	KUNIT_EXPECT_EQ_MSG(test, cong_probe_releases, 0, "the listener keeps its own");
	xtcp_cong_release(&child);
	xtcp_cong_release(&listener);
	KUNIT_EXPECT_EQ(test, cong_probe_releases, 2);
	xtcp_cong_unregister(&cong_probe);
	/* A listener that never had one. */
	memset(&child, 0, sizeof(child));
	xtcp_cong_inherit(&child);
	KUNIT_EXPECT_PTR_EQ(test, child.ops, (const struct xtcp_cong_ops *)&xtcp_reno);
	xtcp_cong_release(&child);
}

/* One reference to the algorithm's module for each connection that has it, and no more. */
static void cong_assign__module_references(struct kunit *test)
{
#ifdef MODULE
	struct xtcp_cong listener = {}, child;
	int before = module_refcount(THIS_MODULE);

	KUNIT_ASSERT_EQ(test, xtcp_cong_register(&cong_probe), 0);
	KUNIT_EXPECT_EQ(test, xtcp_cong_assign(&listener, "kunit-probe"), 0);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before + 1);
	KUNIT_EXPECT_EQ(test, xtcp_cong_assign(&listener, "kunit-probe"), 0);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before + 1);
	child = listener;
	xtcp_cong_inherit(&child);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before + 2);
	xtcp_cong_release(&child);
	xtcp_cong_release(&child);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before + 1);
	KUNIT_EXPECT_EQ(test, xtcp_cong_assign(&listener, NULL), 0);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before);
	xtcp_cong_release(&listener);
	xtcp_cong_unregister(&cong_probe);
#else
	kunit_skip(test, "built into the kernel: there is no module to count");
#endif
}

/* Ten segments, whatever their size. */
static void cong_start__initial_window(struct kunit *test)
{
	static const u32 cases[][2] = {
		{ 48, 480 }, { 536, 5360 }, { 1220, 12200 }, { 1460, 14600 }, { 1461, 14610 },
		{ 8960, 89600 }, { 65495, 654950 },
	};
	struct xtcp_cong c = cong_reno(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, xtcp_cong_initial_window(cases[i][0]), cases[i][1],
				    "MSS %u", cases[i][0]);
	KUNIT_EXPECT_EQ(test, c.cwnd, 14600U);
	KUNIT_EXPECT_EQ(test, c.ssthresh, XTCP_SSTHRESH_INF);
	KUNIT_EXPECT_TRUE(test, xtcp_cong_in_slow_start(&c));
	/* A socket that connects a second time begins like any other. */
	c.cwnd = 7;
	c.ssthresh = 8;
	c.cwnd_clamp = 9;
	c.bytes_acked = 10;
	xtcp_cong_start(&c, 1000);
	KUNIT_EXPECT_EQ(test, c.mss, 1000U);
	KUNIT_EXPECT_EQ(test, c.cwnd, 10000U);
	KUNIT_EXPECT_EQ(test, c.ssthresh, XTCP_SSTHRESH_INF);
	KUNIT_EXPECT_EQ(test, c.cwnd_clamp, XTCP_SSTHRESH_INF);
	KUNIT_EXPECT_EQ(test, c.bytes_acked, 0U);
	xtcp_cong_release(&c);
}

static void cong_slow_start__doubles_each_round(struct kunit *test)
{
	struct xtcp_cong c = cong_reno(test);
	u32 round, acked, window;

	for (round = 0; round < 8; round++) {
		window = c.cwnd;
		for (acked = 0; acked < window; acked += MSS)
			cong_ack(&c, MSS, true);
		KUNIT_EXPECT_EQ_MSG(test, c.cwnd, 2 * window, "round %u", round);
	}
	xtcp_cong_release(&c);
}

/* One acknowledgment of a super-segment counts as those of its segments. */
static void cong_slow_start__stretch_acks(struct kunit *test)
{
	struct xtcp_cong c = cong_reno(test);

	cong_ack(&c, c.cwnd, true);
	KUNIT_EXPECT_EQ(test, c.cwnd, 20 * MSS);
	xtcp_cong_release(&c);
}

static void cong_slow_start__stops_at_threshold(struct kunit *test)
{
	struct xtcp_cong c = cong_reno(test);

	c.ssthresh = 12 * MSS;
	KUNIT_EXPECT_EQ(test, xtcp_cong_slow_start(&c, 5 * MSS), 3 * MSS);
	KUNIT_EXPECT_EQ(test, c.cwnd, 12 * MSS);
	KUNIT_EXPECT_FALSE(test, xtcp_cong_in_slow_start(&c));
	KUNIT_EXPECT_EQ_MSG(test, xtcp_cong_slow_start(&c, MSS), MSS, "used up nothing");
	KUNIT_EXPECT_EQ(test, c.cwnd, 12 * MSS);
	xtcp_cong_release(&c);
}

static void cong_slow_start__clamped(struct kunit *test)
{
	struct xtcp_cong c = cong_reno(test);
	int i;

	c.cwnd_clamp = 15 * MSS + 7;
	for (i = 0; i < 100; i++)
		cong_ack(&c, MSS, true);
	KUNIT_EXPECT_EQ(test, c.cwnd, 15 * MSS + 7);
	xtcp_cong_release(&c);
}

/* RFC 5681 3.1: about one MSS for each round trip, whatever the size of the ACKs. */
static void reno_avoid__one_mss_a_round(struct kunit *test)
{
	static const u32 strides[] = { 1, 100, 1460, 2920, 29200, ~0U };
	int i;

	for (i = 0; i < ARRAY_SIZE(strides); i++) {
		struct xtcp_cong c = cong_reno(test);
		u32 round, left;

		c.cwnd = 20 * MSS;
		c.ssthresh = 20 * MSS;
		for (round = 1; round <= 50; round++) {
			for (left = c.cwnd; left; ) {
				u32 acked = min(left, strides[i]);

				cong_ack(&c, acked, true);
				left -= acked;
			}
			KUNIT_ASSERT_EQ_MSG(test, c.cwnd, (20 + round) * MSS,
					    "stride %u round %u", strides[i], round);
		}
		xtcp_cong_release(&c);
	}
}

static void reno_avoid__crosses_the_threshold(struct kunit *test)
{
	struct xtcp_cong c = cong_reno(test);

	c.ssthresh = 11 * MSS;
	cong_ack(&c, 3 * MSS, true);
	KUNIT_EXPECT_EQ(test, c.cwnd, 11 * MSS);
	KUNIT_EXPECT_EQ(test, c.bytes_acked, 2 * MSS);
	cong_ack(&c, 9 * MSS, true);
	KUNIT_EXPECT_EQ(test, c.cwnd, 12 * MSS);
	KUNIT_EXPECT_EQ(test, c.bytes_acked, 0U);
	xtcp_cong_release(&c);
}

static void reno_avoid__only_if_the_window_was_full(struct kunit *test)
{
	struct xtcp_cong c = cong_reno(test);
	int i;

	for (i = 0; i < 1000; i++)
		cong_ack(&c, MSS, false);
	KUNIT_EXPECT_EQ(test, c.cwnd, 10 * MSS);
	c.ssthresh = c.cwnd;
	for (i = 0; i < 1000; i++)
		cong_ack(&c, MSS, false);
	KUNIT_EXPECT_EQ(test, c.cwnd, 10 * MSS);
	KUNIT_EXPECT_EQ_MSG(test, c.bytes_acked, 0U, "nothing saved up");
	xtcp_cong_release(&c);
}

/* At the clamp nothing is saved up either. */
static void reno_avoid__clamped(struct kunit *test)
{
	struct xtcp_cong c = cong_reno(test);
	int i;

	c.ssthresh = c.cwnd;
	c.cwnd_clamp = c.cwnd + MSS / 2;
	for (i = 0; i < 1000; i++)
		cong_ack(&c, MSS, true);
	KUNIT_EXPECT_EQ(test, c.cwnd, 10 * MSS + MSS / 2);
	c.cwnd_clamp = XTCP_SSTHRESH_INF;
	cong_ack(&c, MSS, true);
	KUNIT_EXPECT_EQ(test, c.cwnd, 10 * MSS + MSS / 2);
	xtcp_cong_release(&c);
}

/* One acknowledgment, however large, is worth one MSS, and what is left over at most another. */
static void reno_avoid__one_mss_an_ack(struct kunit *test)
{
	struct xtcp_cong c = cong_reno(test);

	c.ssthresh = c.cwnd;
	cong_ack(&c, 5 * c.cwnd, true);
	KUNIT_EXPECT_EQ(test, c.cwnd, 11 * MSS);
	KUNIT_EXPECT_EQ(test, c.bytes_acked, 10 * MSS);
	/* What is left over counts. */
	cong_ack(&c, MSS - 1, true);
	KUNIT_EXPECT_EQ(test, c.cwnd, 11 * MSS);
	cong_ack(&c, 1, true);
	KUNIT_EXPECT_EQ(test, c.cwnd, 12 * MSS);
	KUNIT_EXPECT_EQ(test, c.bytes_acked, 0U);
	xtcp_cong_release(&c);
}

/* RFC 5681 equation 4: from what is in flight, at least two segments. */
static void reno_ssthresh__half_the_flight(struct kunit *test)
{
	struct xtcp_cong c = cong_reno(test);

	c.cwnd = 100 * MSS;
	c.bytes_acked = 50 * MSS;
	KUNIT_EXPECT_EQ(test, c.ops->ssthresh(&c, 40 * MSS), 20 * MSS);
	KUNIT_EXPECT_EQ_MSG(test, c.bytes_acked, 0U, "counted towards a window that is gone");
	KUNIT_EXPECT_EQ(test, c.ops->ssthresh(&c, 4 * MSS + 1), 2 * MSS);
	KUNIT_EXPECT_EQ(test, c.ops->ssthresh(&c, MSS), 2 * MSS);
	KUNIT_EXPECT_EQ(test, c.ops->ssthresh(&c, 0), 2 * MSS);
	xtcp_cong_release(&c);
}

/* Whatever comes, cwnd stays between what it was and the clamp, and never wraps around. */
static void reno_avoid__random_stays_in_bounds(struct kunit *test)
{
	struct rnd_state rnd;
	int round, i;

	prandom_seed_state(&rnd, 5681);
	for (round = 0; round < 200; round++) {
		struct xtcp_cong c = cong_reno(test);

		c.cwnd = rnd_range(&rnd, MSS, XTCP_SSTHRESH_INF);
		c.ssthresh = rnd_range(&rnd, 2 * MSS, XTCP_SSTHRESH_INF);
		c.cwnd_clamp = rnd_range(&rnd, c.cwnd, XTCP_SSTHRESH_INF);
		for (i = 0; i < 200; i++) {
			u32 before = c.cwnd, acked = rnd_range(&rnd, 1, c.cwnd);

			cong_ack(&c, acked, rnd_coin(&rnd));
			KUNIT_ASSERT_GE(test, c.cwnd, before);
			KUNIT_ASSERT_LE(test, c.cwnd, c.cwnd_clamp);
			KUNIT_ASSERT_LE(test, (u64)c.cwnd, (u64)before + acked + MSS);
			KUNIT_ASSERT_LE(test, c.bytes_acked, c.cwnd);
		}
		xtcp_cong_release(&c);
	}
}

/* The next connection of a socket starts as the first one did. */
static void cong_forget__nothing_stays(struct kunit *test)
{
	struct xtcp_cong c = cong_reno(test);

	KUNIT_EXPECT_EQ(test, xtcp_cong_register(&cong_probe), 0);
	KUNIT_EXPECT_EQ(test, xtcp_cong_assign(&c, "kunit-probe"), 0);
	c.priv[0] = 7;
	c.state = XTCP_CA_RECOVERY;
	c.srtt_us = 1000;
	c.pacing_rate = 1000;
	c.drained = true;
	xtcp_cong_forget(&c);
	KUNIT_EXPECT_PTR_EQ(test, c.ops, (const struct xtcp_cong_ops *)&cong_probe);
	KUNIT_EXPECT_EQ(test, c.priv[0], 1ULL);
	KUNIT_EXPECT_EQ(test, cong_probe_inits, 2);
	KUNIT_EXPECT_EQ(test, cong_probe_releases, 1);
	KUNIT_EXPECT_EQ(test, (int)c.state, (int)XTCP_CA_OPEN);
	KUNIT_EXPECT_EQ(test, c.srtt_us, 0U);
	KUNIT_EXPECT_EQ(test, c.pacing_rate, 0ULL);
	KUNIT_EXPECT_FALSE(test, c.drained);
	xtcp_cong_release(&c);
	xtcp_cong_unregister(&cong_probe);
	xtcp_cong_forget(&c);
	KUNIT_EXPECT_PTR_EQ_MSG(test, c.ops, NULL, "none was there");
}

static struct kunit_case cong_cases[] = {
	KUNIT_CASE(cong_forget__nothing_stays),
	KUNIT_CASE(cong_register__refuses),
	KUNIT_CASE(cong_register__name_is_taken_once),
	KUNIT_CASE(cong_names__listed_and_cut_off),
	KUNIT_CASE(cong_assign__unknown_changes_nothing),
	KUNIT_CASE(cong_assign__switches_and_releases),
	KUNIT_CASE(cong_inherit__own_private_state),
	KUNIT_CASE(cong_assign__module_references),
	KUNIT_CASE(cong_start__initial_window),
	KUNIT_CASE(cong_slow_start__doubles_each_round),
	KUNIT_CASE(cong_slow_start__stretch_acks),
	KUNIT_CASE(cong_slow_start__stops_at_threshold),
	KUNIT_CASE(cong_slow_start__clamped),
	KUNIT_CASE(reno_avoid__one_mss_a_round),
	KUNIT_CASE(reno_avoid__one_mss_an_ack),
	KUNIT_CASE(reno_avoid__crosses_the_threshold),
	KUNIT_CASE(reno_avoid__only_if_the_window_was_full),
	KUNIT_CASE(reno_avoid__clamped),
	KUNIT_CASE(reno_ssthresh__half_the_flight),
	KUNIT_CASE(reno_avoid__random_stays_in_bounds),
	{}
};

static struct kunit_suite cong_suite = {
	.name = "xtcp_cong",
	.init = cong_test_init,
	.test_cases = cong_cases,
};

kunit_test_suite(cong_suite);
