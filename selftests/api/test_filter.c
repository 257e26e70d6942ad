// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that are attached to a socket and choose what it receives, compared with TCP:
 * what they see, what they drop, and who inherits them. One that keeps or drops all on a
 * connection is test_sockopt's.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/bpf.h"
#include "../lib/net.h"
#include "../lib/oracle.h"

#define MOST 0xffffffff

/* Where a filter of a stream begins to read: at the segment's header. */
#define FLAGS 13
#define ONLY_PUSH 0x08

/* One that returns @verdict. */
static int load_verdict(int type, int verdict)
{
	struct bpf_insn code[] = {
		{ BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, verdict },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};

	return bpf_load(type, 0, code, 2);
}

static int attach_fd(int fd, int option, int prog)
{
	return setsockopt(fd, SOL_SOCKET, option, &prog, sizeof(prog));
}

/* Segments with PSH, and so with data, are dropped; acknowledgments pass. */
static const struct sock_filter no_push[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, ONLY_PUSH, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0),
	BPF_STMT(BPF_RET | BPF_K, MOST),
};

static void sees_header(const struct xport *t)
{
	struct pair p = pair_open(t);
	char x;

	IS(filter_attach(p.s, SO_ATTACH_FILTER, no_push, 4), 0);
	IS(send(p.c, "a", 1, 0), 1);
	EV_IS(ready_within(p.s, POLLIN, 150), 0);
	/* What this end sends is acknowledged: acknowledgments pass. */
	IS(send(p.s, "b", 1, 0), 1);
	IS(recv(p.c, &x, 1, MSG_WAITALL), 1);
	IS(set_int(p.s, SOL_SOCKET, SO_DETACH_FILTER, 0), 0);
	EV_IS(ready_within(p.s, POLLIN, 5000), POLLIN);
	IS(recv(p.s, &x, 1, 0), 1);
	IS(x, 'a');
	pair_close(&p);
}

/* A verdict of less than the segment cuts its data; the header stays whole. */
static void cuts(const struct xport *t)
{
	struct pair p = pair_open(t);
	char buf[64] = "";

	IS(filter_verdict(p.s, SO_ATTACH_FILTER, 1), 0);
	IS(send(p.c, "0123456789", 10, 0), 10);
	EV_IS(ready_within(p.s, POLLIN, 200), 0);
	IS(set_int(p.s, SOL_SOCKET, SO_DETACH_FILTER, 0), 0);
	IS(recv(p.s, buf, 10, MSG_WAITALL), 10);
	TEXT_IS(buf, "0123456789");
	pair_close(&p);
}

static void extended(const struct xport *t)
{
	int none = load_verdict(BPF_PROG_TYPE_SOCKET_FILTER, 0);
	int all = load_verdict(BPF_PROG_TYPE_SOCKET_FILTER, 0x7fffffff);
	int wrong = load_verdict(BPF_PROG_TYPE_SCHED_CLS, 0);
	struct pair p = pair_open(t);
	char x;

	IS(attach_fd(p.s, SO_ATTACH_BPF, wrong), -EINVAL);
	IS(attach_fd(p.s, SO_ATTACH_BPF, -1), -EBADF);
	IS(attach_fd(p.s, SO_ATTACH_BPF, p.c), -EINVAL);
	IS(attach_fd(p.s, SO_ATTACH_BPF, all), 0);
	IS(send(p.c, "a", 1, 0), 1);
	IS(recv(p.s, &x, 1, MSG_WAITALL), 1);
	IS(attach_fd(p.s, SO_ATTACH_BPF, none), 0);
	close(none);
	IS(send(p.c, "b", 1, 0), 1);
	EV_IS(ready_within(p.s, POLLIN, 150), 0);
	IS(set_int(p.s, SOL_SOCKET, SO_DETACH_BPF, 0), 0);
	EV_IS(ready_within(p.s, POLLIN, 5000), POLLIN);
	IS(set_int(p.s, SOL_SOCKET, SO_DETACH_BPF, 0), -ENOENT);
	/* Locked, it can neither go nor be replaced. */
	IS(attach_fd(p.s, SO_ATTACH_BPF, all), 0);
	IS(set_int(p.s, SOL_SOCKET, SO_LOCK_FILTER, 1), 0);
	IS(filter_verdict(p.s, SO_ATTACH_FILTER, MOST), -EPERM);
	IS(attach_fd(p.s, SO_ATTACH_BPF, all), -EPERM);
	IS(set_int(p.s, SOL_SOCKET, SO_DETACH_FILTER, 0), -EPERM);
	IS(set_int(p.s, SOL_SOCKET, SO_LOCK_FILTER, 0), -EPERM);
	close(all);
	close(wrong);
	pair_close(&p);
}

