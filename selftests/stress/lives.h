/* SPDX-License-Identifier: GPL-2.0 */
/* Lives of connections over a rough wire, each of which ends well whatever allocation fails. */
#ifndef XTCP_SELFTESTS_LIVES_H
#define XTCP_SELFTESTS_LIVES_H

#include <netinet/tcp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/wait.h>

#include "ko.h"
#include "relay.h"
#include "sites.h"

enum { TEXT = 120000, SMALL = 3000 };

/* -- calls that may be refused ----------------------------------------------------------- */

static long refused;

/* The kernel says ENFILE where it has no inode for a socket. */
static bool no_memory(void)
{
	return errno == ENOMEM || errno == ENOBUFS || errno == ENFILE;
}

/* Tried again and again: a call that is refused for want of memory changes nothing. */
#define AGAIN_IF(because, call) ({					\
	long ret_;							\
	int tries_ = 0;							\
									\
	while ((ret_ = (call)) < 0 && (because) && tries_++ < 6)	\
		refused++;						\
	ret_; })
#define AGAIN(call)	AGAIN_IF(no_memory(), call)

/* connect() with EINPROGRESS as a success. IPv6 has no route where it has no memory for one. */
static int connect_again(int fd, struct addr to)
{
	int ret = AGAIN_IF(no_memory() || errno == ENETUNREACH, sock_connect(fd, to));

	return ret && errno == EINPROGRESS ? 0 : ret;
}

static bool complain(const char *what)
{
	ktap_note("%s: %s", what, strerror(errno));
	return false;
}

/* Reading a counter needs memory as well. */
static long stat_again(const char *name)
{
	long n, tries = 0;

	while ((n = stat_get(name)) < 0 && tries++ < 6)
		refused++;
	return n;
}

/* -- two ends --------------------------------------------------------------------------- */

static void ends_close(struct pair *p)
{
	if (p->c >= 0)
		close(p->c);
	if (p->s >= 0)
		close(p->s);
	if (p->l >= 0)
		close(p->l);
}

static bool ends_listen(struct pair *p, const struct xport *t, int room, int backlog)
{
	/* Options of IPv6 that the child gets a copy of: four octets of padding. */
	static const uint8_t padding[8] = { 0, 0, 1, 4 };

	*p = (struct pair){ -1, -1, -1, { .len = 0 } };
	relay_enter(RELAY_SERVER);
	p->l = AGAIN(sock_flags(t, SOCK_NONBLOCK));
	if (p->l < 0)
		return complain("socket");
	if (room)
		set_int(p->l, SOL_SOCKET, SO_RCVBUF, room);
	else if (t->on == ON_V6 &&
		 AGAIN(setsockopt(p->l, IPPROTO_IPV6, IPV6_DSTOPTS, padding, sizeof(padding))))
		return complain("IPV6_DSTOPTS");
	if (AGAIN(sock_bind(p->l, addr_any(t, 0))) || AGAIN(listen(p->l, backlog)))
		return complain("bind and listen");
	p->at = addr_local(p->l);
	return true;
}

static bool connected(int fd)
{
	if (!(ready_within(fd, POLLOUT, 30000) & POLLOUT)) {
		errno = ETIMEDOUT;
		return complain("connect");
	}
	return !so_error(fd) || complain("connect");
}

static bool ends_connect(struct pair *p, const struct xport *t)
{
	struct addr to = relay_address(t, RELAY_SERVER, addr_port(&p->at));

	relay_enter(RELAY_CLIENT);
	p->c = AGAIN(sock_flags(t, SOCK_NONBLOCK));
	if (p->c < 0)
		return complain("socket");
	if (connect_again(p->c, to))
		return complain("connect");
	if (!connected(p->c))
		return false;
	/* A child may have to wait for memory, too: until the SYN-ACK or text comes again. */
	if (!(ready_within(p->l, POLLIN, 30000) & POLLIN)) {
		errno = ETIMEDOUT;
		return complain("accept");
	}
	p->s = AGAIN(accept4(p->l, NULL, NULL, SOCK_NONBLOCK));
	return p->s >= 0 || complain("accept");
}

/* What one end sends to the other. */
struct flow {
	int from, to;
	unsigned int seed;
	long want, chunk, sent, got;
};

/* The text of this seed comes out of a file: its pages are sent, and summed only on the way. */
enum { SPLICED_SEED = 7 };

static long flow_sendfile(struct flow *f, const char *buf, long n)
{
	static int file = -1;
	off_t at = f->sent;

	if (file < 0)
		file = memfd_create("text", MFD_CLOEXEC);
	if (pwrite(file, buf, n, at) != n)
		return -1;
	return sendfile(f->from, file, &at, n);
}

