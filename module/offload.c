// SPDX-License-Identifier: GPL-2.0
/*
 * Segmentation offload for protocol 253: one super-segment into wire segments. It has its place
 * in the kernel's tables together with receive offload (gro.c).
 *
 * The network core calls us for each device that does not advertise both feature
 * bits of our gso_type, that is, for all but loopback and veth.
 */
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/protocol.h>
#include <uapi/linux/xtcp.h>

#include "compat/compat.h"
#include "gro.h"
#include "offload.h"
#include "smallq.h"
#include "txstamp.h"

/* Sequence numbers, flags, checksums of the segments that skb_segment() made. */
static void xtcp_offload_finish(struct sk_buff *segs, unsigned int total,
				unsigned int mss, __sum16 pseudo)
{
	u32 seq = ntohl(tcp_hdr(segs)->seq);
	struct sk_buff *skb;

	pseudo = csum16_sub(pseudo, htons(total));
	for (skb = segs; skb; skb = skb->next, seq += mss) {
		unsigned int len = skb->len - skb_transport_offset(skb);
		struct tcphdr *th = tcp_hdr(skb);

		th->seq = htonl(seq);
		/* The urgent pointer counts from this segment's first octet. */
		if (th->urg) {
			u32 gone = seq - ntohl(tcp_hdr(segs)->seq);
			u16 urg = ntohs(tcp_hdr(segs)->urg_ptr);

			th->urg = urg > gone;
			th->urg_ptr = htons(urg > gone ? urg - gone : 0);
		}
		if (skb->next) {
			th->psh = 0;
			th->fin = 0;
		}
		if (skb != segs)
			th->cwr = 0;
		th->check = csum16_add(pseudo, htons(len));
		if (skb->ip_summed != CHECKSUM_PARTIAL)
			th->check = gso_make_checksum(skb, ~csum_unfold(th->check));
	}
}

/* Each of @segs is charged to the socket for itself, and @skb, which they were, no longer. */
static void xtcp_offload_share(struct sk_buff *skb, struct sk_buff *segs,
			       void (*destructor)(struct sk_buff *skb))
{
	struct sock *sk = skb->sk;
	unsigned int sum = 0;
	struct sk_buff *seg;

	for (seg = segs; seg; seg = seg->next) {
		seg->sk = sk;
		seg->destructor = destructor;
		sum += seg->truesize;
	}
	/* Headers cost more than one did; the pages of the payload are the same. */
	if (sum >= skb->truesize)
		refcount_add(sum - skb->truesize, &sk->sk_wmem_alloc);
	else
		WARN_ON_ONCE(refcount_sub_and_test(skb->truesize - sum, &sk->sk_wmem_alloc));
	skb->sk = NULL;
	skb->destructor = NULL;
}

static struct sk_buff *xtcp_offload_segment(struct sk_buff *skb, netdev_features_t features)
{
	unsigned int thlen, mss, total = skb->len;
	void (*destructor)(struct sk_buff *skb);
	struct sk_buff *segs;
	struct tcphdr *th;
	__sum16 pseudo;

	if (!pskb_may_pull(skb, sizeof(*th)))
		return ERR_PTR(-EINVAL);
	th = tcp_hdr(skb);
	thlen = th->doff * 4;
	if (thlen < sizeof(*th) || !pskb_may_pull(skb, thlen))
		return ERR_PTR(-EINVAL);
	/* Only what our own xmit made has the sum we build upon. */
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return ERR_PTR(-EINVAL);
	pseudo = tcp_hdr(skb)->check;
	mss = skb_shinfo(skb)->gso_size;

	/* Without this bit the device's checksum unit would look for TCP. */
	if (!(features & NETIF_F_GSO_SCTP))
		features &= ~NETIF_F_CSUM_MASK;

	__skb_pull(skb, thlen);
	if (skb->len <= mss) {
		__skb_push(skb, thlen);
		return ERR_PTR(-EINVAL);
	}
	/* skb_segment() would leave the memory of all on the last, and its receiver pay for it. */
	destructor = skb->destructor;
	skb->destructor = NULL;
	segs = skb_segment(skb, features);
	skb->destructor = destructor;
	if (!IS_ERR_OR_NULL(segs)) {
		xtcp_offload_finish(segs, total, mss, pseudo);
		if (unlikely(skb_shinfo(skb)->tx_flags & SKBTX_ANY_TSTAMP))
			xtcp_txstamp_segment(skb, segs, mss);
		if (xtcp_smallq_charged(destructor))
			xtcp_offload_share(skb, segs, destructor);
	}
	return segs;
}

struct sk_buff *xtcp_offload_cut(struct sk_buff *skb)
{
	struct sk_buff *segs, *seg;

	/* skb_segment() copies all from the MAC header on in front of each segment. */
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	skb_reset_mac_len(skb);
	/* What the network core fills in first; skb_segment() trusts it blindly. */
	SKB_GSO_CB(skb)->mac_offset = skb_headroom(skb);
	SKB_GSO_CB(skb)->encap_level = 0;
	segs = xtcp_offload_segment(skb, NETIF_F_SG);
	if (IS_ERR(segs)) {
		__skb_push(skb, skb->data - skb_transport_header(skb));
		return segs;
	}
	if (!segs)
		return ERR_PTR(-EINVAL);
	for (seg = segs; seg; seg = seg->next)
		seg->ip_summed = CHECKSUM_NONE;
	consume_skb(skb);
	return segs;
}

static const struct net_offload xtcp_offload4 = {
	.callbacks = {
		.gso_segment	= xtcp_offload_segment,
		.gro_receive	= xtcp_gro_receive4,
		.gro_complete	= xtcp_gro_complete4,
	},
};

static const struct net_offload xtcp_offload6 = {
	.callbacks = {
		.gso_segment	= xtcp_offload_segment,
		.gro_receive	= xtcp_gro_receive6,
		.gro_complete	= xtcp_gro_complete6,
	},
};

int xtcp_offload_register(void)
{
	int err = inet_add_offload(&xtcp_offload4, IPPROTO_XTCP);

	if (err)
		return -EBUSY;
	err = inet6_add_offload(&xtcp_offload6, IPPROTO_XTCP);
	if (err) {
		inet_del_offload(&xtcp_offload4, IPPROTO_XTCP);
		return -EBUSY;
	}
	return 0;
}

void xtcp_offload_unregister(void)
{
	xtcp_gro_stop();
	inet6_del_offload(&xtcp_offload6, IPPROTO_XTCP);
	inet_del_offload(&xtcp_offload4, IPPROTO_XTCP);
}
