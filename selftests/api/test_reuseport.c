// SPDX-License-Identifier: GPL-2.0
/* SO_REUSEPORT: who of the listeners that share a port gets a connection; like TCP. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/bpf.h"
#include "../lib/net.h"
#include "../lib/oracle.h"

enum { PORT = 7950, GROUP = 5, MANY = 400, MOST = 512 };

/* @count listeners on one address. */
static void group_open(int *l, int count, struct addr a, const struct xport *t)
{
	int i;

	for (i = 0; i < count; i++) {
		l[i] = NEED(sock(t));
		NEED(set_int(l[i], SOL_SOCKET, SO_REUSEPORT, 1));
		NEED(sock_bind(l[i], a));
		NEED(listen(l[i], MOST));
		NEED(set_nonblock(l[i], true));
	}
}

static void group_close(const int *l, int count)
{
	while (count--)
		close(l[count]);
}

/* Accept all that is there. */
static int accepted(int l)
{
	int fd, n = 0;

	if (l < 0 || !ready_within(l, POLLIN, 50))
		return 0;
	while ((fd = accept(l, NULL, NULL)) >= 0) {
		set_linger(fd, 1, 0);
		close(fd);
		n++;
	}
	return n;
}

/* Connect @n times; how many each of @count listeners got. Return: the sum. */
static int spread(const struct xport *t, struct addr to, int n, const int *l, int count, int *got)
{
	int c[MOST], i, sum = 0;

	for (i = 0; i < n; i++) {
		c[i] = NEED(sock(t));
		NEED(sock_connect(c[i], to));
	}
	for (i = 0; i < count; i++) {
		got[i] = accepted(l[i]);
		sum += got[i];
	}
	for (i = 0; i < n; i++)
		close(c[i]);
	return sum;
}

/* @n connections: do all go to listener @which? */
static bool all_to(const struct xport *t, int n, const int *l, int count, int which)
{
	int got[GROUP];

	return spread(t, addr_loopback(t, PORT), n, l, count, got) == n && got[which] == n;
}

static void evenly(const struct xport *t)
{
	int n = slow_kernel() ? MANY / 2 : MANY, fair = n / GROUP, l[GROUP], got[GROUP], i;

	NEED(sysctl_put("net/core/somaxconn", "4096"));
	group_open(l, GROUP, addr_loopback(t, PORT), t);
	IS(spread(t, addr_loopback(t, PORT), n, l, GROUP, got) == n, 1);
	/* Five standard deviations of an even choice. */
	for (i = 0; i < GROUP; i++)
		IS(got[i] > fair / 2 && got[i] < fair + fair / 2, 1);
	group_close(l, GROUP);
}

/* A program that always gives @n. */
static int attach_constant(int fd, unsigned int n)
{
	return filter_verdict(fd, SO_ATTACH_REUSEPORT_CBPF, n);
}

static void program_chooses(const struct xport *t)
{
	struct sock_filter length[] = { { BPF_LD | BPF_W | BPF_LEN, 0, 0, 0 },
					{ BPF_RET | BPF_A, 0, 0, 0 } };
	int l[GROUP], got[GROUP], i;

	group_open(l, GROUP, addr_loopback(t, PORT), t);
	IS(attach_constant(l[0], 3), 0);
	IS(all_to(t, 20, l, GROUP, 3), 1);
	/* Any of them speaks for the group, and the newest program counts. */
	IS(attach_constant(l[4], 1), 0);
	IS(all_to(t, 20, l, GROUP, 1), 1);
	/* It sees what is behind the header: of a SYN nothing. */
	IS(filter_attach(l[2], SO_ATTACH_REUSEPORT_CBPF, length, 2), 0);
	IS(all_to(t, 20, l, GROUP, 0), 1);
	/* A number that nobody has: as without a program. */
	IS(attach_constant(l[0], GROUP), 0);
	IS(spread(t, addr_loopback(t, PORT), 60, l, GROUP, got), 60);
	for (i = 0; i < GROUP; i++)
		IS(got[i] < 60, 1);
	IS(attach_constant(l[0], 2), 0);
	IS(setsockopt(l[1], SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &i, sizeof(i)), 0);
	IS(setsockopt(l[1], SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &i, sizeof(i)), -ENOENT);
	IS(spread(t, addr_loopback(t, PORT), 60, l, GROUP, got), 60);
	for (i = 0; i < GROUP; i++)
		IS(got[i] < 60, 1);
	group_close(l, GROUP);
}

