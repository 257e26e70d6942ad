// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: receive offload, through the network core's own NAPI and back through its
 * segmentation: what goes up, cut again, is what came in, octet by octet.
 */
#include <kunit/test.h>
#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/tcp.h>
#include <net/ip6_checksum.h>
#include <uapi/linux/xtcp.h>
#include "../compat/compat.h"
#include "../compat/unaligned.h"
#include "../skb_cb.h"
#include "ksock.h"
#include "rnd.h"

#define MSS		1000
#define MOST		64	/* packets of one poll */

/* How a driver may lay a packet into memory. */
enum gro_layout {
	GRO_LINEAR,	/* one kmalloc()ed piece */
	GRO_HEAD,	/* one piece of a page */
	GRO_PAGED,	/* headers in the linear part, payload in a page */
	GRO_FRAG0,	/* all behind Ethernet's header in a page */
	GRO_LAYOUTS,
};

/* One packet; what is 0 has the value of gro_packet(). */
struct gro_packet {
	u8 version;
	enum gro_layout layout;
	u32 seq;
	u32 ack;
	u16 sport;
	u16 win;
	u16 len;
	u16 id;
	u8 flags;
	u8 tos;
	u8 ttl;
	bool no_df;
	bool bad_csum;
	u32 tsval;
};

static struct gro_world {
	struct net_device *dev;
	struct napi_struct napi;
	struct sk_buff_head up;		/* what reached the protocols */
	int err;
} gw;

/* -- a device, and what it brings --------------------------------------------- */

