// SPDX-License-Identifier: GPL-2.0
/* KUnit: initial sequence numbers (RFC 6528) and the port hash (RFC 6056). */
#include <kunit/test.h>
#include <linux/siphash.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <net/ipv6.h>
#include "../isn.h"
#include "../seq.h"
#include "rnd.h"

#define TICKS_PER_SEC	250000U		/* 4 us each */

static const siphash_key_t isn_test_secret = { { 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL } };

static struct xtcp_key isn_test_key(void)
{
	struct xtcp_key key = {};

	ipv6_addr_set_v4mapped(htonl(0x0a000001), &key.laddr);
	ipv6_addr_set_v4mapped(htonl(0x0a000002), &key.raddr);
	key.lport = htons(40000);
	key.rport = htons(80);
	return key;
}

/* The secret's part, found by asking at time 0. */
static u32 isn_offset(const struct xtcp_key *key, const siphash_key_t *secret)
{
	return xtcp_isn_compute(key, secret, 0);
}

/*
 * RFC 9293 figure 6 with pinned numbers: the tick at which this connection's ISN is the
 * textbook's, for the client (836) and for the server (486).
 */
static void isn_compute__textbook(struct kunit *test)
{
	static const u32 textbook[] = { 836, 486 };
	struct xtcp_key key = isn_test_key();
	int i;

	for (i = 0; i < ARRAY_SIZE(textbook); i++) {
		u32 ticks = textbook[i] - isn_offset(&key, &isn_test_secret);
		u64 now = (u64)ticks * 4 * NSEC_PER_USEC;

		KUNIT_EXPECT_EQ(test, xtcp_isn_compute(&key, &isn_test_secret, now), textbook[i]);
		KUNIT_EXPECT_EQ(test, xtcp_isn_compute(&key, &isn_test_secret, now + 3999),
				textbook[i]);
		KUNIT_EXPECT_EQ(test, xtcp_isn_compute(&key, &isn_test_secret, now + 4000),
				textbook[i] + 1);
		swap(key.laddr, key.raddr);
		swap(key.lport, key.rport);
	}
}

static void isn_compute__clock(struct kunit *test)
{
	struct xtcp_key key = isn_test_key();
	u32 start = isn_offset(&key, &isn_test_secret);
	u64 secs;

	/* Past the wrap at 4.77 hours, and years on. */
	for (secs = 1; secs < 1000000000ULL; secs = secs * 3 + 1)
		KUNIT_EXPECT_EQ_MSG(test,
				    xtcp_isn_compute(&key, &isn_test_secret, secs * NSEC_PER_SEC),
				    start + (u32)(secs * TICKS_PER_SEC), "%llu s", secs);
}

/* A connection that is opened again begins beyond where the last one can have been. */
static void isn_compute__reopened_is_later(struct kunit *test)
{
	struct xtcp_key key = isn_test_key();
	u32 first = xtcp_isn_compute(&key, &isn_test_secret, 5 * NSEC_PER_SEC);
	u32 again = xtcp_isn_compute(&key, &isn_test_secret, 65ULL * NSEC_PER_SEC);

	KUNIT_EXPECT_TRUE(test, xtcp_seq_after(again, first));
	KUNIT_EXPECT_EQ(test, again - first, 60 * TICKS_PER_SEC);
}

/* Turn bit @bit of the key; fields one after the other, so each octet has its turn. */
static void isn_turn_bit(struct xtcp_key *key, unsigned int bit)
{
	((u8 *)key)[bit / 8] ^= 1 << bit % 8;
}

/* Each bit of the identity and of the secret changes the function, and changes it much. */
static void isn_compute__every_bit_matters(struct kunit *test)
{
	struct xtcp_key key = isn_test_key();
	u32 plain = isn_offset(&key, &isn_test_secret);
	unsigned int bit, turned = 0;

	for (bit = 0; bit < 8 * sizeof(key); bit++) {
		struct xtcp_key other = key;

		isn_turn_bit(&other, bit);
		KUNIT_EXPECT_NE_MSG(test, isn_offset(&other, &isn_test_secret), plain, "bit %u",
				    bit);
		turned += hweight32(isn_offset(&other, &isn_test_secret) ^ plain);
	}
	/* Half of 32 on average. */
	KUNIT_EXPECT_GT(test, turned, 15 * bit);
	KUNIT_EXPECT_LT(test, turned, 17 * bit);
	for (bit = 0; bit < 128; bit++) {
		siphash_key_t other = isn_test_secret;

		other.key[bit / 64] ^= 1ULL << bit % 64;
		KUNIT_EXPECT_NE_MSG(test, isn_offset(&key, &other), plain, "secret bit %u", bit);
	}
}

/* The two ends of one connection do not begin with the same number. */
static void isn_compute__ends_differ(struct kunit *test)
{
	struct xtcp_key key = isn_test_key(), other;

	other = key;
	swap(other.laddr, other.raddr);
	swap(other.lport, other.rport);
	KUNIT_EXPECT_NE(test, isn_offset(&key, &isn_test_secret),
			isn_offset(&other, &isn_test_secret));
}

