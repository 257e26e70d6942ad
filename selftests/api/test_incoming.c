// SPDX-License-Identifier: GPL-2.0
/*
 * Where a connection's segments come from, compared with TCP: SO_INCOMING_CPU, and over a
 * veth device with a queue of its own SO_INCOMING_NAPI_ID and SO_BUSY_POLL.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	NEED(sched_setaffinity(0, sizeof(set), &set));
}

/* Over loopback a segment is received by the processor that sent it. */
static void processor(const struct xport *t)
{
	int s = NEED(sock(t)), cpu;
	struct pair p;
	char x;

	TRUE(get_int(s, SOL_SOCKET, SO_INCOMING_CPU) == -1);
	close(s);
	for (cpu = 0; cpu < 2 && cpu < sysconf(_SC_NPROCESSORS_ONLN); cpu++) {
		run_on(cpu);
		p = pair_open(t);
		IS(send(p.c, "x", 1, 0), 1);
		IS(recv(p.s, &x, 1, MSG_WAITALL), 1);
		oracle_text("accepted", "%s", get_int(p.s, SOL_SOCKET, SO_INCOMING_CPU) == cpu ?
			    "the sender's processor" : "another processor");
		TRUE(get_int(p.c, SOL_SOCKET, SO_INCOMING_CPU) >= 0);
		pair_close(&p);
	}
	/* Loopback has no queue that could be polled. */
	p = pair_open(t);
	IS(get_int(p.s, SOL_SOCKET, SO_INCOMING_NAPI_ID), 0);
	pair_close(&p);
}

/* The peer, in a namespace of its own: it connects, sends @count octets, one each 50 ms. */
static int peer_start(const struct xport *t, int ready_fd, int go_fd, int count)
{
	int child = fork(), c;
	char x = 'x';

	if (child)
		return child;
	NEED(unshare(CLONE_NEWNET));
	NEED(write(ready_fd, &x, 1));
	NEED(read(go_fd, &x, 1));
	/* Where the sender cuts segments itself, the receiver has to join them. */
	if (!net_run("ethtool -K v1 tso off && ip link set v1 up && ip addr add 192.0.2.2/24 dev v1 && "
		     "ip addr add 2001:db8::2/64 dev v1 nodad"))
		_exit(2);
	c = NEED(sock(t));
	NEED(sock_connect(c, addr_text(t, "192.0.2.1", "2001:db8::1", 7850)));
	while (count--) {
		nap_ms(50);
		if (send(c, &x, 1, MSG_NOSIGNAL) != 1)
			_exit(3);
	}
	_exit(0);
}

static void queue(const struct xport *t)
{
	int l, s, ready_pipe[2], go_pipe[2], child, status, i, got = 0;
	char x = 'x';

	NEED(pipe(ready_pipe));
	NEED(pipe(go_pipe));
	child = NEED(peer_start(t, ready_pipe[1], go_pipe[0], 10));
	NEED(read(ready_pipe[0], &x, 1));
	/* GRO gives a veth device a queue that is polled. */
	if (!net_run("ip link add v0 type veth peer name v1 netns %d && "
		     "ethtool -K v0 gro on && ip link set v0 up && "
		     "ip addr add 192.0.2.1/24 dev v0 && ip addr add 2001:db8::1/64 dev v0 nodad",
		     child))
		NEED(-1);
	l = NEED(sock(t));
	/* Inherited by what is accepted; in microseconds. */
	IS(set_int(l, SOL_SOCKET, SO_BUSY_POLL, 200000), 0);
	NEED(sock_bind(l, addr_any(t, 7850)));
	NEED(listen(l, 1));
	NEED(write(go_pipe[1], &x, 1));
	s = NEED(accept(l, NULL, NULL));
	IS(get_int(s, SOL_SOCKET, SO_BUSY_POLL), 200000);
	for (i = 0; i < 10; i++)
		got += recv(s, &x, 1, 0) == 1;
	IS(got, 10);
	TRUE(get_int(s, SOL_SOCKET, SO_INCOMING_NAPI_ID) > 0);
	TRUE(get_int(s, SOL_SOCKET, SO_INCOMING_CPU) >= 0);
	IS(recv(s, &x, 1, 0), 0);
	NEED(waitpid(child, &status, 0));
	IS(status, 0);
	close(s);
	close(l);
}

static const struct oracle_case cases[] = {
	CASE("SO_INCOMING_CPU", processor, ON_BOTH, 10),
	CASE("SO_INCOMING_NAPI_ID, SO_BUSY_POLL", queue, ON_BOTH, 7),
};

ORACLE_MAIN("Where segments come from, compared with TCP", cases)