static netdev_tx_t gro_xmit(struct sk_buff *skb, struct net_device *dev)
{
	kfree_skb(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops gro_ops = { .ndo_start_xmit = gro_xmit };

static int gro_poll(struct napi_struct *napi, int budget)
{
	return 0;
}

static rx_handler_result_t gro_catch(struct sk_buff **pskb)
{
	skb_queue_tail(&gw.up, *pskb);
	return RX_HANDLER_CONSUMED;
}

static int gro_init(struct kunit *test)
{
	skb_queue_head_init(&gw.up);
	gw.dev = alloc_netdev(0, "xtcpgro%d", NET_NAME_UNKNOWN, ether_setup);
	if (!gw.dev)
		return -ENOMEM;
	gw.dev->netdev_ops = &gro_ops;
	gw.err = register_netdev(gw.dev);
	if (gw.err) {
		free_netdev(gw.dev);
		return gw.err;
	}
	netif_napi_add(gw.dev, &gw.napi, gro_poll);
	napi_enable(&gw.napi);
	rtnl_lock();
	gw.err = netdev_rx_handler_register(gw.dev, gro_catch, NULL);
	rtnl_unlock();
	return gw.err;
}

static void gro_exit(struct kunit *test)
{
	rtnl_lock();
	netdev_rx_handler_unregister(gw.dev);
	rtnl_unlock();
	skb_queue_purge(&gw.up);
	napi_disable(&gw.napi);
	netif_napi_del(&gw.napi);
	unregister_netdev(gw.dev);
	free_netdev(gw.dev);
}

/* The packet from its IP header on. Return: its octets. */
static unsigned int gro_octets(const struct gro_packet *pk, u8 *at)
{
	unsigned int iplen = pk->version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	unsigned int thlen = sizeof(struct tcphdr) + (pk->tsval ? 12 : 0), len = thlen + pk->len, i;
	struct tcphdr *th = (struct tcphdr *)(at + iplen);
	u8 *payload = at + iplen + thlen;
	__wsum sum;

	memset(at, 0, iplen + thlen);
	th->source = htons(pk->sport);
	th->dest = htons(80);
	th->seq = htonl(pk->seq);
	th->ack_seq = htonl(pk->ack);
	th->doff = thlen / 4;
	((u8 *)th)[13] = pk->flags;
	th->window = htons(pk->win);
	if (pk->tsval) {
		put_unaligned_be32(0x0101080a, th + 1);
		put_unaligned_be32(pk->tsval, (u8 *)(th + 1) + 4);
	}
	for (i = 0; i < pk->len; i++)
		payload[i] = ksock_octet(pk->seq + i);
	sum = csum_partial(th, len, 0);
	if (pk->version == 4) {
		struct iphdr *iph = (struct iphdr *)at;

		iph->version = 4;
		iph->ihl = 5;
		iph->tos = pk->tos;
		iph->tot_len = htons(iplen + len);
		iph->id = htons(pk->id);
		iph->frag_off = pk->no_df ? 0 : htons(IP_DF);
		iph->ttl = pk->ttl;
		iph->protocol = IPPROTO_XTCP;
		iph->saddr = htonl(0x0a000001);
		iph->daddr = htonl(0x0a000002);
		iph->check = ip_fast_csum(iph, 5);
		th->check = csum_tcpudp_magic(iph->saddr, iph->daddr, len, IPPROTO_XTCP, sum);
	} else {
		struct ipv6hdr *ip6 = (struct ipv6hdr *)at;

		put_unaligned_be32(6 << 28 | pk->tos << 20, at);
		ip6->payload_len = htons(len);
		ip6->nexthdr = IPPROTO_XTCP;
		ip6->hop_limit = pk->ttl;
		ip6->saddr.s6_addr32[0] = htonl(0xfd000001);
		ip6->daddr.s6_addr32[0] = htonl(0xfd000002);
		th->check = csum_ipv6_magic(&ip6->saddr, &ip6->daddr, len, IPPROTO_XTCP, sum);
	}
	if (pk->bad_csum)
		th->check ^= (__force __sum16)htons(0x0100);
	return iplen + len;
}

static u8 gro_buf[2048];

/* The packet as a driver hands it over. */
static struct sk_buff *gro_skb(struct kunit *test, const struct gro_packet *pk)
{
	unsigned int total = gro_octets(pk, gro_buf);
	unsigned int linear = total;
	struct sk_buff *skb;

	if (pk->layout == GRO_PAGED)
		linear = total - pk->len;
	if (pk->layout == GRO_FRAG0)
		linear = 0;
	if (pk->layout == GRO_HEAD)
		skb = netdev_alloc_skb(gw.dev, ETH_HLEN + linear);
	else
		skb = alloc_skb(256 + linear, GFP_ATOMIC);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	if (pk->layout != GRO_HEAD)
		skb_reserve(skb, 64);
	eth_zero_addr(skb_put(skb, ETH_ALEN));
	ether_addr_copy(skb->data, gw.dev->dev_addr);
	eth_zero_addr(skb_put(skb, ETH_ALEN));
	put_unaligned_be16(pk->version == 4 ? ETH_P_IP : ETH_P_IPV6, skb_put(skb, 2));
	skb_put_data(skb, gro_buf, linear);
	if (linear < total) {
		struct page *page = alloc_page(GFP_ATOMIC);

		KUNIT_ASSERT_NOT_NULL(test, page);
		memcpy(page_address(page) + 64, gro_buf + linear, total - linear);
		skb_add_rx_frag(skb, 0, page, 64, total - linear, PAGE_SIZE);
	}
	skb->protocol = eth_type_trans(skb, gw.dev);
	return skb;
}

/* What a poll of the device brings goes through GRO. */
static void gro_batch(struct sk_buff **skbs, unsigned int n)
{
	unsigned int i;

	local_bh_disable();
	napi_schedule_prep(&gw.napi);
	for (i = 0; i < n; i++)
		napi_gro_receive(&gw.napi, skbs[i]);
	napi_complete_done(&gw.napi, 1);
	local_bh_enable();
}

static struct sk_buff *gro_skbs[MOST];

static void gro_send(struct kunit *test, const struct gro_packet *pk, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		gro_skbs[i] = gro_skb(test, &pk[i]);
	gro_batch(gro_skbs, n);
}

/* -- what came of it ---------------------------------------------------------- */

/* Each octet that @skb says it has is somewhere, once. */
static void gro_check_sum(struct kunit *test, struct sk_buff *skb)
{
	unsigned int len = skb_headlen(skb), i;
	struct sk_buff *frag;

	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++)
		len += skb_frag_size(&skb_shinfo(skb)->frags[i]);
	skb_walk_frags(skb, frag)
		len += frag->len;
	KUNIT_EXPECT_EQ(test, len, skb->len);
	KUNIT_EXPECT_GT(test, skb->truesize, skb->len);
}

/* @skb, an IP packet from its data on, is @pk as it came in. */
static void gro_check_packet(struct kunit *test, struct sk_buff *skb, const struct gro_packet *pk)
{
	unsigned int total = gro_octets(pk, gro_buf);
	static u8 got[2048];

	KUNIT_ASSERT_EQ(test, skb->len, total);
	KUNIT_ASSERT_EQ(test, skb_copy_bits(skb, 0, got, total), 0);
	KUNIT_EXPECT_EQ_MSG(test, memcmp(got, gro_buf, total), 0, "seq %u flags %#x id %u",
			    pk->seq, pk->flags, pk->id);
}

/* The next packet of @n at @pk that belongs to the flow of @skb, from *@at on. */
static const struct gro_packet *gro_next(struct sk_buff *skb, const struct gro_packet *pk,
					 unsigned int n, unsigned int *at)
{
	unsigned int iplen = skb->protocol == htons(ETH_P_IP) ? 20 : 40;
	u16 sport = get_unaligned_be16(skb->data + iplen);

	while (*at < n && (pk[*at].sport != sport || pk[*at].version != (iplen == 20 ? 4 : 6)))
		++*at;
	return *at < n ? &pk[(*at)++] : NULL;
}

/* Cut @skb for a device with these @features: the packets of its flow from *@at on. */
static void gro_check_cut(struct kunit *test, struct sk_buff *skb, netdev_features_t features,
			  const struct gro_packet *pk, unsigned int n, unsigned int *at)
{
	struct sk_buff *copy = skb_copy(skb, GFP_KERNEL), *segs, *next, *seg;
	unsigned int count = 0;

	/* A copy is in one piece; what is cut in place is the one with the lists and pages. */
	KUNIT_ASSERT_NOT_NULL(test, copy);
	KUNIT_EXPECT_EQ(test, copy->len, skb->len);
	kfree_skb(copy);
	__skb_push(skb, skb->mac_len);
	segs = skb_gso_segment(skb, features);
	__skb_pull(skb, skb->mac_len);
	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(segs));
	skb_list_walk_safe(segs, seg, next) {
		const struct gro_packet *want = gro_next(skb, pk, n, at);

		__skb_pull(seg, seg->mac_len);
		KUNIT_EXPECT_NOT_NULL(test, want);
		if (want)
			gro_check_packet(test, seg, want);
		kfree_skb(seg);
		count++;
	}
	KUNIT_EXPECT_EQ(test, count, (unsigned int)skb_shinfo(skb)->gso_segs);
}

