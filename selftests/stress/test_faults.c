// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations that fail: each site of each call in turn, then a share of all of them under
 * traffic, then in a new namespace and in insmod. Errors are fine; wrong octets never are.
 */
#define _GNU_SOURCE
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "faults.h"
#include "ko.h"

enum { TEXT = 30000, STREAMS = 4, MOST_SITES = 300 };

/* -- each site of each call ------------------------------------------------------------- */

/* What a step works on. @fd is what the call makes or uses. */
struct scene {
	const struct xport *t;
	struct pair p;
	int fd;
	unsigned long sent;
	char buf[TEXT];
};

struct step {
	const char *name;
	void (*prepare)(struct scene *s);
	long (*act)(struct scene *s);
};

static void with_nothing(struct scene *s)
{
	s->p = (struct pair){ -1, -1, -1, { .len = 0 } };
	s->fd = -1;
}

static void with_socket(struct scene *s)
{
	with_nothing(s);
	s->fd = NEED(sock_flags(s->t, SOCK_NONBLOCK));
}

static void with_bound(struct scene *s)
{
	with_socket(s);
	NEED(sock_bind(s->fd, addr_loopback(s->t, 0)));
}

static void with_listener(struct scene *s)
{
	with_socket(s);
	s->p.l = NEED(sock_listener(s->t, 0, 4));
	s->p.at = addr_local(s->p.l);
}

static void with_waiting(struct scene *s)
{
	with_listener(s);
	NEED(set_nonblock(s->fd, false));
	NEED(sock_connect(s->fd, s->p.at));
	ready_within(s->p.l, POLLIN, 2000);
	s->p.c = s->fd;
	s->fd = -1;
}

static void with_pair(struct scene *s)
{
	s->p = pair_open(s->t);
	s->fd = -1;
	s->sent = 0;
	NEED(set_nonblock(s->p.c, true));
	NEED(set_nonblock(s->p.s, true));
	pattern_fill(s->buf, TEXT, 0, 4);
}

static void with_data(struct scene *s)
{
	with_pair(s);
	s->sent = NEED(send(s->p.c, s->buf, 9000, 0));
	ready_within(s->p.s, POLLIN, 2000);
}

static long do_socket(struct scene *s)
{
	return s->fd = sock_flags(s->t, SOCK_NONBLOCK);
}

static long do_bind(struct scene *s)
{
	return sock_bind(s->fd, addr_loopback(s->t, 0));
}

static long do_listen(struct scene *s)
{
	return listen(s->fd, 5);
}

static long do_connect(struct scene *s)
{
	int ret = sock_connect(s->fd, s->p.at);

	return ret && errno == EINPROGRESS ? 0 : ret;
}

static long do_accept(struct scene *s)
{
	return s->p.s = accept4(s->p.l, NULL, NULL, SOCK_NONBLOCK);
}

static long do_send(struct scene *s)
{
	ssize_t n = send(s->p.c, s->buf, TEXT, 0);

	s->sent += n > 0 ? n : 0;
	return n;
}

static long do_send_urgent(struct scene *s)
{
	return send(s->p.c, "!", 1, MSG_OOB);
}

/* Peeks, so that all of it can be compared afterwards. */
static long do_recv(struct scene *s)
{
	char buf[TEXT];

	return recv(s->p.s, buf, sizeof(buf), MSG_PEEK);
}

static long do_shutdown(struct scene *s)
{
	return shutdown(s->p.c, SHUT_WR);
}

static long do_close(struct scene *s)
{
	int c = s->p.c;

	s->p.c = -1;
	return close(c);
}

static long do_abort(struct scene *s)
{
	struct linger now = { 1, 0 };

	setsockopt(s->p.c, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	return do_close(s);
}

static long do_disconnect(struct scene *s)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	return connect(s->p.c, &none, sizeof(none));
}

static long do_options(struct scene *s)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);
	long ret = setsockopt(s->p.c, SOL_TCP, TCP_CONGESTION, "reno", 4);

	ret |= set_int(s->p.c, SOL_TCP, TCP_NODELAY, 1);
	ret |= set_int(s->p.c, SOL_SOCKET, SO_KEEPALIVE, 1);
	ret |= set_int(s->p.c, SOL_IP, IP_TOS, 8);
	return ret | getsockopt(s->p.c, SOL_TCP, TCP_INFO, &info, &len);
}