static bool flow_send(struct flow *f)
{
	static char buf[TEXT];
	long n = f->want - f->sent;

	if (!n)
		return true;
	if (n > f->chunk)
		n = f->chunk;
	pattern_fill(buf, n, f->sent, f->seed);
	n = f->seed == SPLICED_SEED ? flow_sendfile(f, buf, n) :
				      send(f->from, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		f->sent += n;
	else if (no_memory())
		refused++;
	else if (errno != EAGAIN)
		return complain("send");
	return true;
}

static bool flow_receive(struct flow *f)
{
	static char buf[TEXT];
	long n = recv(f->to, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0 && no_memory())
		refused++;
	else if (n < 0 && errno != EAGAIN)
		return complain("recv");
	if (n <= 0)
		return true;
	if (f->got + n > f->want || pattern_check(buf, n, f->got, f->seed)) {
		ktap_note("wrong octets at %ld", f->got);
		return false;
	}
	f->got += n;
	return true;
}

/* Both directions at once until all is there. */
static bool flows_carry(struct flow *f, int n)
{
	long end = now_ms() + 60000;
	bool more = true;
	int i;

	while (more) {
		more = false;
		for (i = 0; i < n; i++) {
			if (!flow_send(&f[i]) || !flow_receive(&f[i]))
				return false;
			more |= f[i].got < f[i].want;
		}
		if (now_ms() > end) {
			ktap_note("%ld of %ld octets arrived, %ld of %ld", f[0].got, f[0].want,
				  f[n - 1].got, f[n - 1].want);
			return false;
		}
		if (more)
			ready_within(f[0].to, POLLIN, 3);
	}
	return true;
}

static bool ends_carry(struct pair *p, long want)
{
	struct flow f[] = { { p->c, p->s, 7, want, want, 0, 0 },
			    { p->s, p->c, 8, want, want, 0, 0 } };

	return flows_carry(f, 2);
}

/* The end of the stream, and nothing before it. */
static bool ends_over(int fd)
{
	char c;
	long n = -1;

	if (ready_within(fd, POLLIN, 30000) & POLLIN)
		n = AGAIN(recv(fd, &c, 1, 0));
	return !n || complain("no end of the stream");
}

static bool ends_finish(struct pair *p)
{
	bool good = !shutdown(p->c, SHUT_WR) && ends_over(p->s) && !shutdown(p->s, SHUT_WR) &&
		    ends_over(p->c);

	ends_close(p);
	return good;
}

/* -- lives ------------------------------------------------------------------------------- */

/* Opening, text both ways, closing, and what comes too late. */
static bool life_plain(const struct xport *t)
{
	struct pair p;
	bool good;
	int i;

	relay_begin(0);
	good = ends_listen(&p, t, 0, 4) && ends_connect(&p, t) && ends_carry(&p, TEXT);
	if (!good) {
		ends_close(&p);
		return false;
	}
	good = ends_finish(&p);
	/* TIME-WAIT answers a FIN that comes again, and the SYN of who knows nothing of it. */
	for (i = 0; i < 3; i++) {
		relay_again(1, true);
		relay_again(0, false);
	}
	return good;
}

/* Routes that were flushed are made again: where a connection begins, and for what is none's. */
static bool life_routes(const struct xport *t)
{
	bool good = true;
	int side;

	for (side = 0; side < 2; side++) {
		relay_enter(side);
		good = good && (t->on == ON_V6 ?
				net_run("ip -6 route replace fd94::/64 dev xt metric 256") :
				!sysctl_put("net/ipv4/route/flush", "1"));
	}
	return good && life_plain(t);
}

/* Segments that are lost, late and cut. */
static bool life_rough(const struct xport *t, unsigned int rules, int room)
{
	struct pair p;
	bool good;

	relay_begin(rules);
	relay_tap_on();
	good = ends_listen(&p, t, room, 4) && ends_connect(&p, t) && ends_carry(&p, TEXT) &&
	       ends_finish(&p);
	if (!good)
		ends_close(&p);
	relay_tap_off();
	return good;
}

static bool life_lossy(const struct xport *t)
{
	return life_rough(t, RELAY_LOSE | RELAY_SWAP | RELAY_OPTIONS, 65536);
}

static bool life_overlap(const struct xport *t)
{
	return life_rough(t, RELAY_OVERLAP, 100000);
}

/*
 * A sender that was told of more room than there is. Nobody reads at first: the second
 * segment lies across the end of the window, those after it are beyond.
 */
static bool life_window(const struct xport *t)
{
	struct pair p;
	struct flow f = { .seed = 7, .want = TEXT, .chunk = TEXT };
	bool good;
	int i;

	relay_begin(RELAY_WIDEN);
	relay_tap_on();
	good = ends_listen(&p, t, 12000, 4) && ends_connect(&p, t);
	if (good) {
		f.from = p.c;
		f.to = p.s;
		good = flow_send(&f);
		for (i = 0; good && i < 1000 && relay_texts() < 3; i++) {
			nap_ms(5);
			good = flow_send(&f);
		}
		good = good && flows_carry(&f, 1) && ends_finish(&p);
	}
	if (!good)
		ends_close(&p);
	relay_tap_off();
	return good;
}

/* More copied text in the send queue than writers' processors keep pages for (frag.c). */
static bool life_full(const struct xport *t)
{
	struct pair p;
	struct flow f = { .seed = 10, .want = 4L * TEXT, .chunk = TEXT };
	bool good;

	relay_begin(0);
	good = ends_listen(&p, t, 100000, 4) && ends_connect(&p, t);
	if (good) {
		f.from = p.c;
		f.to = p.s;
		set_int(p.c, SOL_SOCKET, SO_SNDBUFFORCE, 8 * TEXT);
		good = flow_send(&f) && flow_send(&f) && flow_send(&f) && flow_send(&f) &&
		       flows_carry(&f, 1) && ends_finish(&p);
	}
	if (!good)
		ends_close(&p);
	return good;
}

/* Many small segments into a small buffer that nobody reads, until the window is closed. */
static bool life_small(const struct xport *t)
{
	struct pair p;
	struct flow f = { .seed = 9, .want = SMALL, .chunk = 30 };
	bool good;
	int i;

	relay_begin(RELAY_LOSE | RELAY_PARTIAL);
	relay_tap_on();
	good = ends_listen(&p, t, 8000, 4) && ends_connect(&p, t);
	if (good) {
		f.from = p.c;
		f.to = p.s;
		set_int(p.c, SOL_TCP, TCP_NODELAY, 1);
		for (i = 0; good && i < SMALL / 30; i++)
			good = flow_send(&f);
		nap_ms(100);
		good = good && flows_carry(&f, 1) && ends_finish(&p);
	}
	if (!good)
		ends_close(&p);
	relay_tap_off();
	return good;
}

/* Where nobody listens. */
static bool refused_connect(const struct xport *t)
{
	int fd = AGAIN(sock_flags(t, SOCK_NONBLOCK)), ret;
	bool good;

	ret = connect_again(fd, relay_address(t, RELAY_SERVER, 9));
	if (!ret) {
		ready_within(fd, POLLOUT, 30000);
		ret = so_error(fd);
	}
	good = ret && errno == ECONNREFUSED;
	if (!good)
		complain("connect where nobody listens");
	close(fd);
	return good;
}

/* Both ends open at once; then one of them breaks off. */
static bool life_edges(const struct xport *t)
{
	static int port = 7000;
	struct linger now = { 1, 0 };
	struct pair p = { -1, -1, -1, { .len = 0 } };
	long end, n = 0;
	bool good;

	relay_begin(RELAY_CROSS);
	port += 2;
	relay_enter(RELAY_SERVER);
	p.s = AGAIN(sock_flags(t, SOCK_NONBLOCK));
	good = p.s >= 0 && !AGAIN(sock_bind(p.s, addr_any(t, port + 1))) &&
	       !connect_again(p.s, relay_address(t, RELAY_CLIENT, port));
	relay_enter(RELAY_CLIENT);
	p.c = AGAIN(sock_flags(t, SOCK_NONBLOCK));
	good = good && p.c >= 0 && !AGAIN(sock_bind(p.c, addr_any(t, port))) &&
	       !connect_again(p.c, relay_address(t, RELAY_SERVER, port + 1));
	if (!good)
		complain("opening at once");
	good = good && connected(p.c) && connected(p.s) && ends_carry(&p, 100);
	setsockopt(p.c, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(p.c);
	p.c = -1;
	/* A RST that could not be made follows when the other end speaks again. */
	for (end = now_ms() + 30000; good && n >= 0 && now_ms() < end; nap_ms(50)) {
		n = send(p.s, "?", 1, MSG_NOSIGNAL);
		if (n < 0 && (no_memory() || errno == EAGAIN))
			n = 0;
	}
	if (good && (n >= 0 || (errno != ECONNRESET && errno != EPIPE)))
		good = complain("send to who broke off");
	ends_close(&p);
	relay_enter(RELAY_CLIENT);
	return refused_connect(t) && good;
}

/* Tables and knobs. */
static bool life_files(const struct xport *t)
{
	static const char *const files[] = {
		"/proc/self/net/xtcp", "/proc/self/net/xtcp6", "/proc/self/net/xtcp_stat",
		"/proc/sys/net/xtcp/available_congestion_control", "/proc/sys/net/xtcp/mem",
		"/proc/sys/net/xtcp/rmem", "/proc/sys/net/xtcp/congestion_control",
	};
	static char buf[8000];
	unsigned int i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int fd = AGAIN(open(files[i], O_RDONLY | O_CLOEXEC));
		long n = AGAIN(read(fd, buf, sizeof(buf)));

		close(fd);
		if (n <= 0)
			return complain(files[i]);
	}
	return true;
}

/* A namespace begins and ends; it may fail to begin. */
static bool life_namespace(const struct xport *t)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		int fd;

		if (unshare(CLONE_NEWNET))
			_exit(no_memory() ? 0 : errno);
		fd = sock(t);
		_exit(fd < 0 && !no_memory() ? errno : 0);
	}
	waitpid(pid, &status, 0);
	errno = WEXITSTATUS(status);
	return !status || complain("a namespace");
}

