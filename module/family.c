// SPDX-License-Identifier: GPL-2.0
/* PF_XTCP and what XTCP keeps for each network namespace. */
#include <linux/net.h>
#include <net/inet_common.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <uapi/linux/xtcp.h>

#include "compat/compat.h"
#include "demux.h"
#include "family.h"
#include "handshake.h"
#include "listen.h"
#include "lookup.h"
#include "mib.h"
#include "pace.h"
#include "proc.h"
#include "recv.h"
#include "socket.h"
#include "splice.h"
#include "sysctl.h"
#include "timewait.h"
#include "xtcp_sock.h"

unsigned int xtcp_net_id __read_mostly;

/* -- namespaces --------------------------------------------------------------- */

static void xtcp_ctl_exit(struct xtcp_net *xn)
{
	if (xn->ctl6)
		inet_ctl_sock_destroy(xn->ctl6);
	if (xn->ctl4)
		inet_ctl_sock_destroy(xn->ctl4);
}

/* Raw sockets of the kernel's that only lend their settings to replies. */
static int xtcp_ctl_init(struct xtcp_net *xn)
{
	int err = inet_ctl_sock_create(&xn->ctl4, PF_INET, SOCK_RAW, IPPROTO_XTCP, xn->net);

	if (err) {
		xn->ctl4 = NULL;
		return err;
	}
	/* ipv6.disable=1 leaves no IPv6 to answer. */
	if (!ipv6_mod_enabled())
		return 0;
	err = inet_ctl_sock_create(&xn->ctl6, PF_INET6, SOCK_RAW, IPPROTO_XTCP, xn->net);
	if (err) {
		xn->ctl6 = NULL;
		xtcp_ctl_exit(xn);
	}
	return err;
}

static int __net_init xtcp_net_init(struct net *net)
{
	struct xtcp_net *xn = xtcp_net(net);
	int err;

	xn->net = net;
	xa_init_flags(&xn->ports, XA_FLAGS_LOCK_BH);
	atomic_set(&xn->port_hint, get_random_u32());
	err = xtcp_lookup_init(xn);
	if (err)
		return err;
	err = xtcp_mib_init(xn);
	if (err)
		goto lookup;
	err = xtcp_sysctl_init(xn);
	if (err)
		goto mib;
	err = xtcp_ctl_init(xn);
	if (err)
		goto sysctl;
	err = xtcp_proc_init(xn);
	if (err)
		goto ctl;
	return 0;
ctl:
	xtcp_ctl_exit(xn);
sysctl:
	xtcp_sysctl_exit(xn);
mib:
	xtcp_mib_exit(xn);
lookup:
	xtcp_lookup_exit(xn);
	return err;
}

/* Between this and the rest lies an RCU grace period. */
static void __net_exit xtcp_net_pre_exit(struct net *net)
{
	xtcp_demux_stop(xtcp_net(net));
}

/*
 * Sockets hold their namespace, and its devices went first: only TIME-WAIT minisocks are left,
 * and nobody can find them any more but their timers.
 */
static void __net_exit xtcp_net_exit(struct net *net)
{
	struct xtcp_net *xn = xtcp_net(net);
	unsigned long num = 0;

	xtcp_proc_exit(xn);
	xtcp_sysctl_exit(xn);
	xtcp_timewait_purge(xn);
	xtcp_ctl_exit(xn);
	/* Not xa_empty(): an insertion that failed for memory may leave inner nodes. */
	WARN_ON_ONCE(xa_find(&xn->ports, &num, U16_MAX, XA_PRESENT));
	xa_destroy(&xn->ports);
	xtcp_lookup_exit(xn);
	/* Ports and minisocks that RCU still frees do not touch the namespace. */
	xtcp_mib_check(xn);
	xtcp_mib_exit(xn);
}

static struct pernet_operations xtcp_net_ops = {
	.init	= xtcp_net_init,
	.pre_exit = xtcp_net_pre_exit,
	.exit	= xtcp_net_exit,
	.id	= &xtcp_net_id,
	.size	= sizeof(struct xtcp_net),
};

/* -- PF_XTCP ------------------------------------------------------------------ */

/*
 * The documented addresses are AF_INET's and AF_INET6's; the same ones under AF_XTCP mean
 * the same. Return: @uaddr, or @copy with the family put right.
 */
static xtcp_sockaddr *xtcp_family_address(const struct sock *sk, xtcp_sockaddr *uaddr, int len,
					  struct sockaddr_in6 *copy)
{
	if (len < (int)sizeof(sa_family_t) || uaddr->sa_family != AF_XTCP)
		return uaddr;
	memset(copy, 0, sizeof(*copy));
	memcpy(copy, uaddr, min_t(size_t, len, sizeof(*copy)));
	copy->sin6_family = sk->sk_family;
	return (xtcp_sockaddr *)copy;
}

static int xtcp_family_bind(struct socket *sock, xtcp_sockaddr *uaddr, int len)
{
	struct sockaddr_in6 copy;

	uaddr = xtcp_family_address(sock->sk, uaddr, len, &copy);
	if (sock->sk->sk_family == AF_INET6)
		return inet6_bind(sock, uaddr, len);
	return inet_bind(sock, uaddr, len);
}

static int xtcp_family_connect(struct socket *sock, xtcp_sockaddr *uaddr, int len, int flags)
{
	struct sockaddr_in6 copy;

	uaddr = xtcp_family_address(sock->sk, uaddr, len, &copy);
	return inet_stream_connect(sock, uaddr, len, flags);
}

