// SPDX-License-Identifier: GPL-2.0
/*
 * Below XTCP: routes, IP headers, checksums.
 *
 * IPv4 and IPv6 meet in this room and nowhere else; above it an address is an
 * IPv6 address, v4-mapped or not. What comes up from IP is lower_input.c's and
 * demux.c's, errors from the network are icmp.c's.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <net/addrconf.h>
#include <net/inet_common.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/transp_v6.h>
#include <uapi/linux/xtcp.h>

#include "demux.h"
#include "lower.h"
#include "offload.h"
#include "request.h"
#include "skb_cb.h"
#include "xmit.h"
#include "xtcp_sock.h"

bool xtcp_lower_is_v4(const struct sock *sk)
{
	return sk->sk_family == AF_INET || ipv6_addr_v4mapped(&xtcp_sk(sk)->node.key.raddr);
}

/* -- routes ------------------------------------------------------------------- */

/*
 * Remember the route and what its device can do. As for TCP, a device with its segmentation
 * offload switched off gets super-segments nevertheless: the core cuts them in front of it,
 * behind IP and netfilter. It cannot where a transformation puts a header in front.
 */
static void xtcp_lower_caps(struct sock *sk, struct dst_entry *dst)
{
	sk_setup_caps(sk, dst);
	if (likely(sk_can_gso(sk)) || sk->sk_gso_disabled || dst->header_len)
		return;
	sk->sk_route_caps |= NETIF_F_GSO | NETIF_F_GSO_SOFTWARE | NETIF_F_SG | NETIF_F_HW_CSUM;
	sk->sk_gso_max_size = min(READ_ONCE(dst->dev->gso_max_size), GSO_LEGACY_MAX_SIZE) -
			      XTCP_HEADROOM - 1;
	sk->sk_gso_max_segs = max_t(u32, READ_ONCE(dst->dev->gso_max_segs), 1);
}

static int xtcp_lower_route4(struct sock *sk)
{
	struct inet_sock *inet = inet_sk(sk);
	struct flowi4 *fl4 = &inet->cork.fl.u.ip4;
	struct ip_options_rcu *opt;
	struct rtable *rt;

	memset(fl4, 0, sizeof(*fl4));
	fl4->flowi4_oif = sk->sk_bound_dev_if;
	fl4->flowi4_mark = READ_ONCE(sk->sk_mark);
	fl4->flowi4_scope = ip_sock_rt_scope(sk);
	xtcp_flowi4_set_tos(fl4, inet->tos);
	fl4->flowi4_proto = sk->sk_protocol;
	fl4->flowi4_flags = inet_sk_flowi_flags(sk);
	fl4->flowi4_uid = sk->sk_uid;
	fl4->daddr = inet->inet_daddr;
	fl4->saddr = inet->inet_saddr;
	fl4->fl4_dport = inet->inet_dport;
	fl4->fl4_sport = inet->inet_sport;
	/* A source route begins with its first hop (RFC 9293 MUST-51). */
	rcu_read_lock();
	opt = rcu_dereference(inet->inet_opt);
	if (opt && opt->opt.srr)
		fl4->daddr = opt->opt.faddr;
	rcu_read_unlock();

	security_sk_classify_flow(sk, flowi4_to_flowi_common(fl4));
	rt = ip_route_output_flow(sock_net(sk), fl4, sk);
	if (IS_ERR(rt))
		return PTR_ERR(rt);
	if (rt->rt_flags & (RTCF_MULTICAST | RTCF_BROADCAST)) {
		ip_rt_put(rt);
		return -ENETUNREACH;
	}
	xtcp_lower_caps(sk, &rt->dst);
	return 0;
}