/* SO_GET_FILTER counts in instructions; a program of the newer kind cannot be read. */
static void read_back(const struct xport *t)
{
	struct sock_filter code[8];
	struct pair p = pair_open(t);
	int all = load_verdict(BPF_PROG_TYPE_SOCKET_FILTER, 0x7fffffff);
	socklen_t len = 8;

	IS(getsockopt(p.s, SOL_SOCKET, SO_GET_FILTER, code, &len), 0);
	IS(len, 0);
	IS(filter_attach(p.s, SO_ATTACH_FILTER, no_push, 4), 0);
	len = 0;
	IS(getsockopt(p.s, SOL_SOCKET, SO_GET_FILTER, NULL, &len), 0);
	IS(len, 4);
	len = 3;
	IS(getsockopt(p.s, SOL_SOCKET, SO_GET_FILTER, code, &len), -EINVAL);
	len = 8;
	IS(getsockopt(p.s, SOL_SOCKET, SO_GET_FILTER, code, &len), 0);
	IS(memcmp(code, no_push, sizeof(no_push)), 0);
	IS(attach_fd(p.s, SO_ATTACH_BPF, all), 0);
	len = 8;
	SAW(getsockopt(p.s, SOL_SOCKET, SO_GET_FILTER, code, &len));
	SAW(len);
	close(all);
	pair_close(&p);
}

/* A listener's filter sees the SYN, and its connections begin with it. */
static void of_a_listener(const struct xport *t)
{
	int l = NEED(sock_listener(t, 7830, 4)), c = NEED(sock_flags(t, SOCK_NONBLOCK)), s;
	char x;

	IS(filter_verdict(l, SO_ATTACH_FILTER, 0), 0);
	IS(sock_connect(c, addr_loopback(t, 7830)), -EINPROGRESS);
	EV_IS(ready_within(c, POLLOUT, 200), 0);
	EV_IS(ready(l, POLLIN), 0);
	IS(filter_attach(l, SO_ATTACH_FILTER, no_push, 4), 0);
	/* Its SYN comes again. */
	EV_IS(ready_within(c, POLLOUT, 5000), POLLOUT);
	EV_IS(ready_within(l, POLLIN, 2000), POLLIN);
	s = NEED(accept(l, NULL, NULL));
	IS(send(c, "a", 1, 0), 1);
	EV_IS(ready_within(s, POLLIN, 200), 0);
	IS(set_int(s, SOL_SOCKET, SO_DETACH_FILTER, 0), 0);
	EV_IS(ready_within(s, POLLIN, 5000), POLLIN);
	IS(recv(s, &x, 1, 0), 1);
	/* The listener keeps its own. */
	IS(set_int(l, SOL_SOCKET, SO_DETACH_FILTER, 0), 0);
	close(s);
	close(c);
	close(l);
}

/* What is said without a group of listeners; what a group does is test_ports'. */
static void no_group(const struct xport *t)
{
	int all = load_verdict(BPF_PROG_TYPE_SOCKET_FILTER, 0x7fffffff);
	int s = NEED(sock(t)), l = NEED(sock_listener(t, 0, 1));

	IS(filter_verdict(s, SO_ATTACH_REUSEPORT_CBPF, 0), -EINVAL);
	IS(attach_fd(s, SO_ATTACH_REUSEPORT_EBPF, all), -EINVAL);
	IS(attach_fd(s, SO_ATTACH_REUSEPORT_EBPF, -1), -EBADF);
	SAW(set_int(s, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0));
	IS(filter_verdict(l, SO_ATTACH_REUSEPORT_CBPF, 0), -EINVAL);
	IS(filter_attach(l, SO_ATTACH_REUSEPORT_CBPF, no_push, 0), -EINVAL);
	close(all);
	close(s);
	close(l);
}

static const struct oracle_case cases[] = {
	CASE("a filter reads the header", sees_header, ON_ALL, 9),
	CASE("a filter cuts segments", cuts, ON_BOTH, 6),
	CASE("SO_ATTACH_BPF, SO_LOCK_FILTER", extended, ON_BOTH, 18),
	CASE("SO_GET_FILTER", read_back, ON_BOTH, 11),
	CASE("the filter of a listener", of_a_listener, ON_ALL, 12),
	CASE("SO_ATTACH_REUSEPORT_CBPF without a group", no_group, ON_BOTH, 6),
};

ORACLE_MAIN("Programs attached to sockets compared with TCP", cases)
