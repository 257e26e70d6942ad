// SPDX-License-Identifier: GPL-2.0
/*
 * Tail loss probes: one segment before the time-out, so that an ACK tells (RFC 8985 7).
 *
 * If the last segments of a flight are lost nothing comes back that would say so. The probe
 * makes the peer speak: its SACK blocks show the hole and RACK repairs it without a time-out.
 * So it is with the last repairs of a recovery, behind which nothing is left to send; the
 * RFC leaves those to the time-out.
 */
#include <net/sock.h>

#include "output.h"
#include "recovery.h"
#include "rtxq.h"
#include "seq.h"
#include "skb_cb.h"
#include "tlp.h"
#include "xtcp_sock.h"

/* A receiver may delay its acknowledgment for so long (RFC 8985 7.2, WCDelAckT). */
#define XTCP_TLP_DELACK_US	(200 * USEC_PER_MSEC)

u32 xtcp_tlp_timeout_us(u32 srtt_us, u32 flight, u32 mss)
{
	return 2 * srtt_us + (flight <= mss ? XTCP_TLP_DELACK_US : jiffies_to_usecs(2));
}

bool xtcp_tlp_wanted(const struct xtcp_sock *xs)
{
	if (!xs->sack.ok || !xs->rtt.srtt_us || xs->tlp.out ||
	    !READ_ONCE(xs->xn->sysctl.early_retrans))
		return false;
	if (xs->cong.state == XTCP_CA_RECOVERY)
		return xs->rtxq.retrans && !xs->rtxq.lost;
	return !xs->rtxq.sacked &&
	       (xs->cong.state == XTCP_CA_OPEN || xs->cong.state == XTCP_CA_CWR);
}

/* What left last, of what was not reported; without reports that is the end of the queue. */
static struct sk_buff *tlp_last(struct xtcp_rtxq *q)
{
	if (!q->sacked)
		return xtcp_rtxq_last(q);
	return list_empty(&q->sent) ? NULL :
	       list_last_entry(&q->sent, struct sk_buff, tcp_tsorted_anchor);
}

/* Send the last segment once more. Return: true if it went. */
static bool tlp_send_last(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct sk_buff *skb = tlp_last(&xs->rtxq);
	u32 tail;

	if (!skb)
		return false;
	if (skb->len > xs->snd.mss) {
		tail = skb->len % xs->snd.mss ?: xs->snd.mss;
		if (xtcp_rtxq_split(sk, skb, skb->len - tail, false))
			return false;
		skb = skb_rb_next(skb);
	}
	return !xtcp_output_resend(sk, skb, xs->snd.mss);
}

void xtcp_tlp_send(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	sock_owned_by_me(sk);
	if (xtcp_rtxq_empty(&xs->rtxq) || !xtcp_tlp_wanted(xs))
		return;
	xs->tlp.again = !xtcp_output_one_new(sk);
	if (xs->tlp.again && !tlp_send_last(sk))
		return;
	xs->tlp.out = true;
	xs->tlp.high = xs->snd.nxt;
	XTCP_INC(xs->xn, LOSSPROBES);
}

void xtcp_tlp_acked(struct sock *sk, const struct xtcp_rtxq_acked *res)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (!xs->tlp.out)
		return;
	if (xs->tlp.again && res->dsack) {
		/* The original had arrived. */
		xs->tlp.out = false;
		return;
	}
	if (xtcp_seq_before(xs->snd.una, xs->tlp.high))
		return;
	xs->tlp.out = false;
	/* Both may still have arrived: only behind the probe is it certain that one did not. */
	if (!xs->tlp.again || xs->snd.una == xs->tlp.high ||
	    xs->cong.state >= XTCP_CA_CWR)
		return;
	XTCP_INC(xs->xn, LOSSPROBERECOVERY);
	xs->cong.ssthresh = xs->cong.ops->ssthresh(&xs->cong, xs->cong.cwnd);
	xs->cong.cwnd = min(xs->cong.cwnd, xs->cong.ssthresh);
	xtcp_ecn_reduced(&xs->ecn);
}