static void xtcp_lower_flow6(struct sock *sk, struct flowi6 *fl6)
{
	struct inet_sock *inet = inet_sk(sk);
	struct ipv6_pinfo *np = inet6_sk(sk);

	memset(fl6, 0, sizeof(*fl6));
	fl6->flowi6_proto = sk->sk_protocol;
	fl6->daddr = sk->sk_v6_daddr;
	fl6->saddr = np->saddr;
	fl6->flowlabel = np->flow_label;
	fl6->flowi6_oif = sk->sk_bound_dev_if;
	fl6->flowi6_mark = READ_ONCE(sk->sk_mark);
	fl6->fl6_dport = inet->inet_dport;
	fl6->fl6_sport = inet->inet_sport;
	fl6->flowi6_uid = sk->sk_uid;
	security_sk_classify_flow(sk, flowi6_to_flowi_common(fl6));
}

static int xtcp_lower_route6(struct sock *sk)
{
	struct flowi6 *fl6 = &inet_sk(sk)->cork.fl.u.ip6;
	struct ipv6_pinfo *np = inet6_sk(sk);
	struct in6_addr final, *final_p;
	struct dst_entry *dst;

	xtcp_lower_flow6(sk, fl6);
	rcu_read_lock();
	final_p = fl6_update_dst(fl6, rcu_dereference(np->opt), &final);
	rcu_read_unlock();
	dst = ip6_dst_lookup_flow(sock_net(sk), sk, fl6, final_p);
	if (IS_ERR(dst))
		return PTR_ERR(dst);
	np->dst_cookie = rt6_get_cookie((struct rt6_info *)dst);
	xtcp_lower_caps(sk, dst);
	return 0;
}

int xtcp_lower_route(struct sock *sk)
{
	bool v4 = xtcp_lower_is_v4(sk);

	/* Both bits: no NIC has both, so none mistakes 253 for TCP. */
	sk->sk_gso_type = SKB_GSO_SCTP | (v4 ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6);
	return v4 ? xtcp_lower_route4(sk) : xtcp_lower_route6(sk);
}

struct dst_entry *xtcp_lower_dst(struct sock *sk)
{
	struct dst_entry *dst;
	u32 cookie = 0;
	int err;

	if (!xtcp_lower_is_v4(sk))
		cookie = inet6_sk(sk)->dst_cookie;
	dst = __sk_dst_check(sk, cookie);
	if (likely(dst))
		return dst;
	err = xtcp_lower_route(sk);
	if (err) {
		WRITE_ONCE(sk->sk_err_soft, -err);
		return NULL;
	}
	return __sk_dst_get(sk);
}

void xtcp_lower_negative_advice(struct sock *sk)
{
	dst_negative_advice(sk);
}

unsigned int xtcp_lower_header_len(const struct sock *sk)
{
	const struct ipv6_txoptions *opt6;
	const struct ip_options_rcu *opt4;
	unsigned int len;

	if (xtcp_lower_is_v4(sk)) {
		len = sizeof(struct iphdr);
		if (likely(!rcu_access_pointer(inet_sk(sk)->inet_opt)))
			return len;
		rcu_read_lock();
		opt4 = rcu_dereference(inet_sk(sk)->inet_opt);
		len += opt4 ? opt4->opt.optlen : 0;
		rcu_read_unlock();
		return len;
	}
	len = sizeof(struct ipv6hdr);
	if (likely(!rcu_access_pointer(inet6_sk(sk)->opt)))
		return len;
	rcu_read_lock();
	opt6 = rcu_dereference(inet6_sk(sk)->opt);
	len += opt6 ? opt6->opt_flen + opt6->opt_nflen : 0;
	rcu_read_unlock();
	return len;
}

bool xtcp_lower_dont_fragment(const struct sock *sk)
{
	const struct dst_entry *dst = __sk_dst_get((struct sock *)sk);

	return !xtcp_lower_is_v4(sk) || (dst && ip_dont_fragment(sk, dst));
}

u16 xtcp_lower_advmss(struct sock *sk)
{
	struct dst_entry *dst = __sk_dst_get(sk);

	return dst ? min_t(u32, dst_metric_advmss(dst), U16_MAX) : 0;
}

