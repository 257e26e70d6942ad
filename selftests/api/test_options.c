// SPDX-License-Identifier: GPL-2.0
/*
 * Every number of a socket option at every level, compared with TCP: what getsockopt() and
 * setsockopt() say to lengths, values and pointers of all kinds, in all states that matter.
 * What an option then does is the affair of the other tests; docs/sockets.md names them.
 */
#define _GNU_SOURCE
#include <asm/socket.h>
#include <linux/in6.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

/* The highest number in any header is 83. */
#define HIGHEST	83
#define MOST	(slow_kernel() ? HIGHEST : 130)
#define TEXT 160

static void *volatile bad = (void *)8;

/* What is left out of TCP's options, one ENOPROTOOPT each; docs/sockets.md says why. */
static const int refused[] = {
	TCP_MD5SIG, TCP_THIN_LINEAR_TIMEOUTS, TCP_THIN_DUPACK, TCP_REPAIR, TCP_REPAIR_QUEUE,
	TCP_QUEUE_SEQ, TCP_REPAIR_OPTIONS, TCP_FASTOPEN, TCP_TIMESTAMP, TCP_SAVE_SYN, TCP_SAVED_SYN,
	TCP_REPAIR_WINDOW, TCP_FASTOPEN_CONNECT, TCP_ULP, TCP_MD5SIG_EXT, TCP_FASTOPEN_KEY,
	TCP_FASTOPEN_NO_COOKIE, TCP_ZEROCOPY_RECEIVE, TCP_TX_DELAY,
	/* Later than 6.1, without a name in its header: TCP_AO_*, IS_MPTCP, RTO_MAX_MS, ... */
	38, 39, 40, 41, 42, 43, 44, 45, 46,
};

/* The last one that every kernel's TCP has. */
#define REFUSED_BY_ALL TCP_TX_DELAY

/* How a sweep looks at an option. */
enum { GETS, SETS, LENGTHS, KINDS };

/* What an option that XTCP does not have says. */
#define NO_GET " ENOPROTOOPT ENOPROTOOPT ENOPROTOOPT ENOPROTOOPT ENOPROTOOPT EINVAL ENOPROTOOPT EFAULT"
#define NO_SET " ENOPROTOOPT ENOPROTOOPT ENOPROTOOPT ENOPROTOOPT ENOPROTOOPT ENOPROTOOPT"

/* IPv6 looks at a length below 0 last. */
#define NO_GET6 NO_SET " ENOPROTOOPT EFAULT"

static const char *const refusal[KINDS] = {
	NO_GET,
	NO_SET,
	" EINVAL EINVAL ENOPROTOOPT ENOPROTOOPT EINVAL EFAULT EFAULT EINVAL EFAULT",
};

/* SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST, which are there where conntrack is. */
#define ORIGINAL_DST 80

/* checkpatch takes a word that is repeated for a slip. */
#define TAKES_AN_INT " EINVAL EINVAL" OKAY OKAY " EINVAL EFAULT EFAULT EINVAL EFAULT"
#define OKAY " ok"

/* Where XTCP differs in one option (mostly the kernel asks for TCP's number); NULL: as TCP. */
static const struct {
	int level, name, on;
	const char *says[KINDS];
} by_number[] = {
	{ SOL_SOCKET, SO_ZEROCOPY, ON_ALL, {
		NULL,
		" EOPNOTSUPP 4=00000000 EOPNOTSUPP 4=00000000 EOPNOTSUPP 4=00000000",
		" EINVAL EINVAL EOPNOTSUPP EOPNOTSUPP EINVAL EFAULT EFAULT EINVAL EFAULT" } },
	/* TCP's since 6.9: as there, on every kernel. */
	{ SOL_SOCKET, SO_PEEK_OFF, ON_ALL, {
		" 0 1=ff 4=ffffffff 4=ffffffff 4=ffffffff EINVAL EFAULT EFAULT",
		" ok 4=00000000 ok 4=01000000 ok 4=ffffffff",
		TAKES_AN_INT } },
	{ IPPROTO_IP, ORIGINAL_DST, ON_ALL, { NO_GET, NO_SET, NULL } },
	{ IPPROTO_IPV6, ORIGINAL_DST, ON_V6 | ON_MAPPED, { NO_GET6, NO_SET, NULL } },
	{ IPPROTO_IPV6, IPV6_ADDRFORM, ON_V6 | ON_MAPPED, {
		NO_GET6,
		" EINVAL ENOPROTOOPT EINVAL ENOPROTOOPT EINVAL ENOPROTOOPT",
		NULL } },
};

