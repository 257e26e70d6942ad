// SPDX-License-Identifier: GPL-2.0
/*
 * Races: two threads do at the same moment what must not disturb each other, over and
 * over; then connections with running timers are closed, and namespaces end under load.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "stress.h"

enum { BATCH = 24, NAMESPACES = 3 };

/* One meeting of the two threads; thread 0 makes it and cleans up. */
struct round {
	const struct xport *t;
	struct rng rng[2];
	struct pair p;
	struct addr at;
	long number;
	long sent, received;	/* octets */
	int err[2];
	int fault;		/* line of what should not have happened */
};

struct race {
	const char *name;
	void (*setup)(struct round *r);
	void (*first)(struct round *r);
	void (*second)(struct round *r);
	void (*end)(struct round *r);
};

#define MUST(r, what)	((r)->fault = (what) || (r)->fault ? (r)->fault : __LINE__)

/* Not the same offset each time: the window between two lines may be narrow. */
static void jitter(struct round *r, int side)
{
	volatile int i = below(&r->rng[side], one_in(&r->rng[side], 4) ? 30000 : 2000);

	while (i > 0)
		i--;
}

static void close_once(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void setup_pair(struct round *r)
{
	r->p = pair_open(r->t);
	close_once(&r->p.l);
	r->sent = r->received = 0;
}

static void setup_listener(struct round *r)
{
	r->p.l = NEED(sock_listener(r->t, 0, 1 + below(&r->rng[0], 4)));
	NEED(set_nonblock(r->p.l, true));
	r->at = addr_local(r->p.l);
	r->p.c = NEED(sock(r->t));
	r->p.s = -1;
}

static void end_pair(struct round *r)
{
	close_once(&r->p.c);
	close_once(&r->p.s);
	close_once(&r->p.l);
}

/* -- close against receive ---------------------------------------------------------------- */

static void receive_all(struct round *r)
{
	static char buf[20000];
	ssize_t n;

	jitter(r, 0);
	while ((n = recv(r->p.s, buf, sizeof(buf), one_in(&r->rng[0], 3) ? MSG_WAITALL : 0)) > 0) {
		MUST(r, !pattern_check(buf, n, r->received, 1));
		r->received += n;
	}
	r->err[0] = n ? errno : 0;
}

static void send_some_and_close(struct round *r)
{
	static char buf[20000];
	ssize_t n = below(&r->rng[1], sizeof(buf));

	pattern_fill(buf, n, 0, 1);
	r->sent = send(r->p.c, buf, n, MSG_NOSIGNAL);
	jitter(r, 1);
	if (one_in(&r->rng[1], 2))
		set_linger(r->p.c, 1, 0);
	/* The number goes at once, the socket when the reader lets go of it. */
	if (one_in(&r->rng[1], 2))
		shutdown(r->p.s, SHUT_RD);
	close_once(&r->p.c);
}

static void check_received(struct round *r)
{
	MUST(r, r->received <= r->sent);
	MUST(r, !r->err[0] || r->err[0] == ECONNRESET || r->err[0] == EPIPE);
	end_pair(r);
}

static void recv_until_closed(struct round *r)
{
	static char buf[3000];

	jitter(r, 0);
	while (recv(r->p.s, buf, sizeof(buf), MSG_DONTWAIT) >= 0 || errno == EAGAIN)
		if (r->p.s < 0 || r->p.c < 0)
			break;
}

static void close_under_recv(struct round *r)
{
	int s = r->p.s;

	send(r->p.c, "some data to be read or not", 27, MSG_NOSIGNAL);
	jitter(r, 1);
	close(s);
	close_once(&r->p.c);
	r->p.s = -1;
}

/* -- accept against reset, connect against close, close against SYNs ------------------------ */

static void accept_them(struct round *r)
{
	long end = now_ms() + 200;
	char c;

	while (r->p.s < 0 && now_ms() < end) {
		r->p.s = accept4(r->p.l, NULL, NULL, SOCK_NONBLOCK);
		MUST(r, r->p.s >= 0 || errno == EAGAIN || errno == ECONNABORTED);
		if (r->p.s < 0 && r->p.c < 0)
			break;
	}
	if (r->p.s < 0)
		return;
	send(r->p.s, "hello", 5, MSG_NOSIGNAL);
	if (recv(r->p.s, &c, 1, 0) < 0)
		MUST(r, errno == EAGAIN || errno == ECONNRESET || errno == EPIPE);
}

static void connect_and_reset(struct round *r)
{
	set_linger(r->p.c, 1, 0);
	MUST(r, !sock_connect(r->p.c, r->at));
	jitter(r, 1);
	if (one_in(&r->rng[1], 3))
		send(r->p.c, "x", 1, MSG_NOSIGNAL);
	close_once(&r->p.c);
}

static void connect_once(struct round *r)
{
	int err;

	jitter(r, 0);
	err = sock_connect(r->p.c, r->at) ? errno : 0;
	MUST(r, !err || err == ECONNABORTED || err == EINPROGRESS || err == EBADF ||
	     err == ECONNRESET || err == EALREADY || err == EPIPE || err == EINTR ||
	     err == ETIMEDOUT);
}

static void end_a_connect(struct round *r)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	int c = r->p.c;

	jitter(r, 1);
	switch (below(&r->rng[1], 4)) {
	case 0:
		connect(c, &none, sizeof(none));
		break;
	case 1:
		shutdown(c, SHUT_RDWR);
		break;
	case 2:
		set_linger(c, 1, 0);
		/* fall through */
	default:
		r->p.c = -1;
		close(c);
	}
}

