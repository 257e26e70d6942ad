// SPDX-License-Identifier: GPL-2.0
/*
 * ICMP errors about our segments (RFC 9293 3.9.2.2).
 *
 * A message counts only if the sequence number it quotes is outstanding (RFC 5927
 * section 4). In SYN-SENT any unreachable ends the attempt; on a synchronized
 * connection none does (RFC 5927 section 5.2): it becomes the soft error that
 * a later time-out reports. Fragmentation needed lowers the path MTU. As in TCP only
 * the first kind goes to the error queue.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/ip6_route.h>

#include "close.h"
#include "errqueue.h"
#include "icmp.h"
#include "lower.h"
#include "output.h"
#include "plpmtud.h"
#include "recovery.h"
#include "request.h"
#include "seq.h"
#include "xtcp_sock.h"

/**
 * struct xtcp_icmp - a message, read
 * @key: the connection, our side first
 * @seq: sequence number of the quoted segment
 * @offset: where it begins in skb->data
 * @info: what the message's header says beside type and code
 * @mtu: new path MTU, 0 if it is not about that
 * @err: errno for the application, positive; 0: none
 * @redirect: a better next hop
 */
struct xtcp_icmp {
	struct xtcp_key key;
	u32 seq;
	unsigned int offset;
	u32 info;
	u32 mtu;
	int err;
	bool redirect;
};

/* IP_MTU_DISCOVER and IPV6_MTU_DISCOVER let the application refuse. */
static bool xtcp_icmp_accepts_pmtu(const struct sock *sk)
{
	if (!xtcp_lower_is_v4(sk))
		return ip6_sk_accept_pmtu(sk);
	return inet_sk(sk)->pmtudisc != IP_PMTUDISC_DONT && ip_sk_accept_pmtu(sk);
}

/* The socket lock is held and the user does not own it. */
static void xtcp_icmp_pmtu(struct sock *sk, u32 mtu)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct dst_entry *dst;

	if ((1 << sk->sk_state) & (TCPF_LISTEN | TCPF_CLOSE))
		return;
	dst = xtcp_lower_dst(sk);
	if (!dst)
		return;
	dst->ops->update_pmtu(dst, sk, NULL, mtu, true);
	/* The lesson may stand in a new route entry. */
	dst = xtcp_lower_dst(sk);
	if (!dst)
		return;
	mtu = dst_mtu(dst);
	if (!xtcp_icmp_accepts_pmtu(sk))
		return;
	if (mtu < xs->snd.pmtu) {
		u32 mss = xs->snd.mss;

		XTCP_INC(xs->xn, PMTUREDUCED);
		/* Segments were shorter already, all but a probe. */
		if (xtcp_output_sync_mss(sk, mtu) < mss)
			xtcp_recovery_mtu_reduced(sk);
		else if (xtcp_plpmtud_too_big(sk))
			xtcp_output_push(sk);
	}
}

void xtcp_icmp_deferred_pmtu(struct sock *sk)
{
	xtcp_clock_refresh(xtcp_sk(sk));
	xtcp_icmp_pmtu(sk, READ_ONCE(xtcp_sk(sk)->pmtu_info));
}

/* The user may own the socket: the state of one that is about to open does not change then. */
static void xtcp_icmp_opening(struct sock *sk, const struct xtcp_icmp *msg, struct sk_buff *skb,
			      bool owned)
{
	xtcp_errqueue_icmp(sk, skb, msg->err, msg->info, msg->offset);
	if (owned)
		WRITE_ONCE(sk->sk_err_soft, msg->err);
	else
		xtcp_close_reset(sk, msg->err);
}

static void xtcp_icmp_socket(struct sock *sk, const struct xtcp_icmp *msg, struct sk_buff *skb)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	bool owned;
	int state;

	bh_lock_sock(sk);
	owned = sock_owned_by_user(sk);
	if (owned && !msg->mtu)
		XTCP_INC(xs->xn, LOCKDROPPEDICMPS);
	/* Whoever owns the socket goes on changing it beside us. */
	state = inet_sk_state_load(sk);
	if (state == TCP_CLOSE || state == TCP_LISTEN)
		goto out;
	if (!xtcp_seq_between(msg->seq, READ_ONCE(xs->snd.una), READ_ONCE(xs->snd.nxt))) {
		XTCP_INC(xs->xn, OUTOFWINDOWICMPS);
		goto out;
	}
	if (msg->mtu) {
		if (!owned) {
			xtcp_clock_refresh(xs);
			xtcp_icmp_pmtu(sk, msg->mtu);
		} else {
			WRITE_ONCE(xs->pmtu_info, msg->mtu);
			set_bit(XTCP_DEFER_PMTU, &xs->deferred);
		}
	} else if (!msg->err) {
		goto out;
	} else if ((1 << state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) {
		xtcp_icmp_opening(sk, msg, skb, owned);
	} else if (!owned && (xtcp_lower_is_v4(sk) ? xtcp_inet_test(RECVERR, sk) :
						     xtcp_inet6_test(RECVERR6, sk))) {
		WRITE_ONCE(sk->sk_err, msg->err);
		sk_error_report(sk);
	} else {
		WRITE_ONCE(sk->sk_err_soft, msg->err);
	}
out:
	bh_unlock_sock(sk);
}

