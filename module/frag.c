// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that writers copy into, used again as long as they are warm.
 *
 * A new page costs its allocation and, where the kernel clears what it hands out, one instruction
 * for each eight octets. Each processor keeps the last few that its writers have filled; whose only
 * reference is ours is free again. What it held is not seen by anybody: a segment refers to those
 * octets only that its own writer has copied.
 */
#include <linux/mm.h>
#include <linux/percpu.h>
#include <net/sock.h>

#include "frag.h"

#define FRAG_KEPT	4	/* each up to 32 KB */

/* @next is the one kept longest. */
struct frag_ring {
	struct page_frag kept[FRAG_KEPT];
	unsigned int next;
};

static DEFINE_PER_CPU(struct frag_ring, frag_ring);

/*
 * Keep what is in @pfrag and give back what was kept longest, if that is free. Else @pfrag is
 * empty. No interrupt comes here, so that a process which stays on its processor is alone.
 */
static void frag_exchange(struct page_frag *pfrag)
{
	struct frag_ring *ring = get_cpu_ptr(&frag_ring);
	struct page_frag *oldest = &ring->kept[ring->next], out = *oldest;

	*oldest = *pfrag;
	ring->next = (ring->next + 1) % FRAG_KEPT;
	put_cpu_ptr(&frag_ring);
	if (out.page && page_ref_count(out.page) != 1) {
		put_page(out.page);
		out.page = NULL;
	}
	out.offset = 0;
	*pfrag = out;
}

bool xtcp_frag_refill(struct sock *sk, struct page_frag *pfrag)
{
	if (likely(pfrag->page && pfrag->offset < pfrag->size))
		return true;
	/* Emergency reserves go back at once. */
	if (pfrag->page && page_ref_count(pfrag->page) > 1 && !page_is_pfmemalloc(pfrag->page)) {
		frag_exchange(pfrag);
		if (pfrag->page)
			return true;
	}
	return sk_page_frag_refill(sk, pfrag);
}

void xtcp_frag_exit(void)
{
	unsigned int cpu, i;

	for_each_possible_cpu(cpu) {
		struct frag_ring *ring = per_cpu_ptr(&frag_ring, cpu);

		for (i = 0; i < FRAG_KEPT; i++) {
			if (ring->kept[i].page)
				put_page(ring->kept[i].page);
			ring->kept[i].page = NULL;
		}
	}
}