static long do_epoll(struct scene *s)
{
	struct epoll_event e = { .events = EPOLLIN };

	s->fd = epoll_create1(0);
	return s->fd < 0 ? -1 : epoll_ctl(s->fd, EPOLL_CTL_ADD, s->p.c, &e);
}

static long do_proc(struct scene *s)
{
	static const char *const tables[] = { "/proc/self/net/xtcp", "/proc/self/net/xtcp6",
					      "/proc/self/net/xtcp_stat" };
	long ret = 0;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		int fd = open(tables[i], O_RDONLY), err;

		ret |= fd < 0 || read(fd, s->buf, sizeof(s->buf)) < 0 ? -1 : 0;
		err = errno;
		close(fd);
		errno = err;
	}
	return ret;
}

static long do_sysctl(struct scene *s)
{
	return sysctl_put("net/xtcp/rmem", "4096 200000 6000000") ||
	       sysctl_put("net/xtcp/congestion_control", "reno") ? -1 : 0;
}

static const struct step steps[] = {
	{ "socket", with_nothing, do_socket },		{ "bind", with_socket, do_bind },
	{ "listen", with_bound, do_listen },		{ "connect", with_listener, do_connect },
	{ "accept", with_waiting, do_accept },		{ "send", with_pair, do_send },
	{ "send MSG_OOB", with_data, do_send_urgent },	{ "recv", with_data, do_recv },
	{ "shutdown", with_data, do_shutdown },		{ "close", with_data, do_close },
	{ "close with SO_LINGER 0", with_data, do_abort },
	{ "connect AF_UNSPEC", with_data, do_disconnect },
	{ "setsockopt and getsockopt", with_pair, do_options },
	{ "epoll", with_pair, do_epoll },		{ "/proc/net", with_data, do_proc },
	{ "sysctl", with_nothing, do_sysctl },
};

enum { STEPS = sizeof(steps) / sizeof(steps[0]) };

static bool error_is_known(int err)
{
	return err == ENOMEM || err == ENOBUFS || err == EAGAIN || err == EFAULT ||
	       err == ENFILE || err == EMFILE || err == EADDRINUSE || err == EINPROGRESS;
}

/* With the faults off all that send() took arrives, and more can be sent. */
static bool still_carries(struct scene *s)
{
	char in[TEXT];
	unsigned long got = 0, want = s->sent;
	long end = now_ms() + 20000;
	bool more = send(s->p.c, s->buf, 0, MSG_NOSIGNAL) == 0;

	if (more && want < TEXT) {
		ssize_t n = send(s->p.c, s->buf + want, TEXT - want, MSG_NOSIGNAL);

		want += n > 0 ? n : 0;
	}
	while (got < want && now_ms() < end) {
		ssize_t n;

		if (!(ready_within(s->p.s, POLLIN, 1000) & POLLIN))
			continue;
		n = recv(s->p.s, in, want - got, 0);
		if (n <= 0 || pattern_check(in, n, got, 4))
			return false;
		got += n;
	}
	return got == want;
}

/* One step with its n-th allocation failing. */
static bool step_once(const struct step *step, struct scene *s, long n, long *left)
{
	bool good = true;
	long ret;
	int err;

	step->prepare(s);
	nth_arm(n);
	errno = 0;
	ret = step->act(s);
	err = errno;
	*left = nth_disarm();
	if (ret < 0 && *left && err != EAGAIN) {
		ktap_note("%s over %s fails (%s) though nothing was made to", step->name,
			  s->t->label, strerror(err));
		good = false;
	} else if (ret < 0 && !error_is_known(err)) {
		ktap_note("%s over %s, allocation %ld: %s", step->name, s->t->label, n,
			  strerror(err));
		good = false;
	}
	/* Urgent octets are no part of the stream; a disconnect ends it. */
	if (s->sent && s->p.c >= 0 && s->p.s >= 0 && step->act != do_send_urgent &&
	    step->act != do_disconnect && !still_carries(s)) {
		ktap_note("%s over %s, allocation %ld: the stream is not whole afterwards",
			  step->name, s->t->label, n);
		good = false;
	}
	if (s->fd >= 0)
		close(s->fd);
	pair_close(&s->p);
	return good;
}

