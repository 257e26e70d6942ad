// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading: refused while a socket is open, allowed over TIME-WAIT,
 * many rounds, under attack, and undone where something is taken already.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/xtcp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/ktap.h"
#include "../lib/net.h"

static const struct xport v4 = { "xtcp4", true, ON_V4, AF_XTCP, 0, AF_INET };
static const struct xport v6 = { "xtcp6", true, ON_V6, AF_XTCP, XTCPPROTO_XTCP6, AF_INET6 };

static char ko[512], occupy[512];
static int faults;

__attribute__((format(printf, 2, 3)))
static bool expect(bool holds, const char *fmt, ...)
{
	va_list ap;

	if (holds)
		return true;
	faults++;
	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	return false;
}

static void result(const char *name)
{
	ktap_result(!faults, "%s", name);
	faults = 0;
}

/* 0 or the errno, which says more than insmod does. */
static int load(const char *file, const char *parameters)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return errno;
	if (syscall(SYS_finit_module, fd, parameters, 0))
		err = errno;
	close(fd);
	return err;
}

static int unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? errno : 0;
}

/*
 * What was closed may need a moment until its last reference is gone; orphans that tests
 * before this one left behind may need the time of some retransmissions.
 */
static int unload_soon(const char *name)
{
	int i, err = unload(name);

	for (i = 0; i < 1500 && err == EAGAIN; i++) {
		nap_ms(20);
		err = unload(name);
	}
	return err;
}

static const char *err_name(int err)
{
	return err ? strerrorname_np(err) : "success";
}

static bool contains(const char *file, const char *text)
{
	char line[512];
	bool found = false;
	FILE *f = fopen(file, "r");

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, text);
	if (f)
		fclose(f);
	return found;
}

/* Nothing of the module is left where programs could see it. */
static void gone(const char *when)
{
	int fd = socket(AF_XTCP, SOCK_STREAM, 0);

	expect(fd < 0 && errno == EAFNOSUPPORT, "%s: socket() gives %s", when,
	       fd < 0 ? strerrorname_np(errno) : "a socket");
	if (fd >= 0)
		close(fd);
	expect(access("/proc/net/xtcp", F_OK), "%s: /proc/net/xtcp is there", when);
	expect(access("/proc/net/xtcp6", F_OK), "%s: /proc/net/xtcp6 is there", when);
	expect(access("/proc/net/xtcp_stat", F_OK), "%s: /proc/net/xtcp_stat is there", when);
	expect(access("/proc/sys/net/xtcp", F_OK), "%s: /proc/sys/net/xtcp is there", when);
	expect(!contains("/proc/net/protocols", "XTCP"), "%s: in /proc/net/protocols", when);
	expect(!contains("/proc/modules", "xtcp "), "%s: in /proc/modules", when);
}

/* A connection that carries a few bytes; false says why. */
static bool carry(const struct xport *t)
{
	char buf[16] = "";
	int l = sock_listener(t, 8400, 4), c = sock(t), s = -1;
	bool good;

	if (l >= 0 && c >= 0 && !sock_connect(c, addr_loopback(t, 8400)))
		s = accept(l, NULL, NULL);
	good = s >= 0 && send(c, "carried", 7, 0) == 7 &&
	       recv(s, buf, 7, MSG_WAITALL) == 7 && !strcmp(buf, "carried");
	expect(good, "%s does not carry data: %s", t->label, strerror(errno));
	/* The client first: TIME-WAIT at the server would keep the port. */
	close(c);
	if (s >= 0)
		expect(!recv(s, buf, 1, 0), "%s: no end of the stream", t->label);
	close(s);
	close(l);
	return good;
}