static void connect_many(struct round *r)
{
	int fd[4], i;

	for (i = 0; i < 4; i++) {
		fd[i] = sock_flags(r->t, SOCK_NONBLOCK);
		if (sock_connect(fd[i], r->at))
			MUST(r, errno == EINPROGRESS || errno == ECONNREFUSED);
		jitter(r, 0);
		if (i & 1)
			close_once(&fd[i]);
	}
	for (i = 0; i < 4; i++)
		close_once(&fd[i]);
}

static void stop_listening(struct round *r)
{
	jitter(r, 1);
	jitter(r, 1);
	switch (below(&r->rng[1], 3)) {
	case 0:
		shutdown(r->p.l, SHUT_RDWR);
		MUST(r, !listen(r->p.l, 2));
		break;
	case 1:
		r->p.s = accept4(r->p.l, NULL, NULL, SOCK_NONBLOCK);
		break;
	default:
		break;
	}
	close_once(&r->p.l);
}

/* -- shutdown, disconnect against send ----------------------------------------------------- */

static void send_until_stopped(struct round *r)
{
	static char buf[8000];
	int i;

	for (i = 0; i < 40; i++) {
		ssize_t n;

		pattern_fill(buf, sizeof(buf), r->sent, 2);
		n = send(r->p.c, buf, 1 + below(&r->rng[0], sizeof(buf)),
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0) {
			r->err[0] = errno;
			if (errno != EAGAIN)
				break;
		} else {
			r->sent += n;
		}
	}
}

static void shut_it(struct round *r)
{
	jitter(r, 1);
	jitter(r, 1);
	shutdown(r->p.c, one_in(&r->rng[1], 2) ? SHUT_WR : SHUT_RDWR);
}

/* What send() took before the shutdown must all arrive, and then the end. */
static void check_all_arrived(struct round *r)
{
	static char buf[20000];
	ssize_t n;

	MUST(r, !r->err[0] || r->err[0] == EPIPE || r->err[0] == EAGAIN);
	while ((n = recv(r->p.s, buf, sizeof(buf), 0)) > 0) {
		MUST(r, !pattern_check(buf, n, r->received, 2));
		r->received += n;
	}
	MUST(r, !n);
	MUST(r, r->received == r->sent);
	end_pair(r);
}

static void send_and_receive(struct round *r)
{
	static char buf[4000];
	int i;

	for (i = 0; i < 10; i++) {
		send(r->p.c, buf, sizeof(buf), MSG_NOSIGNAL | MSG_DONTWAIT);
		recv(r->p.c, buf, 100, MSG_DONTWAIT);
		state(r->p.c);
		ready(r->p.c, POLLIN | POLLOUT);
	}
}

static void disconnect(struct round *r)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	send(r->p.s, "abc", 3, MSG_NOSIGNAL);
	jitter(r, 1);
	MUST(r, !connect(r->p.c, &none, sizeof(none)));
	if (one_in(&r->rng[1], 2))
		sock_connect(r->p.c, r->p.at);
}

/* -- TIME-WAIT of 2 ms against a new connection from the same port --------------------------- */

static void setup_same_port(struct round *r)
{
	struct addr from = addr_loopback(r->t, 43000);
	int i;

	setup_listener(r);
	/* Room for all: a SYN that is dropped comes again after a second. */
	NEED(listen(r->p.l, 64));
	set_int(r->p.c, SOL_SOCKET, SO_REUSEADDR, 1);
	for (i = 0; sock_bind(r->p.c, from) && i < 500; i++)
		nap_ms(1);
	MUST(r, i < 500);
}

