// SPDX-License-Identifier: GPL-2.0
/*
 * Network namespaces deleted under live traffic, several at once and over and
 * over, while a connection in another namespace must not notice anything.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/xtcp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/ktap.h"
#include "../lib/net.h"

enum { ENOUGH = 15, LONE = 4, ROUNDS = 5, STRESS_ROUNDS = 60 };

static struct xport v4 = { "xtcp4", true, ON_V4, AF_XTCP, 0, AF_INET };
static struct xport v6 = { "xtcp6", true, ON_V6, AF_XTCP, XTCPPROTO_XTCP6, AF_INET6 };

/*
 * What the processes leave behind need not try for as long as TCP's orphans do, 102 s and
 * more: the namespace lives until they have given up.
 */
static int impatient(void)
{
	if (!v4.xtcp)
		return 0;
	return sysctl_put("net/xtcp/orphan_retries", "4") ||
	       sysctl_put("net/xtcp/fin_timeout", "5");
}

static void worker(void (*work)(const struct xport *t), const struct xport *t)
{
	if (!fork()) {
		work(t);
		_exit(0);
	}
}

/* Sends as fast as it goes, to someone who reads and answers. */
static void stream(const struct xport *t)
{
	static char buf[65536];
	struct pair p = pair_open(t);

	if (!fork())
		for (;;)
			if (recv(p.s, buf, sizeof(buf), 0) <= 0 ||
			    send(p.s, buf, 1000, MSG_NOSIGNAL) < 0)
				_exit(0);
	if (!fork())
		for (;;)
			if (recv(p.c, buf, sizeof(buf), 0) <= 0)
				_exit(0);
	while (send(p.c, buf, sizeof(buf), MSG_NOSIGNAL) > 0)
		;
}

/* Connections that come and go: requests, TIME-WAIT, resets. */
static void churn(const struct xport *t)
{
	int l = NEED(sock_listener(t, 8500, 64)), i;

	for (i = 0;; i++) {
		int c = NEED(sock(t)), s;

		if (sock_connect(c, addr_loopback(t, 8500)))
			nap_ms(1);
		s = accept(l, NULL, NULL);
		send(c, "x", 1, MSG_NOSIGNAL);
		if (i % 3 == 0)
			set_linger(c, 1, 0);
		close(i & 1 ? c : s);
		close(i & 1 ? s : c);
	}
}

