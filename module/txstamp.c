// SPDX-License-Identifier: GPL-2.0
/* Transmit time stamps: which octet, and the one stamp that is not the core's. */
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/tcp.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <uapi/linux/xtcp.h>

#include "rtxq.h"
#include "seq.h"
#include "skb_cb.h"
#include "txstamp.h"
#include "xtcp_sock.h"

void xtcp_txstamp_mark(struct sock *sk, u32 tsflags, u32 octets)
{
	struct sk_buff *skb = skb_peek_tail(&sk->sk_write_queue);
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_skb_cb *cb;

	sock_owned_by_me(sk);
	if ((tsflags & SOF_TIMESTAMPING_OPT_ID) && !atomic_read(&sk->sk_tskey)) {
		WRITE_ONCE(xs->txstamp_base, xs->snd.write_seq - octets);
		atomic_set(&sk->sk_tskey, 1);
	}
	/* A call that gave up waiting for room may have sent all it wrote. */
	if (!skb || !(tsflags & SOF_TIMESTAMPING_TX_RECORD_MASK))
		return;
	cb = xtcp_cb(skb);
	cb->stamp_seq = cb->end_seq - 1;
	cb->mark |= XTCP_MARK_STAMP;
	if (tsflags & SOF_TIMESTAMPING_TX_ACK)
		cb->mark |= XTCP_MARK_STAMP_ACK;
	__sock_tx_timestamp(tsflags, &skb_shinfo(skb)->tx_flags);
	skb_shinfo(skb)->tskey = cb->stamp_seq - xs->txstamp_base;
}

void xtcp_txstamp_split(struct sk_buff *skb, struct sk_buff *rest)
{
	struct xtcp_skb_cb *cb = xtcp_cb(skb), *rest_cb = xtcp_cb(rest);
	const u8 marks = XTCP_MARK_STAMP | XTCP_MARK_STAMP_ACK;

	if (xtcp_seq_before(cb->stamp_seq, rest_cb->seq)) {
		rest_cb->mark &= ~marks;
		return;
	}
	cb->mark &= ~marks;
	skb_shinfo(rest)->tx_flags |= skb_shinfo(skb)->tx_flags & SKBTX_ANY_TSTAMP;
	skb_shinfo(rest)->tskey = skb_shinfo(skb)->tskey;
	skb_shinfo(skb)->tx_flags &= ~SKBTX_ANY_TSTAMP;
}

void xtcp_txstamp_acked(struct sock *sk, struct sk_buff *skb, u32 una, u32 ack)
{
	struct xtcp_skb_cb *cb = xtcp_cb(skb), saved = *cb;
	struct list_head links;

	sock_owned_by_me(sk);
	if (xtcp_seq_before(cb->stamp_seq, una) || !xtcp_seq_before(cb->stamp_seq, ack))
		return;
	saved.mark &= ~XTCP_MARK_STAMP_ACK;
	links = xtcp_rtxq_hide_links(skb);
	/* From 6.15 on the core asks the control block whether TCP wants this report. */
	memset(TCP_SKB_CB(skb), 0, sizeof(struct tcp_skb_cb));
	TCP_SKB_CB(skb)->txstamp_ack = 1;
	__skb_tstamp_tx(skb, NULL, NULL, sk, SCM_TSTAMP_ACK);
	*cb = saved;
	skb->tcp_tsorted_anchor = links;
}

void xtcp_txstamp_segment(const struct sk_buff *skb, struct sk_buff *segs, unsigned int mss)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	const struct sock *sk = skb->sk;
	u32 at, seq = ntohl(tcp_hdr(segs)->seq);
	struct sk_buff *seg;

	/* A raw socket may send segments, too. */
	if (!sk || !sk_fullsock(sk) || sk->sk_type != SOCK_STREAM ||
	    sk->sk_protocol != IPPROTO_XTCP)
		return;
	at = shinfo->tskey + READ_ONCE(xtcp_sk(sk)->txstamp_base);
	for (seg = segs; seg; seg = seg->next, seq += mss) {
		if (xtcp_seq_before(at, seq + mss)) {
			skb_shinfo(seg)->tx_flags |= shinfo->tx_flags & SKBTX_ANY_TSTAMP;
			skb_shinfo(seg)->tskey = shinfo->tskey;
			return;
		}
	}
}

void xtcp_txstamp_forget(struct sock *sk)
{
	atomic_set(&sk->sk_tskey, 0);
}