static void again_and_again(struct round *r)
{
	struct addr from = addr_local(r->p.c);
	int i;

	for (i = 0; i < 6; i++) {
		MUST(r, !sock_connect(r->p.c, r->at) || errno == EADDRNOTAVAIL ||
		     errno == ECONNREFUSED || errno == ETIMEDOUT || errno == ECONNRESET);
		close(r->p.c);
		r->p.c = sock(r->t);
		set_int(r->p.c, SOL_SOCKET, SO_REUSEADDR, 1);
		if (sock_bind(r->p.c, from))
			break;
	}
}

static void accept_and_close(struct round *r)
{
	long end = now_ms() + 20;

	while (now_ms() < end) {
		int fd = accept4(r->p.l, NULL, NULL, SOCK_NONBLOCK);

		if (fd >= 0)
			close(fd);
		jitter(r, 1);
	}
}

/* -- /proc against connections that come and go -------------------------------------------- */

static void read_tables(struct round *r)
{
	char line[200];
	int i;

	for (i = 0; i < 2; i++) {
		FILE *f = fopen(proc_table(r->t), "r");

		while (f && fgets(line, sizeof(line), f))
			;
		if (f)
			fclose(f);
	}
}

static void come_and_go(struct round *r)
{
	int i;

	for (i = 0; i < 3; i++) {
		struct pair p = pair_open(r->t);

		jitter(r, 1);
		pair_close(&p);
	}
}

static void setup_none(struct round *r)
{
	r->p.c = r->p.s = r->p.l = -1;
}

static const struct race races[] = {
	{ "the peer's close against receive", setup_pair,
	  receive_all, send_some_and_close, check_received },
	{ "close against receive on one descriptor", setup_pair,
	  recv_until_closed, close_under_recv, end_pair },
	{ "accept against reset", setup_listener, accept_them, connect_and_reset, end_pair },
	{ "connect against close", setup_listener, connect_once, end_a_connect, end_pair },
	{ "close of a listener against SYNs", setup_listener, connect_many, stop_listening,
	  end_pair },
	{ "shutdown against send", setup_pair, send_until_stopped, shut_it,
	  check_all_arrived },
	{ "disconnect against send and receive", setup_pair, send_and_receive, disconnect,
	  end_pair },
	{ "TIME-WAIT's end against the next SYN", setup_same_port,
	  again_and_again, accept_and_close, end_pair },
	{ "/proc against connections that come and go", setup_none,
	  read_tables, come_and_go, end_pair },
};

enum { RACES = sizeof(races) / sizeof(races[0]) };

/* -- the two threads -------------------------------------------------------------------------- */

static struct round now;
static const struct race *current;
static _Atomic long turn, done;

/* Both spin: a sleep would let the other one be over before the first begins. */
static void wait_for(_Atomic long *what, long value)
{
	while (*what < value)
		sched_yield();
}

static void *second_thread(void *arg)
{
	long n;

	for (n = 1;; n++) {
		wait_for(&turn, n);
		if (!current)
			return NULL;
		current->second(&now);
		done = n;
	}
}

static int race(const struct race *r, long rounds, long *turns)
{
	long i;

	now.fault = 0;
	current = r;
	for (i = 0; i < rounds && !now.fault; i++) {
		now.t = i & 1 ? &stress_v6 : &stress_v4;
		now.number = i;
		now.err[0] = now.err[1] = 0;
		r->setup(&now);
		turn = ++*turns;
		r->first(&now);
		wait_for(&done, *turns);
		r->end(&now);
	}
	if (now.fault)
		ktap_note("round %ld over %s: what line %d expects did not hold (errno %d, %ld of %ld octets)",
			  now.number, now.t->label, now.fault, now.err[0], now.received, now.sent);
	return !now.fault;
}

/* -- timers against close ---------------------------------------------------------------------- */

/* A connection whose timers are about to run: which, depends on @kind. */
static struct pair with_timers(const struct xport *t, int kind)
{
	struct sock_filter drop_all[] = { { BPF_RET | BPF_K, 0, 0, 0 } };
	struct sock_fprog drop = { 1, drop_all };
	struct pair p = pair_open(t);
	int deaf = kind % 3;