/* Values of a connection, a machine or a namespace: only their lengths are compared. */
static const struct { int level, name; } own_value[] = {
	{ SOL_SOCKET, SO_SNDBUF }, { SOL_SOCKET, SO_RCVBUF }, { SOL_SOCKET, SO_PROTOCOL },
	{ SOL_SOCKET, SO_COOKIE }, { SOL_SOCKET, SO_MEMINFO }, { SOL_SOCKET, SO_NETNS_COOKIE },
	{ SOL_SOCKET, SO_PEERNAME }, { SOL_SOCKET, SO_INCOMING_CPU },
	{ IPPROTO_IP, 52 },	/* IP_PROTOCOL of later kernels, which shows the port here */
	{ IPPROTO_TCP, TCP_INFO }, { IPPROTO_TCP, TCP_CC_INFO }, { IPPROTO_TCP, TCP_MAXSEG },
	{ IPPROTO_TCP, TCP_WINDOW_CLAMP }, { IPPROTO_TCP, TCP_SYNCNT }, { IPPROTO_TCP, TCP_QUICKACK },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_refused(int level, int name)
{
	size_t i;

	for (i = 0; i < COUNT(refused); i++)
		if (level == IPPROTO_TCP && name == refused[i])
			return true;
	return false;
}

/* What XTCP must say where it is meant to differ from TCP, else NULL. */
static const char *meant(const struct xport *t, int level, int name, int looks)
{
	size_t i;

	if (is_refused(level, name))
		return refusal[looks];
	for (i = 0; i < COUNT(by_number); i++)
		if (level == by_number[i].level && name == by_number[i].name &&
		    (by_number[i].on & t->on))
			return by_number[i].says[looks];
	return NULL;
}

static bool has_own_value(int level, int name)
{
	size_t i;

	for (i = 0; i < COUNT(own_value); i++)
		if (level == own_value[i].level && name == own_value[i].name)
			return true;
	return false;
}

__attribute__((format(printf, 2, 3)))
static void add(char *text, const char *fmt, ...)
{
	size_t at = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + at, TEXT - at, fmt, ap);
	va_end(ap);
}

/* The errno, or the length and the first octets of what came; and whether more was written. */
static void add_get(char *text, int fd, int level, int name, socklen_t room)
{
	unsigned char buf[512];
	socklen_t len = room;
	size_t i;
	int err;

	memset(buf, 0x55, sizeof(buf));
	errno = 0;
	err = getsockopt(fd, level, name, buf, &len) ? errno : 0;
	if (err) {
		add(text, " %s", strerrorname_np(err));
		if (len != room)
			add(text, "/%d", (int)len);
		return;
	}
	add(text, " %d", (int)len);
	for (i = 0; i < len && i < 8 && !has_own_value(level, name); i++)
		add(text, "%s%02x", i ? "" : "=", buf[i]);
	for (i = len; i < sizeof(buf); i++) {
		if (buf[i] != 0x55) {
			add(text, "+");
			break;
		}
	}
}

static void add_ret(char *text, int ret)
{
	add(text, " %s", ret ? strerrorname_np(errno) : "ok");
}

static void show_gets(char *text, int fd, int level, int name)
{
	static const int room[] = { 0, 1, 4, 8, 256, -1 };
	socklen_t len = 4;
	char buf[8];
	size_t i;

	*text = '\0';
	for (i = 0; i < COUNT(room); i++)
		add_get(text, fd, level, name, room[i]);
	add_ret(text, getsockopt(fd, level, name, bad, &len));
	add_ret(text, getsockopt(fd, level, name, buf, bad));
}

/* Ints, and what each makes of the value. */
static void show_sets(char *text, int fd, int level, int name)
{
	static const int value[] = { 0, 1, -1 };
	size_t i;

	*text = '\0';
	for (i = 0; i < COUNT(value); i++) {
		add_ret(text, set_int(fd, level, name, value[i]));
		add_get(text, fd, level, name, sizeof(int));
	}
}

static void show_lengths(char *text, int fd, int level, int name)
{
	static const int length[] = { 0, 1, 4, 16, -1 };
	static const char zeroes[16] = "";
	size_t i;

	*text = '\0';
	for (i = 0; i < COUNT(length); i++)
		add_ret(text, setsockopt(fd, level, name, zeroes, length[i]));
	add_ret(text, setsockopt(fd, level, name, bad, 4));
	add_ret(text, setsockopt(fd, level, name, bad, 16));
	add_ret(text, setsockopt(fd, level, name, NULL, 0));
	add_ret(text, setsockopt(fd, level, name, NULL, 4));
}

static void (*const show[KINDS])(char *text, int fd, int level, int name) = {
	show_gets, show_sets, show_lengths,
};

static const char *const kind[KINDS] = { "get", "set", "set lengths" };

/* The facts of one option on the sockets of @fd; true if each says that there is none. */
static bool sweep_one(const struct xport *t, int level, int name, const int fd[2],
		      const char *const where[2])
{
	char text[TEXT], what[64];
	const char *want;
	bool none = true;
	size_t i, k;

	for (i = 0; i < 2; i++) {
		for (k = 0; k < KINDS; k++) {
			show[k](text, fd[i], level, name);
			snprintf(what, sizeof(what), "level %d option %d: %s, %s", level, name,
				 where[i], kind[k]);
			want = meant(t, level, name, k);
			/* TCP's own answer is its affair there. */
			if (want)
				oracle_text_is(__LINE__, what, t->xtcp ? text : want, want);
			else
				oracle_text(what, "%s", text);
			none &= !strcmp(text, refusal[k]);
		}
	}
	return none;
}

