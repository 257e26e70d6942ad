// SPDX-License-Identifier: GPL-2.0
/* KUnit: who may hold a local port, which is chosen (RFC 6056), and who listens on it. */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/tcp_states.h>
#include "../ports.h"
#include "../state.h"
#include "ksock.h"

#define MANY	64
#define PORT	41234	/* nobody else binds anything in the namespace of the tests */

/* What a socket asks for when it binds. */
struct ports_ask {
	int protocol;		/* 0: IPv4, XTCPPROTO_XTCP6 */
	u32 addr4;		/* IPv4 address, 0: any */
	u8 addr6;		/* last octet of fd00::, 0: any */
	bool v6only;
	bool reuse;
	bool reuseport;
	bool listen;
	int dev;		/* SO_BINDTODEVICE, an index */
	uid_t uid;
};

/* Bind a socket as @ask says. Return: what xtcp_ports_get() said. */
static int ports_bind(struct sock *sk, const struct ports_ask *ask, u16 num)
{
	int ret;

	lock_sock(sk);
	sk->sk_reuse = ask->reuse;
	sk->sk_reuseport = ask->reuseport;
	sk->sk_bound_dev_if = ask->dev;
	sk->sk_uid = KUIDT_INIT(ask->uid);
	SOCK_INODE(sk->sk_socket)->i_uid = sk->sk_uid;
	if (ask->protocol == XTCPPROTO_XTCP6) {
		sk->sk_ipv6only = ask->v6only;
		if (ask->addr6) {
			sk->sk_v6_rcv_saddr.s6_addr[0] = 0xfd;
			sk->sk_v6_rcv_saddr.s6_addr[15] = ask->addr6;
		}
	} else {
		inet_sk(sk)->inet_rcv_saddr = htonl(ask->addr4);
	}
	ret = xtcp_ports_get(sk, num);
	if (!ret && ask->listen) {
		inet_sk_set_state(sk, TCP_LISTEN);
		ret = xtcp_ports_listen(sk);
	}
	release_sock(sk);
	return ret;
}

static void ports_unbind(struct sock *sk)
{
	lock_sock(sk);
	if (sk->sk_state == TCP_LISTEN)
		xtcp_ports_unlisten(sk);
	xtcp_ports_release(xtcp_sk(sk)->xn, &xtcp_sk(sk)->node);
	inet_sk(sk)->inet_num = 0;
	inet_sk_set_state(sk, TCP_CLOSE);
	release_sock(sk);
	ksock_close(sk);
}

/* SO_REUSEADDR on two sockets: both may hold the port, but only one may listen. */
static void ports_listen__one_of_two(struct kunit *test)
{
	static const struct ports_ask reuse = { .reuse = true };
	struct sock *sk[2];
	int i, ret;

	for (i = 0; i < 2; i++) {
		sk[i] = ksock_open(test, 0);
		KUNIT_EXPECT_EQ(test, ports_bind(sk[i], &reuse, PORT), 0);
	}
	for (i = 0; i < 2; i++) {
		lock_sock(sk[i]);
		inet_sk_set_state(sk[i], TCP_LISTEN);
		ret = xtcp_ports_listen(sk[i]);
		if (ret)
			inet_sk_set_state(sk[i], TCP_CLOSE);
		release_sock(sk[i]);
		KUNIT_EXPECT_EQ_MSG(test, ret, i ? -EADDRINUSE : 0, "socket %d", i);
	}
	for (i = 0; i < 2; i++)
		ports_unbind(sk[i]);
}

#define V4(a)	.addr4 = 0x0a000000 | (a)
#define V6	.protocol = XTCPPROTO_XTCP6

