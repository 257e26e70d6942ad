// SPDX-License-Identifier: GPL-2.0
/* What the receiver reports of its out-of-order queue (RFC 2018, RFC 2883). */
#include <linux/minmax.h>
#include <linux/string.h>
#include "sack.h"
#include "seq.h"

static void sack_remove(struct xtcp_sack *s, unsigned int i)
{
	s->num--;
	if (i < s->fresh)
		s->fresh--;
	memmove(&s->block[i], &s->block[i + 1], (s->num - i) * sizeof(s->block[0]));
}

void xtcp_sack_add(struct xtcp_sack *s, u32 start, u32 end)
{
	unsigned int i = 0;

	/* RFC 2018 4: the block with the newest segment comes first, whole. */
	while (i < s->num) {
		const struct xtcp_sack_block *b = &s->block[i];

		if (xtcp_seq_after(start, b->end) || xtcp_seq_after(b->start, end)) {
			i++;
			continue;
		}
		start = xtcp_seq_min(start, b->start);
		end = xtcp_seq_max(end, b->end);
		/* What did not touch the smaller range may touch this one. */
		sack_remove(s, i);
		i = 0;
	}
	s->num = min_t(unsigned int, s->num, XTCP_OPT_SACK_MAX - 1);
	memmove(&s->block[1], &s->block[0], s->num * sizeof(s->block[0]));
	s->block[0].start = start;
	s->block[0].end = end;
	s->num++;
	s->fresh = min_t(unsigned int, s->fresh + 1, s->num);
}

void xtcp_sack_advance(struct xtcp_sack *s, u32 rcv_nxt)
{
	unsigned int i = 0;

	while (i < s->num) {
		if (xtcp_seq_after(s->block[i].start, rcv_nxt))
			i++;
		else
			sack_remove(s, i);
	}
}

void xtcp_sack_cut(struct xtcp_sack *s, u32 edge)
{
	unsigned int i = 0;

	while (i < s->num) {
		struct xtcp_sack_block *b = &s->block[i];

		if (!xtcp_seq_before(b->start, edge)) {
			sack_remove(s, i);
			continue;
		}
		b->end = xtcp_seq_min(b->end, edge);
		i++;
	}
}

void xtcp_sack_duplicate(struct xtcp_sack *s, u32 start, u32 end)
{
	if (!s->has_dup) {
		s->dup.start = start;
		s->dup.end = end;
		s->has_dup = true;
		return;
	}
	/* Several before one acknowledgment: one range if they touch, else the newest. */
	if (xtcp_seq_after(start, s->dup.end) || xtcp_seq_after(s->dup.start, end)) {
		s->dup.start = start;
		s->dup.end = end;
	} else {
		s->dup.start = xtcp_seq_min(start, s->dup.start);
		s->dup.end = xtcp_seq_max(end, s->dup.end);
	}
}

void xtcp_sack_fill(const struct xtcp_sack *s, u32 rcv_nxt, unsigned int room,
		    struct xtcp_options *opt)
{
	/* Two octets of padding, kind and length, then eight for each block. */
	unsigned int fit = room < 12 ? 0 : min_t(unsigned int, (room - 4) / 8, XTCP_OPT_SACK_MAX);
	unsigned int i, n = 0;

	if (s->has_dup && fit)
		opt->sack[n++] = s->dup;
	for (i = 0; i < s->num && n < fit; i++)
		if (xtcp_seq_after(s->block[i].start, rcv_nxt))
			opt->sack[n++] = s->block[i];
	if (!n)
		return;
	opt->num_sacks = n;
	opt->seen |= XTCP_SEEN_SACK;
}