/* All that went up so far is the @n packets at @pk, each flow's in order. */
static void gro_check_all(struct kunit *test, const struct gro_packet *pk, unsigned int n)
{
	unsigned int at[2][4] = {}, seen = 0;
	struct sk_buff *skb;

	while ((skb = skb_dequeue(&gw.up))) {
		bool v4 = skb->protocol == htons(ETH_P_IP);
		unsigned int *pos = &at[v4][get_unaligned_be16(skb->data + (v4 ? 20 : 40)) & 3];
		const struct gro_packet *want;

		gro_check_sum(test, skb);
		if (skb_is_gso(skb)) {
			seen += skb_shinfo(skb)->gso_segs;
			gro_check_cut(test, skb, NETIF_F_SG, pk, n, pos);
		} else {
			seen++;
			want = gro_next(skb, pk, n, pos);
			KUNIT_EXPECT_NOT_NULL(test, want);
			if (want)
				gro_check_packet(test, skb, want);
		}
		kfree_skb(skb);
	}
	KUNIT_EXPECT_EQ(test, seen, n);
}

/* Segments of the packets that went up, as "3 1 2": numbers of an order. */
static void gro_expect(struct kunit *test, const char *what, const char *want)
{
	char got[128] = "";
	struct sk_buff *skb;
	int at = 0;

	skb_queue_walk(&gw.up, skb)
		at += scnprintf(got + at, sizeof(got) - at, at ? " %u" : "%u",
				max_t(u16, 1, skb_shinfo(skb)->gso_segs));
	KUNIT_EXPECT_STREQ_MSG(test, got, want, "%s", what);
}