static void refused_while_open(void)
{
	int s = sock(&v4), l, c, a, err;

	err = unload("xtcp");
	expect(err == EAGAIN, "with an unused socket, rmmod gives %s", err_name(err));
	close(s);
	l = sock_listener(&v6, 8401, 2);
	err = unload("xtcp");
	expect(err == EAGAIN, "with a listener, rmmod gives %s", err_name(err));
	c = sock(&v6);
	expect(!sock_connect(c, addr_loopback(&v6, 8401)), "connect: %s", strerror(errno));
	a = accept(l, NULL, NULL);
	close(l);
	close(a);
	err = unload("xtcp");
	expect(err == EAGAIN, "with a connection, rmmod gives %s", err_name(err));
	/* A refused unload does no harm to what is open. */
	expect(state(c) == TCP_CLOSE_WAIT || state_becomes(c, TCP_CLOSE_WAIT) == TCP_CLOSE_WAIT,
	       "the connection is in state %d", state(c));
	close(c);
	carry(&v4);
	err = unload_soon("xtcp");
	expect(!err, "with all closed, rmmod gives %s", err_name(err));
	gone("after rmmod");
	err = load(ko, "");
	expect(!err, "insmod gives %s", err_name(err));
	result("rmmod is refused while a socket is open");
}

/* Their destructor is the module's (smallq.c): it stays until the device has let go of them. */
static void segments_in_a_queue(void)
{
	static char octets[100000];
	struct pair p = pair_open(&v4);
	long n, sent = 0;
	int i, err;

	expect(net_run("ip link set lo mtu 1500 && "
		       "tc qdisc add dev lo root tbf rate 8kbit burst 4000 limit 1000000"),
	       "no token bucket");
	set_nonblock(p.c, true);
	for (i = 0; i < 10; i++) {
		n = send(p.c, octets, sizeof(octets), 0);
		sent += n > 0 ? n : 0;
		nap_ms(10);
	}
	expect(sent > 100000, "%ld octets sent", sent);
	set_linger(p.c, 1, 0);
	set_linger(p.s, 1, 0);
	pair_close(&p);
	nap_ms(100);
	for (i = 0; i < 5; i++) {
		err = unload("xtcp");
		expect(err == EAGAIN, "with segments in a queue, rmmod gives %s", err_name(err));
		nap_ms(20);
	}
	expect(net_run("tc qdisc del dev lo root && ip link set lo mtu 65536"), "no way back");
	err = unload_soon("xtcp");
	expect(!err, "with the queue gone, rmmod gives %s", err_name(err));
	gone("after rmmod");
	err = load(ko, "");
	expect(!err, "insmod gives %s", err_name(err));
	result("rmmod is refused while a device's queue has a segment");
}

static void over_time_wait(void)
{
	int i, count, err;

	for (i = 0; i < 20; i++)
		carry(i & 1 ? &v6 : &v4);
	count = proc_count(&v4, -1, 8400, TCP_TIME_WAIT) +
		proc_count(&v4, 8400, -1, TCP_TIME_WAIT) +
		proc_count(&v6, -1, 8400, TCP_TIME_WAIT) +
		proc_count(&v6, 8400, -1, TCP_TIME_WAIT);
	expect(count == 20, "%d connections in TIME-WAIT, expected 20", count);
	err = unload_soon("xtcp");
	expect(!err, "rmmod gives %s", err_name(err));
	gone("after rmmod");
	err = load(ko, "");
	expect(!err, "insmod gives %s", err_name(err));
	expect(!proc_count(&v4, -1, -1, -1), "a new module knows old connections");
	result("rmmod works with only TIME-WAIT left");
}

static void rounds(void)
{
	int i, err = 0;

	for (i = 0; i < 50 && !faults; i++) {
		err = unload_soon("xtcp");
		expect(!err, "round %d: rmmod gives %s", i, err_name(err));
		err = load(ko, "");
		expect(!err, "round %d: insmod gives %s", i, err_name(err));
		/* In most rounds something is left in TIME-WAIT for the next. */
		if (i % 3)
			carry(i % 2 ? &v4 : &v6);
	}
	result("50 rounds of rmmod and insmod");
}