static const struct {
	const char *what;
	struct ports_ask first, second;
	int want;
} ports_pairs[] = {
	{ "any twice", { }, { }, -EADDRINUSE },
	{ "one address and another", { V4(1) }, { V4(2) }, 0 },
	{ "one address twice", { V4(1) }, { V4(1) }, -EADDRINUSE },
	{ "one address, then any", { V4(1) }, { }, -EADDRINUSE },
	{ "any, then one address", { }, { V4(1) }, -EADDRINUSE },
	{ "reuse on both", { .reuse = true }, { .reuse = true }, 0 },
	{ "reuse on the first", { .reuse = true }, { }, -EADDRINUSE },
	{ "reuse on the second", { }, { .reuse = true }, -EADDRINUSE },
	{ "reuse with a listener", { .reuse = true, .listen = true }, { .reuse = true },
	  -EADDRINUSE },
	{ "reuse, the second listens", { .reuse = true }, { .reuse = true, .listen = true }, 0 },
	{ "reuse with a listener elsewhere", { V4(1), .reuse = true, .listen = true },
	  { V4(2), .reuse = true, .listen = true }, 0 },
	{ "reuseport on both, both listen", { .reuseport = true, .listen = true },
	  { .reuseport = true, .listen = true }, 0 },
	{ "reuseport on one", { .reuseport = true, .listen = true }, { .listen = true },
	  -EADDRINUSE },
	{ "IPv6 any twice", { V6 }, { V6 }, -EADDRINUSE },
	{ "IPv6 any takes IPv4", { V6 }, { }, -EADDRINUSE },
	{ "IPv4 any, then IPv6 any", { }, { V6 }, -EADDRINUSE },
	{ "IPv6 only leaves IPv4", { V6, .v6only = true }, { }, 0 },
	{ "IPv4, then IPv6 only", { }, { V6, .v6only = true }, 0 },
	{ "IPv6 only twice", { V6, .v6only = true }, { V6, .v6only = true }, -EADDRINUSE },
	{ "IPv6 address and IPv4 any", { V6, .addr6 = 1 }, { }, 0 },
	{ "IPv6 address and IPv6 any", { V6, .addr6 = 1 }, { V6 }, -EADDRINUSE },
	{ "IPv6 address and another", { V6, .addr6 = 1 }, { V6, .addr6 = 2 }, 0 },
	{ "IPv6 any and IPv4 address", { V6 }, { V4(1) }, -EADDRINUSE },
	{ "IPv6 only and IPv4 address", { V6, .v6only = true }, { V4(1) }, 0 },
	{ "one device and another", { .dev = 1 }, { .dev = 2 }, 0 },
	{ "one device twice", { .dev = 1 }, { .dev = 1 }, -EADDRINUSE },
	{ "one device, then all", { .dev = 1 }, { }, -EADDRINUSE },
	{ "all, then one device", { }, { .dev = 1 }, -EADDRINUSE },
	{ "reuseport of two users", { .reuseport = true, .uid = 1000 },
	  { .reuseport = true, .uid = 1001 }, -EADDRINUSE },
	{ "reuseport of one user", { .reuseport = true, .uid = 1000 },
	  { .reuseport = true, .uid = 1000 }, 0 },
	{ "reuse of two users", { .reuse = true, .uid = 1000 }, { .reuse = true, .uid = 1001 },
	  0 },
	{ "reuseport, then reuse", { .reuseport = true }, { .reuse = true }, -EADDRINUSE },
};

static void ports_get__who_may_share(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(ports_pairs); i++) {
		struct sock *a = ksock_open(test, ports_pairs[i].first.protocol);
		struct sock *b = ksock_open(test, ports_pairs[i].second.protocol);

		KUNIT_EXPECT_EQ_MSG(test, ports_bind(a, &ports_pairs[i].first, PORT), 0, "%s",
				    ports_pairs[i].what);
		KUNIT_EXPECT_EQ_MSG(test, ports_bind(b, &ports_pairs[i].second, PORT),
				    ports_pairs[i].want, "%s", ports_pairs[i].what);
		ports_unbind(b);
		ports_unbind(a);
		KUNIT_EXPECT_NULL_MSG(test, xa_load(&xtcp_net(&init_net)->ports, PORT),
				      "%s: the port is free again", ports_pairs[i].what);
	}
}

static void ports_get__ephemeral(struct kunit *test)
{
	static const struct ports_ask any;
	struct sock *sk[MANY];
	int i, j, low, high;

	for (i = 0; i < MANY; i++) {
		u16 num;

		sk[i] = ksock_open(test, 0);
		inet_sk_get_local_port_range(sk[i], &low, &high);
		KUNIT_EXPECT_EQ(test, ports_bind(sk[i], &any, 0), 0);
		num = inet_sk(sk[i])->inet_num;
		KUNIT_EXPECT_GE(test, (int)num, low);
		KUNIT_EXPECT_LE(test, (int)num, high);
		KUNIT_EXPECT_FALSE(test, inet_is_local_reserved_port(&init_net, num));
		KUNIT_EXPECT_EQ(test, ntohs(xtcp_sk(sk[i])->node.key.lport), num);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE(test, num, inet_sk(sk[j])->inet_num);
	}
	for (i = 0; i < MANY; i++)
		ports_unbind(sk[i]);
}