/* Full windows, open handshakes and timers of every kind. */
static void linger(const struct xport *t)
{
	struct sock_filter drop_all[] = { { BPF_RET | BPF_K, 0, 0, 0 } };
	struct sock_fprog drop = { 1, drop_all };
	struct pair full = pair_open(t), deaf = pair_open(t), idle = pair_open(t);
	struct pair half = pair_open(t);
	int c;

	set_int(idle.c, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_int(idle.c, IPPROTO_TCP, TCP_KEEPIDLE, 1);
	fill_send(full.c);
	/* Nobody acknowledges this one. */
	setsockopt(deaf.s, SOL_SOCKET, SO_ATTACH_FILTER, &drop, sizeof(drop));
	send(deaf.c, "unheard", 7, MSG_NOSIGNAL);
	shutdown(half.c, SHUT_WR);
	/* And this one never ends its handshake. */
	c = NEED(sock_flags(t, SOCK_NONBLOCK));
	setsockopt(c, SOL_SOCKET, SO_ATTACH_FILTER, &drop, sizeof(drop));
	sock_connect(c, idle.at);
	pause();
}

/* One namespace with all of it; a group of its own, so that it dies at once. */
static pid_t busy_namespace(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	setpgid(0, 0);
	if (unshare(CLONE_NEWNET) || net_loopback_up() || impatient())
		_exit(1);
	worker(stream, &v4);
	worker(stream, &v6);
	worker(churn, &v4);
	worker(churn, &v6);
	worker(linger, &v4);
	worker(linger, &v6);
	pause();
	_exit(0);
}

/* The pair's second half: it takes what comes and sends as much back. */
static void far_end(void)
{
	struct addr any = addr_any(&v4, 8501);
	int l = NEED(sock(&v4));

	NEED(sock_bind(l, any));
	NEED(listen(l, 16));
	for (;;) {
		int s = accept(l, NULL, NULL);
		static char buf[65536];

		if (!fork()) {
			while (recv(s, buf, sizeof(buf), 0) > 0)
				send(s, buf, sizeof(buf), MSG_NOSIGNAL | MSG_DONTWAIT);
			_exit(0);
		}
		close(s);
	}
}

static void near_end(void)
{
	static char buf[65536];
	int c = NEED(sock(&v4));

	while (sock_connect(c, addr_text(&v4, "10.85.0.2", "", 8501)))
		nap_ms(20);
	if (!fork())
		while (recv(c, buf, sizeof(buf), 0) > 0)
			;
	while (send(c, buf, sizeof(buf), MSG_NOSIGNAL) > 0)
		;
	_exit(0);
}

/* A namespace that waits for its half of a link before it begins. */
static pid_t linked_namespace(const char *dev, const char *address,
			      void (*work)(void), int copies)
{
	pid_t pid = fork();
	int i;

	if (pid)
		return pid;
	setpgid(0, 0);
	if (unshare(CLONE_NEWNET) || net_loopback_up() || impatient())
		_exit(1);
	/* The device is moved in here by the parent. */
	for (i = 0; i < 200; i++) {
		char cmd[200];

		snprintf(cmd, sizeof(cmd),
			 "ip addr add %s/24 dev %s 2>/dev/null && ip link set %s up", address,
			 dev, dev);
		if (!system(cmd))
			break;
		nap_ms(20);
	}
	for (i = 0; i < copies; i++)
		if (!fork())
			work();
	pause();
	_exit(0);
}

static void end_namespace(pid_t pid)
{
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* A connection outside all this, which counts what it carries. */
struct witness {
	struct pair p;
	unsigned long offset;
	int wrong;
};

static void witness_look(struct witness *w)
{
	static char out[20000], in[20000];

	pattern_fill(out, sizeof(out), w->offset, 6);
	if (send(w->p.c, out, sizeof(out), MSG_NOSIGNAL) != sizeof(out) ||
	    recv(w->p.s, in, sizeof(in), MSG_WAITALL) != sizeof(in) ||
	    pattern_check(in, sizeof(in), w->offset, 6))
		w->wrong++;
	w->offset += sizeof(out);
}

/* How many sockets there are in the namespace of process @pid. */
static int sockets_of(pid_t pid)
{
	char path[64], line[512];
	int lines = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/net/%s", pid, v4.xtcp ? "xtcp" : "tcp");
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		lines++;
	if (f)
		fclose(f);
	return lines;
}

/* How long that takes depends on the machine: a minute is for the slowest. */
static void wait_for_sockets(pid_t pid, int enough)
{
	int i;

	for (i = 0; i < 1200 && sockets_of(pid) < enough; i++)
		nap_ms(50);
}

static int namespaces_alone(int rounds, struct witness *w)
{
	int r, i, most = 0;

	for (r = 0; r < rounds; r++) {
		pid_t pid[LONE];

		for (i = 0; i < LONE; i++)
			pid[i] = busy_namespace();
		/* Ends early in most rounds, in the middle of everything in every fifth. */
		if (r % 5 == 4)
			wait_for_sockets(pid[0], ENOUGH);
		else
			nap_ms(30 + r % 5 * 150);
		witness_look(w);
		for (i = 0; i < LONE; i++)
			if (sockets_of(pid[i]) > most)
				most = sockets_of(pid[i]);
		/* All groups are told before any is waited for: they go together. */
		for (i = 0; i < LONE; i++)
			kill(-pid[i], SIGKILL);
		for (i = 0; i < LONE; i++)
			end_namespace(pid[i]);
		witness_look(w);
	}
	ktap_note("up to %d IPv4 sockets in one of them", most);
	return most >= ENOUGH;
}

static int namespaces_linked(int rounds, struct witness *w)
{
	int r, good = 0;

	for (r = 0; r < rounds; r++) {
		pid_t near = linked_namespace("va", "10.85.0.1", near_end, 3);
		pid_t far = linked_namespace("vb", "10.85.0.2", far_end, 1);

		nap_ms(100);
		good += net_run("ip link add va netns %d type veth peer name vb netns %d", near, far);
		nap_ms(1200);
		witness_look(w);
		/* One side goes while the other one is sending to it. */
		end_namespace(r & 1 ? near : far);
		nap_ms(200);
		end_namespace(r & 1 ? far : near);
		witness_look(w);
	}
	return good == rounds;
}

/* The module can go only if every namespace let go of it. */
static int module_free(void)
{
	int i, err = EAGAIN;

	for (i = 0; i < 1500 && err == EAGAIN; i++) {
		char line[512] = "";
		FILE *f = fopen("/proc/modules", "r");
		int refs = -1;

		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line, "xtcp %*d %d", &refs) == 1)
				break;
		if (f)
			fclose(f);
		err = refs > 0 ? EAGAIN : 0;
		if (err)
			nap_ms(100);
	}
	return !err;
}

int main(int argc, char **argv)
{
	const char *stress = getenv("XTCP_STRESS");
	int rounds = stress && stress[0] ? STRESS_ROUNDS : ROUNDS;
	struct witness w = { 0 };
	int fd;

	if (argc > 1 && !strcmp(argv[1], "--self")) {
		v4.domain = AF_INET;
		v6.domain = AF_INET6;
		v6.protocol = v4.xtcp = v6.xtcp = 0;
	} else if (argc > 1) {
		printf("usage: %s [--self]\n\nDeletes network namespaces in the middle of traffic, %d at once,\n"
		       "%d rounds (%d with XTCP_STRESS=1). Needs root and the xtcp module.\n"
		       "--self does it with kernel TCP, which checks the test itself.\n",
		       argv[0], LONE, ROUNDS, STRESS_ROUNDS);
		return strcmp(argv[1], "--help") && strcmp(argv[1], "-h") ? KTAP_FAIL : 0;
	}
	if (geteuid())
		return ktap_skip_all("needs root: run it with sudo or inside `make shell`");
	fd = sock(&v4);
	if (fd < 0)
		return ktap_skip_all("no XTCP sockets here: insmod xtcp.ko first");
	close(fd);
	signal(SIGPIPE, SIG_IGN);
	if (unshare(CLONE_NEWNET) || net_loopback_up()) {
		perror("unshare");
		return KTAP_FAIL;
	}
	ktap_begin(4);
	w.p = pair_open(&v4);
	ktap_result(namespaces_alone(rounds, &w), "%d namespaces at once, %d rounds", LONE,
		    rounds);
	ktap_result(namespaces_linked(rounds / 2 + 1, &w),
		    "one of two linked namespaces, %d rounds", rounds / 2 + 1);
	if (w.wrong)
		ktap_note("%d of %lu looks failed", w.wrong, w.offset / 20000);
	ktap_result(!w.wrong, "a connection elsewhere carried %lu bytes", w.offset);
	pair_close(&w.p);
	ktap_result(module_free(), "nothing holds the module afterwards");
	return ktap_end();
}