bool xtcp_lower_route_ecn(struct sock *sk)
{
	struct dst_entry *dst = __sk_dst_get(sk);

	return dst && dst_feature(dst, RTAX_FEATURE_ECN);
}

/* -- connect ------------------------------------------------------------------ */

static int xtcp_lower_connect4(struct sock *sk, __be32 daddr, __be16 dport)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct inet_sock *inet = inet_sk(sk);
	int err;

	inet->inet_daddr = daddr;
	inet->inet_dport = dport;
	ipv6_addr_set_v4mapped(daddr, &xs->node.key.raddr);
	err = xtcp_lower_route(sk);
	if (err)
		return err;
	/* INADDR_ANY as a destination means this host, as it does for TCP. */
	if (!daddr) {
		inet->inet_daddr = inet->cork.fl.u.ip4.daddr;
		ipv6_addr_set_v4mapped(inet->inet_daddr, &xs->node.key.raddr);
	}
	if (!inet->inet_saddr)
		inet->inet_saddr = inet->cork.fl.u.ip4.saddr;
	if (!inet->inet_rcv_saddr)
		inet->inet_rcv_saddr = inet->inet_saddr;
	atomic_set(&inet->inet_id, get_random_u16());
	return 0;
}

/* IPV6_FLOWINFO_SEND: the address says the label, which must be the socket's to use. */
static int xtcp_lower_flow_label(struct sock *sk, const struct sockaddr_in6 *usin)
{
	struct ip6_flowlabel *lease;
	__be32 label = 0;

	if (xtcp_inet6_test(SNDFLOW, sk)) {
		label = usin->sin6_flowinfo & IPV6_FLOWINFO_MASK;
		IP6_ECN_flow_init(label);
	}
	if (label & IPV6_FLOWLABEL_MASK) {
		lease = fl6_sock_lookup(sk, label);
		if (IS_ERR(lease))
			return -EINVAL;
		fl6_sock_release(lease);
	}
	inet6_sk(sk)->flow_label = label;
	return 0;
}

static int xtcp_lower_connect6(struct sock *sk, struct sockaddr_in6 *usin, int len)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct inet_sock *inet = inet_sk(sk);
	struct ipv6_pinfo *np = inet6_sk(sk);
	struct in6_addr daddr = usin->sin6_addr;
	int type, err;

	err = xtcp_lower_flow_label(sk, usin);
	if (err)
		return err;
	if (ipv6_addr_any(&daddr)) {
		if (ipv6_addr_v4mapped(&sk->sk_v6_rcv_saddr))
			ipv6_addr_set_v4mapped(htonl(INADDR_LOOPBACK), &daddr);
		else
			daddr = in6addr_loopback;
	}
	type = ipv6_addr_type(&daddr);
	if (type & IPV6_ADDR_MULTICAST)
		return -ENETUNREACH;
	if (type & IPV6_ADDR_LINKLOCAL) {
		/* An address of RFC 2133 ends in front of it. */
		if (len >= (int)sizeof(*usin) && usin->sin6_scope_id) {
			if (!sk_dev_equal_l3scope(sk, usin->sin6_scope_id))
				return -EINVAL;
			sk->sk_bound_dev_if = usin->sin6_scope_id;
		}
		if (!sk->sk_bound_dev_if)
			return -EINVAL;
		xs->node.key.scope = sk->sk_bound_dev_if;
	}
	sk->sk_v6_daddr = daddr;
	if (type == IPV6_ADDR_MAPPED) {
		if (ipv6_only_sock(sk))
			return -ENETUNREACH;
		err = xtcp_lower_connect4(sk, daddr.s6_addr32[3], usin->sin6_port);
		if (err)
			return err;
		sk->sk_v6_daddr = xs->node.key.raddr;
		ipv6_addr_set_v4mapped(inet->inet_saddr, &np->saddr);
		ipv6_addr_set_v4mapped(inet->inet_rcv_saddr, &sk->sk_v6_rcv_saddr);
		return 0;
	}
	/* A socket bound to an IPv4 address has no IPv6 source. */
	if (ipv6_addr_v4mapped(&sk->sk_v6_rcv_saddr))
		return -EINVAL;
	xs->node.key.raddr = daddr;
	inet->inet_dport = usin->sin6_port;
	if (!ipv6_addr_any(&sk->sk_v6_rcv_saddr))
		np->saddr = sk->sk_v6_rcv_saddr;
	err = xtcp_lower_route(sk);
	if (err)
		return err;
	if (ipv6_addr_any(&sk->sk_v6_rcv_saddr))
		sk->sk_v6_rcv_saddr = inet->cork.fl.u.ip6.saddr;
	np->saddr = inet->cork.fl.u.ip6.saddr;
	inet->inet_rcv_saddr = LOOPBACK4_IPV6;
	return 0;
}

