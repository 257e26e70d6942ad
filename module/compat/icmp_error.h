/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ip_icmp_error() and ipv6_icmp_error(): modules may call them from 6.2 on. Before that the
 * same entry of the error queue is made here, from what was exported then.
 */
#ifndef _XTCP_COMPAT_ICMP_ERROR_H
#define _XTCP_COMPAT_ICMP_ERROR_H

#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/sock.h>

#ifdef XTCP_HAVE_ICMP_ERROR

#define xtcp_ip_icmp_error	ip_icmp_error
#define xtcp_ipv6_icmp_error	ipv6_icmp_error

#else

/*
 * A copy of @skb without what stands in front of @payload, with @ee to describe it, to the
 * error queue; @daddr in it is where the quoted packet went. With IP_RECVERR_RFC4884
 * (@ext) the program also hears where extensions begin, for the quoted packet says it
 * has @quoted octets.
 */
static inline void xtcp_icmp_error_queue(struct sock *sk, const struct sk_buff *from,
					 const struct sock_extended_err *ee, const void *daddr,
					 __be16 port, const u8 *payload, bool ext, int quoted)
{
	struct sk_buff *skb = skb_clone((struct sk_buff *)from, GFP_ATOMIC | __GFP_NOWARN);
	struct sock_exterr_skb *serr;

	if (!skb)
		return;
	/* What IP wrote in front of it, of the interface and the options, stays. */
	serr = SKB_EXT_ERR(skb);
	serr->ee = *ee;
	serr->addr_offset = (const u8 *)daddr - skb_network_header(skb);
	serr->port = port;
	serr->opt_stats = 0;
	if (!skb_pull(skb, payload - skb->data))
		goto drop;
	if (ext)
		ip_icmp_error_rfc4884(skb, &serr->ee.ee_rfc4884, sizeof(struct icmphdr), quoted);
	skb_reset_transport_header(skb);
	if (!sock_queue_err_skb(sk, skb))
		return;
drop:
	kfree_skb(skb);
}

static inline void xtcp_ip_icmp_error(struct sock *sk, struct sk_buff *skb, int err,
				      __be16 port, u32 info, u8 *payload)
{
	const struct icmphdr *icmp = icmp_hdr(skb);
	const struct iphdr *quoted = (const struct iphdr *)(icmp + 1);
	struct sock_extended_err ee = {
		.ee_errno = err,
		.ee_origin = SO_EE_ORIGIN_ICMP,
		.ee_type = icmp->type,
		.ee_code = icmp->code,
		.ee_info = info,
	};
	bool ext = inet_sk(sk)->recverr_rfc4884 &&
		   (icmp->type == ICMP_DEST_UNREACH || icmp->type == ICMP_TIME_EXCEEDED ||
		    icmp->type == ICMP_PARAMETERPROB);

	xtcp_icmp_error_queue(sk, skb, &ee, &quoted->daddr, port, payload, ext,
			      icmp->un.reserved[1] * 4);
}

static inline void xtcp_ipv6_icmp_error(struct sock *sk, struct sk_buff *skb, int err,
					__be16 port, u32 info, u8 *payload)
{
	const struct icmp6hdr *icmp = icmp6_hdr(skb);
	const struct ipv6hdr *quoted = (const struct ipv6hdr *)(icmp + 1);
	struct sock_extended_err ee = {
		.ee_errno = err,
		.ee_origin = SO_EE_ORIGIN_ICMP6,
		.ee_type = icmp->icmp6_type,
		.ee_code = icmp->icmp6_code,
		.ee_info = info,
	};
	bool ext = inet6_sk(sk)->recverr_rfc4884 &&
		   (icmp->icmp6_type == ICMPV6_DEST_UNREACH ||
		    icmp->icmp6_type == ICMPV6_TIME_EXCEED);

	/* Unlike IPv4's, only for who asked. */
	if (!inet6_sk(sk)->recverr)
		return;
	xtcp_icmp_error_queue(sk, skb, &ee, &quoted->daddr, port, payload, ext,
			      icmp->icmp6_datagram_len * 8);
}

#endif /* XTCP_HAVE_ICMP_ERROR */

#endif /* _XTCP_COMPAT_ICMP_ERROR_H */
