// SPDX-License-Identifier: GPL-2.0
/* Sockets shared by threads and processes, and passed between them; like TCP. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

/* A call made by another thread, so that this one can disturb it. */
struct blocked {
	pthread_t thread;
	enum { RECV, ACCEPT, SEND, POLL, CONNECT } call;
	int fd;
	struct addr at;
	long ret;
	int err;
	volatile pid_t tid;
	volatile bool done;
};

static void *blocked_run(void *arg)
{
	static char big[1 << 20];
	struct blocked *b = arg;
	char x;

	errno = 0;
	b->tid = gettid();
	switch (b->call) {
	case RECV:
		b->ret = recv(b->fd, &x, 1, 0);
		break;
	case ACCEPT:
		b->ret = accept(b->fd, NULL, NULL);
		break;
	case SEND:
		b->ret = send(b->fd, big, sizeof(big), MSG_NOSIGNAL);
		break;
	case POLL:
		b->ret = ready_within(b->fd, POLLIN | POLLRDHUP, 10000);
		break;
	case CONNECT:
		b->ret = sock_connect(b->fd, b->at);
		break;
	}
	b->err = errno;
	b->done = true;
	return NULL;
}

/* Whether the kernel says that the thread sleeps. */
static bool asleep(pid_t tid)
{
	char path[64], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "r");
	if (f) {
		if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
			state = '?';
		fclose(f);
	}
	return state == 'S';
}

/* Starts it and waits until it sleeps in its call, or for two seconds. */
static void start(struct blocked *b)
{
	int i;

	NEED(-pthread_create(&b->thread, NULL, blocked_run, b));
	for (i = 0; i < 200 && !(b->tid && asleep(b->tid)) && !b->done; i++)
		nap_ms(10);
	nap_ms(50);
}

static void block(struct blocked *b, int call, int fd)
{
	memset(b, 0, sizeof(*b));
	b->call = call;
	b->fd = fd;
	start(b);
}

static long unblocked(struct blocked *b)
{
	pthread_join(b->thread, NULL);
	errno = b->err;
	return b->ret;
}

static void shutdown_wakes(const struct xport *t)
{
	struct pair p = pair_open(t);
	struct blocked b;
	int l;

	block(&b, RECV, p.c);
	IS(b.done, 0);
	IS(shutdown(p.c, SHUT_RD), 0);
	IS(unblocked(&b), 0);

	block(&b, POLL, p.s);
	IS(b.done, 0);
	IS(shutdown(p.s, SHUT_RD), 0);
	EV_IS(unblocked(&b), POLLIN | POLLRDHUP);

	pair_close(&p);
	p = pair_open(t);
	TRUE(fill_send(p.c) > 0);
	block(&b, SEND, p.c);
	IS(b.done, 0);
	IS(shutdown(p.c, SHUT_WR), 0);
	IS(unblocked(&b), -EPIPE);
	pair_close(&p);

	l = NEED(sock_listener(t, 0, 2));
	block(&b, ACCEPT, l);
	IS(b.done, 0);
	IS(shutdown(l, SHUT_RD), 0);
	IS(unblocked(&b), -EINVAL);
	close(l);
}

static void peer_wakes(const struct xport *t)
{
	struct pair p = pair_open(t);
	struct blocked b;

	block(&b, RECV, p.c);
	IS(send(p.s, "x", 1, 0), 1);
	IS(unblocked(&b), 1);
	block(&b, RECV, p.c);
	IS(shutdown(p.s, SHUT_WR), 0);
	IS(unblocked(&b), 0);
	pair_close(&p);

	p = pair_open(t);
	block(&b, RECV, p.c);
	set_linger(p.s, 1, 0);
	close(p.s);
	IS(unblocked(&b), -ECONNRESET);
	close(p.c);

	p.c = NEED(sock(t));
	NEED(sock_connect(p.c, p.at));
	p.s = NEED(accept(p.l, NULL, NULL));
	TRUE(fill_send(p.c) > 0);
	block(&b, SEND, p.c);
	IS(b.done, 0);
	set_linger(p.s, 1, 0);
	close(p.s);
	IS(unblocked(&b), -ECONNRESET);
	close(p.c);
	close(p.l);
}