int xtcp_lower_connect(struct sock *sk, xtcp_sockaddr *uaddr, int len)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)uaddr;

	sock_owned_by_me(sk);
	xtcp_sk(sk)->node.key.scope = 0;
	if (sk->sk_family == AF_INET6) {
		if (len < SIN6_LEN_RFC2133)
			return -EINVAL;
		if (sin->sin_family != AF_INET6)
			return -EAFNOSUPPORT;
		xtcp_sk(sk)->node.key.rport = ((struct sockaddr_in6 *)uaddr)->sin6_port;
		return xtcp_lower_connect6(sk, (struct sockaddr_in6 *)uaddr, len);
	}
	if (len < sizeof(*sin))
		return -EINVAL;
	if (sin->sin_family != AF_INET)
		return -EAFNOSUPPORT;
	xtcp_sk(sk)->node.key.rport = sin->sin_port;
	return xtcp_lower_connect4(sk, sin->sin_addr.s_addr, sin->sin_port);
}

void xtcp_lower_disconnect(struct sock *sk)
{
	struct inet_sock *inet = inet_sk(sk);

	inet->inet_daddr = 0;
	inet->inet_dport = 0;
	memset(&sk->sk_v6_daddr, 0, sizeof(sk->sk_v6_daddr));
	if (!(sk->sk_userlocks & SOCK_BINDADDR_LOCK)) {
		inet->inet_saddr = 0;
		inet->inet_rcv_saddr = 0;
		if (sk->sk_family == AF_INET6) {
			memset(&sk->sk_v6_rcv_saddr, 0, sizeof(sk->sk_v6_rcv_saddr));
			memset(&inet6_sk(sk)->saddr, 0, sizeof(struct in6_addr));
		}
	}
	xtcp_demux_forget(sk);
	sk_dst_reset(sk);
	sk->sk_route_caps = 0;
}

/* -- a passive open's child --------------------------------------------------- */

/*
 * What IP_PKTOPTIONS and IPV6_2292PKTOPTIONS tell of the segment that ended the handshake.
 * Nothing is multicast by a stream: it is TCP's place for them, too.
 */
static void xtcp_lower_learn(struct sock *child, struct sk_buff *skb)
{
	struct inet_sock *inet = inet_sk(child);
	struct ipv6_pinfo *np = child->sk_family == AF_INET6 ? inet6_sk(child) : NULL;

	if (skb->protocol == htons(ETH_P_IP)) {
		inet->mc_index = inet_iif(skb);
		inet->mc_ttl = ip_hdr(skb)->ttl;
		inet->rcv_tos = ip_hdr(skb)->tos;
		if (!np)
			return;
		np->mcast_oif = inet->mc_index;
		np->mcast_hops = inet->mc_ttl;
		np->rcv_flowinfo = 0;
	} else {
		np->mcast_oif = inet6_iif(skb);
		np->mcast_hops = ipv6_hdr(skb)->hop_limit;
		np->rcv_flowinfo = ip6_flowinfo(ipv6_hdr(skb));
	}
}

