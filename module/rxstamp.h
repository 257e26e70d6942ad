/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Receive time stamps: when the data that a read returns came in.
 *
 * The network core stamps packets while any socket asks for it (SO_TIMESTAMP and its
 * kin), a device may on its own. The stamp stays with the buffer; where two become one,
 * the later octets' stamp counts, and so it does for a read of several.
 */
#ifndef _XTCP_RXSTAMP_H
#define _XTCP_RXSTAMP_H

#include <linux/ktime.h>
#include <linux/skbuff.h>

struct msghdr;
struct sock;

/**
 * struct xtcp_rxstamp - when the last octets of a read came
 * @soft: by the network core, 0: not stamped
 * @hard: by the device, 0: not stamped
 */
struct xtcp_rxstamp {
	ktime_t soft;
	ktime_t hard;
};

static inline bool xtcp_rxstamp_has(const struct sk_buff *skb)
{
	return skb->tstamp || skb_hwtstamps((struct sk_buff *)skb)->hwtstamp;
}

/* Octets of @skb have been read. */
static inline void xtcp_rxstamp_read(struct xtcp_rxstamp *stamp, const struct sk_buff *skb)
{
	if (unlikely(xtcp_rxstamp_has(skb))) {
		stamp->soft = skb->tstamp;
		stamp->hard = skb_hwtstamps((struct sk_buff *)skb)->hwtstamp;
	}
}

/* The octets of @from now follow those of @to, in @to. */
static inline void xtcp_rxstamp_join(struct sk_buff *to, const struct sk_buff *from)
{
	if (unlikely(xtcp_rxstamp_has(from))) {
		to->tstamp = from->tstamp;
		*skb_hwtstamps(to) = *skb_hwtstamps((struct sk_buff *)from);
	}
}

/**
 * xtcp_rxstamp_tell() - control messages about a read
 * @sk: the socket; need not be locked
 * @msg: where they go
 * @stamp: when what was read came
 *
 * The kinds, and the form that each was asked for in, are those of SO_TIMESTAMP,
 * SO_TIMESTAMPNS and SO_TIMESTAMPING; without a stamp, or a wish, there is none.
 */
void xtcp_rxstamp_tell(struct sock *sk, struct msghdr *msg, const struct xtcp_rxstamp *stamp);

#endif /* _XTCP_RXSTAMP_H */