/* @n packets of one flow, full, each behind the other. */
static void gro_flow(struct gro_packet *pk, unsigned int n, u8 version, enum gro_layout layout)
{
	unsigned int i;

	memset(pk, 0, n * sizeof(*pk));
	for (i = 0; i < n; i++) {
		pk[i].version = version;
		pk[i].layout = layout;
		pk[i].seq = 0xfffff000U + i * MSS;
		pk[i].ack = 77;
		pk[i].sport = 4000;
		pk[i].win = 500;
		pk[i].len = MSS;
		pk[i].id = 0xfffe + i;
		pk[i].flags = XTCP_ACK;
		pk[i].ttl = 64;
		pk[i].tsval = 5;
	}
}

/* -- the cases ---------------------------------------------------------------- */

static struct gro_packet gro_pk[MOST];

/* Whatever the memory it came in, a burst is one packet, as if it had been sent here. */
static void gro__one_of_many(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 2 * GRO_LAYOUTS; i++) {
		u8 version = i & 1 ? 6 : 4;
		struct skb_shared_info *si;
		struct sk_buff *skb;
		struct tcphdr *th;

		gro_flow(gro_pk, 40, version, i / 2);
		gro_send(test, gro_pk, 40);
		gro_expect(test, "40 in a row", "40");
		skb = skb_peek(&gw.up);
		si = skb_shinfo(skb);
		KUNIT_EXPECT_EQ(test, (int)skb->ip_summed, CHECKSUM_PARTIAL);
		KUNIT_EXPECT_EQ(test, si->gso_size, MSS);
		KUNIT_EXPECT_EQ(test, si->gso_type,
				SKB_GSO_SCTP | (version == 4 ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6));
		th = (struct tcphdr *)(skb->data + (version == 4 ? 20 : 40));
		KUNIT_EXPECT_EQ(test, (int)(skb->csum_start + skb->csum_offset),
				(int)((u8 *)&th->check - skb->head));
		KUNIT_EXPECT_EQ(test, skb->len, (version == 4 ? 20 : 40) + 32 + 40U * MSS);
		gro_check_all(test, gro_pk, 40);
	}
}

/* Memory is paid for: what is kept of each packet stays in the sum. */
static void gro__truesize(struct kunit *test)
{
	unsigned int i, layout;

	for (layout = 0; layout < GRO_LAYOUTS; layout++) {
		unsigned int sum = 0, gone = 0;

		gro_flow(gro_pk, 30, 4, layout);
		for (i = 0; i < 30; i++) {
			gro_skbs[i] = gro_skb(test, &gro_pk[i]);
			sum += gro_skbs[i]->truesize;
			if (layout >= GRO_PAGED && i && i < MAX_SKB_FRAGS)
				gone += SKB_TRUESIZE(skb_end_offset(gro_skbs[i]));
			else if (layout == GRO_HEAD && i && i <= MAX_SKB_FRAGS)
				gone += SKB_DATA_ALIGN(sizeof(struct sk_buff));
		}
		gro_batch(gro_skbs, 30);
		gro_expect(test, "30 in a row", "30");
		/* Behind the 17th page a chain begins, whose buffers take further pages. */
		KUNIT_EXPECT_LE(test, skb_peek(&gw.up)->truesize, sum - gone);
		if (layout == GRO_LINEAR)
			KUNIT_EXPECT_EQ(test, skb_peek(&gw.up)->truesize, sum);
		if (layout >= GRO_PAGED)
			KUNIT_EXPECT_GE(test, skb_peek(&gw.up)->truesize, 30 * (u32)PAGE_SIZE);
		gro_check_all(test, gro_pk, 30);
	}
}

/* No packet is longer than IP can say, nor than the device is told. */
static void gro__size_limit(struct kunit *test)
{
	struct sk_buff *skb;
	unsigned int i;

	gro_flow(gro_pk, MOST, 4, GRO_PAGED);
	for (i = 0; i < MOST; i++) {
		gro_pk[i].len = 1400;
		gro_pk[i].seq += 400 * i;
	}
	gro_send(test, gro_pk, MOST);
	/* 52 octets of headers, and 46 times 1400. */
	gro_expect(test, "64 KB", "46 18");
	gro_check_all(test, gro_pk, MOST);

	rtnl_lock();
	gw.dev->gro_max_size = 10 * MSS;
	rtnl_unlock();
	gro_flow(gro_pk, 20, 6, GRO_PAGED);
	gro_send(test, gro_pk, 20);
	gro_expect(test, "10,000 octets", "9 9 2");
	skb_queue_walk(&gw.up, skb)
		KUNIT_EXPECT_LT(test, skb->len, 10U * MSS);
	gro_check_all(test, gro_pk, 20);
}