int xtcp_lower_adopt(struct sock *child, const struct xtcp_request *req,
		     struct sk_buff *skb)
{
	const struct xtcp_key *key = &req->node.key;
	struct inet_sock *inet = inet_sk(child);

	xtcp_sk(child)->node.key = *key;
	inet->inet_dport = key->rport;
	inet->inet_sport = key->lport;
	inet->inet_num = ntohs(key->lport);
	xtcp_lower_learn(child, skb);
	atomic_set(&inet->inet_id, get_random_u16());
	child->sk_bound_dev_if = req->iif;
	sk_dst_set(child, NULL);
	if (child->sk_family == AF_INET6) {
		struct ipv6_pinfo *np = inet6_sk(child);

		child->sk_v6_daddr = key->raddr;
		child->sk_v6_rcv_saddr = key->laddr;
		np->saddr = key->laddr;
	}
	if (ipv6_addr_v4mapped(&key->raddr)) {
		inet->inet_daddr = key->raddr.s6_addr32[3];
		inet->inet_saddr = key->laddr.s6_addr32[3];
		inet->inet_rcv_saddr = inet->inet_saddr;
	} else {
		inet->inet_daddr = LOOPBACK4_IPV6;
		inet->inet_saddr = LOOPBACK4_IPV6;
		inet->inet_rcv_saddr = LOOPBACK4_IPV6;
	}
	return xtcp_lower_route(child);
}

/* -- sending ------------------------------------------------------------------ */

/* Sum of the pseudo-header for @len octets, not complemented. */
static __sum16 xtcp_lower_pseudo(const struct xtcp_key *key, unsigned int len)
{
	if (ipv6_addr_v4mapped(&key->raddr))
		return ~csum_tcpudp_magic(key->laddr.s6_addr32[3], key->raddr.s6_addr32[3],
					  len, IPPROTO_XTCP, 0);
	return ~csum_ipv6_magic(&key->laddr, &key->raddr, len, IPPROTO_XTCP, 0);
}

/*
 * Full checksum in software: what every device can send. Pages that others may still write are
 * copied first. 0 or -ENOBUFS.
 */
static int xtcp_lower_csum(struct sk_buff *skb, const struct xtcp_key *key)
{
	struct tcphdr *th;

	if (unlikely(skb_has_shared_frag(skb)) && skb_linearize(skb))
		return -ENOBUFS;
	th = tcp_hdr(skb);
	th->check = xtcp_lower_pseudo(key, skb->len);
	th->check = csum_fold(skb_checksum(skb, 0, skb->len, 0));
	skb->ip_summed = CHECKSUM_NONE;
	return 0;
}

/* Pseudo-header sum only: the device, loopback or our GSO callback does the rest. */
static void xtcp_lower_csum_partial(struct sk_buff *skb, const struct xtcp_key *key)
{
	tcp_hdr(skb)->check = xtcp_lower_pseudo(key, skb->len);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
}

/* One segment or super-segment with its checksum settled, to IP. */
static int xtcp_lower_queue(struct sock *sk, struct sk_buff *skb, struct dst_entry *dst, u8 ecn)
{
	unsigned int segs = skb_shinfo(skb)->gso_segs;
	struct inet_sock *inet = inet_sk(sk);
	struct ipv6_pinfo *np;
	struct flowi6 fl6;
	int err;

	memset(skb->cb, 0, sizeof(struct xtcp_skb_cb));
	skb_dst_set_noref(skb, dst);
	if (xtcp_lower_is_v4(sk)) {
		/*
		 * IP counts the segments first and numbers them from there on: the next one's
		 * identification would be one of theirs. Each has the next number, so that a
		 * receiver's GRO sees no gap between one super-segment and another.
		 */
		if (segs > 1)
			atomic_sub(segs - 1, &inet->inet_id);
		err = __ip_queue_xmit(sk, skb, &inet->cork.fl,
				      (READ_ONCE(inet->tos) & ~INET_ECN_MASK) | ecn);
		if (segs > 1)
			atomic_add(segs - 1, &inet->inet_id);
		return err;
	}

	np = inet6_sk(sk);
	xtcp_lower_flow6(sk, &fl6);
	/* ip6_xmit() puts the routing header in front of the first hop itself. */
	err = ip6_xmit(sk, skb, &fl6, READ_ONCE(sk->sk_mark), rcu_dereference(np->opt),
		       (np->tclass & ~INET_ECN_MASK) | ecn, READ_ONCE(sk->sk_priority));
	return err;
}

