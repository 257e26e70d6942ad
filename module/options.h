/* SPDX-License-Identifier: GPL-2.0 */
/* Header options: bytes to struct and back (RFC 9293 3.2, 7323, 2018). */
#ifndef _XTCP_OPTIONS_H
#define _XTCP_OPTIONS_H

#include <linux/bits.h>
#include <linux/types.h>

#define XTCP_OPT_SPACE		40	/* octets that a header has for options */
#define XTCP_OPT_SACK_MAX	4	/* blocks that fit without timestamps */

/* Which options a header carried, or is to carry (xtcp_options.seen). */
#define XTCP_SEEN_MSS		BIT(0)
#define XTCP_SEEN_WSCALE	BIT(1)
#define XTCP_SEEN_SACK_OK	BIT(2)
#define XTCP_SEEN_TS		BIT(3)
#define XTCP_SEEN_SACK		BIT(4)

struct xtcp_sack_block {
	u32 start;
	u32 end;
};

/**
 * struct xtcp_options - the options of one segment
 * @seen: XTCP_SEEN_* of the fields that are valid
 * @num_sacks: valid entries of @sack
 * @wscale: shift count, at most 14 (RFC 7323 2.3)
 * @mss: maximum segment size, octets
 * @tsval: sender's clock
 * @tsecr: echoed clock
 * @sack: blocks, in the order of the header
 */
struct xtcp_options {
	u8 seen;
	u8 num_sacks;
	u8 wscale;
	u16 mss;
	u32 tsval;
	u32 tsecr;
	struct xtcp_sack_block sack[XTCP_OPT_SACK_MAX];
};

/**
 * xtcp_options_parse() - read the option bytes of a header
 * @p: first octet after the fixed 20, at any alignment
 * @len: octets of options, 0 to 40
 * @syn: the segment has SYN: MSS, window scale and SACK-permitted count
 *	 only there (RFC 9293 MUST-65, RFC 7323 2.2, RFC 2018 2)
 * @opt: result, cleared first but for @sack, which @num_sacks bounds
 *
 * Unknown options are skipped by their length (MUST-6). A known option with a
 * length that is not its own is ignored. A length below two or beyond the end
 * is malformed (MUST-7). Of an option that is there twice the last one counts.
 *
 * Return: false if the options are malformed: the segment must be dropped.
 */
bool xtcp_options_parse(const u8 *p, unsigned int len, bool syn,
			struct xtcp_options *opt);

/*
 * Octets that @opt takes in a header: a multiple of four, at most XTCP_OPT_SPACE.
 * SACK blocks beyond the space that the other options leave are not written.
 */
unsigned int xtcp_options_size(const struct xtcp_options *opt);

/**
 * xtcp_options_write() - write @opt as option bytes
 * @p: room for xtcp_options_size(@opt) octets
 * @opt: what to write
 *
 * NOPs align each option, so there is no padding at the end (RFC 9293 MUST-69).
 *
 * Return: octets written, equal to xtcp_options_size(@opt).
 */
unsigned int xtcp_options_write(u8 *p, const struct xtcp_options *opt);

#endif /* _XTCP_OPTIONS_H */
