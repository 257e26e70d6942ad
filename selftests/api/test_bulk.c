// SPDX-License-Identifier: GPL-2.0
/*
 * 64 MiB each way at the same time, between two namespaces whose link loses,
 * reorders and duplicates segments; every byte compared at both ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/xtcp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/ktap.h"
#include "../lib/net.h"

#define MIB (1L << 20)

/*
 * A prime: no repetition falls together with a segment, a page or a buffer, so
 * a piece that is lost, doubled or moved never looks right.
 */
enum { PATTERN = 1048573, PORT = 8300 };

static unsigned char pattern[2][2 * PATTERN];

struct scene {
	const char *name;
	struct xport t;
	const char *from, *to;	/* addresses of the two ends */
	long bytes;
	const char *netem;
};

static const struct scene scenes[] = {
	{ "IPv4, 0.3 % loss, reordering, duplicates",
	  { "xtcp4", true, ON_V4, AF_XTCP, 0, AF_INET }, "10.83.0.1", "10.83.0.2", 64 * MIB,
	  "delay 1ms reorder 99% 50% loss 0.3% duplicate 0.3% limit 20000" },
	{ "IPv6, 0.5 % loss, reordering, duplicates",
	  { "xtcp6", true, ON_V6, AF_XTCP, XTCPPROTO_XTCP6, AF_INET6 },
	  "fd83::1", "fd83::2", 16 * MIB,
	  "delay 1ms reorder 98% 50% loss 0.5% duplicate 0.5% limit 20000" },
	{ "IPv4, 3 % loss in both directions",
	  { "xtcp4", true, ON_V4, AF_XTCP, 0, AF_INET }, "10.83.0.1", "10.83.0.2", 4 * MIB,
	  "loss 3% limit 20000" },
};

#define SCENES (sizeof(scenes) / sizeof(scenes[0]))

/* Both ends do this: one thread of control writes and reads as it can. */
static bool exchange(int fd, int mine, long bytes)
{
	long sent = 0, got = 0, wrong = -1;
	static unsigned char buf[256 * 1024];
	bool ended = false;

	set_nonblock(fd, true);
	while (!ended || sent < bytes) {
		unsigned int ev = ready_within(fd, POLLIN | (sent < bytes ? POLLOUT : 0), 20000);
		ssize_t n;

		if (!ev) {
			ktap_note("end %d stands still: %ld sent, %ld received", mine, sent, got);
			return false;
		}
		if (ev & POLLERR) {
			ktap_note("end %d: %s after %ld sent, %ld received", mine,
				  so_error(fd) ? strerror(errno) : "?", sent, got);
			return false;
		}
		if (sent < bytes && ev & POLLOUT) {
			long len = bytes - sent < PATTERN ? bytes - sent : PATTERN;

			n = send(fd, pattern[mine] + sent % PATTERN, len, MSG_NOSIGNAL);
			if (n > 0)
				sent += n;
			if (sent == bytes)
				shutdown(fd, SHUT_WR);
		}
		if (!ended && ev & POLLIN) {
			n = recv(fd, buf, sizeof(buf), 0);
			if (n == 0)
				ended = true;
			if (n > 0 && wrong < 0 &&
			    memcmp(buf, pattern[!mine] + got % PATTERN, n))
				wrong = got;
			if (n > 0)
				got += n;
		}
	}
	if (wrong >= 0)
		ktap_note("end %d: a wrong byte within the 256 KiB after %ld", mine, wrong);
	if (got != bytes)
		ktap_note("end %d: %ld bytes received, %ld expected", mine, got, bytes);
	return wrong < 0 && got == bytes;
}

static int listen_at(const struct scene *s)
{
	struct addr a = addr_text(&s->t, s->to, s->to, PORT);
	int l = sock(&s->t), one = 1;

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (l < 0 || sock_bind(l, a) || listen(l, 1)) {
		ktap_note("listen: %s", strerror(errno));
		return -1;
	}
	return l;
}

/*
 * One end of the link. The stream goes through a VLAN device that cuts super-segments, for
 * netem on the veth itself would lose and delay those whole, and the path were no real one.
 */
static bool link_up(const struct scene *s, const char *dev, const char *addr)
{
	return net_run("ip link set %s up && ip link add link %s name wire type vlan id 7",
		       dev, dev) &&
	       net_run("ip addr add %s/%d dev wire %s && ip link set wire up", addr,
		       s->t.on == ON_V4 ? 24 : 64, s->t.on == ON_V4 ? "" : "nodad") &&
	       net_run("ethtool -K %s tso off gso off gro off >/dev/null", dev) &&
	       net_run("ethtool -K wire tso off gso off gro off >/dev/null") &&
	       net_run("tc qdisc add dev %s root netem %s", dev, s->netem);
}

