// SPDX-License-Identifier: GPL-2.0
/*
 * The module is unloaded while connections in TIME-WAIT, requests and their timers are about
 * to expire in several namespaces, while segments for them come in, and while a device holds
 * segments that the module's GRO has merged. Then it comes again.
 */
#define _GNU_SOURCE
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "ko.h"
#include "stress.h"
#include "wire.h"

enum { HOSTS = 3, CONNS = 4, PEERS = 8 };

/* A namespace. What sends into it keeps no socket of the module's. */
static struct host {
	int ns, tun, raw4, raw6;
	atomic_int ports[CONNS][2];	/* closed: in TIME-WAIT here */
	atomic_int listens;		/* where requests may begin */
} hosts[HOSTS];

static struct rng rng;
static atomic_int over;
static atomic_long sent;
static const char *ko;

static void enter(const struct host *h)
{
	if (setns(h->ns, CLONE_NEWNET))
		ktap_note("setns: %s", strerror(errno));
}

/* -- the peers, who never stop ------------------------------------------------------- */

/* From loopback to loopback, as from a connection's own other end. */
static void send_raw(struct host *h, struct rng *r, bool v6, int sport, int dport, uint8_t flags)
{
	static struct packet p;
	struct addr to = addr_loopback(v6 ? &stress_v6 : &stress_v4, 0);

	packet_ip(&p, v6, IPPROTO_XTCP, 0);
	memset(p.b + (v6 ? 8 : 12), 0, v6 ? 32 : 8);
	if (v6) {
		p.b[23] = 1;
		p.b[39] = 1;
	} else {
		put32(p.b + 12, INADDR_LOOPBACK);
		put32(p.b + 16, INADDR_LOOPBACK);
	}
	packet_tcp(&p, sport, dport, rng_next(r), rng_next(r), flags, 5000, NULL, 0,
		   below(r, 3) * 20);
	packet_checksum(&p, IPPROTO_XTCP, 16, true);
	if (sendto(v6 ? h->raw6 : h->raw4, p.b + p.l4, p.len - p.l4, MSG_DONTWAIT, &to.sa,
		   to.len) > 0)
		sent++;
}

/* From hosts that are not there: a request that waits, or a RST from here. */
static void send_from_afar(struct host *h, struct rng *r, bool v6, int dport)
{
	static struct packet p;

	packet_ip(&p, v6, IPPROTO_XTCP, 0);
	packet_tcp(&p, 1024 + below(r, 60000), dport, rng_next(r), 0, F_SYN, 5000, NULL, 0, 0);
	packet_checksum(&p, IPPROTO_XTCP, 16, true);
	packet_finish_ip(&p);
	if (write(h->tun, p.b, p.len) == p.len)
		sent++;
}

static void *peers(void *arg)
{
	static const uint8_t flags[] = { F_SYN, F_FIN | F_ACK, F_ACK, F_ACK | F_PSH, F_RST,
					 F_SYN | F_ACK };
	struct rng r = { .state = (uintptr_t)arg };
	struct timespec little = { 0, 300000 };

	while (!over) {
		struct host *h = &hosts[below(&r, HOSTS)];
		int i = below(&r, CONNS), way = below(&r, 2);

		/* Connections over IPv4 and IPv6 take turns; see round_open(). */
		if (h->ports[i][0])
			send_raw(h, &r, i & 1, h->ports[i][way], h->ports[i][!way],
				 PICK(&r, flags));
		if (h->listens && one_in(&r, 4))
			send_from_afar(h, &r, one_in(&r, 2), h->listens);
		if (one_in(&r, 8))
			nanosleep(&little, NULL);
	}
	return NULL;
}

/* -- a round ------------------------------------------------------------------------- */

static bool host_open(struct host *h)
{
	if (stress_netns() || wire_open())
		return false;
	h->tun = wire_fd;
	h->ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	h->raw4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_XTCP);
	h->raw6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_XTCP);
	return h->ns >= 0 && h->raw4 >= 0 && h->raw6 >= 0;
}

/* Drop what the devices have sent to the hosts that are not there. */
static void host_drain(struct host *h)
{
	char buf[2000];

	while (read(h->tun, buf, sizeof(buf)) > 0)
		;
}

/* One connection, opened and closed so that the side that connected is in TIME-WAIT. */
static bool open_and_close(struct host *h, const struct xport *t, int i)
{
	int l = sock_listener(t, 0, 4), c = sock(t), s = -1, port;
	struct addr at = addr_local(l), own;
	bool good = false;
	char buf[8];

	if (l >= 0 && c >= 0 && !sock_connect(c, at))
		s = accept(l, NULL, NULL);
	if (s >= 0 && send(c, "last", 4, MSG_NOSIGNAL) == 4 &&
	    recv(s, buf, 4, MSG_WAITALL) == 4) {
		own = addr_local(c);
		port = addr_port(&own);
		close(c);
		c = -1;
		good = !recv(s, buf, 1, 0);
		h->ports[i][1] = addr_port(&at);
		h->ports[i][0] = port;
	}
	if (!good)
		ktap_note("a connection over %s: %s", t->label, strerror(errno));
	close(c);
	close(s);
	close(l);
	return good;
}