#define XTCP_OPS_COMMON						\
	.family		= PF_XTCP,				\
	.owner		= THIS_MODULE,				\
	.bind		= xtcp_family_bind,			\
	.connect	= xtcp_family_connect,			\
	.socketpair	= sock_no_socketpair,			\
	.accept		= inet_accept,				\
	.poll		= xtcp_socket_poll,			\
	.gettstamp	= sock_gettstamp,			\
	.listen		= xtcp_listen,				\
	.shutdown	= inet_shutdown,			\
	.set_peek_off	= sk_set_peek_off,			\
	.set_rcvlowat	= xtcp_recv_set_lowat,			\
	.setsockopt	= sock_common_setsockopt,		\
	.getsockopt	= sock_common_getsockopt,		\
	.sendmsg	= inet_sendmsg,				\
	.recvmsg	= inet_recvmsg,				\
	.mmap		= sock_no_mmap,				\
	XTCP_PROTO_OPS_SENDPAGE					\
	XTCP_PROTO_OPS_SPLICE_EOF(xtcp_splice_eof)

static const struct proto_ops xtcp_ops4 = {
	XTCP_OPS_COMMON
	.release	= inet_release,
	.getname	= inet_getname,
	.ioctl		= inet_ioctl,
};

static const struct proto_ops xtcp_ops6 = {
	XTCP_OPS_COMMON
	.release	= inet6_release,
	.getname	= inet6_getname,
	.ioctl		= inet6_ioctl,
};

/* The last reference has gone, and the RCU grace period after it. */
static void xtcp_family_destruct(struct sock *sk)
{
	xtcp_pace_free(sk);
	inet_sock_destruct(sk);
}

static void xtcp_family_destruct6(struct sock *sk)
{
	xtcp_pace_free(sk);
	inet6_sock_destruct(sk);
}

/* What an IPv4 and an IPv6 socket alike expect of struct inet_sock. */
static void xtcp_family_init_inet(struct sock *sk, const struct net *net)
{
	struct inet_sock *inet = inet_sk(sk);

	sk->sk_protocol = IPPROTO_XTCP;
	sk->sk_backlog_rcv = sk->sk_prot->backlog_rcv;
	sk->sk_destruct = xtcp_family_destruct;
	inet->pmtudisc = READ_ONCE(net->ipv4.sysctl_ip_no_pmtu_disc) ? IP_PMTUDISC_DONT :
								      IP_PMTUDISC_WANT;
	sk->sk_txrehash = READ_ONCE(net->core.sysctl_txrehash);
	inet->uc_ttl = -1;
	inet->mc_ttl = 1;
	inet->mc_index = 0;
	xtcp_inet_set(MC_LOOP, sk);
	/* IPv6 has a bit of its own. */
	if (sk->sk_family == AF_INET)
		xtcp_inet_set(MC_ALL, sk);
	RCU_INIT_POINTER(inet->mc_list, NULL);
}

static void xtcp_family_init_inet6(struct sock *sk, const struct net *net)
{
	struct xtcp6_sock *xs6 = container_of(xtcp_sk(sk), struct xtcp6_sock, xtcp);
	struct ipv6_pinfo *np = &xs6->inet6;

	inet_sk(sk)->pinet6 = np;
	sk->sk_destruct = xtcp_family_destruct6;
	sk->sk_ipv6only = net->ipv6.sysctl.bindv6only;
	np->hop_limit = -1;
	np->mcast_hops = IPV6_DEFAULT_MCASTHOPS;
	np->pmtudisc = IPV6_PMTUDISC_WANT;
	xtcp_inet6_set(MC6_LOOP, sk);
	xtcp_inet6_set(MC6_ALL, sk);
}

static int xtcp_family_create(struct net *net, struct socket *sock, int protocol, int kern)
{
	bool v6 = protocol == XTCPPROTO_XTCP6;
	struct sock *sk;
	int err;

	if (sock->type != SOCK_STREAM)
		return -ESOCKTNOSUPPORT;
	if (protocol < 0 || protocol >= IPPROTO_MAX)
		return -EINVAL;
	if (protocol != XTCPPROTO_XTCP && protocol != IPPROTO_XTCP && !v6)
		return -EPROTONOSUPPORT;
	if (v6 && !ipv6_mod_enabled())
		return -EAFNOSUPPORT;

	xtcp_demux_start(xtcp_net(net));
	sk = sk_alloc(net, v6 ? PF_INET6 : PF_INET, GFP_KERNEL,
		      v6 ? &xtcpv6_prot : &xtcp_prot, kern);
	if (!sk)
		return -ENOBUFS;
	sock->ops = v6 ? &xtcp_ops6 : &xtcp_ops4;
	sock_init_data(sock, sk);
	xtcp_family_init_inet(sk, net);
	if (v6)
		xtcp_family_init_inet6(sk, net);
	err = sk->sk_prot->init(sk);
	if (err)
		sk_common_release(sk);
	return err;
}

static const struct net_proto_family xtcp_family_ops = {
	.family	= PF_XTCP,
	.create	= xtcp_family_create,
	.owner	= THIS_MODULE,
};

int xtcp_family_register(void)
{
	int err = register_pernet_subsys(&xtcp_net_ops);

	if (err)
		return err;
	/* It says "registered" in the log even when it fails. */
	err = sock_register(&xtcp_family_ops);
	if (err) {
		pr_err("xtcp: address family %d is taken by another module\n", PF_XTCP);
		unregister_pernet_subsys(&xtcp_net_ops);
	}
	return err;
}

void xtcp_family_unregister(void)
{
	sock_unregister(PF_XTCP);
	unregister_pernet_subsys(&xtcp_net_ops);
}