/* Return: how many allocations were failed; -1: something was wrong. */
static long step_all(const struct step *step, const struct xport *t)
{
	static struct scene s;
	bool good = true;
	long n, left = 0;

	s.t = t;
	for (n = 1; good && !left && n < MOST_SITES; n++) {
		s.sent = 0;
		good = step_once(step, &s, n, &left);
	}
	if (!left && good) {
		ktap_note("%s: no end after %ld allocations", step->name, n);
		good = false;
	}
	return good ? n - 2 : -1;
}

static void each_site(void)
{
	long hit4, hit6;
	int i;

	for (i = 0; i < STEPS; i++) {
		hit4 = step_all(&steps[i], &stress_v4);
		hit6 = step_all(&steps[i], &stress_v6);
		ktap_result(hit4 >= 0 && hit6 >= 0,
			    "%s: %ld (IPv4) and %ld (IPv6) allocations and copies failed in turn",
			    steps[i].name, hit4, hit6);
	}
}

/* -- a share of all allocations under traffic ------------------------------------------------- */

/* Shared with the processes that carry the streams. */
struct share {
	_Atomic int stop, refused;
	_Atomic long sent[STREAMS], received[STREAMS], wrong, opened, failed;
};

static struct share *share;

static void writer(struct pair *p, int i, bool fail_me)
{
	static char buf[10000];

	faults_for_me(fail_me);
	while (!share->stop) {
		ssize_t n;

		pattern_fill(buf, sizeof(buf), share->sent[i], i);
		n = send(p->c, buf, sizeof(buf), MSG_NOSIGNAL);
		if (n > 0)
			share->sent[i] += n;
		else if (errno == ENOMEM || errno == ENOBUFS || errno == EAGAIN)
			share->refused++;
		else
			break;
	}
	faults_for_me(false);
	_exit(!share->stop || shutdown(p->c, SHUT_WR));
}

static void reader(struct pair *p, int i, bool fail_me)
{
	static char buf[20000];
	ssize_t n;

	faults_for_me(fail_me);
	for (;;) {
		n = recv(p->s, buf, sizeof(buf), 0);
		if (n < 0 && (errno == ENOMEM || errno == ENOBUFS))
			continue;
		if (n <= 0)
			break;
		if (pattern_check(buf, n, share->received[i], i))
			share->wrong++;
		share->received[i] += n;
	}
	faults_for_me(false);
	_exit(n != 0);
}

/* Connections made and ended under the faults: requests, children, TIME-WAIT. */
static void opener(bool fail_me)
{
	struct timeval soon = { 0, 300000 };
	int i;

	faults_for_me(fail_me);
	for (i = 0; !share->stop; i++) {
		const struct xport *t = i & 1 ? &stress_v6 : &stress_v4;
		int l = sock_listener(t, 0, 4), c = sock_flags(t, 0), s = -1;

		setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
		if (l >= 0 && c >= 0 && !sock_connect(c, addr_local(l)) && !set_nonblock(l, true))
			s = accept(l, NULL, NULL);
		if (s >= 0)
			share->opened++;
		else
			share->failed++;
		if (c >= 0)
			close(c);
		if (s >= 0)
			close(s);
		if (l >= 0)
			close(l);
	}
	_exit(0);
}