/* Take @msg to whom it concerns. */
static int xtcp_icmp_deliver(struct net *net, const struct xtcp_icmp *msg, struct sk_buff *skb)
{
	struct xtcp_node *node = xtcp_lookup_find(xtcp_net(net), &msg->key);
	struct xtcp_request *req;
	struct dst_entry *dst;
	struct sock *sk;

	if (!node)
		return -ENOENT;
	switch (node->kind) {
	case XTCP_NODE_REQUEST:
		/* Only what a SYN of ours could have provoked ends a request. */
		req = container_of(node, struct xtcp_request, node);
		if (msg->seq != req->iss)
			XTCP_INC(xtcp_net(net), OUTOFWINDOWICMPS);
		else if (msg->err && !msg->mtu)
			xtcp_request_drop(req);
		break;
	case XTCP_NODE_SOCK:
		sk = xtcp_to_sk(container_of(node, struct xtcp_sock, node));
		if (msg->redirect) {
			bh_lock_sock(sk);
			dst = sock_owned_by_user(sk) ? NULL : __sk_dst_get(sk);
			if (dst)
				dst->ops->redirect(dst, sk, skb);
			bh_unlock_sock(sk);
		} else {
			xtcp_icmp_socket(sk, msg, skb);
		}
		break;
	default:
		break;
	}
	xtcp_node_put(node);
	return 0;
}

int xtcp_icmp4_error(struct sk_buff *skb, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const struct tcphdr *th = (const struct tcphdr *)(skb->data + (iph->ihl << 2));
	u8 type = icmp_hdr(skb)->type, code = icmp_hdr(skb)->code;
	struct xtcp_icmp msg = {
		.key.lport = th->source,
		.key.rport = th->dest,
		.seq = ntohl(th->seq),
		.offset = iph->ihl << 2,
		.info = info,
	};

	ipv6_addr_set_v4mapped(iph->saddr, &msg.key.laddr);
	ipv6_addr_set_v4mapped(iph->daddr, &msg.key.raddr);
	switch (type) {
	case ICMP_REDIRECT:
		msg.redirect = true;
		break;
	case ICMP_SOURCE_QUENCH:
		return 0;	/* RFC 9293 MUST-55 */
	case ICMP_PARAMETERPROB:
		msg.err = EPROTO;
		break;
	case ICMP_DEST_UNREACH:
		if (code > NR_ICMP_UNREACH)
			return 0;
		if (code == ICMP_FRAG_NEEDED)
			msg.mtu = info ?: IPV4_MIN_MTU;
		else
			msg.err = icmp_err_convert[code].errno;
		break;
	case ICMP_TIME_EXCEEDED:
		msg.err = EHOSTUNREACH;
		break;
	default:
		return 0;
	}
	return xtcp_icmp_deliver(dev_net(skb->dev), &msg, skb);
}

int xtcp_icmp6_error(struct sk_buff *skb, struct inet6_skb_parm *opt,
		     u8 type, u8 code, int offset, __be32 info)
{
	const struct ipv6hdr *ip6 = (const struct ipv6hdr *)skb->data;
	const struct tcphdr *th = (const struct tcphdr *)(skb->data + offset);
	struct xtcp_icmp msg = {
		.key.laddr = ip6->saddr,
		.key.raddr = ip6->daddr,
		.key.lport = th->source,
		.key.rport = th->dest,
		.seq = ntohl(th->seq),
		.offset = offset,
		.info = ntohl(info),
	};

	if (ipv6_addr_type(&ip6->daddr) & IPV6_ADDR_LINKLOCAL)
		msg.key.scope = inet6_iif(skb);
	if (type == NDISC_REDIRECT)
		msg.redirect = true;
	else if (type == ICMPV6_PKT_TOOBIG)
		msg.mtu = max_t(u32, ntohl(info), IPV6_MIN_MTU);
	else
		icmpv6_err_convert(type, code, &msg.err);
	return xtcp_icmp_deliver(dev_net(skb->dev), &msg, skb);
}
