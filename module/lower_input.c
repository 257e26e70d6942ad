// SPDX-License-Identifier: GPL-2.0
/*
 * What IP hands up: the protocol handlers, and what a received packet's IP header says.
 *
 * As lower.c for the way out, this file knows IPv4 from IPv6 so that nobody above has to.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/protocol.h>
#include <net/route.h>
#include <net/xfrm.h>
#include <uapi/linux/xtcp.h>

#include "family.h"
#include "icmp.h"
#include "input.h"
#include "lower.h"
#include "skb_cb.h"
#include "xtcp_sock.h"

void xtcp_lower_reply_path(const struct sk_buff *skb, int *oif, u32 *mark, u8 *tos)
{
	struct net *net = dev_net(skb->dev);

	*oif = 0;
	if (skb->protocol == htons(ETH_P_IP)) {
		*mark = IP4_REPLY_MARK(net, skb->mark);
		*tos = ip_hdr(skb)->tos;
		/* With VRFs the answer leaves by the domain the question came from. */
		if (netif_index_is_l3_master(net, skb->skb_iif))
			*oif = skb->skb_iif;
	} else {
		*mark = IP6_REPLY_MARK(net, skb->mark);
		*tos = ipv6_get_dsfield(ipv6_hdr(skb));
		if (ipv6_addr_type(&ipv6_hdr(skb)->saddr) & IPV6_ADDR_LINKLOCAL)
			*oif = inet6_iif(skb);
	}
	*tos &= ~INET_ECN_MASK;
}

u8 xtcp_lower_ecn(const struct sk_buff *skb)
{
	u8 field = skb->protocol == htons(ETH_P_IP) ? ipv4_get_dsfield(ip_hdr(skb)) :
						      ipv6_get_dsfield(ipv6_hdr(skb));

	return field & INET_ECN_MASK;
}

bool xtcp_lower_csum_ok(struct sk_buff *skb)
{
	__sum16 bad;

	if (skb->protocol == htons(ETH_P_IP))
		bad = skb_checksum_init(skb, IPPROTO_XTCP, inet_compute_pseudo);
	else
		bad = skb_checksum_init(skb, IPPROTO_XTCP, ip6_compute_pseudo);
	return !bad && !skb_checksum_complete(skb);
}

bool xtcp_lower_unicast(const struct sk_buff *skb)
{
	unsigned int type;

	if (skb->protocol != htons(ETH_P_IP))
		return ipv6_unicast_destination(skb) &&
		       (ipv6_addr_type(&ipv6_hdr(skb)->saddr) & IPV6_ADDR_UNICAST);
	if (skb_rtable(skb)->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST))
		return false;
	/* The broadcast address of a subnet of ours passes IP's own checks (MUST-63). */
	type = inet_addr_type(dev_net(skb->dev), ip_hdr(skb)->saddr);
	return type != RTN_BROADCAST && type != RTN_MULTICAST;
}

void xtcp_lower_iif(const struct sk_buff *skb, int *dif, int *sdif)
{
	if (skb->protocol == htons(ETH_P_IP)) {
		*dif = inet_iif(skb);
		*sdif = inet_sdif((struct sk_buff *)skb);
	} else {
		*dif = inet6_iif(skb);
		*sdif = inet6_sdif(skb);
	}
}

bool xtcp_lower_policy_ok(struct xtcp_net *xn, struct sock *sk, struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP) ? xfrm4_policy_check(sk, XFRM_POLICY_IN, skb) :
					       xfrm6_policy_check(sk, XFRM_POLICY_IN, skb))
		return true;
	XTCP_INC(xn, POLICYDROP);
	return false;
}

bool xtcp_lower_admit(struct sock *sk, struct sk_buff *skb)
{
	struct xtcp_net *xn = xtcp_sk(sk)->xn;
	bool too_far;

	if (skb->protocol == htons(ETH_P_IP))
		too_far = READ_ONCE(inet_sk(sk)->min_ttl) > ip_hdr(skb)->ttl;
	else
		too_far = READ_ONCE(inet6_sk(sk)->min_hopcount) > ipv6_hdr(skb)->hop_limit;
	if (unlikely(too_far)) {
		XTCP_INC(xn, MINTTLDROP);
		return false;
	}
	if (!xtcp_lower_policy_ok(xn, sk, skb))
		return false;
	nf_reset_ct(skb);
	return true;
}