static bool under_rate(int percent, bool tasks, int seconds)
{
	struct pair p[STREAMS];
	pid_t pid[2 * STREAMS + 1];
	int i, j, status, bad = 0;
	long hit, during = 0, all = 0;

	memset(share, 0, sizeof(*share));
	for (i = 0; i < STREAMS; i++)
		p[i] = pair_open(i & 1 ? &stress_v6 : &stress_v4);
	for (i = 0; i < 2 * STREAMS + 1; i++) {
		pid[i] = fork();
		if (pid[i])
			continue;
		alarm(seconds + 200);
		/* The ends of the others are closed here, so that each stream can end. */
		for (j = 0; j < STREAMS; j++) {
			close(p[j].l);
			if (i / 2 != j || i & 1)
				close(p[j].c);
			if (i / 2 != j || !(i & 1))
				close(p[j].s);
		}
		if (i == 2 * STREAMS)
			opener(tasks);
		else if (i & 1)
			reader(&p[i / 2], i / 2, tasks);
		else
			writer(&p[i / 2], i / 2, tasks);
	}
	for (i = 0; i < STREAMS; i++)
		pair_close(&p[i]);
	faults_on(percent, tasks);
	nap_ms(seconds * 1000);
	hit = faults_off();
	for (i = 0; i < STREAMS; i++)
		during += share->received[i];
	/* Without faults everything moves again and comes to its end. */
	nap_ms(500);
	share->stop = 1;
	for (i = 0; i < 2 * STREAMS + 1; i++) {
		waitpid(pid[i], &status, 0);
		if (status) {
			ktap_note("%s %d ended with status %#x",
				  i == 2 * STREAMS ? "opener" : i & 1 ? "reader" : "writer", i / 2,
				  status);
			bad++;
		}
	}
	for (i = 0; i < STREAMS; i++) {
		all += share->received[i];
		if (share->sent[i] != share->received[i] || !share->sent[i]) {
			ktap_note("stream %d: %ld octets of %ld", i, share->received[i],
				  share->sent[i]);
			bad++;
		}
	}
	ktap_note("%ld allocations failed; %ld octets meanwhile, %ld in all, %d calls refused; %ld connections opened, %ld not",
		  hit, during, all, share->refused, share->opened, share->failed);
	return hit > 0 && !bad && !share->wrong;
}

/* -- a new namespace, and insmod ----------------------------------------------------------------- */

/*
 * A namespace whose only bind() fails must still end without complaint: what a failed
 * insertion leaves in the set of ports is no port. It takes two failures in a row, so by
 * rate and many times.
 */
static bool namespaces_after_failed_bind(void)
{
	int i, status, refused = 0, good = 0;
	pid_t pid;

	faults_on(50, true);
	for (i = 0; i < 40; i++) {
		pid = fork();
		if (!pid) {
			int fd, ret;

			if (unshare(CLONE_NEWNET))
				_exit(2);
			fd = sock(&stress_v4);
			faults_for_me(true);
			ret = sock_bind(fd, addr_any(&stress_v4, 60000));
			faults_for_me(false);
			_exit(ret ? 1 : 0);
		}
		waitpid(pid, &status, 0);
		good += !status || (WIFEXITED(status) && WEXITSTATUS(status) == 1);
		refused += WIFEXITED(status) && WEXITSTATUS(status) == 1;
	}
	faults_off();
	ktap_note("%d of %d were refused", refused, i);
	return refused > 0 && good == i;
}

static int new_namespace(void)
{
	return unshare(CLONE_NEWNET);
}

static int load_module(void)
{
	return ko_load(getenv("XTCP_KO"));
}

/* How many allocations @act makes; @after undoes it. */
static long count_of(int (*act)(void), bool (*after)(int err))
{
	int err = 0;
	long left = in_child(act, FAULTS_MANY, &err);

	return left > 0 && !err && after(err) ? FAULTS_MANY - left : -1;
}

/* Each of @tries fails another one of the last @tail allocations (0: of all) of @act's. */
static bool tries_in_turn(const char *what, int (*act)(void), bool (*after)(int err),
			  long tries, long tail, struct rng *rng)
{
	long total, i, hit = 0, refused = 0;
	int err = 0;

	total = FAULTS_MANY - in_child(act, FAULTS_MANY, &err);
	if (err || total <= 0 || !after(err)) {
		ktap_note("%s without faults: %s", what, strerror(err));
		return false;
	}
	if (tail <= 0 || tail > total)
		tail = total;
	if (tries > tail)
		tries = tail;
	for (i = 0; i < tries; i++) {
		/* The module comes last in the list of subsystems. */
		long n = tries == tail ? total - i : i & 1 ? total - i / 2 :
			 total - (long)below(rng, tail);
		long left = in_child(act, n, &err);

		if (left < 0) {
			ktap_note("%s, allocation %ld: the child died", what, n);
			return false;
		}
		hit += !left;
		refused += err != 0;
		if (!after(err)) {
			ktap_note("%s, allocation %ld (%s): not as before afterwards", what, n,
				  strerror(err));
			return false;
		}
	}
	ktap_note("%s makes %ld allocations: %ld of them failed, %ld times the whole", what, total,
		  hit, refused);
	return hit > 0;
}

