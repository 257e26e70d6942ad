// SPDX-License-Identifier: GPL-2.0
/* KUnit: who may mark and who must echo, and when an echo counts (RFC 3168, RFC 8257). */
#include <kunit/test.h>
#include <linux/string.h>
#include <net/inet_ecn.h>
#include "../ecn.h"
#include "../seq.h"
#include "../skb_cb.h"
#include "rnd.h"

#define BOTH	(XTCP_ECE | XTCP_CWR)
#define ISS	0xfffffff0U

/* A connection with ECN both ways whose SYN is acknowledged. */
static void ecn_open(struct xtcp_ecn *e, bool exact)
{
	memset(e, 0, sizeof(*e));
	xtcp_ecn_follow(e, exact);
	xtcp_ecn_begin(e, ISS, true);
	xtcp_ecn_answered(e, XTCP_SYN | XTCP_ACK | XTCP_ECE);
}

/* The flags of a segment that the connection would send. */
static u8 ecn_flags(struct xtcp_ecn *e, u32 seq, bool fresh)
{
	u8 flags = XTCP_ACK;

	xtcp_ecn_send(e, seq, fresh, &flags);
	return flags & BOTH;
}

static void ecn_answered__table(struct kunit *test)
{
	static const struct {
		bool ask;
		u8 flags;
		bool agreed;
	} row[] = {
		{ true, 0, false }, { true, XTCP_ECE, true },
		{ true, XTCP_CWR, false }, { true, BOTH, false },
		{ false, 0, false }, { false, XTCP_ECE, false },
		{ false, XTCP_CWR, false }, { false, BOTH, false },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(row); i++) {
		struct xtcp_ecn e = {};

		xtcp_ecn_begin(&e, ISS, row[i].ask);
		KUNIT_EXPECT_EQ(test, xtcp_ecn_syn_flags(&e), row[i].ask ? BOTH : 0);
		xtcp_ecn_answered(&e, XTCP_SYN | XTCP_ACK | row[i].flags);
		KUNIT_EXPECT_EQ_MSG(test, e.ect, row[i].agreed, "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, e.accept, row[i].agreed, "row %d", i);
	}
}

static void ecn_crossed__table(struct kunit *test)
{
	u8 flags;

	for (flags = 0; flags < 4; flags++) {
		struct xtcp_ecn e = {};
		u8 theirs = flags * XTCP_ECE;

		xtcp_ecn_begin(&e, ISS, true);
		KUNIT_EXPECT_EQ(test, xtcp_ecn_crossed(&e, XTCP_SYN | theirs),
				theirs == BOTH ? XTCP_ECE : 0);
		KUNIT_EXPECT_EQ(test, e.ect, theirs == BOTH);
		KUNIT_EXPECT_EQ(test, xtcp_ecn_is_asked(theirs), theirs == BOTH);
	}
}

/* 6.1.1: a SYN without ECN takes the right to mark, and leaves the duty to echo. */
static void ecn_fall_back__echoes_on(struct kunit *test)
{
	struct xtcp_ecn e = {};
	u8 flags = XTCP_ACK;

	xtcp_ecn_begin(&e, ISS, true);
	xtcp_ecn_fall_back(&e);
	KUNIT_EXPECT_EQ(test, xtcp_ecn_syn_flags(&e), 0);
	xtcp_ecn_answered(&e, XTCP_SYN | XTCP_ACK | XTCP_ECE);
	KUNIT_EXPECT_EQ(test, xtcp_ecn_send(&e, ISS + 1, true, &flags), INET_ECN_NOT_ECT);
	KUNIT_EXPECT_FALSE_MSG(test, xtcp_ecn_acked(&e, XTCP_ACK | XTCP_ECE, ISS + 1),
			       "nothing of ours was marked");
	KUNIT_EXPECT_EQ(test, xtcp_ecn_data_rcvd(&e, INET_ECN_CE, XTCP_ACK), XTCP_ECN_QUICK);
	KUNIT_EXPECT_EQ(test, ecn_flags(&e, ISS + 1, false), XTCP_ECE);
}

/* 6.1.2 and 6.1.5: ECT and CWR on new data alone, CWR once. */
static void ecn_send__marks(struct kunit *test)
{
	struct xtcp_ecn e;
	u8 flags = 0;

	ecn_open(&e, false);
	KUNIT_EXPECT_EQ(test, xtcp_ecn_send(&e, ISS + 1, true, &flags), INET_ECN_ECT_0);
	KUNIT_EXPECT_EQ(test, xtcp_ecn_send(&e, ISS + 1, false, &flags), INET_ECN_NOT_ECT);
	KUNIT_EXPECT_EQ(test, flags, 0);
	KUNIT_EXPECT_EQ(test, xtcp_ecn_syn_mark(&e), INET_ECN_NOT_ECT);
	xtcp_ecn_reduced(&e);
	KUNIT_EXPECT_EQ_MSG(test, ecn_flags(&e, ISS + 1, false), 0, "not when sent again");
	KUNIT_EXPECT_EQ(test, ecn_flags(&e, ISS + 1001, true), XTCP_CWR);
	KUNIT_EXPECT_EQ(test, ecn_flags(&e, ISS + 2001, true), 0);
	KUNIT_EXPECT_EQ(test, e.high, ISS + 1001);
	/* Without ECN a reduction is nobody's business. */
	memset(&e, 0, sizeof(e));
	xtcp_ecn_reduced(&e);
	KUNIT_EXPECT_EQ(test, ecn_flags(&e, ISS + 1, true), 0);
}

/* RFC 8257 3.5: whatever leaves is ECT; CWR stays where it was. */
static void ecn_send__exact_marks_all(struct kunit *test)
{
	struct xtcp_ecn e;
	u8 flags = 0;

	ecn_open(&e, true);
	KUNIT_EXPECT_EQ(test, xtcp_ecn_syn_mark(&e), INET_ECN_ECT_0);
	xtcp_ecn_reduced(&e);
	KUNIT_EXPECT_EQ(test, xtcp_ecn_send(&e, ISS + 1, false, &flags), INET_ECN_ECT_0);
	KUNIT_EXPECT_EQ(test, flags, 0);
	KUNIT_EXPECT_EQ(test, ecn_flags(&e, ISS + 1, true), XTCP_CWR);
	xtcp_ecn_answered(&e, XTCP_SYN | XTCP_ACK);
	KUNIT_EXPECT_EQ(test, xtcp_ecn_send(&e, ISS + 1, true, &flags), INET_ECN_NOT_ECT);
	KUNIT_EXPECT_EQ(test, xtcp_ecn_syn_mark(&e), INET_ECN_NOT_ECT);
}

/* 6.1.3: from CE to CWR. */
static void ecn_data__echo(struct kunit *test)
{
	static const struct {
		u8 codepoint, flags;
		enum xtcp_ecn_hurry hurry;
		bool echo;
	} row[] = {
		{ INET_ECN_NOT_ECT, 0, XTCP_ECN_CALM, false },
		{ INET_ECN_ECT_1, 0, XTCP_ECN_CALM, false },
		{ INET_ECN_ECT_0, 0, XTCP_ECN_CALM, false },
		/* From a sender of ECT: sent again, and waited for. */
		{ INET_ECN_NOT_ECT, 0, XTCP_ECN_NOW, false },
		{ INET_ECN_CE, 0, XTCP_ECN_QUICK, true },
		{ INET_ECN_CE, 0, XTCP_ECN_CALM, true },
		{ INET_ECN_ECT_0, 0, XTCP_ECN_CALM, true },
		{ INET_ECN_ECT_0, XTCP_CWR, XTCP_ECN_NOW, false },
		{ INET_ECN_CE, XTCP_CWR, XTCP_ECN_QUICK, true },
		{ INET_ECN_CE, XTCP_CWR, XTCP_ECN_QUICK, true },
		{ INET_ECN_NOT_ECT, XTCP_CWR, XTCP_ECN_NOW, false },
	};
	struct xtcp_ecn e;
	int i;

	ecn_open(&e, false);
	for (i = 0; i < ARRAY_SIZE(row); i++) {
		KUNIT_EXPECT_EQ_MSG(test, xtcp_ecn_data_rcvd(&e, row[i].codepoint, row[i].flags),
				    row[i].hurry, "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, ecn_flags(&e, ISS + 1, false),
				    row[i].echo ? XTCP_ECE : 0, "row %d", i);
	}
	memset(&e, 0, sizeof(e));
	KUNIT_EXPECT_EQ(test, xtcp_ecn_data_rcvd(&e, INET_ECN_CE, XTCP_CWR), XTCP_ECN_CALM);
	KUNIT_EXPECT_FALSE(test, e.seen);
}

/*
 * RFC 8257 3.2 by random marks: every segment is acknowledged by an ACK whose ECE says how
 * that segment came, with delayed ACKs in between.
 */
static void ecn_data__exact_echo(struct kunit *test)
{
	struct rnd_state rnd;
	struct xtcp_ecn e;
	u32 owed = 0, turns = 0, i;
	bool owed_ce = false;

	prandom_seed_state(&rnd, 32);
	ecn_open(&e, true);
	for (i = 0; i < 10000; i++) {
		bool ce = rnd_below(&rnd, 4) == 0;
		u8 flags = rnd_below(&rnd, 8) ? 0 : XTCP_CWR;
		enum xtcp_ecn_hurry hurry;

		hurry = xtcp_ecn_data_rcvd(&e, ce ? INET_ECN_CE : INET_ECN_ECT_0, flags);
		if (hurry == XTCP_ECN_TURN) {
			/* What is owed goes first, as it came. */
			if (owed)
				KUNIT_ASSERT_EQ(test, ecn_flags(&e, ISS, false),
						owed_ce ? XTCP_ECE : 0);
			owed = 0;
			xtcp_ecn_turn(&e);
			turns++;
		}
		if (owed)
			KUNIT_ASSERT_EQ(test, owed_ce, ce);
		owed++;
		owed_ce = ce;
		if (hurry != XTCP_ECN_CALM || rnd_coin(&rnd)) {
			KUNIT_ASSERT_EQ(test, ecn_flags(&e, ISS, false), ce ? XTCP_ECE : 0);
			owed = 0;
		}
	}
	KUNIT_EXPECT_GT(test, turns, 1000U);
}

/* 6.1.2: once in a round trip, which ends where the data with CWR is acknowledged. */
static void ecn_acked__once_a_round_trip(struct kunit *test)
{
	struct xtcp_ecn e;
	u32 una = ISS + 1;

	ecn_open(&e, false);
	KUNIT_EXPECT_FALSE(test, xtcp_ecn_acked(&e, XTCP_ACK, una));
	KUNIT_EXPECT_FALSE_MSG(test, xtcp_ecn_acked(&e, XTCP_SYN | XTCP_ACK | XTCP_ECE, una),
			       "of a SYN it is no echo");
	KUNIT_EXPECT_TRUE(test, xtcp_ecn_acked(&e, XTCP_ACK | XTCP_ECE, una));
	KUNIT_EXPECT_TRUE(test, xtcp_ecn_is_news(&e, una));
	xtcp_ecn_reduced(&e);
	KUNIT_EXPECT_FALSE_MSG(test, xtcp_ecn_is_news(&e, una + 5000), "CWR has not left");
	ecn_flags(&e, una + 10000, true);
	KUNIT_EXPECT_FALSE(test, xtcp_ecn_is_news(&e, una + 10000));
	KUNIT_EXPECT_TRUE(test, xtcp_ecn_is_news(&e, una + 10001));
}

/* The mark goes along, so it is never taken for one ahead. */
static void ecn_acked__four_gigabytes(struct kunit *test)
{
	struct xtcp_ecn e;
	u32 una = ISS + 1;
	u64 done;

	ecn_open(&e, false);
	for (done = 0; done < 1ULL << 33; done += 0x10000000) {
		una += 0x10000000;
		KUNIT_ASSERT_TRUE(test, xtcp_ecn_acked(&e, XTCP_ACK | XTCP_ECE, una));
		KUNIT_ASSERT_TRUE(test, xtcp_ecn_is_news(&e, una));
	}
}

static struct kunit_case ecn_cases[] = {
	KUNIT_CASE(ecn_answered__table),
	KUNIT_CASE(ecn_crossed__table),
	KUNIT_CASE(ecn_fall_back__echoes_on),
	KUNIT_CASE(ecn_send__marks),
	KUNIT_CASE(ecn_send__exact_marks_all),
	KUNIT_CASE(ecn_data__echo),
	KUNIT_CASE(ecn_data__exact_echo),
	KUNIT_CASE(ecn_acked__once_a_round_trip),
	KUNIT_CASE(ecn_acked__four_gigabytes),
	{}
};

static struct kunit_suite ecn_suite = {
	.name = "xtcp_ecn",
	.test_cases = ecn_cases,
};

kunit_test_suite(ecn_suite);