/*
 * SYNs faster than the table can grow: its worker gets no time while they come. Those that
 * find no place are dropped; the client's next try is answered.
 */
static bool life_flood(const struct xport *t)
{
	struct sched_param real = { .sched_priority = 10 }, usual = { 0 };
	cpu_set_t all, one;
	struct pair p;
	long waiting;
	bool good;
	int i;

	relay_enter(RELAY_SERVER);
	knob("max_syn_backlog", "4096");
	good = ends_listen(&p, t, 0, 1000);
	relay_begin(RELAY_MUTE);
	sched_getaffinity(0, sizeof(all), &all);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	sched_setscheduler(0, SCHED_FIFO, &real);
	for (i = 0; good && i < 200; i++)
		relay_syn(t->on == ON_V6, 1025 + i, addr_port(&p.at));
	sched_setscheduler(0, SCHED_OTHER, &usual);
	sched_setaffinity(0, sizeof(all), &all);
	waiting = stat_again("RequestsNow");
	if (good && waiting < 32) {
		ktap_note("%ld requests of 200", waiting);
		good = false;
	}
	relay_begin(0);
	good = good && ends_connect(&p, t) && ends_carry(&p, 100) && ends_finish(&p);
	if (!good)
		ends_close(&p);
	return good;
}

/* In both namespaces: time enough to outlast failures, and short where it only lasts. */
static void patience(void)
{
	int side;

	for (side = 0; side < 2; side++) {
		relay_enter(side);
		knob("syn_retries", "6");
		knob("synack_retries", "5");
		knob("orphan_retries", "8");
		knob("fin_timeout", "1");
		knob("invalid_ratelimit", "0");
		knob("msl", "100");
		/* Several segments are out at once from the first write on. */
		knob("wmem", "4096 65536 4194304");
		knob("rmem", "4096 1048576 6291456");
	}
}