/* Connect @sk to 10.0.0.@host, port @rport: the tables only, no segment leaves. */
static int ports_connect(struct sock *sk, u8 host, u16 rport)
{
	struct xtcp_key *key = &xtcp_sk(sk)->node.key;
	int err;

	lock_sock(sk);
	inet_sk(sk)->inet_rcv_saddr = htonl(INADDR_LOOPBACK);
	ipv6_addr_set_v4mapped(htonl(0x0a000000 | host), &key->raddr);
	key->rport = htons(rport);
	err = xtcp_ports_connect(sk);
	if (!err)
		inet_sk_set_state(sk, TCP_SYN_SENT);
	release_sock(sk);
	return err;
}

static void ports_disconnect(struct sock *sk)
{
	lock_sock(sk);
	if (sk->sk_state != TCP_CLOSE)
		xtcp_state_move(sk, XTCP_EV_ABORT);
	release_sock(sk);
	ksock_close(sk);
}

/* Connections to one destination get different ports, one after the other. */
static void ports_connect__distinct(struct kunit *test)
{
	struct sock *sk[MANY];
	int i, j, neighbours = 0;

	for (i = 0; i < MANY; i++) {
		sk[i] = ksock_open(test, 0);
		KUNIT_EXPECT_EQ(test, ports_connect(sk[i], 1, 80), 0);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE(test, inet_sk(sk[i])->inet_num, inet_sk(sk[j])->inet_num);
		if (i && inet_sk(sk[i])->inet_num == inet_sk(sk[i - 1])->inet_num + 1)
			neighbours++;
	}
	/* RFC 6056 algorithm 3: a hash and a counter, so they follow each other. */
	KUNIT_EXPECT_GT(test, neighbours, MANY / 2);
	for (i = 0; i < MANY; i++)
		ports_disconnect(sk[i]);
}

/* Destinations start at places of their own. */
static void ports_connect__spread(struct kunit *test)
{
	int i, neighbours = 0, last = 0, low, high;

	for (i = 0; i < MANY; i++) {
		struct sock *sk = ksock_open(test, 0);
		int num;

		inet_sk_get_local_port_range(sk, &low, &high);
		KUNIT_EXPECT_EQ(test, ports_connect(sk, i + 1, 80), 0);
		num = inet_sk(sk)->inet_num;
		KUNIT_EXPECT_GE(test, num, low);
		KUNIT_EXPECT_LE(test, num, high);
		if (abs(num - last) < 4)
			neighbours++;
		last = num;
		ports_disconnect(sk);
	}
	KUNIT_EXPECT_LT(test, neighbours, MANY / 8);
}

/* A port that bind() gave is not shared by a connect() that may choose. */
static void ports_connect__keeps_off_bound_ports(struct kunit *test)
{
	struct sock *probe = ksock_open(test, 0), *bound = ksock_open(test, 0);
	struct sock *sk = ksock_open(test, 0);
	static const struct ports_ask any;
	u16 next;

	KUNIT_EXPECT_EQ(test, ports_connect(probe, 9, 80), 0);
	next = inet_sk(probe)->inet_num + 1;
	if (!ports_bind(bound, &any, next)) {
		KUNIT_EXPECT_EQ(test, ports_connect(sk, 9, 80), 0);
		KUNIT_EXPECT_NE(test, inet_sk(sk)->inet_num, next);
	}
	ports_unbind(bound);
	ports_disconnect(sk);
	ports_disconnect(probe);
}

/* -- the range of ephemeral ports ---------------------------------------------- */

#define LOW	51000
#define FEW	5

static struct {
	int low, high;
} ports_saved;

/* The namespace's range becomes LOW and FEW - 1 ports behind it. */
static void ports_narrow(bool narrow)
{
	struct local_ports *range = &init_net.ipv4.ip_local_ports;

	write_seqlock_bh(&range->lock);
	if (narrow) {
		ports_saved.low = range->range[0];
		ports_saved.high = range->range[1];
		range->range[0] = LOW;
		range->range[1] = LOW + FEW - 1;
	} else {
		range->range[0] = ports_saved.low;
		range->range[1] = ports_saved.high;
	}
	write_sequnlock_bh(&range->lock);
}

