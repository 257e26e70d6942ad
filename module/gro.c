// SPDX-License-Identifier: GPL-2.0
/*
 * Receive offload for protocol 253: consecutive segments of a connection become one.
 *
 * What a device's poll brings is held by the network core until the poll ends, and each new
 * packet is shown to us together with those of the same IP flow. We add its payload to the
 * one that it continues, if offload.c would cut the sum into the very same packets again: a
 * router or bridge may have to. One header, one look-up, one lock then serve up to 64 KB.
 *
 * Only segments with a right checksum are merged. A wrong one goes up as it is; input.c
 * counts it.
 */
#include <linux/delay.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/ip6_checksum.h>
#include <net/tcp.h>
#include <uapi/linux/xtcp.h>

#include "compat/compat.h"
#include "compat/gro.h"
#include "gro.h"

/* Flags that only the last of those that are merged may have, and that end it. */
#define GRO_LAST	(TCP_FLAG_PSH | TCP_FLAG_FIN)

/* Segments with these are for themselves. */
#define GRO_ALONE	(TCP_FLAG_SYN | TCP_FLAG_RST | TCP_FLAG_URG)

/*
 * Merged packets, by processor, that the core has yet to show to gro_complete: it would miss
 * that with a WARN. So nothing is merged any more once we are to go.
 */
static DEFINE_PER_CPU(int, gro_held);
static bool gro_stopped;

#define GRO_STOP_MS	1000	/* more than any gro_flush_timeout of use */
#define GRO_STOP_STEP_MS	20

/* -- adding payload to payload ------------------------------------------------ */

/*
 * Move the pages of @skb, whose linear part is headers only, behind those of @to; the first
 * @skip octets in them are headers, too. Return: what that moves of truesize, or 0: no room.
 */
static unsigned int gro_move_frags(struct sk_buff *to, struct sk_buff *skb, unsigned int skip)
{
	struct skb_shared_info *ti = skb_shinfo(to), *si = skb_shinfo(skb);
	unsigned int head = SKB_TRUESIZE(skb_end_offset(skb)), moved;

	if (ti->nr_frags + si->nr_frags > MAX_SKB_FRAGS || skb->truesize <= head)
		return 0;
	skb_frag_off_add(&si->frags[0], skip);
	skb_frag_size_sub(&si->frags[0], skip);
	memcpy(&ti->frags[ti->nr_frags], si->frags, si->nr_frags * sizeof(si->frags[0]));
	ti->nr_frags += si->nr_frags;
	si->nr_frags = 0;

	/* The core frees or uses again what is left: an skb and its headers. */
	moved = skb->truesize - head;
	skb->truesize = head;
	skb->len -= skb->data_len;
	skb->data_len = 0;
	NAPI_GRO_CB(skb)->free = NAPI_GRO_FREE;
	return moved;
}

/*
 * The same where payload lies in the linear part, behind @skip octets of headers, and that
 * part is a piece of a page. Return: as above.
 */
static unsigned int gro_move_head(struct sk_buff *to, struct sk_buff *skb, unsigned int skip)
{
	struct skb_shared_info *ti = skb_shinfo(to), *si = skb_shinfo(skb);
	unsigned int head = SKB_DATA_ALIGN(sizeof(struct sk_buff)), moved;
	struct page *page = virt_to_head_page(skb->head);
	u8 nr = ti->nr_frags;

	if (nr + 1 + si->nr_frags > MAX_SKB_FRAGS || skb->truesize <= head)
		return 0;
	skb_fill_page_desc(to, nr, page, skb->data + skip - (u8 *)page_address(page),
			   skb_headlen(skb) - skip);
	memcpy(&ti->frags[nr + 1], si->frags, si->nr_frags * sizeof(si->frags[0]));
	ti->nr_frags += si->nr_frags;

	/* The page stays, with all that is in it; only the skb is left. */
	moved = skb->truesize - head;
	skb->truesize = head;
	NAPI_GRO_CB(skb)->free = NAPI_GRO_FREE_STOLEN_HEAD;
	return moved;
}

/* Chain @skb to @p; its first @skip octets are headers. Return: its truesize. */
static unsigned int gro_chain(struct sk_buff *p, struct sk_buff *skb, unsigned int skip)
{
	struct sk_buff *last = NAPI_GRO_CB(p)->last;

	/* @p, which is the same socket's if any, is charged for both from now on. */
	skb->destructor = NULL;
	skb->sk = NULL;
	if (skip > skb_headlen(skb)) {
		unsigned int paged = skip - skb_headlen(skb);

		skb_frag_off_add(&skb_shinfo(skb)->frags[0], paged);
		skb_frag_size_sub(&skb_shinfo(skb)->frags[0], paged);
		skb->data_len -= paged;
		skb->len -= paged;
		skip -= paged;
	}
	__skb_pull(skb, skip);
	if (last == p)
		skb_shinfo(p)->frag_list = skb;
	else
		last->next = skb;
	NAPI_GRO_CB(p)->last = skb;
	__skb_header_release(skb);
	return skb->truesize;
}