/* insmod and rmmod; nothing may use the module, and a refusal must leave nothing behind. */
static const char *ko;

static bool life_insmod(const struct xport *t)
{
	bool good;
	int err;

	if (ko_unload("xtcp", 60))
		return complain("rmmod");
	sites_reloaded();
	err = ko_load(ko) ? errno : 0;
	errno = err;
	good = !err || no_memory();
	if (err && !access("/proc/sys/net/xtcp", F_OK))
		good = false;
	errno = err;
	if (!good)
		complain("insmod");
	sites_count();
	if (err) {
		site_disarm();
		refused++;
		if (ko_load(ko))
			return complain("insmod after one that failed");
		sites_reloaded();
	}
	patience();
	return good;
}

static const struct scenario {
	const char *name;
	bool (*run)(const struct xport *t);
} scenarios[] = {
	{ "open, text, close", life_plain },
	{ "the same over new routes", life_routes },
	{ "loss and reordering", life_lossy },
	{ "overlapping segments", life_overlap },
	{ "text beyond the window", life_window },
	{ "a long send queue", life_full },
	{ "many small segments", life_small },
	{ "both open; RST", life_edges },
	{ "/proc", life_files },
	{ "a namespace", life_namespace },
	{ "a flood of SYNs", life_flood },
	{ "insmod", life_insmod },
};

enum { SCENARIOS = sizeof(scenarios) / sizeof(scenarios[0]), INSMOD = SCENARIOS - 1 };

#endif /* XTCP_SELFTESTS_LIVES_H */