/*
 * The other end lives in a namespace of its own. It is forked before the link
 * exists, because its namespace is named by its process id.
 */
static int serve(const struct scene *s, int ready_in, int ready_out)
{
	int l, fd;
	char x = 'r';

	if (unshare(CLONE_NEWNET) || net_loopback_up())
		return 1;
	if (write(ready_out, &x, 1) != 1 || read(ready_in, &x, 1) != 1)
		return 1;
	if (!link_up(s, "vb", s->to))
		return 1;
	l = listen_at(s);
	if (l < 0 || write(ready_out, &x, 1) != 1)
		return 1;
	fd = accept(l, NULL, NULL);
	if (fd < 0)
		return 1;
	return !exchange(fd, 1, s->bytes);
}

static bool play(const struct scene *s)
{
	int to[2], from[2], pid, status = -1, fd;
	bool good = false;
	long start;
	char x;

	if (unshare(CLONE_NEWNET) || net_loopback_up() || pipe(to) || pipe(from))
		return false;
	pid = fork();
	if (!pid)
		_exit(serve(s, to[0], from[1]));
	close(from[1]);
	if (read(from[0], &x, 1) == 1 &&
	    net_run("ip link add va type veth peer name vb netns %d", pid) &&
	    link_up(s, "va", s->from) &&
	    write(to[1], &x, 1) == 1 && read(from[0], &x, 1) == 1) {
		start = now_ms();
		fd = sock(&s->t);
		if (sock_connect(fd, addr_text(&s->t, s->to, s->to, PORT)))
			ktap_note("connect: %s", strerror(errno));
		else
			good = exchange(fd, 0, s->bytes);
		start = now_ms() - start;
		ktap_note("%ld.%ld s, %ld KiB/s each way", start / 1000, start % 1000 / 100,
			  s->bytes / 1024 * 1000 / (start ? start : 1));
		close(fd);
	}
	if (!good)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return good && !status;
}

/* A scene has a process of its own, and so its namespaces end with it. */
static bool play_apart(const struct scene *s)
{
	int status, pid = fork();

	if (!pid)
		_exit(!play(s));
	waitpid(pid, &status, 0);
	return !status;
}

static void usage(const char *prog)
{
	printf("usage: %s [--self] [--mib N]\n\n"
	       "Sends a pattern in both directions at once between two namespaces, over a\n"
	       "link that loses, reorders and duplicates, and compares every byte.\n"
	       "Needs root, the xtcp module, netem and ethtool.\n\n"
	       "  --self   over kernel TCP: checks the test itself, needs no module\n"
	       "  --mib N  N MiB each way in the first scene instead of 64 (16 in slow kernels)\n", prog);
}

int main(int argc, char **argv)
{
	bool self = false;
	long mib = 0;
	size_t i;
	int fd;

	for (i = 1; i < (size_t)argc; i++) {
		if (!strcmp(argv[i], "--self")) {
			self = true;
		} else if (!strcmp(argv[i], "--mib") && i + 1 < (size_t)argc) {
			mib = atol(argv[++i]);
		} else {
			usage(argv[0]);
			return strcmp(argv[i], "--help") && strcmp(argv[i], "-h");
		}
	}
	if (geteuid())
		return ktap_skip_all("needs root: run it with sudo or inside `make shell`");
	fd = socket(self ? AF_INET : AF_XTCP, SOCK_STREAM, 0);
	if (fd < 0)
		return ktap_skip_all("no XTCP sockets here: insmod xtcp.ko first");
	close(fd);

	for (i = 0; i < 2; i++) {
		pattern_fill(pattern[i], PATTERN, 0, 77 + i);
		memcpy(pattern[i] + PATTERN, pattern[i], PATTERN);
	}
	ktap_begin(SCENES);
	for (i = 0; i < SCENES; i++) {
		struct scene s = scenes[i];

		if (self) {
			s.t.domain = s.t.family;
			s.t.protocol = 0;
			s.t.xtcp = false;
		}
		if (slow_kernel())
			s.bytes /= 4;
		if (!i && mib > 0)
			s.bytes = mib * MIB;
		ktap_result(play_apart(&s), "%ld MiB each way, %s%s", s.bytes / MIB, s.name,
			    self ? " (TCP)" : "");
	}
	return ktap_end();
}