static void gro_grow(struct sk_buff *skb, unsigned int len, unsigned int truesize)
{
	skb->len += len;
	skb->data_len += len;
	skb->truesize += truesize;
}

/*
 * Add the payload of @skb to @p. Return: false if they do not go together. Pages to pages
 * is best: no buffer is kept for its header, and the receive queue can join what comes.
 */
static bool gro_merge(struct sk_buff *p, struct sk_buff *skb)
{
	unsigned int skip = skb_gro_offset(skb), len = skb_gro_len(skb), moved = 0;
	struct sk_buff *to = NAPI_GRO_CB(p)->last;
	u8 shared = skb_shinfo(skb)->flags & SKBFL_SHARED_FRAG;

	/* Pages of a page pool go back there, others must not. */
	if (p->pp_recycle != skb->pp_recycle || skb_zcopy(p) || skb_zcopy(skb))
		return false;
	if (p->len + len >= xtcp_gro_max_size(p))
		return false;
	if (skip >= skb_headlen(skb)) {
		unsigned int paged = skip - skb_headlen(skb);

		/* No headers in the second page, nor a page that was nothing but headers. */
		if (!skb_shinfo(skb)->nr_frags ||
		    skb_frag_size(&skb_shinfo(skb)->frags[0]) <= paged)
			return false;
		moved = gro_move_frags(to, skb, paged);
	} else if (skb->head_frag) {
		moved = gro_move_head(to, skb, skip);
	}
	if (!moved) {
		moved = gro_chain(p, skb, skip);
		to = p;
	}
	if (to != p) {
		gro_grow(to, len, moved);
		skb_shinfo(to)->flags |= shared;
	}
	gro_grow(p, len, moved);
	skb_shinfo(p)->flags |= shared;
	if (NAPI_GRO_CB(p)->count++ == 1)
		this_cpu_inc(gro_held);
	NAPI_GRO_CB(skb)->same_flow = 1;
	return true;
}

/* -- what goes together ------------------------------------------------------- */

/* The segment's header with its options, in one piece; NULL if there is none. */
static struct tcphdr *gro_header(struct sk_buff *skb)
{
	unsigned int off = skb_gro_offset(skb), len;
	struct tcphdr *th = skb_gro_header(skb, off + sizeof(*th), off);

	if (unlikely(!th))
		return NULL;
	len = th->doff * 4;
	if (unlikely(len < sizeof(*th) || len > skb_gro_len(skb)))
		return NULL;
	return skb_gro_header(skb, off + len, off);
}

/* The one on @head that is of the same connection; what is not is told to the core. */
static struct sk_buff *gro_find(struct list_head *head, const struct tcphdr *th)
{
	struct sk_buff *p;

	list_for_each_entry(p, head, list) {
		const struct tcphdr *th2 = tcp_hdr(p);

		if (!NAPI_GRO_CB(p)->same_flow)
			continue;
		if (th->source == th2->source && th->dest == th2->dest)
			return p;
		NAPI_GRO_CB(p)->same_flow = 0;
	}
	return NULL;
}

/*
 * Does @skb, which has payload, continue @p so that nothing is lost in one header? The word
 * of the flags has data offset and window, too.
 */
static bool gro_continues(struct sk_buff *p, const struct sk_buff *skb, const struct tcphdr *th)
{
	const struct tcphdr *th2 = tcp_hdr(p);
	__be32 flags = tcp_flag_word(th);

	if (ntohl(th2->seq) + skb_gro_len(p) != ntohl(th->seq) || th->ack_seq != th2->ack_seq)
		return false;
	/* CWR is the first one's, and tells of it alone. */
	if (flags & (GRO_ALONE | TCP_FLAG_CWR))
		return false;
	if ((flags ^ tcp_flag_word(th2)) & ~(GRO_LAST | TCP_FLAG_CWR))
		return false;
	if (memcmp(th + 1, th2 + 1, th->doff * 4 - sizeof(*th)))
		return false;
	if (skb_gro_len(skb) > skb_shinfo(p)->gso_size)
		return false;
	return !xtcp_gro_ip_differs(th, th2, p);
}