/* Change one packet of five; what follows it goes with it or not. */
#define GRO_CASE(field, value, want)				\
	{ #field " = " #value, offsetof(struct gro_packet, field),	\
	  sizeof_field(struct gro_packet, field), value, want }

static const struct gro_change {
	const char *what;
	unsigned int at, size;
	u32 value;
	const char *want;
} gro_changes[] = {
	/* The connection's: another flow stays beside it, and comes after it. */
	GRO_CASE(sport, 4001, "4 1"),
	/* Only what the sum can say for all of them. */
	GRO_CASE(ack, 78, "2 1 2"),
	GRO_CASE(win, 501, "2 1 2"),
	GRO_CASE(tsval, 6, "2 1 2"),
	GRO_CASE(tsval, 0, "2 1 2"),
	GRO_CASE(seq, 0xfffff000U + 2 * MSS + 1, "2 1 2"),
	GRO_CASE(seq, 0xfffff000U + 1 * MSS, "2 1 2"),
	GRO_CASE(flags, XTCP_ACK | XTCP_ECE, "2 1 2"),
	/* The end of something: with those in front of it, nothing behind. */
	GRO_CASE(flags, XTCP_ACK | XTCP_PSH, "3 2"),
	GRO_CASE(flags, XTCP_ACK | XTCP_FIN, "3 2"),
	GRO_CASE(len, MSS - 1, "3 2"),
	GRO_CASE(len, 1, "3 2"),
	/* The beginning of something. */
	GRO_CASE(flags, XTCP_ACK | XTCP_CWR, "2 3"),
	GRO_CASE(len, MSS + 100, "2 2 1"),
	/* For itself. */
	GRO_CASE(flags, XTCP_ACK | XTCP_URG, "2 1 2"),
	GRO_CASE(flags, XTCP_ACK | XTCP_SYN, "2 1 2"),
	GRO_CASE(flags, XTCP_ACK | XTCP_RST, "2 1 2"),
	GRO_CASE(flags, 0, "2 1 2"),
	GRO_CASE(len, 0, "2 1 2"),
	GRO_CASE(bad_csum, true, "2 1 2"),
	/* IP's. */
	GRO_CASE(tos, 3, "2 1 2"),
	GRO_CASE(tos, 4, "2 1 2"),
	GRO_CASE(ttl, 63, "2 1 2"),
};

static void gro__one_differs(struct kunit *test)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(gro_changes) * GRO_LAYOUTS * 2; i++) {
		const struct gro_change *change = &gro_changes[i / 2 / GRO_LAYOUTS];
		enum gro_layout layout = i / 2 % GRO_LAYOUTS;

		/* Pages want payload. */
		if (layout == GRO_PAGED && change->at == offsetof(struct gro_packet, len) &&
		    !change->value)
			continue;
		gro_flow(gro_pk, 5, i & 1 ? 6 : 4, layout);
		for (j = 0; j < change->size; j++)
			((u8 *)&gro_pk[2])[change->at + j] = change->value >> (8 * j);
		/* What follows goes on where this one ends, unless that is the change. */
		if (change->at == offsetof(struct gro_packet, len) ||
		    change->at == offsetof(struct gro_packet, flags))
			for (j = 3; j < 5; j++)
				gro_pk[j].seq = gro_pk[j - 1].seq + gro_pk[j - 1].len;
		/* The other flow takes no number of this one's. */
		if (change->at == offsetof(struct gro_packet, sport))
			for (j = 3; j < 5; j++) {
				gro_pk[j].seq -= MSS;
				gro_pk[j].id--;
			}
		gro_send(test, gro_pk, 5);
		gro_expect(test, change->what, change->want);
		gro_check_all(test, gro_pk, 5);
	}
}