/* Attached to the first before anybody listens, it is there for all that follow. */
static void program_before_listen(const struct xport *t)
{
	struct addr a = addr_loopback(t, PORT);
	int l[3], i;

	for (i = 0; i < 3; i++) {
		l[i] = NEED(sock(t));
		NEED(set_int(l[i], SOL_SOCKET, SO_REUSEPORT, 1));
		if (!i)
			IS(attach_constant(l[0], 2), 0);
		NEED(sock_bind(l[i], a));
		NEED(listen(l[i], MOST));
		NEED(set_nonblock(l[i], true));
	}
	IS(all_to(t, 20, l, 3, 2), 1);
	group_close(l, 3);
}

static void program_errors(const struct xport *t)
{
	struct sock_filter broken[] = { { 0xffff, 0, 0, 0 } };
	int s = NEED(sock(t)), one = 1;

	IS(attach_constant(s, 0), -EINVAL);
	IS(setsockopt(s, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &one, sizeof(one)), -EINVAL);
	NEED(sock_bind(s, addr_loopback(t, PORT)));
	NEED(listen(s, 1));
	IS(attach_constant(s, 0), -EINVAL);
	/* Too late: it listens alone. */
	SAW(set_int(s, SOL_SOCKET, SO_REUSEPORT, 1));
	close(s);
	s = NEED(sock(t));
	NEED(set_int(s, SOL_SOCKET, SO_REUSEPORT, 1));
	IS(filter_attach(s, SO_ATTACH_REUSEPORT_CBPF, broken, 1), -EINVAL);
	IS(filter_attach(s, SO_ATTACH_REUSEPORT_CBPF, broken, 0), -EINVAL);
	IS(setsockopt(s, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &one, 1), -EINVAL);
	IS(setsockopt(s, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &one, 1), -EINVAL);
	IS(setsockopt(s, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &one, sizeof(one)), -ENOENT);
	close(s);
}

/* Who ends leaves its part to the others; who listens again gets one again. */
static void leaving(const struct xport *t)
{
	struct addr a = addr_loopback(t, PORT);
	int l[3], got[3], i;

	group_open(l, 3, a, t);
	NEED(attach_constant(l[0], 1));
	IS(all_to(t, 10, l, 3, 1), 1);
	IS(shutdown(l[1], SHUT_RD), 0);
	/* The last of the group has its number now. */
	IS(spread(t, a, 40, l, 3, got), 40);
	IS(got[1], 0);
	IS(got[2], 40);
	IS(listen(l[1], MOST), 0);
	IS(spread(t, a, 40, l, 3, got), 40);
	IS(got[2], 40);
	NEED(attach_constant(l[0], 2));
	IS(all_to(t, 10, l, 3, 1), 1);
	for (i = 1; i < 3; i++)
		close(l[i]);
	l[1] = -1;
	l[2] = -1;
	IS(all_to(t, 20, l, 3, 0), 1);
	close(l[0]);
	i = NEED(sock(t));
	IS(sock_connect(i, a), -ECONNREFUSED);
	close(i);
}

/* The wildcard's listeners and an address's are two groups. */
static void two_groups(const struct xport *t)
{
	int l[4], got[4];

	group_open(l, 2, addr_any(t, PORT), t);
	group_open(l + 2, 2, addr_loopback(t, PORT), t);
	NEED(attach_constant(l[0], 1));
	IS(spread(t, addr_loopback(t, PORT), 60, l, 4, got), 60);
	IS(got[0] + got[1], 0);
	IS(got[2] > 5 && got[3] > 5, 1);
	group_close(l + 2, 2);
	IS(all_to(t, 20, l, 2, 1), 1);
	group_close(l, 2);
}

/* More than the kernel's first array of a group has room for. */
static void many_listeners(const struct xport *t)
{
	static int l[MOST], got[MOST];
	int n = 300;

	group_open(l, n, addr_loopback(t, PORT), t);
	NEED(attach_constant(l[0], 299));
	IS(spread(t, addr_loopback(t, PORT), 20, l + n - 1, 1, got), 20);
	group_close(l, n);
}

static const struct oracle_case cases[] = {
	CASE_SECONDS("an even share for each", evenly, ON_BOTH, 6, 60),
	CASE("a program chooses", program_chooses, ON_BOTH, 22),
	CASE("a program before listen", program_before_listen, ON_BOTH, 2),
	CASE("programs that are refused", program_errors, ON_BOTH, 9),
	CASE("leaving a group", leaving, ON_BOTH, 11),
	CASE("two groups on one port", two_groups, ON_BOTH, 4),
	CASE_SECONDS("300 listeners", many_listeners, ON_BOTH, 1, 60),
};

ORACLE_MAIN("SO_REUSEPORT: XTCP compared with TCP", cases)
