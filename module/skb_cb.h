/* SPDX-License-Identifier: GPL-2.0 */
/* What XTCP keeps in skb->cb while a segment is in its hands. */
#ifndef _XTCP_SKB_CB_H
#define _XTCP_SKB_CB_H

#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <net/ip.h>
#include "rate.h"

/* Flag bits of the segment header, in the order of its octet 13. */
#define XTCP_FIN	0x01
#define XTCP_SYN	0x02
#define XTCP_RST	0x04
#define XTCP_PSH	0x08
#define XTCP_ACK	0x10
#define XTCP_URG	0x20
#define XTCP_ECE	0x40
#define XTCP_CWR	0x80

/* Marks of a segment that is to be sent or has been (xtcp_skb_cb.mark). */
#define XTCP_MARK_LOST		0x01	/* believed lost, not yet sent again */
#define XTCP_MARK_RETRANS	0x02	/* sent again in this recovery */
#define XTCP_MARK_EVER_RETRANS	0x04	/* Karn: gives no RTT sample */
#define XTCP_MARK_SACKED	0x08	/* the peer reported it (RFC 2018) */
/* The same, from the send queue on. */
#define XTCP_MARK_EOR		0x10	/* MSG_EOR: what is written next begins another */
#define XTCP_MARK_STAMP		0x20	/* its octet stamp_seq is to be time-stamped */
#define XTCP_MARK_STAMP_ACK	0x40	/* also when it is acknowledged */

/**
 * struct xtcp_skb_cb - control block of an XTCP segment
 * @ip: the IP layer's own block; ICMP and cmsg code reads it on receive. On send ip.rate:
 *	what had been delivered when it left last (rate.h)
 * @seq: first sequence number; a SYN or FIN counts as one octet
 * @end_seq: sequence number after the last octet, SYN and FIN included
 * @ack: acknowledgment number (receive side)
 * @sent_us: xtcp_clock_us() of the last transmission (send side)
 * @wnd: window field as received, not scaled
 * @urg: urgent pointer as received
 * @stamp_seq: with XTCP_MARK_STAMP, the octet it is about (send side)
 * @flags: XTCP_FIN and friends
 * @mark: XTCP_MARK_*
 * @ecn: INET_ECN_* of the IP header (receive side)
 */
struct xtcp_skb_cb {
	union {
		struct inet_skb_parm	v4;
		struct inet6_skb_parm	v6;
		struct xtcp_rate_mark	rate;
	} ip;
	u32 seq;
	u32 end_seq;
	union {
		u32 ack;
		u32 sent_us;
	};
	union {
		struct {
			u16 wnd;
			u16 urg;
		};
		u32 stamp_seq;
	};
	u8 flags;
	u8 mark;
	u8 ecn;
};

static inline struct xtcp_skb_cb *xtcp_cb(const struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct xtcp_skb_cb) > sizeof_field(struct sk_buff, cb));
	return (struct xtcp_skb_cb *)skb->cb;
}

#endif /* _XTCP_SKB_CB_H */