	/* Nobody hears: retransmissions, probes, then the user's or the orphan's limit. */
	if (deaf)
		setsockopt(p.s, SOL_SOCKET, SO_ATTACH_FILTER, &drop, sizeof(drop));
	set_int(p.c, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_int(p.c, SOL_TCP, TCP_KEEPIDLE, 1);
	set_int(p.c, SOL_TCP, TCP_KEEPINTVL, 1);
	set_int(p.c, SOL_TCP, TCP_KEEPCNT, 1);
	set_int(p.c, SOL_TCP, TCP_LINGER2, kind % 5 - 1);
	if (kind & 1)
		set_int(p.c, SOL_TCP, TCP_USER_TIMEOUT, 1 + kind * 7 % 400);
	if (kind & 2)
		send(p.c, "unheard", 7, MSG_NOSIGNAL);
	if (kind & 4)
		send(p.s, "and its delayed acknowledgment", 30, MSG_NOSIGNAL);
	if (kind % 7 == 0)
		/* The window closes: probes. */
		fill_send(p.c);
	return p;
}

static int timers(long rounds, struct rng *rng)
{
	long r;
	int i, dead = 0;

	for (r = 0; r < rounds; r++) {
		struct pair p[BATCH];

		for (i = 0; i < BATCH; i++)
			p[i] = with_timers(i & 1 ? &stress_v6 : &stress_v4,
					   i % 12 ? (int)below(rng, 1000) : 7);
		for (i = 0; i < BATCH; i++) {
			/* Close to multiples of a tick, where timers expire. */
			if (one_in(rng, 3))
				nap_ms(1 + below(rng, 60));
			if (r == rounds - 1)
				nap_ms(100);
			dead += state(p[i].c) == TCP_CLOSE;
			if (one_in(rng, 4))
				shutdown(p[i].c, SHUT_WR);
			pair_close(&p[i]);
		}
	}
	ktap_note("%d connections ended by a timer before they were closed", dead);
	return dead > 0;
}

/* -- namespace exit against everything ------------------------------------------------------------ */

static void *churn(void *arg)
{
	const struct xport *t = arg;

	for (;;) {
		struct pair p = pair_open(t);

		send(p.c, "x", 1, MSG_NOSIGNAL);
		shutdown(p.s, SHUT_WR);
		pair_close(&p);
	}
	return NULL;
}

/* Ends in the middle of all of it; nothing is closed by hand. */
static void namespace_life(uint64_t seed)
{
	struct rng rng = { seed };
	char msl[16];
	pthread_t th;
	int i;

	if (stress_netns())
		_exit(1);
	/* 2MSL of a few ticks: they end while the namespace does. */
	snprintf(msl, sizeof(msl), "%d", 1 + below(&rng, 60));
	knob("msl", msl);
	for (i = 0; i < 6; i++) {
		struct pair p = with_timers(i & 1 ? &stress_v6 : &stress_v4, below(&rng, 1000));
		int half = sock_flags(&stress_v4, SOCK_NONBLOCK);

		/* One more that nobody accepts. */
		sock_connect(half, p.at);
	}
	if (pthread_create(&th, NULL, churn, (void *)&stress_v4) ||
	    pthread_create(&th, NULL, churn, (void *)&stress_v6))
		_exit(1);
	nap_ms(below(&rng, 300));
	_exit(0);
}

static int namespaces(long rounds, uint64_t seed)
{
	int status, good = 0;
	long r, i;

	for (r = 0; r < rounds; r++) {
		pid_t pid[NAMESPACES];

		for (i = 0; i < NAMESPACES; i++) {
			pid[i] = fork();
			if (!pid[i])
				namespace_life(seed + r * NAMESPACES + i);
		}
		for (i = 0; i < NAMESPACES; i++) {
			waitpid(pid[i], &status, 0);
			good += !status;
		}
	}
	if (good != rounds * NAMESPACES)
		ktap_note("%d of %ld of them lived", good, rounds * NAMESPACES);
	return good == rounds * NAMESPACES;
}

int main(int argc, char **argv)
{
	struct rng rng;
	struct stress s;
	long turns = 0;
	pthread_t th;
	int i, ret;

	ret = stress_begin(&s, argc, argv, "Lets socket calls, timers and segments race each other.",
			   "rounds of each race", 100, 5000, RACES + 3);
	if (ret >= 0)
		return ret;
	alarm(s.long_run ? 3600 : 800);
	rng.state = s.seed;
	now.rng[0].state = s.seed + 1;
	now.rng[1].state = s.seed + 2;
	if (stress_netns())
		return KTAP_FAIL;
	knob("msl", "1");
	if (pthread_create(&th, NULL, second_thread, NULL))
		return KTAP_FAIL;
	for (i = 0; i < RACES; i++)
		ktap_result(race(&races[i], s.count, &turns), "%s, %ld rounds", races[i].name,
			    s.count);
	current = NULL;
	turn = turns + 1;
	pthread_join(th, NULL);
	ktap_result(timers(s.count / 50 + 1, &rng), "timers against close, %ld times %d",
		    s.count / 50 + 1, BATCH);
	ktap_result(namespaces(s.count / 25 + 1, s.seed), "namespaces that end under load, %ld times %d",
		    s.count / 25 + 1, NAMESPACES);
	ktap_result(stat_pair_up(60), "everything created is destroyed");
	return ktap_end();
}