/* The route takes no super-segments (IPsec's header comes in front): cut here. */
static int xtcp_lower_xmit_cut(struct sock *sk, struct sk_buff *skb, struct dst_entry *dst,
			       u8 ecn)
{
	struct sk_buff *segs, *next;
	int err = 0, ret;

	xtcp_lower_csum_partial(skb, &xtcp_sk(sk)->node.key);
	/* skb_segment() refuses a packet that is of no protocol; IP sets it only later. */
	skb->protocol = xtcp_lower_is_v4(sk) ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	segs = xtcp_offload_cut(skb);
	if (IS_ERR(segs)) {
		kfree_skb(skb);
		return PTR_ERR(segs);
	}
	skb_list_walk_safe(segs, skb, next) {
		skb_mark_not_on_list(skb);
		ret = xtcp_lower_queue(sk, skb, dst, ecn);
		if (ret)
			err = ret;
	}
	return err;
}

int xtcp_lower_xmit(struct sock *sk, struct sk_buff *skb, u8 ecn)
{
	const struct xtcp_key *key = &xtcp_sk(sk)->node.key;
	struct dst_entry *dst;
	int err;

	rcu_read_lock();
	dst = xtcp_lower_dst(sk);
	if (unlikely(!dst)) {
		kfree_skb(skb);
		err = -EHOSTUNREACH;
	} else if (skb_is_gso(skb)) {
		if (likely(sk_can_gso(sk))) {
			skb_shinfo(skb)->gso_type = sk->sk_gso_type;
			/* Whoever cuts it must leave CWR on the first segment alone. */
			if (tcp_hdr(skb)->cwr)
				skb_shinfo(skb)->gso_type |= SKB_GSO_TCP_ECN;
			xtcp_lower_csum_partial(skb, key);
			err = xtcp_lower_queue(sk, skb, dst, ecn);
		} else {
			err = xtcp_lower_xmit_cut(sk, skb, dst, ecn);
		}
	} else {
		netdev_features_t both = NETIF_F_HW_CSUM | NETIF_F_GSO_SCTP;

		/*
		 * An IP_CSUM device takes a sum at octet 16 for TCP's and looks for a
		 * TCP header: only software devices are trusted with it.
		 */
		if ((dst->dev->features & both) == both) {
			xtcp_lower_csum_partial(skb, key);
			err = xtcp_lower_queue(sk, skb, dst, ecn);
		} else if (unlikely(xtcp_lower_csum(skb, key))) {
			kfree_skb(skb);
			err = -ENOBUFS;
		} else {
			err = xtcp_lower_queue(sk, skb, dst, ecn);
		}
	}
	rcu_read_unlock();
	/* "Congested" says nothing of this skb: a device that is down says it for ever. */
	return net_xmit_eval(err);
}