/* Identifications: counted, or all alike; a mixture is not merged, for it would be lost. */
static void gro__identification(struct kunit *test)
{
	unsigned int i;

	gro_flow(gro_pk, 6, 4, GRO_PAGED);
	gro_pk[3].id += 5;
	gro_send(test, gro_pk, 6);
	gro_expect(test, "a gap", "3 1 2");
	gro_check_all(test, gro_pk, 6);

	/* Without DF a fragment may be told by its number alone: it must be the right one. */
	gro_flow(gro_pk, 6, 4, GRO_PAGED);
	for (i = 0; i < 6; i++)
		gro_pk[i].no_df = true;
	gro_pk[4].no_df = false;
	gro_send(test, gro_pk, 6);
	gro_expect(test, "DF", "4 1 1");
	gro_check_all(test, gro_pk, 6);
	for (i = 0; i < 6; i++) {
		gro_pk[i].no_df = true;
		gro_pk[i].id = 0;
	}
	gro_send(test, gro_pk, 6);
	gro_expect(test, "all alike without DF", "1 1 1 1 1 1");
	gro_check_all(test, gro_pk, 6);

	gro_flow(gro_pk, 6, 4, GRO_PAGED);
	for (i = 0; i < 6; i++)
		gro_pk[i].id = 0;
	gro_send(test, gro_pk, 6);
	gro_expect(test, "all alike", "6");
	gro_check_all(test, gro_pk, 6);

	gro_flow(gro_pk, 6, 4, GRO_PAGED);
	gro_pk[1].id = gro_pk[0].id;
	gro_send(test, gro_pk, 6);
	gro_expect(test, "alike, then counted", "2 4");
	gro_check_all(test, gro_pk, 6);
}

/* Headers that end before the packet, or behind it, are not for us. */
static void gro__broken_headers(struct kunit *test)
{
	static const u8 doffs[] = { 0, 1, 4, 9, 15 };
	unsigned int i, layout;

	for (layout = 0; layout < GRO_LAYOUTS; layout++) {
		for (i = 0; i < ARRAY_SIZE(doffs); i++) {
			struct sk_buff *skb;
			u8 *at;

			gro_flow(gro_pk, 3, 4, layout);
			gro_pk[1].len = 1;
			gro_skbs[0] = gro_skb(test, &gro_pk[0]);
			gro_skbs[1] = gro_skb(test, &gro_pk[1]);
			gro_skbs[2] = gro_skb(test, &gro_pk[2]);
			skb = gro_skbs[1];
			at = skb_headlen(skb) ? skb->data :
			     skb_frag_address(&skb_shinfo(skb)->frags[0]);
			at[20 + 12] = doffs[i] << 4;
			/* As if the device had found the checksum right. */
			skb->ip_summed = CHECKSUM_UNNECESSARY;
			gro_batch(gro_skbs, 3);
			KUNIT_EXPECT_EQ(test, skb_queue_len(&gw.up), 3U);
			skb_queue_walk(&gw.up, skb)
				KUNIT_EXPECT_FALSE(test, skb_is_gso(skb));
			skb_queue_purge(&gw.up);
		}
	}
}

/* What the device says of the checksum is heard; a lie is its own affair. */
static void gro__device_checksum(struct kunit *test)
{
	unsigned int i;

	gro_flow(gro_pk, 4, 6, GRO_PAGED);
	for (i = 0; i < 4; i++) {
		gro_skbs[i] = gro_skb(test, &gro_pk[i]);
		gro_skbs[i]->ip_summed = CHECKSUM_COMPLETE;
		gro_skbs[i]->csum = skb_checksum(gro_skbs[i], 0, gro_skbs[i]->len, 0);
	}
	gro_batch(gro_skbs, 4);
	gro_expect(test, "complete", "4");
	gro_check_all(test, gro_pk, 4);

	gro_flow(gro_pk, 4, 4, GRO_PAGED);
	gro_pk[1].bad_csum = true;
	for (i = 0; i < 4; i++) {
		gro_skbs[i] = gro_skb(test, &gro_pk[i]);
		gro_skbs[i]->ip_summed = CHECKSUM_UNNECESSARY;
	}
	gro_batch(gro_skbs, 4);
	gro_expect(test, "unnecessary", "4");
	skb_queue_purge(&gw.up);
}