/* close() of a descriptor another thread waits on does not disturb it. */
static void close_while_blocked(const struct xport *t)
{
	struct pair p = pair_open(t);
	struct blocked b;
	int c;

	block(&b, RECV, p.c);
	IS(close(p.c), 0);
	nap_ms(100);
	IS(b.done, 0);
	IS(send(p.s, "x", 1, 0), 1);
	IS(unblocked(&b), 1);
	/* Now the last reference is gone, and the peer learns it. */
	EV_IS(ready_within(p.s, POLLRDHUP, 2000), POLLRDHUP);
	close(p.s);

	block(&b, ACCEPT, p.l);
	IS(close(p.l), 0);
	nap_ms(50);
	IS(b.done, 0);
	c = NEED(sock(t));
	IS(sock_connect(c, p.at), 0);
	TRUE(unblocked(&b) >= 0);
	close(c);
}

/* Another thread disconnects or closes while connect() waits. */
static void connect_disturbed(const struct xport *t)
{
	int l = NEED(sock_listener(t, 7050, 0)), filler = NEED(sock(t)), c = NEED(sock(t));
	struct blocked b = { .call = CONNECT, .fd = c, .at = addr_loopback(t, 7050) };

	NEED(sock_connect(filler, b.at));
	start(&b);
	IS(b.done, 0);
	IS(shutdown(c, SHUT_RDWR), 0);
	SAW(unblocked(&b));
	EV(ready(c, POLLIN | POLLOUT | POLLRDHUP));
	close(c);
	close(filler);
	close(l);
}

static void fork_shares(const struct xport *t)
{
	struct pair p = pair_open(t);
	int status, pid;
	char buf[8] = "";

	pid = fork();
	if (!pid) {
		close(p.s);
		_exit(send(p.c, "child", 5, 0) != 5);
	}
	NEED(waitpid(pid, &status, 0));
	IS(status, 0);
	/* The child's end was not the connection's end. */
	IS(recv(p.s, buf, 5, MSG_WAITALL), 5);
	TEXT_IS(buf, "child");
	EV_IS(ready_within(p.s, POLLIN | POLLRDHUP, 100), 0);
	IS(send(p.c, "parent", 6, 0), 6);
	IS(recv(p.s, buf, 6, MSG_WAITALL), 6);

	/* But shutdown() is for all of them. */
	pid = fork();
	if (!pid)
		_exit(shutdown(p.c, SHUT_WR) != 0);
	NEED(waitpid(pid, &status, 0));
	IS(status, 0);
	IS(send(p.c, "x", 1, MSG_NOSIGNAL), -EPIPE);
	IS(recv(p.s, buf, 1, 0), 0);
	pair_close(&p);

	/* The last of two descriptors closes. */
	p = pair_open(t);
	pid = NEED(dup(p.c));
	close(p.c);
	EV_IS(ready_within(p.s, POLLIN, 100), 0);
	IS(send(pid, "d", 1, 0), 1);
	IS(recv(p.s, buf, 1, 0), 1);
	close(pid);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	IS(recv(p.s, buf, 1, 0), 0);
	close(p.s);
	close(p.l);
}

/* A process that dies takes its connections with it, with FIN or RST. */
static void process_dies(const struct xport *t)
{
	int l = NEED(sock_listener(t, 7060, 4)), pid, s, status;
	char buf[8];

	pid = fork();
	if (!pid) {
		int c = sock(t);

		close(l);
		sock_connect(c, addr_loopback(t, 7060));
		pause();
		_exit(0);
	}
	s = NEED(accept(l, NULL, NULL));
	EV_IS(ready(s, POLLIN | POLLRDHUP), 0);
	kill(pid, SIGKILL);
	NEED(waitpid(pid, &status, 0));
	EV_IS(ready_within(s, POLLIN | POLLRDHUP, 2000), POLLIN | POLLRDHUP);
	IS(recv(s, buf, 1, 0), 0);
	close(s);

	pid = fork();
	if (!pid) {
		int c = sock(t);

		close(l);
		sock_connect(c, addr_loopback(t, 7060));
		pause();
		_exit(0);
	}
	s = NEED(accept(l, NULL, NULL));
	IS(send(s, "unread", 6, 0), 6);
	nap_ms(100);
	kill(pid, SIGKILL);
	NEED(waitpid(pid, &status, 0));
	EV_IS(ready_within(s, POLLRDHUP, 2000), POLLERR | POLLHUP | POLLRDHUP);
	IS(recv(s, buf, 1, 0), -ECONNRESET);
	close(s);
	close(l);
}