/* A namespace that is there before the module gets it and loses it. */
static void older_namespace(void)
{
	int to[2], from[2], pid, err, status;
	char x = 'x';

	if (pipe(to) || pipe(from))
		return;
	pid = fork();
	if (!pid) {
		faults = 0;
		if (unshare(CLONE_NEWNET) || net_loopback_up())
			_exit(1);
		/* Told when the module is away, when it is back, and away again. */
		if (write(from[1], &x, 1) != 1 || read(to[0], &x, 1) != 1)
			_exit(1);
		gone("in an older namespace");
		if (write(from[1], &x, 1) != 1 || read(to[0], &x, 1) != 1)
			_exit(1);
		carry(&v4);
		carry(&v6);
		if (write(from[1], &x, 1) != 1 || read(to[0], &x, 1) != 1)
			_exit(1);
		gone("in an older namespace, again");
		fflush(stdout);
		_exit(faults ? 2 : 0);
	}
	expect(read(from[0], &x, 1) == 1, "the child is gone");
	err = unload_soon("xtcp");
	expect(!err, "rmmod gives %s", err_name(err));
	expect(write(to[1], &x, 1) == 1 && read(from[0], &x, 1) == 1, "the child is gone");
	err = load(ko, "");
	expect(!err, "insmod gives %s", err_name(err));
	expect(write(to[1], &x, 1) == 1 && read(from[0], &x, 1) == 1, "the child is gone");
	err = unload_soon("xtcp");
	expect(!err, "second rmmod gives %s", err_name(err));
	expect(write(to[1], &x, 1) == 1, "the child is gone");
	waitpid(pid, &status, 0);
	expect(!status, "the child ended with %d", WEXITSTATUS(status));
	err = load(ko, "");
	expect(!err, "insmod gives %s", err_name(err));
	result("a namespace older than the module");
}

/* Programs that keep opening sockets while the module comes and goes. */
static void under_attack(void)
{
	int pid[3], i, loaded = 1, done = 0, tries, err, status;
	long end = now_ms() + 10000;

	for (i = 0; i < 3; i++) {
		pid[i] = fork();
		if (pid[i])
			continue;
		if (unshare(CLONE_NEWNET) || net_loopback_up())
			_exit(1);
		for (;;) {
			const struct xport *t = i & 1 ? &v6 : &v4;
			int s = sock(t), l = sock_listener(t, 8410, 4), c = sock(t);

			/* Any error is fine, as long as it is an error. */
			if (l >= 0 && c >= 0) {
				sock_connect(c, addr_loopback(t, 8410));
				send(c, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
			}
			close(s);
			close(c);
			close(l);
			nap_ms(1);
		}
	}
	for (i = 0; i < 300 && now_ms() < end; i++) {
		err = loaded ? unload("xtcp") : load(ko, "");
		expect(!err || err == EAGAIN, "try %d: %s gives %s", i,
		       loaded ? "rmmod" : "insmod", err_name(err));
		if (!err) {
			loaded = !loaded;
			done++;
		}
		if (err)
			nap_ms(3);
	}
	tries = i;
	for (i = 0; i < 3; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], &status, 0);
		expect(WIFSIGNALED(status), "attacker %d ended by itself", i);
	}
	ktap_note("%d changes in %d tries", done, tries);
	if (!loaded) {
		err = load(ko, "");
		expect(!err, "insmod gives %s", err_name(err));
	}
	carry(&v4);
	result("rmmod and insmod while programs open sockets");
}

