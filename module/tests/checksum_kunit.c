// SPDX-License-Identifier: GPL-2.0
/* KUnit: checksums of what comes, what goes, and what offload cuts (RFC 9293 3.1). */
#include <kunit/test.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/mm.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/checksum.h>
#include <net/ip6_checksum.h>
#include <uapi/linux/xtcp.h>
#include "../lower.h"
#include "../offload.h"
#include "ksock.h"
#include "pair.h"
#include "rnd.h"

#define HEADER	20	/* octets of a header without options */

/* Big-endian 16-bit words, the last one padded: RFC 1071 as it is written. */
static u32 csum_words(u32 sum, const u8 *p, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < len; i++)
		sum += i & 1 ? p[i] : p[i] << 8;
	return sum;
}

static u16 csum_complement(u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Addresses of a packet, and its version. */
struct csum_ends {
	u8 src[16];
	u8 dst[16];
	bool v6;
};

/* The checksum of @len octets at @p that hold 0 where it goes. */
static u16 csum_oracle(const struct csum_ends *ends, const u8 *p, unsigned int len)
{
	unsigned int alen = ends->v6 ? 16 : 4;
	u32 sum = IPPROTO_XTCP + (len >> 16) + (len & 0xffff);

	sum = csum_words(sum, ends->src, alen);
	sum = csum_words(sum, ends->dst, alen);
	return csum_complement(csum_words(sum, p, len));
}

static void csum_random_ends(struct rnd_state *rnd, struct csum_ends *ends)
{
	prandom_bytes_state(rnd, ends->src, sizeof(ends->src));
	prandom_bytes_state(rnd, ends->dst, sizeof(ends->dst));
	ends->v6 = rnd_coin(rnd);
}

/* @len octets of segment behind an IP header; those from @paged on lie in a page. */
static struct sk_buff *csum_packet(struct kunit *test, const struct csum_ends *ends,
				   const u8 *p, unsigned int len, unsigned int paged)
{
	unsigned int iplen = ends->v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	struct sk_buff *skb = alloc_skb(iplen + len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reset_network_header(skb);
	memset(skb_put(skb, iplen), 0, iplen);
	if (ends->v6) {
		memcpy(&ipv6_hdr(skb)->saddr, ends->src, 16);
		memcpy(&ipv6_hdr(skb)->daddr, ends->dst, 16);
		skb->protocol = htons(ETH_P_IPV6);
	} else {
		memcpy(&ip_hdr(skb)->saddr, ends->src, 4);
		memcpy(&ip_hdr(skb)->daddr, ends->dst, 4);
		skb->protocol = htons(ETH_P_IP);
	}
	skb_pull(skb, iplen);
	skb_reset_transport_header(skb);
	skb_put_data(skb, p, paged);
	if (paged < len) {
		struct page *page = alloc_page(GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, page);
		memcpy(page_address(page), p + paged, len - paged);
		skb_add_rx_frag(skb, 0, page, 0, len - paged, PAGE_SIZE);
	}
	return skb;
}

/* Fill @p with a random segment and its right checksum. */
static void csum_random_segment(struct rnd_state *rnd, const struct csum_ends *ends, u8 *p,
				unsigned int len)
{
	u16 sum;

	prandom_bytes_state(rnd, p, len);
	memset(p + 16, 0, 2);
	sum = csum_oracle(ends, p, len);
	p[16] = sum >> 8;
	p[17] = sum;
}

static bool csum_verdict(struct kunit *test, const struct csum_ends *ends, const u8 *p,
			 unsigned int len, unsigned int paged, bool complete)
{
	struct sk_buff *skb = csum_packet(test, ends, p, len, paged);
	bool ok;

	if (complete) {
		/* What a device that sums up everything would have told. */
		skb->csum = skb_checksum(skb, 0, len, 0);
		skb->ip_summed = CHECKSUM_COMPLETE;
	}
	ok = xtcp_lower_csum_ok(skb);
	kfree_skb(skb);
	return ok;
}

/* Every length, even and odd, IPv4 and IPv6, linear and cut at an odd place. */
static void csum_ok__every_length(struct kunit *test)
{
	struct csum_ends ends;
	struct rnd_state rnd;
	unsigned int len;
	u8 p[300];

	prandom_seed_state(&rnd, 1071);
	for (len = HEADER; len <= sizeof(p); len++) {
		csum_random_ends(&rnd, &ends);
		csum_random_segment(&rnd, &ends, p, len);
		KUNIT_EXPECT_TRUE_MSG(test, csum_verdict(test, &ends, p, len, len, false),
				      "%u octets", len);
		KUNIT_EXPECT_TRUE_MSG(test, csum_verdict(test, &ends, p, len, len, true),
				      "%u octets, summed by a device", len);
		KUNIT_EXPECT_TRUE_MSG(test, csum_verdict(test, &ends, p, len,
							 rnd_range(&rnd, HEADER, len), false),
				      "%u octets in two parts", len);
	}
}

/* Each single bit of segment and addresses counts. */
static void csum_ok__every_bit(struct kunit *test)
{
	struct csum_ends ends, bad;
	unsigned int bit;
	struct rnd_state rnd;
	u8 p[HEADER + 41];

	prandom_seed_state(&rnd, 768);
	csum_random_ends(&rnd, &ends);
	ends.v6 = true;
	csum_random_segment(&rnd, &ends, p, sizeof(p));
	for (bit = 0; bit < 8 * sizeof(p); bit++) {
		p[bit / 8] ^= 1 << bit % 8;
		KUNIT_EXPECT_FALSE_MSG(test, csum_verdict(test, &ends, p, sizeof(p), sizeof(p),
							  bit & 1), "bit %u", bit);
		p[bit / 8] ^= 1 << bit % 8;
	}
	for (bit = 0; bit < 256; bit++) {
		bad = ends;
		((u8 *)&bad)[bit / 8] ^= 1 << bit % 8;
		KUNIT_EXPECT_FALSE_MSG(test, csum_verdict(test, &bad, p, sizeof(p), sizeof(p),
							  false), "address bit %u", bit);
	}
}

/* Beyond the length up to which the kernel sums at once, and in more than one part. */
static void csum_ok__every_octet_of_a_long_one(struct kunit *test)
{
	struct csum_ends ends;
	struct rnd_state rnd;
	u8 p[700], turn;
	int i;

	prandom_seed_state(&rnd, 793);
	for (i = 0; i < 500; i++) {
		unsigned int len = rnd_range(&rnd, 77, sizeof(p)), at = rnd_below(&rnd, len);
		unsigned int paged = rnd_coin(&rnd) ? len : rnd_range(&rnd, HEADER, len);
		bool complete = rnd_coin(&rnd);

		csum_random_ends(&rnd, &ends);
		csum_random_segment(&rnd, &ends, p, len);
		turn = 1 << rnd_below(&rnd, 8);
		p[at] ^= turn;
		KUNIT_EXPECT_FALSE_MSG(test, csum_verdict(test, &ends, p, len, paged, complete),
				       "octet %u of %u", at, len);
		p[at] ^= turn;
		KUNIT_EXPECT_TRUE_MSG(test, csum_verdict(test, &ends, p, len, paged, complete),
				      "%u octets", len);
	}
}

/* The protocol number is part of the sum: what is right for TCP is wrong here. */
static void csum_ok__protocol_counts(struct kunit *test)
{
	struct csum_ends ends = { .src = { 10, 0, 0, 1 }, .dst = { 10, 0, 0, 2 } };
	u8 p[HEADER] = { 0x9c, 0x40, 0, 80, 0, 0, 3, 0x44, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff };
	u16 sum;

	sum = csum_complement(csum_words(csum_words(csum_words(IPPROTO_TCP + HEADER, ends.src, 4),
						    ends.dst, 4), p, HEADER));
	p[16] = sum >> 8;
	p[17] = sum;
	KUNIT_EXPECT_FALSE(test, csum_verdict(test, &ends, p, HEADER, HEADER, false));
	memset(p + 16, 0, 2);
	sum = csum_oracle(&ends, p, HEADER);
	p[16] = sum >> 8;
	p[17] = sum;
	KUNIT_EXPECT_TRUE(test, csum_verdict(test, &ends, p, HEADER, HEADER, false));
}

/* -- segments cut from a super-segment ----------------------------------------- */

/* A super-segment as xtcp_lower_xmit() hands it over: no IP header, pseudo-header sum. */
static struct sk_buff *csum_super(struct kunit *test, struct rnd_state *rnd,
				  const struct csum_ends *ends, unsigned int len,
				  unsigned int mss, unsigned int thlen, u32 seq)
{
	struct sk_buff *skb = alloc_skb(256 + thlen, GFP_KERNEL);
	unsigned int at;
	struct tcphdr *th;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reserve(skb, 256);
	th = skb_put(skb, thlen);
	skb_reset_transport_header(skb);
	prandom_bytes_state(rnd, th, thlen);
	th->seq = htonl(seq);
	th->doff = thlen / 4;
	th->fin = 1;
	th->psh = 1;
	th->ack = 1;
	th->cwr = 1;
	th->urg = 1;
	th->urg_ptr = htons(mss + 7);
	for (at = 0; at < len; at += PAGE_SIZE) {
		unsigned int n = min_t(unsigned int, len - at, PAGE_SIZE);
		struct page *page = alloc_page(GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, page);
		prandom_bytes_state(rnd, page_address(page), n);
		skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page, 0, n, PAGE_SIZE);
	}
	if (ends->v6)
		th->check = ~csum_ipv6_magic((const struct in6_addr *)ends->src,
					     (const struct in6_addr *)ends->dst, skb->len,
					     IPPROTO_XTCP, 0);
	else
		th->check = ~csum_tcpudp_magic(*(const __be32 *)ends->src,
					       *(const __be32 *)ends->dst, skb->len,
					       IPPROTO_XTCP, 0);
	skb->protocol = ends->v6 ? htons(ETH_P_IPV6) : htons(ETH_P_IP);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
	skb_shinfo(skb)->gso_size = mss;
	skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(len, mss);
	return skb;
}

/* One segment of the cut: header fields, checksum, and its piece of @data. */
static void csum_check_segment(struct kunit *test, const struct csum_ends *ends,
			       struct sk_buff *seg, const u8 *data, unsigned int left,
			       unsigned int mss, unsigned int thlen, u32 seq, bool first)
{
	unsigned int payload = min(left, mss);
	u8 *p = kunit_kzalloc(test, thlen + payload, GFP_KERNEL);
	bool last = payload == left;
	struct tcphdr *th;
	u16 sum;

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_EQ(test, seg->len, thlen + payload);
	KUNIT_ASSERT_EQ(test, skb_copy_bits(seg, 0, p, seg->len), 0);
	th = (struct tcphdr *)p;
	KUNIT_EXPECT_EQ(test, ntohl(th->seq), seq);
	KUNIT_EXPECT_EQ(test, !!th->fin, last);
	KUNIT_EXPECT_EQ(test, !!th->psh, last);
	KUNIT_EXPECT_EQ(test, !!th->cwr, first);
	KUNIT_EXPECT_TRUE(test, th->ack);
	KUNIT_EXPECT_EQ(test, memcmp(p + thlen, data, payload), 0);
	sum = ntohs((__force __be16)th->check);
	th->check = 0;
	KUNIT_EXPECT_EQ(test, sum, csum_oracle(ends, p, thlen + payload));
	KUNIT_EXPECT_TRUE(test, seg->ip_summed == CHECKSUM_NONE);
	kunit_kfree(test, p);
}

static void csum_cut__every_segment(struct kunit *test)
{
	struct rnd_state rnd;
	int round;

	prandom_seed_state(&rnd, 64000);
	for (round = 0; round < 60; round++) {
		unsigned int mss = rnd_range(&rnd, 48, 9000), left, at = 0;
		unsigned int len = rnd_range(&rnd, mss + 1, min(40 * mss, 60000U));
		unsigned int thlen = 20 + 4 * rnd_below(&rnd, 11);
		u32 seq = round & 1 ? -rnd_range(&rnd, 1, len) : prandom_u32_state(&rnd);
		struct sk_buff *skb, *segs, *seg, *next;
		struct csum_ends ends;
		u8 *data;

		csum_random_ends(&rnd, &ends);
		skb = csum_super(test, &rnd, &ends, len, mss, thlen, seq);
		data = kunit_kzalloc(test, len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, data);
		KUNIT_ASSERT_EQ(test, skb_copy_bits(skb, thlen, data, len), 0);
		segs = xtcp_offload_cut(skb);
		KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(segs));
		skb_list_walk_safe(segs, seg, next) {
			left = len - at;
			csum_check_segment(test, &ends, seg, data + at, left, mss, thlen,
					   seq + at, !at);
			at += min(left, mss);
			kfree_skb(seg);
		}
		KUNIT_EXPECT_EQ(test, at, len);
		kunit_kfree(test, data);
	}
}

