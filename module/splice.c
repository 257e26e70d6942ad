// SPDX-License-Identifier: GPL-2.0
/*
 * sendfile() and splice(): pages of others become a segment's payload.
 *
 * Such a page belongs to a file or a program that goes on writing to it. Nobody reads it here but
 * the device, or the reader in the same machine, and a segment that is sent again carries what
 * is in the page then. All else is as for octets that were copied (send.c).
 */
#include <linux/bvec.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/sizes.h>
#include <linux/uio.h>
#include <net/sock.h>

#include "output.h"
#include "sndbuf.h"
#include "splice.h"
#include "xtcp_sock.h"

/* Octets that lie in one piece: @len of them from @off in @page, the first of its compound. */
struct splice_piece {
	struct page *page;
	u32 off;
	u32 len;
};

/*
 * What @iter has next, in one page or one compound of several. A larger one than this is taken page
 * by page: its struct pages need not lie side by side.
 */
#define SPLICE_COMPOUND		SZ_4M

static void splice_next(const struct iov_iter *iter, struct splice_piece *p)
{
	const struct bio_vec *bv = iter->bvec;
	size_t skip = iter->iov_offset, size = PAGE_SIZE;
	struct page *page, *head;

	while (skip >= bv->bv_len) {
		skip -= bv->bv_len;
		bv++;
	}
	p->off = bv->bv_offset + skip;
	page = bv->bv_page;
	if (p->off >= PAGE_SIZE) {
		page = pfn_to_page(page_to_pfn(page) + (p->off >> PAGE_SHIFT));
		p->off &= ~PAGE_MASK;
	}
	p->page = page;
	head = compound_head(page);
	if (PageHead(head) && page_size(head) <= SPLICE_COMPOUND) {
		size = page_size(head);
		p->off += (page - head) << PAGE_SHIFT;
		p->page = head;
	}
	p->len = min3(bv->bv_len - skip, size - p->off, iov_iter_count(iter));
}

bool xtcp_splice_able(const struct sock *sk)
{
	return sk->sk_route_caps & NETIF_F_SG;
}

int xtcp_splice_page(struct sock *sk, struct iov_iter *iter, struct sk_buff *skb, u32 max)
{
	struct skb_shared_info *shinfo = skb_shinfo(skb);
	int i = shinfo->nr_frags;
	struct splice_piece p;
	bool merge;

	sock_owned_by_me(sk);
	splice_next(iter, &p);
	if (unlikely(!sendpage_ok(p.page)))
		return -EOPNOTSUPP;
	merge = skb_can_coalesce(skb, i, p.page, p.off);
	if (!merge && i >= MAX_SKB_FRAGS)
		return 0;
	p.len = min(p.len, max);
	if (!xtcp_sndbuf_charge(sk, p.len))
		return -ENOMEM;
	if (merge) {
		skb_frag_size_add(&shinfo->frags[i - 1], p.len);
	} else {
		get_page(p.page);
		/* Whether it is of the emergency reserves cannot be told of a page in use. */
		skb_fill_page_desc_noacc(skb, i, p.page, p.off, p.len);
	}
	shinfo->flags |= SKBFL_SHARED_FRAG;
	skb->len += p.len;
	skb->data_len += p.len;
	skb->truesize += p.len;
	sk_wmem_queued_add(sk, p.len);
	sk_mem_charge(sk, p.len);
	iov_iter_advance(iter, p.len);
	return p.len;
}

void xtcp_splice_eof(struct socket *sock)
{
	struct sock *sk = sock->sk;

	if (skb_queue_empty_lockless(&sk->sk_write_queue))
		return;
	lock_sock(sk);
	xtcp_clock_refresh(xtcp_sk(sk));
	xtcp_sk(sk)->autocork.more = false;
	xtcp_output_push(sk);
	release_sock(sk);
}