/* Four processes accept on one listener: everybody is served exactly once. */
static void many_acceptors(const struct xport *t)
{
	int l = NEED(sock_listener(t, 7070, 64)), i, served = 0, pids[4], status, by[4] = { 0 };
	char buf[2];

	for (i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		for (;;) {
			int s = accept(l, NULL, NULL);
			char who = 'a' + i;

			if (s < 0)
				_exit(1);
			send(s, &who, 1, MSG_NOSIGNAL);
			close(s);
		}
	}
	for (i = 0; i < 60; i++) {
		int c = NEED(sock(t));

		NEED(sock_connect(c, addr_loopback(t, 7070)));
		if (recv(c, buf, 2, MSG_WAITALL) == 1 && buf[0] >= 'a' && buf[0] <= 'd') {
			served++;
			by[buf[0] - 'a']++;
		}
		close(c);
	}
	IS(served, 60);
	TRUE(by[0] < 60 && by[1] < 60 && by[2] < 60 && by[3] < 60);
	/* Ending the listener ends all of them. */
	IS(shutdown(l, SHUT_RD), 0);
	for (i = 0; i < 4; i++) {
		NEED(waitpid(pids[i], &status, 0));
		IS(WEXITSTATUS(status), 1);
	}
	close(l);
}

struct writer {
	pthread_t thread;
	int fd;
	char byte;
};

enum { RECORD = 97, RECORDS = 3000 };

static void *writer_run(void *arg)
{
	struct writer *w = arg;
	char rec[RECORD];
	int i;

	memset(rec, w->byte, sizeof(rec));
	for (i = 0; i < RECORDS; i++)
		if (send(w->fd, rec, sizeof(rec), 0) != sizeof(rec))
			return arg;
	return NULL;
}

/* Three threads write to one socket: a small send() is never torn apart. */
static void many_writers(const struct xport *t)
{
	struct pair p = pair_open(t);
	struct writer w[3];
	int i, torn = 0, count[3] = { 0 };
	char rec[RECORD];
	void *failed;

	for (i = 0; i < 3; i++) {
		w[i].fd = p.c;
		w[i].byte = 'A' + i;
		NEED(-pthread_create(&w[i].thread, NULL, writer_run, &w[i]));
	}
	for (i = 0; i < 3 * RECORDS; i++) {
		size_t k;

		if (recv(p.s, rec, sizeof(rec), MSG_WAITALL) != sizeof(rec))
			break;
		for (k = 1; k < sizeof(rec); k++)
			if (rec[k] != rec[0])
				break;
		torn += k < sizeof(rec);
		if (rec[0] >= 'A' && rec[0] <= 'C')
			count[rec[0] - 'A']++;
	}
	for (i = 0; i < 3; i++) {
		pthread_join(w[i].thread, &failed);
		IS(!failed, 1);
		IS(count[i], RECORDS);
	}
	IS(torn, 0);
	pair_close(&p);
}

static void pass_descriptor(const struct xport *t)
{
	struct pair p = pair_open(t);
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, x = 'x';
	struct iovec iov = { &x, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&m);
	int un[2], pid, status;
	char buf[8] = "";

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, un));
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &p.s, sizeof(int));
	IS(sendmsg(un[0], &m, 0), 1);
	/* In flight it is the only reference. */
	close(p.s);
	EV_IS(ready_within(p.c, POLLIN, 100), 0);
	pid = fork();
	if (!pid) {
		int fd;

		close(p.c);
		m.msg_controllen = sizeof(control);
		if (recvmsg(un[1], &m, 0) != 1)
			_exit(1);
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
		_exit(send(fd, "passed", 6, 0) != 6);
	}
	close(un[1]);
	NEED(waitpid(pid, &status, 0));
	IS(status, 0);
	IS(recv(p.c, buf, 6, MSG_WAITALL), 6);
	TEXT_IS(buf, "passed");
	IS(recv(p.c, buf, 1, 0), 0);
	/* A stream socket itself carries no descriptors. */
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &un[0], sizeof(int));
	m.msg_controllen = sizeof(control);
	SAW(sendmsg(p.c, &m, 0));
	close(p.c);
	close(p.l);
}

static const struct oracle_case cases[] = {
	CASE("shutdown wakes a blocked thread", shutdown_wakes, ON_BOTH, 12),
	CASE("the peer wakes a blocked thread", peer_wakes, ON_BOTH, 8),
	CASE("close while another thread waits", close_while_blocked, ON_BOTH, 9),
	CASE("shutdown while another thread connects", connect_disturbed, ON_BOTH, 4),
	CASE("fork and dup", fork_shares, ON_BOTH, 14),
	CASE("a process dies", process_dies, ON_BOTH, 6),
	CASE("several processes accept", many_acceptors, ON_BOTH, 7),
	CASE("several threads write", many_writers, ON_BOTH, 7),
	CASE("descriptor passing", pass_descriptor, ON_BOTH, 7),
};

ORACLE_MAIN("Sockets shared by threads and processes compared with TCP", cases)