/* The urgent pointer counts from each segment's own first octet, until it is passed. */
static void csum_cut__urgent_pointer(struct kunit *test)
{
	struct csum_ends ends = { .src = { 10, 0, 0, 1 }, .dst = { 10, 0, 0, 2 } };
	struct sk_buff *segs, *seg, *next;
	struct rnd_state rnd;
	unsigned int n = 0;

	prandom_seed_state(&rnd, 6093);
	segs = xtcp_offload_cut(csum_super(test, &rnd, &ends, 4000, 1000, 20, 77));
	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(segs));
	skb_list_walk_safe(segs, seg, next) {
		const struct tcphdr *th = (const struct tcphdr *)seg->data;

		KUNIT_EXPECT_EQ_MSG(test, !!th->urg, n < 2, "segment %u", n);
		KUNIT_EXPECT_EQ_MSG(test, ntohs(th->urg_ptr), n == 0 ? 1007 : n == 1 ? 7 : 0,
				    "segment %u", n);
		n++;
		kfree_skb(seg);
	}
	KUNIT_EXPECT_EQ(test, n, 4U);
}

/* Each segment is charged for itself, and all of them for what they take. */
static void csum_cut__charged_one_by_one(struct kunit *test)
{
	struct csum_ends ends = { .src = { 10, 0, 0, 1 }, .dst = { 10, 0, 0, 2 } };
	struct sock *sk = ksock_open(test, 0);
	struct sk_buff *skb, *segs, *seg, *next;
	unsigned int all, sum = 0, base = refcount_read(&sk->sk_wmem_alloc);
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 2728);
	skb = csum_super(test, &rnd, &ends, 16000, 1000, 20, 0);
	all = skb->truesize;
	skb_set_owner_w(skb, sk);
	segs = xtcp_offload_cut(skb);
	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(segs));
	for (seg = segs; seg; seg = seg->next) {
		KUNIT_EXPECT_LT(test, seg->truesize, all / 2);
		KUNIT_EXPECT_PTR_EQ(test, seg->sk, sk);
		sum += seg->truesize;
	}
	KUNIT_EXPECT_EQ(test, refcount_read(&sk->sk_wmem_alloc), base + sum);
	skb_list_walk_safe(segs, seg, next) {
		skb_mark_not_on_list(seg);
		kfree_skb(seg);
	}
	KUNIT_EXPECT_EQ(test, refcount_read(&sk->sk_wmem_alloc), base);
	ksock_close(sk);
}