/* Every port of the range is found, its first and its last, and none beside it. */
static void ports_get__all_of_the_range(struct kunit *test)
{
	static const struct ports_ask any;
	struct sock *sk[FEW + 1];
	unsigned long seen = 0;
	int round, i;

	ports_narrow(true);
	/* More than once: where the search begins is drawn. */
	for (round = 0; round < 20; round++) {
		seen = 0;
		for (i = 0; i <= FEW; i++) {
			sk[i] = ksock_open(test, 0);
			KUNIT_EXPECT_EQ_MSG(test, ports_bind(sk[i], &any, 0),
					    i < FEW ? 0 : -EADDRINUSE, "socket %d", i);
			if (i < FEW)
				seen |= BIT((inet_sk(sk[i])->inet_num - LOW) & 31);
		}
		KUNIT_EXPECT_EQ(test, seen, BIT(FEW) - 1);
		for (i = 0; i <= FEW; i++)
			ports_unbind(sk[i]);
	}
	ports_narrow(false);
}

static void ports_connect__all_of_the_range(struct kunit *test)
{
	struct sock *sk[FEW + 1], *other;
	unsigned long seen;
	int round, i;

	ports_narrow(true);
	for (round = 0; round < 20; round++) {
		seen = 0;
		for (i = 0; i <= FEW; i++) {
			sk[i] = ksock_open(test, 0);
			KUNIT_EXPECT_EQ_MSG(test, ports_connect(sk[i], round, 80),
					    i < FEW ? 0 : -EADDRNOTAVAIL, "socket %d", i);
			if (i < FEW)
				seen |= BIT((inet_sk(sk[i])->inet_num - LOW) & 31);
		}
		KUNIT_EXPECT_EQ(test, seen, BIT(FEW) - 1);
		KUNIT_EXPECT_EQ(test, ntohs(xtcp_sk(sk[FEW])->node.key.lport), 0);
		KUNIT_EXPECT_EQ(test, inet_sk(sk[FEW])->inet_num, 0);
		/* To another destination each of them may be used again. */
		other = ksock_open(test, 0);
		KUNIT_EXPECT_EQ(test, ports_connect(other, round, 81), 0);
		ports_disconnect(other);
		for (i = 0; i <= FEW; i++)
			ports_disconnect(sk[i]);
	}
	ports_narrow(false);
}

/* Those that ip_local_reserved_ports keeps are for who asks for them by number. */
static void ports_get__not_the_reserved(struct kunit *test)
{
	static const struct ports_ask any;
	unsigned long *reserved = init_net.ipv4.sysctl_local_reserved_ports;
	struct sock *bound[FEW], *conn[FEW], *sk;
	int i;

	ports_narrow(true);
	set_bit(LOW, reserved);
	set_bit(LOW + FEW - 1, reserved);
	for (i = 0; i < FEW; i++) {
		bound[i] = ksock_open(test, 0);
		KUNIT_EXPECT_EQ(test, ports_bind(bound[i], &any, 0),
				i < FEW - 2 ? 0 : -EADDRINUSE);
	}
	sk = ksock_open(test, 0);
	KUNIT_EXPECT_EQ(test, ports_bind(sk, &any, LOW), 0);
	ports_unbind(sk);
	for (i = 0; i < FEW; i++)
		ports_unbind(bound[i]);
	for (i = 0; i < FEW; i++) {
		conn[i] = ksock_open(test, 0);
		KUNIT_EXPECT_EQ(test, ports_connect(conn[i], 3, 80),
				i < FEW - 2 ? 0 : -EADDRNOTAVAIL);
	}
	for (i = 0; i < FEW; i++)
		ports_disconnect(conn[i]);
	clear_bit(LOW, reserved);
	clear_bit(LOW + FEW - 1, reserved);
	ports_narrow(false);
}

/* bind() does not take a port that connect() chose, nor connect() one of bind()'s. */
static void ports_connect__not_those_of_bind(struct kunit *test)
{
	static const struct ports_ask any;
	struct sock *bound[FEW], *sk = ksock_open(test, 0);
	int i;

	ports_narrow(true);
	for (i = 0; i < FEW; i++) {
		bound[i] = ksock_open(test, 0);
		KUNIT_EXPECT_EQ(test, ports_bind(bound[i], &any, 0), 0);
	}
	KUNIT_EXPECT_EQ(test, ports_connect(sk, 4, 80), -EADDRNOTAVAIL);
	ports_unbind(bound[0]);
	KUNIT_EXPECT_EQ(test, ports_connect(sk, 4, 80), 0);
	bound[0] = ksock_open(test, 0);
	KUNIT_EXPECT_EQ(test, ports_bind(bound[0], &any, 0), -EADDRINUSE);
	ports_disconnect(sk);
	for (i = 0; i < FEW; i++)
		ports_unbind(bound[i]);
	ports_narrow(false);
}

