// SPDX-License-Identifier: GPL-2.0
/* Header options: bytes to struct and back (RFC 9293 3.2, 7323, 2018). */
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include "compat/unaligned.h"
#include "options.h"
#include "window.h"

/* Kinds and lengths as assigned by IANA. */
#define OPT_EOL		0
#define OPT_NOP		1
#define OPT_MSS		2
#define OPT_WSCALE	3
#define OPT_SACK_OK	4
#define OPT_SACK	5
#define OPT_TS		8

#define OPT_MSS_LEN	4
#define OPT_WSCALE_LEN	3
#define OPT_SACK_OK_LEN	2
#define OPT_SACK_BASE	2
#define OPT_SACK_PER	8
#define OPT_TS_LEN	10

/* What every segment of a connection with timestamps carries (RFC 7323 appendix A). */
#define OPT_TS_ALIGNED		((OPT_NOP << 24) | (OPT_NOP << 16) | (OPT_TS << 8) | OPT_TS_LEN)
#define OPT_TS_ALIGNED_LEN	12

static void options_read_ts(const u8 *value, struct xtcp_options *opt)
{
	opt->tsval = get_unaligned_be32(value);
	opt->tsecr = get_unaligned_be32(value + 4);
	opt->seen |= XTCP_SEEN_TS;
}

static void options_read_sack(const u8 *value, unsigned int len, struct xtcp_options *opt)
{
	unsigned int i, n = len / OPT_SACK_PER;

	if (len % OPT_SACK_PER || n < 1 || n > XTCP_OPT_SACK_MAX)
		return;
	for (i = 0; i < n; i++, value += OPT_SACK_PER) {
		opt->sack[i].start = get_unaligned_be32(value);
		opt->sack[i].end = get_unaligned_be32(value + 4);
	}
	opt->num_sacks = n;
	opt->seen |= XTCP_SEEN_SACK;
}

/* One option whose @len octets, kind and length included, lie inside the header. */
static void options_read_one(const u8 *p, unsigned int len, bool syn,
			     struct xtcp_options *opt)
{
	const u8 *value = p + 2;

	switch (p[0]) {
	case OPT_MSS:
		if (syn && len == OPT_MSS_LEN) {
			opt->mss = get_unaligned_be16(value);
			opt->seen |= XTCP_SEEN_MSS;
		}
		break;
	case OPT_WSCALE:
		if (syn && len == OPT_WSCALE_LEN) {
			/* RFC 7323 2.3: a larger shift means the largest one */
			opt->wscale = min_t(u8, *value, XTCP_WSCALE_MAX);
			opt->seen |= XTCP_SEEN_WSCALE;
		}
		break;
	case OPT_SACK_OK:
		if (syn && len == OPT_SACK_OK_LEN)
			opt->seen |= XTCP_SEEN_SACK_OK;
		break;
	case OPT_SACK:
		options_read_sack(value, len - OPT_SACK_BASE, opt);
		break;
	case OPT_TS:
		if (len == OPT_TS_LEN)
			options_read_ts(value, opt);
		break;
	}
}

bool xtcp_options_parse(const u8 *p, unsigned int len, bool syn,
			struct xtcp_options *opt)
{
	const u8 *end = p + len;

	/* The blocks are 32 octets that nobody reads without num_sacks. */
	memset(opt, 0, offsetof(struct xtcp_options, sack));
	if (!len)
		return true;
	if (len == OPT_TS_ALIGNED_LEN && get_unaligned_be32(p) == OPT_TS_ALIGNED) {
		options_read_ts(p + 4, opt);
		return true;
	}
	while (p < end) {
		if (*p == OPT_EOL)
			break;
		if (*p == OPT_NOP) {
			p++;
			continue;
		}
		if (end - p < 2 || p[1] < 2 || p[1] > end - p)
			return false;
		options_read_one(p, p[1], syn, opt);
		p += p[1];
	}
	return true;
}