/* One that points just behind a segment belongs to none of the rest. */
static void csum_cut__urgent_pointer_at_the_seam(struct kunit *test)
{
	struct csum_ends ends = { .src = { 10, 0, 0, 1 }, .dst = { 10, 0, 0, 2 } };
	struct sk_buff *skb, *segs, *seg, *next;
	struct rnd_state rnd;
	unsigned int n = 0;

	prandom_seed_state(&rnd, 6093);
	skb = csum_super(test, &rnd, &ends, 3000, 1000, 20, 77);
	tcp_hdr(skb)->urg_ptr = htons(1000);
	segs = xtcp_offload_cut(skb);
	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(segs));
	skb_list_walk_safe(segs, seg, next) {
		const struct tcphdr *th = (const struct tcphdr *)seg->data;

		KUNIT_EXPECT_EQ_MSG(test, !!th->urg, !n, "segment %u", n);
		KUNIT_EXPECT_EQ_MSG(test, ntohs(th->urg_ptr), n ? 0 : 1000, "segment %u", n);
		n++;
		kfree_skb(seg);
	}
}

/* What is no super-segment of ours is refused, and left to the caller. */
static void csum_cut__refuses(struct kunit *test)
{
	struct csum_ends ends = { .src = { 10, 0, 0, 1 }, .dst = { 10, 0, 0, 2 } };
	struct rnd_state rnd;
	int i;

	prandom_seed_state(&rnd, 22);
	for (i = 0; i < 4; i++) {
		struct sk_buff *skb = csum_super(test, &rnd, &ends, i == 0 ? 1000 : 2000, 1000,
						 20, 77), *segs;

		if (i == 1)
			skb->ip_summed = CHECKSUM_NONE;
		else if (i == 2)
			tcp_hdr(skb)->doff = 4;
		else if (i == 3)
			skb_shinfo(skb)->gso_size = 2000;
		segs = xtcp_offload_cut(skb);
		KUNIT_EXPECT_TRUE_MSG(test, IS_ERR(segs), "case %d", i);
		if (IS_ERR(segs))
			kfree_skb(skb);
		else
			kfree_skb_list(segs);
	}
}