static struct dst_entry *xtcp_lower_reply_route4(struct sock *sk, const struct xtcp_key *key,
						 int oif, u32 mark, u8 tos, struct flowi4 *fl4)
{
	struct rtable *rt;

	memset(fl4, 0, sizeof(*fl4));
	fl4->flowi4_oif = oif;
	fl4->flowi4_mark = mark;
	xtcp_flowi4_set_tos(fl4, tos);
	fl4->flowi4_proto = IPPROTO_XTCP;
	/* The address was ours when the segment came; transparent listeners go on. */
	fl4->flowi4_flags = inet_sk_flowi_flags(sk) | FLOWI_FLAG_ANYSRC;
	fl4->flowi4_uid = sock_net_uid(sock_net(sk), sk_fullsock(sk) ? sk : NULL);
	fl4->daddr = key->raddr.s6_addr32[3];
	fl4->saddr = key->laddr.s6_addr32[3];
	fl4->fl4_dport = key->rport;
	fl4->fl4_sport = key->lport;
	rt = ip_route_output_flow(sock_net(sk), fl4, sk);
	return IS_ERR(rt) ? ERR_CAST(rt) : &rt->dst;
}

static struct dst_entry *xtcp_lower_reply_route6(struct sock *sk, const struct xtcp_key *key,
						 int oif, u32 mark, struct flowi6 *fl6)
{
	memset(fl6, 0, sizeof(*fl6));
	fl6->flowi6_oif = oif ?: key->scope;
	fl6->flowi6_mark = mark;
	fl6->flowi6_proto = IPPROTO_XTCP;
	fl6->flowi6_uid = sock_net_uid(sock_net(sk), sk_fullsock(sk) ? sk : NULL);
	fl6->daddr = key->raddr;
	fl6->saddr = key->laddr;
	fl6->fl6_dport = key->rport;
	fl6->fl6_sport = key->lport;
	return ip6_dst_lookup_flow(sock_net(sk), sk, fl6, NULL);
}

/* Find @way to answer by. 0 or -errno. */
static int lower_way(struct xtcp_lower_way *way, struct sock *sk, const struct xtcp_key *key,
		     int oif, u32 mark, u8 tos)
{
	if (ipv6_addr_v4mapped(&key->raddr))
		way->dst = xtcp_lower_reply_route4(sk, key, oif, mark, tos, &way->fl.u.ip4);
	else
		way->dst = xtcp_lower_reply_route6(sk, key, oif, mark, &way->fl.u.ip6);
	return PTR_ERR_OR_ZERO(way->dst);
}

int xtcp_lower_request_way(struct xtcp_lower_way *way, const struct xtcp_request *req)
{
	return lower_way(way, req->listener, &req->node.key, req->iif, req->mark, req->tos);
}

u16 xtcp_lower_way_advmss(const struct xtcp_lower_way *way)
{
	return min_t(u32, dst_metric_advmss(way->dst), U16_MAX);
}

bool xtcp_lower_route_ecn_request(const struct xtcp_request *req)
{
	struct xtcp_lower_way way;
	bool on;

	if (xtcp_lower_request_way(&way, req))
		return false;
	on = dst_feature(way.dst, RTAX_FEATURE_ECN);
	dst_release(way.dst);
	return on;
}

int xtcp_lower_reply_by(struct xtcp_lower_way *way, struct sock *sk, struct sk_buff *skb,
			const struct xtcp_key *key, u32 mark, u8 tos)
{
	int err;

	memset(skb->cb, 0, sizeof(struct xtcp_skb_cb));
	xtcp_lower_csum(skb, key);
	skb_dst_set(skb, way->dst);
	rcu_read_lock();
	if (ipv6_addr_v4mapped(&key->raddr))
		err = __ip_queue_xmit(sk, skb, &way->fl, tos);
	else
		err = ip6_xmit(sk, skb, &way->fl.u.ip6, mark, NULL, tos,
			       READ_ONCE(sk->sk_priority));
	rcu_read_unlock();
	return err;
}

int xtcp_lower_reply(struct sock *sk, struct sk_buff *skb, const struct xtcp_key *key,
		     int oif, u32 mark, u8 tos)
{
	struct xtcp_lower_way way;
	int err = lower_way(&way, sk, key, oif, mark, tos);

	if (err) {
		kfree_skb(skb);
		return err;
	}
	return xtcp_lower_reply_by(&way, sk, skb, key, mark, tos);
}
