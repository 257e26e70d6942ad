// SPDX-License-Identifier: GPL-2.0
/*
 * Early demultiplexing: a segment's socket, and with it its route, before IP asks for one.
 *
 * For each packet that comes up from a device IP looks a route up, only to learn that it is
 * for this host. A connection knows: its last segment came by that route. IP asks TCP and
 * UDP for it by name; XTCP is asked by netfilter, as the last of those that see a packet in
 * front of routing, so that whatever filters, tracks or rewrites it has done so. The socket
 * goes along with the segment and need not be looked up again.
 *
 * Packets that have a route (loopback's) or a socket, fragments, and ports of a bridge or of
 * an L3 master device, which are yet to change their device, take IP's own way.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/mutex.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/tcp.h>
#include <net/dst.h>
#include <net/ip.h>
#include <net/ip6_fib.h>
#include <net/sock.h>
#include <uapi/linux/xtcp.h>

#include "compat/compat.h"
#include "demux.h"
#include "family.h"
#include "lookup.h"
#include "xtcp_sock.h"

/* Serialises the first sockets of a namespace. Process context. */
static DEFINE_MUTEX(demux_mutex);

static void demux_segment(struct xtcp_net *xn, struct sk_buff *skb)
{
	struct xtcp_node *node;
	struct dst_entry *dst;
	struct xtcp_key key;
	struct sock *sk;

	if (skb->pkt_type != PACKET_HOST || netif_is_l3_slave(skb->dev) ||
	    xtcp_skb_bridged(skb) || !READ_ONCE(xn->sysctl.early_demux))
		return;
	if (!pskb_may_pull(skb, skb_transport_offset(skb) + sizeof(struct tcphdr)))
		return;
	xtcp_lookup_key(&key, skb);
	node = xtcp_lookup_find(xn, &key);
	if (!node)
		return;
	if (node->kind != XTCP_NODE_SOCK) {
		xtcp_node_put(node);
		return;
	}
	sk = xtcp_to_sk(container_of(node, struct xtcp_sock, node));
	/* The kernel's function: a queue of netfilter's may hold the segment for long. */
	skb->sk = sk;
	skb->destructor = sock_edemux;
	dst = rcu_dereference(sk->sk_rx_dst);
	if (dst)
		dst = dst_check(dst, READ_ONCE(sk->sk_rx_dst_cookie));
	if (dst && READ_ONCE(sk->sk_rx_dst_ifindex) == skb->skb_iif) {
		skb_dst_set_noref(skb, dst);
		XTCP_INC(xn, EARLYDEMUX);
	}
}

static unsigned int demux_hook4(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct iphdr *iph = ip_hdr(skb);

	if (iph->protocol == IPPROTO_XTCP && !skb_dst(skb) && !skb->sk && !ip_is_fragment(iph))
		demux_segment(xtcp_net(state->net), skb);
	return NF_ACCEPT;
}

static unsigned int demux_hook6(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct ipv6hdr *ip6 = ipv6_hdr(skb);

	/* A mapped address on the wire is not IPv4's: xtcp_lower_rcv6() drops it. */
	if (ip6->nexthdr == IPPROTO_XTCP && !skb_dst(skb) && !skb->sk &&
	    !ipv6_addr_v4mapped(&ip6->saddr) && !ipv6_addr_v4mapped(&ip6->daddr))
		demux_segment(xtcp_net(state->net), skb);
	return NF_ACCEPT;
}

static const struct nf_hook_ops demux_hooks[] = {
	{
		.hook		= demux_hook4,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_PRE_ROUTING,
		.priority	= NF_IP_PRI_LAST,
	}, {
		.hook		= demux_hook6,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_PRE_ROUTING,
		.priority	= NF_IP6_PRI_LAST,
	},
};

void xtcp_demux_start(struct xtcp_net *xn)
{
	if (likely(READ_ONCE(xn->demux)))
		return;
	mutex_lock(&demux_mutex);
	if (!xn->demux && !nf_register_net_hooks(xn->net, demux_hooks, ARRAY_SIZE(demux_hooks)))
		WRITE_ONCE(xn->demux, true);
	mutex_unlock(&demux_mutex);
}

void xtcp_demux_stop(struct xtcp_net *xn)
{
	if (xn->demux)
		nf_unregister_net_hooks(xn->net, demux_hooks, ARRAY_SIZE(demux_hooks));
}

void xtcp_demux_learn(struct sock *sk, const struct sk_buff *skb)
{
	struct dst_entry *dst = skb_dst(skb);
	struct dst_entry *old;

	old = rcu_dereference_protected(sk->sk_rx_dst, lockdep_sock_is_held(sk));
	if (likely(dst == old && sk->sk_rx_dst_ifindex == skb->skb_iif))
		return;
	if (!dst || !READ_ONCE(xtcp_sk(sk)->xn->sysctl.early_demux) || !dst_hold_safe(dst))
		return;
	/* The hook may see the new route with the old interface: IP found both of late. */
	rcu_assign_pointer(sk->sk_rx_dst, dst);
	WRITE_ONCE(sk->sk_rx_dst_ifindex, skb->skb_iif);
	if (skb->protocol == htons(ETH_P_IPV6))
		WRITE_ONCE(sk->sk_rx_dst_cookie, rt6_get_cookie((struct rt6_info *)dst));
	dst_release(old);
}

void xtcp_demux_forget(struct sock *sk)
{
	dst_release(xchg((__force struct dst_entry **)&sk->sk_rx_dst, NULL));
}

struct sock *xtcp_demux_take(struct sk_buff *skb, const struct xtcp_key *key)
{
	struct sock *sk = skb->sk;

	if (!sk || skb->destructor != sock_edemux || sk->sk_protocol != IPPROTO_XTCP)
		return NULL;
	/* A connection that ended meanwhile has left its minisock in its place. */
	if (unlikely(READ_ONCE(sk->sk_state) == TCP_CLOSE ||
		     !xtcp_key_equal(&xtcp_sk(sk)->node.key, key))) {
		skb_orphan(skb);
		return NULL;
	}
	skb->sk = NULL;
	skb->destructor = NULL;
	return sk;
}