/* -- segments of a connection -------------------------------------------------- */

/* Everything on the wire has its sum, or that of the pseudo-header if a device adds the rest. */
static unsigned int csum_check_wire(struct kunit *test, struct pair_end *e, bool partial)
{
	static const struct csum_ends ends = {
		.src = { 127, 0, 0, 1 },
		.dst = { 127, 0, 0, 2 },
	};
	struct sk_buff *skb;
	unsigned int n = 0;

	for (; (skb = skb_dequeue(&e->wire)); n++) {
		struct tcphdr *th;
		u16 sum, want;

		skb_pull(skb, skb_transport_offset(skb));
		th = (struct tcphdr *)skb->data;
		sum = ntohs((__force __be16)th->check);
		th->check = 0;
		if (skb->ip_summed == CHECKSUM_PARTIAL)
			want = ~csum_complement(csum_words(csum_words(IPPROTO_XTCP + skb->len,
								      ends.src, 4), ends.dst, 4));
		else
			want = csum_oracle(&ends, skb->data, skb->len);
		KUNIT_EXPECT_EQ_MSG(test, sum, want, "%u octets", skb->len);
		KUNIT_EXPECT_EQ_MSG(test, skb->ip_summed == CHECKSUM_PARTIAL, partial,
				    "%u octets", skb->len);
		kfree_skb(skb);
	}
	return n;
}