/* A port that was just given back is not the next one to be chosen. */
static void ports_connect__moves_on(struct kunit *test)
{
	struct sock *sk;
	int i, last = 0;

	for (i = 0; i < 20; i++) {
		sk = ksock_open(test, 0);
		KUNIT_EXPECT_EQ(test, ports_connect(sk, 5, 80), 0);
		KUNIT_EXPECT_NE(test, (int)inet_sk(sk)->inet_num, last);
		last = inet_sk(sk)->inet_num;
		ports_disconnect(sk);
	}
}

/* -- which listener ------------------------------------------------------------ */

/* A segment for address @addr4 of ours (or fd00::@addr6) that came in by @dif. */
static struct sock *ports_find(u32 addr4, u8 addr6, u16 rport, int dif, int sdif)
{
	struct xtcp_key key = { .lport = htons(PORT), .rport = htons(rport) };
	struct sock *sk;

	if (addr4) {
		ipv6_addr_set_v4mapped(htonl(addr4), &key.laddr);
		ipv6_addr_set_v4mapped(htonl(0x0a000063), &key.raddr);
	} else {
		key.laddr.s6_addr[0] = 0xfd;
		key.laddr.s6_addr[15] = addr6;
		key.raddr.s6_addr[0] = 0xfd;
		key.raddr.s6_addr[15] = 99;
	}
	rcu_read_lock();
	sk = xtcp_ports_find_listener(xtcp_net(&init_net), &key, NULL, dif, sdif);
	rcu_read_unlock();
	if (sk)
		sock_put(sk);
	return sk;
}

/* The more a listener has asked for, the better it fits; who does not fit is not asked. */
static void ports_find__best_listener(struct kunit *test)
{
	enum { V4_ANY, V4_ADDR, V4_DEV, V4_BOTH, V6_ONLY, V6_ADDR, N };
	static const struct ports_ask asks[N] = {
		[V4_ANY] = { .reuseport = true, .listen = true },
		[V4_ADDR] = { V4(1), .reuseport = true, .listen = true },
		[V4_DEV] = { .dev = 1, .reuseport = true, .listen = true },
		[V4_BOTH] = { V4(1), .dev = 1, .reuseport = true, .listen = true },
		[V6_ONLY] = { V6, .v6only = true, .reuseport = true, .listen = true },
		[V6_ADDR] = { V6, .addr6 = 1, .reuseport = true, .listen = true },
	};
	struct sock *sk[N], *dual;
	static const struct ports_ask ask_dual = { V6, .reuseport = true, .listen = true };
	int i;

	/* In this order and in the other one. */
	for (i = 0; i < N; i++) {
		sk[i] = ksock_open(test, asks[i].protocol);
		KUNIT_EXPECT_EQ_MSG(test, ports_bind(sk[i], &asks[i], PORT), 0, "%d", i);
	}
	KUNIT_EXPECT_PTR_EQ(test, ports_find(0x0a000002, 0, 80, 3, 0), sk[V4_ANY]);
	KUNIT_EXPECT_PTR_EQ(test, ports_find(0x0a000001, 0, 80, 3, 0), sk[V4_ADDR]);
	KUNIT_EXPECT_PTR_EQ(test, ports_find(0x0a000002, 0, 80, 1, 0), sk[V4_DEV]);
	KUNIT_EXPECT_PTR_EQ(test, ports_find(0x0a000002, 0, 80, 3, 1), sk[V4_DEV]);
	KUNIT_EXPECT_PTR_EQ(test, ports_find(0x0a000001, 0, 80, 1, 0), sk[V4_BOTH]);
	KUNIT_EXPECT_PTR_EQ(test, ports_find(0, 1, 80, 3, 0), sk[V6_ADDR]);
	KUNIT_EXPECT_PTR_EQ(test, ports_find(0, 2, 80, 3, 0), sk[V6_ONLY]);
	ports_unbind(sk[V4_BOTH]);
	KUNIT_EXPECT_PTR_EQ_MSG(test, ports_find(0x0a000001, 0, 80, 1, 0), sk[V4_ADDR],
				"an address is worth more than a device");
	ports_unbind(sk[V4_DEV]);
	ports_unbind(sk[V4_ADDR]);
	/* One that takes both families fits an IPv4 segment, but one of its own fits better. */
	dual = ksock_open(test, XTCPPROTO_XTCP6);
	KUNIT_EXPECT_EQ(test, ports_bind(dual, &ask_dual, PORT), 0);
	KUNIT_EXPECT_PTR_EQ(test, ports_find(0x0a000001, 0, 80, 1, 0), sk[V4_ANY]);
	ports_unbind(sk[V4_ANY]);
	KUNIT_EXPECT_PTR_EQ(test, ports_find(0x0a000001, 0, 80, 1, 0), dual);
	ports_unbind(dual);
	KUNIT_EXPECT_NULL_MSG(test, ports_find(0x0a000001, 0, 80, 1, 0), "IPv6 only is left");
	ports_unbind(sk[V6_ONLY]);
	ports_unbind(sk[V6_ADDR]);
	KUNIT_EXPECT_NULL(test, ports_find(0, 1, 80, 3, 0));
}

