/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What receive offload shares with IP's: since 6.11 IP only finds the flow, and the transport
 * asks for the rest of the comparison; since then IP's headers are also found otherwise.
 */
#ifndef _XTCP_COMPAT_GRO_H
#define _XTCP_COMPAT_GRO_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/gro.h>

/*
 * May the packet with the header @th not follow @p, whose is @th2, for what the IP headers say
 * (TTL, TOS, DF, identification)? Asked once for each packet that is to be merged.
 */
static inline bool xtcp_gro_ip_differs(const void *th, const void *th2, struct sk_buff *p)
{
#ifdef XTCP_HAVE_GRO_NETWORK_FLUSH
	return gro_receive_network_flush(th, th2, p);
#else
	struct napi_gro_cb *cb = NAPI_GRO_CB(p);

	if (cb->flush)
		return true;
	/* The second packet tells whether the flow counts its packets or leaves that be. */
	if (cb->is_atomic && cb->count == 1 && cb->flush_id == 1) {
		cb->is_atomic = false;
		return false;
	}
	return cb->flush_id;
#endif
}

/*
 * What gso_type says of identifications: those of a merged IPv4 packet were all alike, not
 * counted (6.18: a bit each for outer and inner headers, in the order of gso_type's).
 */
static inline unsigned int xtcp_gro_fixed_id(const struct sk_buff *skb)
{
#ifdef XTCP_HAVE_GRO_IP_FIXEDID
	return NAPI_GRO_CB(skb)->ip_fixedid * (unsigned int)SKB_GSO_TCP_FIXEDID;
#else
	return NAPI_GRO_CB(skb)->is_atomic ? SKB_GSO_TCP_FIXEDID : 0;
#endif
}

/* The IP header in front of the transport's, in gro_complete. */
static inline const void *xtcp_gro_network_header(const struct sk_buff *skb)
{
#ifdef XTCP_HAVE_GRO_NETWORK_OFFSETS
	return skb->data + NAPI_GRO_CB(skb)->network_offsets[skb->encapsulation];
#else
	return skb_network_header(skb);
#endif
}

/* Octets, of all headers too, that a merged packet stays below. */
static inline unsigned int xtcp_gro_max_size(const struct sk_buff *skb)
{
#ifdef XTCP_HAVE_GRO_MAX_SIZE
	unsigned int most = netif_get_gro_max_size(skb->dev, skb);
#else
	unsigned int most = READ_ONCE(skb->dev->gro_max_size);
#endif

	return min_t(unsigned int, most, GRO_LEGACY_MAX_SIZE);
}

#endif /* _XTCP_COMPAT_GRO_H */