/* With a device that adds sums, and with one that only knows how to for TCP. */
static void csum_sent__every_device(struct kunit *test)
{
	static const u32 lens[] = { 1, 2, 3, 77, 535, 536 };
	struct net_device *lo = init_net.loopback_dev;
	netdev_features_t features = lo->features;
	struct pair_end *a = &pair_ends[0];
	int i, partial;

	for (partial = 0; partial < 2; partial++) {
		if (partial)
			lo->features |= NETIF_F_HW_CSUM | NETIF_F_GSO_SCTP;
		else
			lo->features &= ~NETIF_F_GSO_SCTP;
		pair_open(test, a, 836, 0x7f000001, 0x7f000002);
		pair_send_syn(a);
		KUNIT_EXPECT_EQ(test, csum_check_wire(test, a, partial), 1U);
		pair_forge(test, a, XTCP_SYN | XTCP_ACK, 486, 837);
		KUNIT_EXPECT_EQ(test, csum_check_wire(test, a, partial), 1U);
		xtcp_sk(a->sk)->snd.nodelay = true;
		for (i = 0; i < ARRAY_SIZE(lens); i++) {
			KUNIT_EXPECT_EQ(test, pair_write(a, lens[i]), (int)lens[i]);
			KUNIT_EXPECT_EQ(test, csum_check_wire(test, a, partial), 1U);
		}
		/* A super-segment is cut, and each part has a sum of its own. No rate bounds it. */
		WRITE_ONCE(a->sk->sk_pacing_rate, ~0UL);
		KUNIT_EXPECT_EQ(test, pair_write(a, 4 * 536 + 7), 4 * 536 + 7);
		KUNIT_EXPECT_EQ(test, csum_check_wire(test, a, false), 5U);
		pair_close();
	}
	lo->features = features;
}

static struct kunit_case csum_cases[] = {
	KUNIT_CASE(csum_ok__every_length),
	KUNIT_CASE(csum_ok__every_bit),
	KUNIT_CASE(csum_ok__every_octet_of_a_long_one),
	KUNIT_CASE(csum_ok__protocol_counts),
	KUNIT_CASE(csum_cut__every_segment),
	KUNIT_CASE(csum_cut__urgent_pointer),
	KUNIT_CASE(csum_cut__charged_one_by_one),
	KUNIT_CASE(csum_cut__urgent_pointer_at_the_seam),
	KUNIT_CASE(csum_cut__refuses),
	KUNIT_CASE(csum_sent__every_device),
	{}
};

static struct kunit_suite csum_suite = {
	.name = "xtcp_checksum",
	.test_cases = csum_cases,
};

kunit_test_suite(csum_suite);
