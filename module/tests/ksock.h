/* SPDX-License-Identifier: GPL-2.0 */
/* XTCP sockets for KUnit, in the initial namespace. */
#ifndef _XTCP_TESTS_KSOCK_H
#define _XTCP_TESTS_KSOCK_H

#include <kunit/test.h>
#include <linux/net.h>
#include <linux/skbuff.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <uapi/linux/xtcp.h>
#include "../skb_cb.h"
#include "../xmit.h"
#include "../xtcp_sock.h"

static inline struct sock *ksock_open(struct kunit *test, int protocol)
{
	struct socket *sock;

	KUNIT_ASSERT_EQ(test, sock_create_kern(&init_net, PF_XTCP, SOCK_STREAM, protocol, &sock),
			0);
	return sock->sk;
}

static inline void ksock_close(struct sock *sk)
{
	sock_release(sk->sk_socket);
}

/* The octet that belongs at @seq: any shift of a segment's data shows. */
static inline u8 ksock_octet(u32 seq)
{
	return (seq * 2654435761U) >> 24;
}

/*
 * A segment as send.c makes them: @len octets of payload from @seq on, all in pages,
 * charged to @sk, which is locked. It is in no queue yet.
 */
static inline struct sk_buff *ksock_segment(struct kunit *test, struct sock *sk, u32 seq,
					    u32 len, u8 flags)
{
	struct sk_buff *skb = xtcp_xmit_alloc(sk, GFP_KERNEL);
	u32 at = 0;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	while (at < len) {
		u32 n = min_t(u32, len - at, PAGE_SIZE), i;
		struct page *page = alloc_page(GFP_KERNEL);
		u8 *octets;

		KUNIT_ASSERT_NOT_NULL(test, page);
		octets = page_address(page);
		for (i = 0; i < n; i++)
			octets[i] = ksock_octet(seq + at + i);
		skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page, 0, n, n);
		at += n;
	}
	xtcp_cb(skb)->seq = seq;
	xtcp_cb(skb)->end_seq = seq + len + !!(flags & (XTCP_SYN | XTCP_FIN));
	xtcp_cb(skb)->flags = flags;
	KUNIT_ASSERT_TRUE(test, sk_wmem_schedule(sk, skb->truesize));
	sk_wmem_queued_add(sk, skb->truesize);
	sk_mem_charge(sk, skb->truesize);
	return skb;
}

#endif /* _XTCP_TESTS_KSOCK_H */