static bool namespaces_work(int err)
{
	int fd = sock(&stress_v6);

	close(fd);
	return fd >= 0;
}

static bool module_goes(int err)
{
	int fd;

	if (!err)
		return !ko_unload("xtcp", 60);
	/* insmod that failed leaves nothing behind. */
	fd = sock(&stress_v4);
	close(fd);
	return fd < 0 && access("/proc/sys/net/xtcp", F_OK) && access("/proc/net/xtcp", F_OK) &&
	       access("/proc/net/xtcp_stat", F_OK);
}

/*
 * insmod's last allocations, which are those for the namespaces. Those before are the module
 * loader's and for slab caches, and the kernel (6.1, sysfs_slab_add()) leaks the name of a
 * cache that it could not create. One more namespace tells how many each one takes.
 */
static long insmod_tail(void)
{
	long one = count_of(load_module, module_goes), two;
	int channel[2];
	char c;
	pid_t pid;

	if (pipe(channel))
		return -1;
	pid = fork();
	if (!pid) {
		c = unshare(CLONE_NEWNET) ? 'n' : 'y';
		if (write(channel[1], &c, 1) == 1)
			pause();
		_exit(1);
	}
	c = 'n';
	if (read(channel[0], &c, 1) != 1 || c != 'y')
		ktap_note("no namespace");
	two = count_of(load_module, module_goes);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(channel[0]);
	close(channel[1]);
	ktap_note("insmod makes %ld allocations, %ld for each namespace", one, two - one);
	/* Its own namespace and the first one are there: two; stay well inside. */
	return one > 0 && two > one ? (two - one) * 3 / 2 : -1;
}

/* The module must come back afterwards, whatever happened. */
static bool insmod_fails(long tries, struct rng *rng)
{
	long tail = insmod_tail();
	bool good = tail > 0 &&
		    tries_in_turn("insmod", load_module, module_goes, tries, tail, rng);

	return !load_module() && good;
}

int main(int argc, char **argv)
{
	static const int rates[] = { 1, 5, 20 };
	const char *ko = getenv("XTCP_KO");
	struct stress s;
	struct rng rng;
	int i, ret, seconds;
	bool help;

	help = argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
	if (!help && !geteuid() && !faults_possible())
		return ktap_skip_all("no fault injection in this kernel: use the sanitizer kernel");
	ret = stress_begin(&s, argc, argv, "Makes allocations fail through the whole life cycle.",
			   "failures in a new namespace, and as many in insmod", 24, 2000,
			   STEPS + 10);
	if (ret >= 0)
		return ret;
	rng.state = s.seed;
	seconds = s.long_run ? 30 : 2;
	share = mmap(NULL, sizeof(*share), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (share == MAP_FAILED || stress_netns() || nth_begin())
		return KTAP_FAIL;
	each_site();
	nth_end();
	/* Retransmissions must outlast the faults. */
	knob("syn_retries", "6");
	knob("orphan_retries", "8");
	for (i = 0; i < 3; i++)
		ktap_result(under_rate(rates[i], false, seconds),
			    "%d of 100 allocations in segments and timers fail for %d s", rates[i],
			    seconds);
	for (i = 0; i < 3; i++)
		ktap_result(under_rate(rates[i], true, seconds),
			    "%d of 100 allocations of the processes fail for %d s", rates[i],
			    seconds);
	ktap_result(stat_pair_up(60), "everything created is destroyed");
	ktap_result(namespaces_after_failed_bind(), "namespaces that end after a failed bind");
	ktap_result(tries_in_turn("a new namespace", new_namespace, namespaces_work, s.count, 0,
				  &rng),
		    "namespaces with failing allocations");
	if (!ko || !ko[0])
		ktap_skip("insmod with failing allocations", "XTCP_KO does not say what to load");
	else if (!module_goes(0))
		ktap_skip("insmod with failing allocations", "something else uses the module");
	else
		ktap_result(insmod_fails(s.count, &rng), "insmod with failing allocations");
	return ktap_end();
}