static void isn_secret__drawn_once(struct kunit *test)
{
	siphash_key_t first = *xtcp_isn_secret();

	KUNIT_EXPECT_TRUE(test, first.key[0] || first.key[1]);
	KUNIT_EXPECT_EQ(test, memcmp(xtcp_isn_secret(), &first, sizeof(first)), 0);
}

/* The clock drives the real one too: two numbers, taken in order, are in order. */
static void isn_next__advances(struct kunit *test)
{
	struct xtcp_key key = isn_test_key();
	u32 first = xtcp_isn_next(&key), later;
	u64 until = ktime_get_ns() + 20 * NSEC_PER_USEC;

	while (ktime_get_ns() < until)
		cpu_relax();
	later = xtcp_isn_next(&key);
	KUNIT_EXPECT_TRUE(test, xtcp_seq_after(later, first));
	/* Less than an hour has passed. */
	KUNIT_EXPECT_LT(test, later - first, 3600 * TICKS_PER_SEC);
}

/* The boot's own numbers are the function of the boot's secret, not of an empty one. */
static void isn_next__is_keyed(struct kunit *test)
{
	struct xtcp_key key = isn_test_key();
	static const siphash_key_t none;
	u32 lo, isn, hi;

	lo = xtcp_isn_compute(&key, xtcp_isn_secret(), ktime_get_ns());
	isn = xtcp_isn_next(&key);
	hi = xtcp_isn_compute(&key, xtcp_isn_secret(), ktime_get_ns());
	KUNIT_EXPECT_TRUE(test, xtcp_seq_between(isn, lo, hi));
	KUNIT_EXPECT_NE(test, xtcp_isn_port_offset(&key), xtcp_isn_port_compute(&key, &none));
	KUNIT_EXPECT_EQ(test, xtcp_isn_port_offset(&key), xtcp_isn_port_offset(&key));
}

static void isn_port__local_port_does_not_count(struct kunit *test)
{
	struct xtcp_key key = isn_test_key();
	u32 offset = xtcp_isn_port_compute(&key, &isn_test_secret);
	u32 booted = xtcp_isn_port_offset(&key);

	key.lport = htons(1);
	KUNIT_EXPECT_EQ(test, xtcp_isn_port_compute(&key, &isn_test_secret), offset);
	KUNIT_EXPECT_EQ(test, xtcp_isn_port_offset(&key), booted);
	key.lport = 0;
	KUNIT_EXPECT_EQ(test, xtcp_isn_port_compute(&key, &isn_test_secret), offset);
	KUNIT_EXPECT_EQ(test, xtcp_isn_port_offset(&key), booted);
}

/* Destinations get offsets of their own, spread over the ephemeral range. */
static void isn_port__spread(struct kunit *test)
{
	struct xtcp_key key = isn_test_key();
	unsigned int bucket[16] = {}, i;

	for (i = 0; i < 4096; i++) {
		key.raddr.s6_addr32[3] = htonl(0x0a000000 + i / 16);
		key.rport = htons(80 + i % 16);
		bucket[xtcp_isn_port_compute(&key, &isn_test_secret) % 28232 * 16 / 28232]++;
	}
	for (i = 0; i < ARRAY_SIZE(bucket); i++) {
		KUNIT_EXPECT_GT_MSG(test, bucket[i], 190U, "bucket %u", i);
		KUNIT_EXPECT_LT_MSG(test, bucket[i], 322U, "bucket %u", i);
	}
}

/* Even with one and the same secret an offset is not an ISN. */
static void isn_port__is_not_the_isn(struct kunit *test)
{
	struct xtcp_key key = isn_test_key();

	KUNIT_EXPECT_NE(test, xtcp_isn_port_compute(&key, xtcp_isn_secret()),
			xtcp_isn_port_offset(&key));
	KUNIT_EXPECT_NE(test, xtcp_isn_port_compute(&key, &isn_test_secret),
			isn_offset(&key, &isn_test_secret));
}

static struct kunit_case isn_cases[] = {
	KUNIT_CASE(isn_compute__textbook),
	KUNIT_CASE(isn_compute__clock),
	KUNIT_CASE(isn_compute__reopened_is_later),
	KUNIT_CASE(isn_compute__every_bit_matters),
	KUNIT_CASE(isn_compute__ends_differ),
	KUNIT_CASE(isn_secret__drawn_once),
	KUNIT_CASE(isn_next__advances),
	KUNIT_CASE(isn_next__is_keyed),
	KUNIT_CASE(isn_port__local_port_does_not_count),
	KUNIT_CASE(isn_port__spread),
	KUNIT_CASE(isn_port__is_not_the_isn),
	{}
};

static struct kunit_suite isn_suite = {
	.name = "xtcp_isn",
	.test_cases = isn_cases,
};

kunit_test_suite(isn_suite);