/* The pair that an option is tried on: another one each time, if options change anything. */
static void renew(const struct xport *t, struct pair *p, int *s, bool open)
{
	if (*s >= 0) {
		/* No TIME-WAIT, and no FIN for what a filter or a TTL now keeps out. */
		set_linger(p->c, 1, 0);
		set_linger(p->s, 1, 0);
		pair_close(p);
		close(*s);
	}
	if (open) {
		*p = pair_open(t);
		*s = NEED(sock(t));
	}
}

static void sweep(const struct xport *t, int level, bool connected)
{
	static const char *const where[2][2] = {
		{ "CLOSE", "LISTEN" }, { "connected", "accepted" },
	};
	bool known = level == SOL_SOCKET || level == IPPROTO_IP || level == IPPROTO_IPV6 ||
		     level == IPPROTO_TCP;
	struct pair p;
	int name, s = -1, most = MOST;

	for (name = 0; name <= most; name++) {
		int fd[2];
		bool none;

		if (known || !name)
			renew(t, &p, &s, true);
		fd[0] = connected ? p.c : s;
		fd[1] = connected ? p.s : p.l;
		none = sweep_one(t, level, name, fd, where[connected]);
		/* A kernel may be built without MD5. */
		if (is_refused(level, name) && !t->xtcp && name <= REFUSED_BY_ALL && none &&
		    name != TCP_MD5SIG && name != TCP_MD5SIG_EXT)
			oracle_text("refused", "TCP has no option %d either", name);
	}
	renew(t, &p, &s, false);
}

#define SWEEP(level, name)						\
static void name##_unused(const struct xport *t)			\
{									\
	sweep(t, level, false);						\
}									\
									\
static void name##_connected(const struct xport *t)			\
{									\
	sweep(t, level, true);						\
}

SWEEP(SOL_SOCKET, socket_level)
SWEEP(IPPROTO_IP, ip_level)
SWEEP(IPPROTO_IPV6, ipv6_level)
SWEEP(IPPROTO_TCP, tcp_level)
SWEEP(IPPROTO_UDP, udp_level)
SWEEP(IPPROTO_RAW, raw_level)
SWEEP(9999, no_level)

/* Received pages are not to be mapped: TCP_ZEROCOPY_RECEIVE begins with this call. */
static void no_map(const struct xport *t)
{
	struct pair p = pair_open(t);
	void *map;

	BY_DESIGN(t, (map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, p.c, 0)) == MAP_FAILED ? -1 : 0,
		  0, -ENODEV);
	IS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, p.l, 0) == MAP_FAILED, 1);
	if (map != MAP_FAILED)
		munmap(map, 4096);
	pair_close(&p);
}

/* Two sockets, three facts of each number. */
#define FACTS ((HIGHEST + 1) * 6)

/* In a slow kernel the first ones only: it looks at the code, and that is the same. */
enum { SLOW_CASES = 5 };

static const struct oracle_case cases[] = {
	CASE_SECONDS("SOL_SOCKET, connected", socket_level_connected, ON_ALL, FACTS, 60),
	CASE_SECONDS("SOL_IP, connected", ip_level_connected, ON_ALL, FACTS, 60),
	CASE_SECONDS("SOL_IPV6, connected", ipv6_level_connected, ON_ALL, FACTS, 60),
	CASE_SECONDS("SOL_TCP, connected", tcp_level_connected, ON_ALL, FACTS, 60),
	CASE("mmap", no_map, ON_BOTH, 2),
	CASE_SECONDS("SOL_SOCKET, not connected", socket_level_unused, ON_ALL, FACTS, 60),
	CASE_SECONDS("SOL_IP, not connected", ip_level_unused, ON_ALL, FACTS, 60),
	CASE_SECONDS("SOL_IPV6, not connected", ipv6_level_unused, ON_ALL, FACTS, 60),
	CASE_SECONDS("SOL_TCP, not connected", tcp_level_unused, ON_ALL, FACTS, 60),
	CASE_SECONDS("SOL_UDP, not connected", udp_level_unused, ON_ALL, FACTS, 60),
	CASE_SECONDS("SOL_UDP, connected", udp_level_connected, ON_ALL, FACTS, 60),
	CASE_SECONDS("SOL_RAW, not connected", raw_level_unused, ON_ALL, FACTS, 60),
	CASE_SECONDS("SOL_RAW, connected", raw_level_connected, ON_ALL, FACTS, 60),
	CASE_SECONDS("level 9999, not connected", no_level_unused, ON_ALL, FACTS, 60),
	CASE_SECONDS("level 9999, connected", no_level_connected, ON_ALL, FACTS, 60),
};

int main(int argc, char **argv)
{
	size_t count = sizeof(cases) / sizeof(cases[0]);

	if (slow_kernel())
		count = SLOW_CASES;
	return oracle_main(argc, argv, "All numbers of socket options at all levels compared with TCP",
			   cases, count);
}