/* The kernel's messages from now on. */
static int messages(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* Whether one of them is about xtcp and has @text in it. */
static bool told(int fd, const char *text)
{
	char line[8192];
	bool found = false;
	ssize_t n;

	while ((n = read(fd, line, sizeof(line) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		if (n < 0)
			continue;
		line[n] = '\0';
		if (strstr(line, "xtcp") && strstr(line, text))
			found = true;
	}
	return found;
}

static void taken(const char *what, const char *number)
{
	char parameter[64], name[64];
	int err, log;

	snprintf(name, sizeof(name), "insmod where the %s is taken", what);
	if (!occupy[0]) {
		ktap_skip(name, "occupy.ko does not build here: run selftests/module/build");
		return;
	}
	snprintf(parameter, sizeof(parameter), "what=%s", what);
	err = unload_soon("xtcp");
	expect(!err, "rmmod gives %s", err_name(err));
	err = load(occupy, parameter);
	expect(!err, "occupy.ko %s gives %s", parameter, err_name(err));
	log = messages();
	err = load(ko, "");
	expect(err && err != ENOENT, "insmod gives %s", err_name(err));
	expect(told(log, number), "no message names %s", number);
	/* With the family taken, socket() is the other one's. */
	if (strcmp(what, "family"))
		gone("after the refusal");
	else
		expect(access("/proc/net/xtcp", F_OK) && access("/proc/sys/net/xtcp", F_OK) &&
		       !contains("/proc/net/protocols", "XTCP"), "something was left behind");
	/* Twice: what the first try left would be in the way of the second. */
	expect(load(ko, "") == err, "the second insmod gives something else");
	expect(!unload("occupy"), "occupy.ko does not unload");
	close(log);
	gone("with occupy.ko away");
	err = load(ko, "");
	expect(!err, "insmod afterwards gives %s", err_name(err));
	carry(&v4);
	carry(&v6);
	result(name);
}

/* The module file and the helper's, from the environment or the tree. */
static bool find_files(char *self)
{
	const char *env = getenv("XTCP_KO"), *kernel = getenv("XTCP_KERNEL");
	char dir[400], cmd[900];
	FILE *f;

	snprintf(dir, sizeof(dir), "%s", dirname(self));
	if (env && env[0])
		snprintf(ko, sizeof(ko), "%s", env);
	else
		snprintf(ko, sizeof(ko), "%s/../../../xtcp.ko", dir);
	snprintf(cmd, sizeof(cmd), "%s/../../module/build %s", dir, kernel ? kernel : "stock");
	f = popen(cmd, "r");
	if (!f || !fgets(occupy, sizeof(occupy), f))
		occupy[0] = '\0';
	if (f)
		pclose(f);
	occupy[strcspn(occupy, "\n")] = '\0';
	return !access(ko, R_OK);
}

int main(int argc, char **argv)
{
	int err;

	if (argc > 1) {
		printf("usage: %s\n\nLoads and unloads xtcp.ko ($XTCP_KO, or the one at the root of the\n"
		       "tree) in every way that could go wrong, and leaves it loaded.\n"
		       "Needs root, and that nobody else uses XTCP.\n", argv[0]);
		return strcmp(argv[1], "--help") && strcmp(argv[1], "-h") ? KTAP_FAIL : 0;
	}
	if (geteuid())
		return ktap_skip_all("needs root: run it with sudo or inside `make shell`");
	if (access("/proc/modules", R_OK))
		return ktap_skip_all("this kernel has no modules");
	if (!find_files(argv[0]))
		return ktap_skip_all("no xtcp.ko: run make, or set XTCP_KO");
	err = load(ko, "");
	if (err && err != EEXIST) {
		ktap_begin(1);
		ktap_result(0, "insmod gives %s", err_name(err));
		return KTAP_FAIL;
	}
	signal(SIGPIPE, SIG_IGN);
	/* Connections of their own namespace: nothing of the host is listed. */
	if (unshare(CLONE_NEWNET) || net_loopback_up()) {
		perror("unshare");
		return KTAP_FAIL;
	}
	ktap_begin(9);
	err = unload_soon("xtcp");
	if (err)
		ktap_note("somebody uses XTCP: rmmod gives %s", err_name(err));
	else
		expect(!load(ko, ""), "it does not load again");
	refused_while_open();
	segments_in_a_queue();
	over_time_wait();
	rounds();
	older_namespace();
	under_attack();
	taken("family", "22");
	taken("protocol4", "253");
	taken("protocol6", "253");
	if (load(ko, "") != EEXIST)
		ktap_note("the module had to be loaded again");
	return ktap_end();
}