/* Timestamps and SACK-permitted share their padding; each group is whole words. */
static unsigned int options_ts_group(const struct xtcp_options *opt)
{
	if (opt->seen & XTCP_SEEN_TS)
		return OPT_TS_ALIGNED_LEN;
	return opt->seen & XTCP_SEEN_SACK_OK ? 4 : 0;
}

/* Octets of everything but SACK blocks, which take what is left. */
static unsigned int options_fixed_size(const struct xtcp_options *opt)
{
	return options_ts_group(opt) +
	       (opt->seen & XTCP_SEEN_MSS ? OPT_MSS_LEN : 0) +
	       (opt->seen & XTCP_SEEN_WSCALE ? OPT_WSCALE_LEN + 1 : 0);
}

/* SACK blocks that fit behind @fixed octets, two NOPs and their own kind and length. */
static unsigned int options_sack_room(const struct xtcp_options *opt, unsigned int fixed)
{
	if (!(opt->seen & XTCP_SEEN_SACK))
		return 0;
	return min_t(unsigned int, opt->num_sacks, (XTCP_OPT_SPACE - fixed - 4) / OPT_SACK_PER);
}

unsigned int xtcp_options_size(const struct xtcp_options *opt)
{
	unsigned int fixed, sacks;

	/* What nearly every segment has. */
	if (likely(opt->seen == XTCP_SEEN_TS))
		return OPT_TS_ALIGNED_LEN;
	if (!opt->seen)
		return 0;
	fixed = options_fixed_size(opt);
	sacks = options_sack_room(opt, fixed);
	return fixed + (sacks ? 4 + sacks * OPT_SACK_PER : 0);
}

static u8 *options_put(u8 *p, u8 a, u8 b, u8 c, u8 d)
{
	put_unaligned_be32((u32)a << 24 | b << 16 | c << 8 | d, p);
	return p + 4;
}

static u8 *options_put_ts_group(u8 *p, const struct xtcp_options *opt)
{
	bool sack_ok = opt->seen & XTCP_SEEN_SACK_OK;

	if (!(opt->seen & XTCP_SEEN_TS)) {
		if (!sack_ok)
			return p;
		return options_put(p, OPT_NOP, OPT_NOP, OPT_SACK_OK, OPT_SACK_OK_LEN);
	}
	if (sack_ok)
		p = options_put(p, OPT_SACK_OK, OPT_SACK_OK_LEN, OPT_TS, OPT_TS_LEN);
	else
		p = options_put(p, OPT_NOP, OPT_NOP, OPT_TS, OPT_TS_LEN);
	put_unaligned_be32(opt->tsval, p);
	put_unaligned_be32(opt->tsecr, p + 4);
	return p + 8;
}

unsigned int xtcp_options_write(u8 *p, const struct xtcp_options *opt)
{
	unsigned int i, sacks;
	const u8 *start = p;

	if (likely(opt->seen == XTCP_SEEN_TS))
		return options_put_ts_group(p, opt) - start;
	if (!opt->seen)
		return 0;
	if (opt->seen & XTCP_SEEN_MSS)
		p = options_put(p, OPT_MSS, OPT_MSS_LEN, opt->mss >> 8, opt->mss & 0xff);
	p = options_put_ts_group(p, opt);
	if (opt->seen & XTCP_SEEN_WSCALE)
		p = options_put(p, OPT_NOP, OPT_WSCALE, OPT_WSCALE_LEN, opt->wscale);
	sacks = options_sack_room(opt, p - start);
	if (sacks)
		p = options_put(p, OPT_NOP, OPT_NOP, OPT_SACK,
				OPT_SACK_BASE + sacks * OPT_SACK_PER);
	for (i = 0; i < sacks; i++, p += OPT_SACK_PER) {
		put_unaligned_be32(opt->sack[i].start, p);
		put_unaligned_be32(opt->sack[i].end, p + 4);
	}
	return p - start;
}