static void host_knobs(const struct host *h)
{
	char msl[16];

	enter(h);
	snprintf(msl, sizeof(msl), "%u", 2 + below(&rng, one_in(&rng, 4) ? 300 : 40));
	knob("msl", msl);
	knob("fin_timeout", "1");
	knob("orphan_retries", "1");
	knob("synack_retries", "1");
	knob("invalid_ratelimit", "0");
}

/* A namespace that ends at about the time when the module does. */
static pid_t passer_by(void)
{
	unsigned int ms = below(&rng, 60);
	pid_t pid = fork();

	if (!pid) {
		struct host h = { 0 };

		if (!stress_netns()) {
			knob("msl", "20");
			open_and_close(&h, &stress_v4, 0);
		}
		nap_ms(ms);
		_exit(0);
	}
	return pid;
}

static long time_waits(void)
{
	long n = 0, now;
	int i;

	for (i = 0; i < HOSTS; i++) {
		enter(&hosts[i]);
		now = stat_get("TimeWaitNow");
		n += now > 0 ? now : 0;
	}
	return n;
}

/* What the rounds met. */
static struct {
	long with, minisocks, requests, refused;
} met;

/* Requests whose first time-out is near when their listeners close. */
static void open_requests(int *l)
{
	long began = now_ms(), left;
	struct addr at;
	int i;

	for (i = 0; i < HOSTS; i++) {
		enter(&hosts[i]);
		l[i] = sock_flags(&stress_v6, SOCK_NONBLOCK);
		sock_bind(l[i], addr_any(&stress_v6, 0));
		listen(l[i], 100);
		at = addr_local(l[i]);
		hosts[i].listens = addr_port(&at);
	}
	left = 950 + below(&rng, 100) - (now_ms() - began);
	if (left > 0)
		nap_ms(left);
	for (i = 0; i < HOSTS; i++) {
		enter(&hosts[i]);
		if (stat_get("RequestsNow") > 0)
			met.requests += stat_get("RequestsNow");
		hosts[i].listens = 0;
		host_drain(&hosts[i]);
	}
}

static bool unload(void)
{
	long end = now_ms() + 60000, waits;

	for (;;) {
		waits = time_waits();
		if (!ko_delete("xtcp"))
			break;
		if ((errno != EAGAIN && errno != EBUSY) || now_ms() > end) {
			ktap_note("rmmod: %s", strerror(errno));
			return false;
		}
		met.refused++;
	}
	met.with += waits > 0;
	met.minisocks += waits;
	return true;
}

static bool round_once(void)
{
	int l[HOSTS] = { -1, -1, -1 }, h, i;
	bool good = true;
	pid_t pid = -1;

	for (h = 0; h < HOSTS; h++)
		host_knobs(&hosts[h]);
	if (one_in(&rng, 3))
		open_requests(l);
	if (one_in(&rng, 3))
		pid = passer_by();
	for (i = 0; good && i < CONNS; i++) {
		for (h = 0; good && h < HOSTS; h++) {
			enter(&hosts[h]);
			good = open_and_close(&hosts[h], i & 1 ? &stress_v6 : &stress_v4, i);
		}
	}
	for (h = 0; h < HOSTS; h++)
		if (l[h] >= 0)
			close(l[h]);
	/* Some at once, some when the first of them expire. */
	if (one_in(&rng, 2))
		nap_ms(below(&rng, 30));
	good = unload() && good;
	if (good && !access("/proc/sys/net/xtcp", F_OK)) {
		ktap_note("/proc/sys/net/xtcp is still there");
		good = false;
	}
	/* The segments meet nobody for a moment. */
	if (one_in(&rng, 4))
		nap_ms(below(&rng, 20));
	for (h = 0; h < HOSTS; h++)
		for (i = 0; i < CONNS; i++)
			hosts[h].ports[i][0] = 0;
	if (ko_load(ko)) {
		ktap_note("insmod: %s", strerror(errno));
		good = false;
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return good;
}

/* -- what GRO holds ------------------------------------------------------------------ */

/* How long the device keeps what it has merged: less than gro.c waits for it. */
enum { GRO_FLUSH_MS = 700, GRO_HELD = 2, GRO_ROUNDS = 60 };

/* A device whose polls merge, and wait for more; /sys shows it once it is this namespace's. */
static bool gro_open(void)
{
	FILE *f;

	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    stress_netns() || mount("sysfs", "/sys", "sysfs", 0, NULL) || wire_open_as(IFF_NAPI))
		return false;
	f = fopen("/sys/class/net/xtun/gro_flush_timeout", "w");
	if (!f)
		return false;
	fprintf(f, "%d", GRO_FLUSH_MS * 1000000);
	return !fclose(f);
}