/* An IPv4 wildcard has nothing to do with IPv6; and who listens no more is not found. */
static void ports_find__none(struct kunit *test)
{
	static const struct ports_ask v4 = { .listen = true }, v4_dev = { .dev = 2, .listen = true };
	struct sock *sk = ksock_open(test, 0);

	KUNIT_EXPECT_EQ(test, ports_bind(sk, &v4, PORT), 0);
	KUNIT_EXPECT_NULL(test, ports_find(0, 1, 80, 1, 0));
	KUNIT_EXPECT_PTR_EQ(test, ports_find(0x0a000001, 0, 80, 1, 0), sk);
	/* Between close() and unlisten. */
	inet_sk_set_state(sk, TCP_CLOSE);
	KUNIT_EXPECT_NULL(test, ports_find(0x0a000001, 0, 80, 1, 0));
	inet_sk_set_state(sk, TCP_LISTEN);
	ports_unbind(sk);
	sk = ksock_open(test, 0);
	KUNIT_EXPECT_EQ(test, ports_bind(sk, &v4_dev, PORT), 0);
	KUNIT_EXPECT_NULL(test, ports_find(0x0a000001, 0, 80, 1, 0));
	KUNIT_EXPECT_PTR_EQ(test, ports_find(0x0a000001, 0, 80, 2, 0), sk);
	ports_unbind(sk);
}

/* Equal listeners with SO_REUSEPORT share the peers, the same peer always the same one. */
static void ports_find__shares_among_equals(struct kunit *test)
{
	static const struct ports_ask ask = { .reuseport = true, .listen = true };
	int count[4] = {}, i, j;
	struct sock *sk[4];

	for (i = 0; i < 4; i++) {
		sk[i] = ksock_open(test, 0);
		KUNIT_EXPECT_EQ(test, ports_bind(sk[i], &ask, PORT), 0);
	}
	for (i = 0; i < 1000; i++) {
		struct sock *found = ports_find(0x0a000001, 0, 1024 + i, 1, 0);

		KUNIT_EXPECT_PTR_EQ(test, ports_find(0x0a000001, 0, 1024 + i, 1, 0), found);
		for (j = 0; j < 4; j++)
			count[j] += found == sk[j];
	}
	for (j = 0; j < 4; j++) {
		KUNIT_EXPECT_GT_MSG(test, count[j], 180, "listener %d", j);
		KUNIT_EXPECT_LT_MSG(test, count[j], 320, "listener %d", j);
	}
	for (i = 0; i < 4; i++)
		ports_unbind(sk[i]);
}

static struct kunit_case ports_cases[] = {
	KUNIT_CASE(ports_get__who_may_share),
	KUNIT_CASE(ports_listen__one_of_two),
	KUNIT_CASE(ports_get__ephemeral),
	KUNIT_CASE(ports_connect__distinct),
	KUNIT_CASE(ports_connect__spread),
	KUNIT_CASE(ports_connect__keeps_off_bound_ports),
	KUNIT_CASE(ports_get__all_of_the_range),
	KUNIT_CASE(ports_connect__all_of_the_range),
	KUNIT_CASE(ports_get__not_the_reserved),
	KUNIT_CASE(ports_connect__not_those_of_bind),
	KUNIT_CASE(ports_connect__moves_on),
	KUNIT_CASE(ports_find__best_listener),
	KUNIT_CASE(ports_find__none),
	KUNIT_CASE(ports_find__shares_among_equals),
	{}
};

static struct kunit_suite ports_suite = {
	.name = "xtcp_ports",
	.test_cases = ports_cases,
};

kunit_test_suite(ports_suite);