/* A super-segment that comes in by a device of this machine goes on as it is, in its turn. */
static void gro__super_segment(struct kunit *test)
{
	struct sk_buff *skbs[3];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		gro_flow(gro_pk, 12, i ? 6 : 4, GRO_PAGED);
		gro_send(test, gro_pk + 1, 10);
		gro_expect(test, "10 in a row", "10");
		skbs[0] = gro_skb(test, &gro_pk[0]);
		skbs[1] = skb_dequeue(&gw.up);
		skbs[2] = gro_skb(test, &gro_pk[11]);
		gro_batch(skbs, 3);
		gro_expect(test, "one, ten, one", "1 10 1");
		gro_check_all(test, gro_pk, 12);
	}
}

/* A packet of a random flow: mostly the next one in a row, sometimes not. */
static void gro_random(struct rnd_state *rnd, struct gro_packet *flow, struct gro_packet *pk)
{
	*pk = *flow;
	pk->layout = rnd_below(rnd, 3) ? flow->layout : rnd_below(rnd, GRO_LAYOUTS);
	switch (rnd_below(rnd, 24)) {
	case 0:
		pk->flags |= XTCP_PSH;
		break;
	case 1:
		pk->flags = prandom_u32_state(rnd);
		break;
	case 2:
		pk->len = rnd_range(rnd, 1, MSS + 100);
		break;
	case 3:
		pk->tos = rnd_below(rnd, 4);
		break;
	case 4:
		pk->bad_csum = true;
		break;
	case 5:
		pk->seq += rnd_range(rnd, 1, 3 * MSS);
		break;
	case 6:
		flow->win++;
		break;
	case 7:
		flow->ack += 100;
		break;
	case 8:
		flow->tsval = flow->tsval ? rnd_below(rnd, 3) : 1;
		break;
	case 9:
		flow->id += rnd_below(rnd, 3);
		break;
	case 10:
		pk->ttl = rnd_range(rnd, 1, 64);
		break;
	default:
		break;
	}
	flow->seq = pk->seq + pk->len;
	flow->id++;
}

/* Any mixture comes apart again into what it was. */
static void gro__random(struct kunit *test)
{
	unsigned int round, i, merged = 0;
	struct gro_packet flows[4];
	struct rnd_state rnd;
	struct sk_buff *skb;

	prandom_seed_state(&rnd, 20240901);
	for (round = 0; round < 150; round++) {
		unsigned int n = rnd_range(&rnd, 2, MOST), few = rnd_range(&rnd, 1, 4);

		for (i = 0; i < 4; i++) {
			gro_flow(&flows[i], 1, i & 1 ? 6 : 4, rnd_below(&rnd, GRO_LAYOUTS));
			flows[i].sport += i;
			flows[i].len = rnd_range(&rnd, 500, MSS);
			flows[i].seq = prandom_u32_state(&rnd);
			flows[i].no_df = rnd_coin(&rnd);
		}
		for (i = 0; i < n; i++)
			gro_random(&rnd, &flows[rnd_below(&rnd, few)], &gro_pk[i]);
		gro_send(test, gro_pk, n);
		skb_queue_walk(&gw.up, skb)
			merged += skb_is_gso(skb);
		gro_check_all(test, gro_pk, n);
	}
	KUNIT_EXPECT_GT(test, merged, 250U);
}

static struct kunit_case gro_cases[] = {
	KUNIT_CASE(gro__one_of_many),
	KUNIT_CASE(gro__truesize),
	KUNIT_CASE(gro__size_limit),
	KUNIT_CASE(gro__one_differs),
	KUNIT_CASE(gro__identification),
	KUNIT_CASE(gro__broken_headers),
	KUNIT_CASE(gro__device_checksum),
	KUNIT_CASE(gro__super_segment),
	KUNIT_CASE(gro__random),
	{}
};

static struct kunit_suite gro_suite = {
	.name = "xtcp_gro",
	.init = gro_init,
	.exit = gro_exit,
	.test_cases = gro_cases,
};

kunit_test_suite(gro_suite);
