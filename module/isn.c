// SPDX-License-Identifier: GPL-2.0
/* Initial sequence numbers (RFC 6528) and the ephemeral port hash (RFC 6056). */
#include <linux/cache.h>
#include <linux/ktime.h>
#include <linux/once.h>
#include <linux/random.h>
#include <net/ipv6.h>
#include "isn.h"

#define ISN_TICK_NS	(4 * NSEC_PER_USEC)	/* RFC 9293 3.4.1: ISN generator's clock */

/*
 * A secret for each: if two functions shared one, each value that a peer sees would say
 * something about the other function.
 */
static siphash_aligned_key_t isn_secret __read_mostly;
static siphash_aligned_key_t isn_port_secret __read_mostly;
static siphash_aligned_key_t isn_stamp_secret __read_mostly;

const siphash_key_t *xtcp_isn_secret(void)
{
	get_random_once(&isn_secret, sizeof(isn_secret));
	return &isn_secret;
}

/* The key is hashed as it lies in memory: it must have no holes. */
static u64 isn_hash(const struct xtcp_key *key, const siphash_key_t *secret)
{
	BUILD_BUG_ON(sizeof(*key) != 2 * sizeof(struct in6_addr) + 2 * sizeof(__be16) +
				     sizeof(u32));
	/* The mapped prefix is always the same, and has no scope. */
	if (ipv6_addr_v4mapped(&key->laddr) && ipv6_addr_v4mapped(&key->raddr) && !key->scope)
		return siphash_3u32((__force u32)key->laddr.s6_addr32[3],
				    (__force u32)key->raddr.s6_addr32[3],
				    (__force u32)key->lport << 16 | (__force u32)key->rport, secret);
	return siphash(key, sizeof(*key), secret);
}

u32 xtcp_isn_compute(const struct xtcp_key *key, const siphash_key_t *secret, u64 now_ns)
{
	return (u32)isn_hash(key, secret) + (u32)div_u64(now_ns, ISN_TICK_NS);
}

u32 xtcp_isn_next(const struct xtcp_key *key)
{
	return xtcp_isn_compute(key, xtcp_isn_secret(), ktime_get_ns());
}

u32 xtcp_isn_port_compute(const struct xtcp_key *key, const siphash_key_t *secret)
{
	struct xtcp_key k = *key;

	k.lport = 0;
	return isn_hash(&k, secret);
}

u32 xtcp_isn_port_offset(const struct xtcp_key *key)
{
	get_random_once(&isn_port_secret, sizeof(isn_port_secret));
	return xtcp_isn_port_compute(key, &isn_port_secret);
}

u32 xtcp_isn_stamp_compute(const struct xtcp_key *key, const siphash_key_t *secret)
{
	struct xtcp_key k = *key;

	k.lport = 0;
	k.rport = 0;
	return isn_hash(&k, secret);
}

u32 xtcp_isn_stamp_offset(const struct xtcp_key *key)
{
	get_random_once(&isn_stamp_secret, sizeof(isn_stamp_secret));
	return xtcp_isn_stamp_compute(key, &isn_stamp_secret);
}