/* Segments in a row, none of which ends a packet. */
static bool gro_send(bool v6)
{
	static struct packet p;
	int i;

	for (i = 0; i < 20; i++) {
		packet_ip(&p, v6, IPPROTO_XTCP, 0);
		/* Nobody may cut them, so their identifications need not count. */
		if (!v6)
			put16(p.b + 6, 0x4000);
		packet_tcp(&p, 4000, 4001, i * 100, 1, F_ACK, 5000, NULL, 0, 100);
		packet_checksum(&p, IPPROTO_XTCP, 16, true);
		packet_finish_ip(&p);
		if (!packet_send(&p))
			return false;
	}
	return true;
}

/* Unload, with something held or not, and load. Return: ms that unloading took, or -1. */
static long gro_round(bool hold, bool v6)
{
	long begin = now_ms(), took;

	if ((hold && !gro_send(v6)) || ko_unload("xtcp", 60))
		return -1;
	took = now_ms() - begin;
	/* What comes now nobody merges. */
	if (!gro_send(v6))
		return -1;
	nap_ms(GRO_FLUSH_MS);
	return ko_load(ko) ? -1 : took;
}

/*
 * The device must show what it holds to the module that merged it: rmmod waits for that, or the
 * kernel WARNs. Where a tick falls between the last two segments they are not merged, so there are
 * as many rounds as it takes. @waited: in how many rmmod waited over IPv4, and over IPv6.
 */
static bool gro_rounds(int waited[2])
{
	long plain, took;
	int i;

	/* The first time rmmod also waits for what the rounds before left. */
	plain = gro_open() && gro_round(false, false) >= 0 ? gro_round(false, false) : -1;
	if (plain < 0) {
		ktap_note("a device with GRO: %s", strerror(errno));
		return false;
	}
	ktap_note("rmmod took %ld ms with nothing held", plain);
	for (i = 0; i < GRO_ROUNDS && (waited[0] < GRO_HELD || waited[1] < GRO_HELD); i++) {
		took = gro_round(true, i & 1);
		if (took < 0) {
			ktap_note("round %d: %s", i, strerror(errno));
			return false;
		}
		if (took > plain + GRO_FLUSH_MS / 2)
			waited[i & 1]++;
	}
	return true;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	struct stress s;
	int held[2] = { 0 }, ret, i;
	bool good = true;
	long n;

	ko = getenv("XTCP_KO");
	if (argc < 2 && (!ko || !ko[0]))
		return ktap_skip_all("XTCP_KO does not say what to load");
	ret = stress_begin(&s, argc, argv,
			   "Unloads the module over TIME-WAIT, under segments, and loads it again.",
			   "rounds", 24, 1000, 5);
	if (ret >= 0)
		return ret;
	rng.state = s.seed;
	for (i = 0; good && i < HOSTS; i++)
		good = host_open(&hosts[i]);
	/* What the tests before this one left may have to time out. */
	good = good && !ko_unload("xtcp", 300) && !ko_load(ko);
	if (!ktap_result(good, "namespaces, and a module that nobody else uses"))
		return KTAP_FAIL;
	good = !pthread_create(&thread, NULL, peers, (void *)(uintptr_t)(s.seed + 1));
	for (n = 0; good && n < s.count; n++)
		good = round_once();
	over = 1;
	pthread_join(thread, NULL);
	ktap_note("%ld rounds; %ld segments for what may be gone; rmmod refused %ld times", n, sent,
		  met.refused);
	ktap_result(good, "unloaded and loaded in each round");
	ktap_result(met.with > 0 && met.requests > 0,
		    "%ld rounds ended %ld connections in TIME-WAIT; %ld requests before", met.with,
		    met.minisocks, met.requests);
	/* Those that were unloaded over cannot be counted any more; these can. */
	for (i = 0, good = true; i < HOSTS; i++) {
		host_knobs(&hosts[i]);
		good = open_and_close(&hosts[i], &stress_v4, 0) &&
		       open_and_close(&hosts[i], &stress_v6, 1) && stat_pair_up(30) && good;
	}
	ktap_result(good, "everything created is destroyed");
	good = gro_rounds(held);
	ktap_result(good && held[0] >= GRO_HELD && held[1] >= GRO_HELD,
		    "rmmod waited for what GRO held, %d times over IPv4 and %d over IPv6", held[0],
		    held[1]);
	return ktap_end();
}