/* Has the segment an extension header that the socket's owner wants to see? */
static bool lower_wants_headers(const struct ipv6_pinfo *np, const struct inet6_skb_parm *opt)
{
	return ((opt->flags & IP6SKB_HOPBYHOP) &&
		(np->rxopt.bits.hopopts || np->rxopt.bits.ohopopts)) ||
	       (opt->srcrt && (np->rxopt.bits.srcrt || np->rxopt.bits.osrcrt)) ||
	       ((opt->dst0 || opt->dst1) && (np->rxopt.bits.dstopts || np->rxopt.bits.odstopts));
}

void xtcp_lower_note6(struct sock *sk, struct sk_buff *skb)
{
	struct ipv6_pinfo *np = inet6_sk(sk);
	struct sk_buff *kept = NULL;

	sock_owned_by_me(sk);
	if (skb->protocol != htons(ETH_P_IPV6))
		return;
	if (np->rxopt.bits.rxinfo || np->rxopt.bits.rxoinfo)
		np->mcast_oif = inet6_iif(skb);
	if (np->rxopt.bits.rxhlim || np->rxopt.bits.rxohlim)
		np->mcast_hops = ipv6_hdr(skb)->hop_limit;
	if (np->rxopt.bits.rxflow || np->rxopt.bits.rxtclass)
		np->rcv_flowinfo = ip6_flowinfo(ipv6_hdr(skb));
	if (unlikely(lower_wants_headers(np, &xtcp_cb(skb)->ip.v6)))
		kept = skb_clone_and_charge_r(skb, sk);
	/* Its route may be lent for the time of its reception only. */
	if (kept)
		skb_dst_drop(kept);
	/* The socket's end frees the last one. */
	kept = xchg(&np->pktoptions, kept);
	kfree_skb(kept);
}

static int xtcp_lower_rcv4(struct sk_buff *skb)
{
	xtcp_input_rcv(skb);
	return 0;
}

static int xtcp_lower_rcv6(struct sk_buff *skb)
{
	const struct ipv6hdr *ip6 = ipv6_hdr(skb);

	/* On the wire a mapped address is nobody's, and would pass for IPv4's. */
	if (unlikely(ipv6_addr_v4mapped(&ip6->saddr) || ipv6_addr_v4mapped(&ip6->daddr))) {
		XTCP_INC(xtcp_net(dev_net(skb->dev)), INHDRERRORS);
		kfree_skb(skb);
		return 0;
	}
	xtcp_input_rcv(skb);
	return 0;
}

static const struct net_protocol xtcp_protocol4 = {
	.handler	= xtcp_lower_rcv4,
	.err_handler	= xtcp_icmp4_error,
	.no_policy	= 1,
	.icmp_strict_tag_validation = 1,
};

static const struct inet6_protocol xtcp_protocol6 = {
	.handler	= xtcp_lower_rcv6,
	.err_handler	= xtcp_icmp6_error,
	.flags		= INET6_PROTO_NOPOLICY | INET6_PROTO_FINAL,
};

int xtcp_lower_register(void)
{
	int err = inet_add_protocol(&xtcp_protocol4, IPPROTO_XTCP);

	if (err)
		return -EBUSY;
	err = inet6_add_protocol(&xtcp_protocol6, IPPROTO_XTCP);
	if (err) {
		inet_del_protocol(&xtcp_protocol4, IPPROTO_XTCP);
		return -EBUSY;
	}
	return 0;
}

void xtcp_lower_unregister(void)
{
	inet6_del_protocol(&xtcp_protocol6, IPPROTO_XTCP);
	inet_del_protocol(&xtcp_protocol4, IPPROTO_XTCP);
}
