/* SPDX-License-Identifier: GPL-2.0 */
/* Pages that writers copy into, used again as long as they are warm. */
#ifndef _XTCP_FRAG_H
#define _XTCP_FRAG_H

#include <linux/types.h>

struct page_frag;
struct sock;

/**
 * xtcp_frag_refill() - see that @pfrag has room
 * @sk: who writes
 * @pfrag: sk_page_frag(@sk)
 *
 * As sk_page_frag_refill(), but a page that is full is kept for its processor's next writers, who
 * take it when its readers are through. Process context, socket lock held. Return: false without
 * memory.
 */
bool xtcp_frag_refill(struct sock *sk, struct page_frag *pfrag);

/* Let go of all that is kept. The module ends: nobody writes any more. */
void xtcp_frag_exit(void);

#endif /* _XTCP_FRAG_H */