/* @skb has a right checksum, or NAPI_GRO_CB(skb)->flush is set. */
static struct sk_buff *gro_receive(struct list_head *head, struct sk_buff *skb)
{
	const struct tcphdr *th = gro_header(skb);
	struct sk_buff *p;
	unsigned int len;
	__be32 flags;
	bool merged;

	if (!th) {
		NAPI_GRO_CB(skb)->flush = 1;
		return NULL;
	}
	/* Merging moves the header with the page it is in, and the payload that it counts. */
	flags = tcp_flag_word(th);
	skb_gro_pull(skb, th->doff * 4);
	len = skb_gro_len(skb);
	/* A super-segment of this machine's is as good as it gets. */
	if (!len || skb_is_gso(skb) || unlikely(READ_ONCE(gro_stopped)))
		NAPI_GRO_CB(skb)->flush = 1;
	p = gro_find(head, th);
	merged = p && !NAPI_GRO_CB(skb)->flush && gro_continues(p, skb, th) && gro_merge(p, skb);
	if (merged)
		tcp_flag_word(tcp_hdr(p)) |= flags & GRO_LAST;
	/* Nothing follows these: what is merged goes up, any other does not wait. */
	if ((flags & (GRO_ALONE | GRO_LAST)) || (merged && len < skb_shinfo(p)->gso_size)) {
		NAPI_GRO_CB(skb)->flush = 1;
		return p;
	}
	/* The held one must go up before what could not be added to it. */
	return merged ? NULL : p;
}

struct sk_buff *xtcp_gro_receive4(struct list_head *head, struct sk_buff *skb)
{
	if (!NAPI_GRO_CB(skb)->flush &&
	    skb_gro_checksum_validate(skb, IPPROTO_XTCP, inet_gro_compute_pseudo))
		NAPI_GRO_CB(skb)->flush = 1;
	return gro_receive(head, skb);
}

struct sk_buff *xtcp_gro_receive6(struct list_head *head, struct sk_buff *skb)
{
	if (!NAPI_GRO_CB(skb)->flush &&
	    skb_gro_checksum_validate(skb, IPPROTO_XTCP, ip6_gro_compute_pseudo))
		NAPI_GRO_CB(skb)->flush = 1;
	return gro_receive(head, skb);
}

/* -- what goes up ------------------------------------------------------------- */

/* As lower.c leaves what it sends: who cuts it, or sums it up, knows no difference. */
static int gro_complete(struct sk_buff *skb, struct tcphdr *th, __sum16 pseudo,
			unsigned int gso_type)
{
	this_cpu_dec(gro_held);
	th->check = pseudo;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = (u8 *)th - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
	skb_shinfo(skb)->gso_segs = NAPI_GRO_CB(skb)->count;
	skb_shinfo(skb)->gso_type |= gso_type | SKB_GSO_SCTP;
	if (skb->encapsulation)
		skb->inner_transport_header = skb->transport_header;
	return 0;
}

int xtcp_gro_complete4(struct sk_buff *skb, int thoff)
{
	const struct iphdr *iph = xtcp_gro_network_header(skb);
	__sum16 pseudo = ~csum_tcpudp_magic(iph->saddr, iph->daddr, skb->len - thoff,
					    IPPROTO_XTCP, 0);

	return gro_complete(skb, (struct tcphdr *)(skb->data + thoff), pseudo,
			    SKB_GSO_TCPV4 | xtcp_gro_fixed_id(skb));
}

int xtcp_gro_complete6(struct sk_buff *skb, int thoff)
{
	const struct ipv6hdr *ip6 = xtcp_gro_network_header(skb);
	__sum16 pseudo = ~csum_ipv6_magic(&ip6->saddr, &ip6->daddr, skb->len - thoff,
					  IPPROTO_XTCP, 0);

	return gro_complete(skb, (struct tcphdr *)(skb->data + thoff), pseudo, SKB_GSO_TCPV6);
}

void xtcp_gro_stop(void)
{
	unsigned int waited = 0;
	int cpu, held;

	WRITE_ONCE(gro_stopped, true);
	/* Polls that did not see it are over behind this, and with them what they merged. */
	synchronize_net();
	for (;;) {
		held = 0;
		for_each_possible_cpu(cpu)
			/* Each processor counts its own plainly: one that is seen late is seen next time. */
			held += data_race(*per_cpu_ptr(&gro_held, cpu));
		/* A device that went meanwhile dropped its own: do not wait for those. */
		if (!held || waited >= GRO_STOP_MS)
			return;
		msleep(GRO_STOP_STEP_MS);
		waited += GRO_STOP_STEP_MS;
	}
}
