// SPDX-License-Identifier: GPL-2.0
/* KUnit: who may hold a local port, and which one is chosen (RFC 6056). */
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
};

/* Bind a socket as @ask says. Return: what xtcp_ports_get() said. */
static int ports_bind(struct sock *sk, const struct ports_ask *ask, u16 num)
{
	int ret;

	lock_sock(sk);
	sk->sk_reuse = ask->reuse;
	sk->sk_reuseport = ask->reuseport;
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

static struct kunit_case ports_cases[] = {
	KUNIT_CASE(ports_get__who_may_share),
	KUNIT_CASE(ports_listen__one_of_two),
	KUNIT_CASE(ports_get__ephemeral),
	KUNIT_CASE(ports_connect__distinct),
	KUNIT_CASE(ports_connect__spread),
	KUNIT_CASE(ports_connect__keeps_off_bound_ports),
	{}
};

static struct kunit_suite ports_suite = {
	.name = "xtcp_ports",
	.test_cases = ports_cases,
};

kunit_test_suite(ports_suite);
