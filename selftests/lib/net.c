// SPDX-License-Identifier: GPL-2.0
/* Addresses, sockets and small waits for the cases of the API tests. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/ipv6_route.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "ktap.h"
#include "net.h"

static int loopback_set(bool up)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), ret;

	if (fd < 0)
		return -1;
	ret = ioctl(fd, SIOCGIFFLAGS, &ifr);
	if (!ret) {
		ifr.ifr_flags &= ~IFF_UP;
		ifr.ifr_flags |= up ? IFF_UP : 0;
		ret = ioctl(fd, SIOCSIFFLAGS, &ifr);
	}
	close(fd);
	return ret;
}

/** net_loopback_up() - set lo up in this namespace; 0 or -1 and errno */
int net_loopback_up(void)
{
	return loopback_set(true);
}

/** net_loopback_down() - cut the only wire of this namespace */
int net_loopback_down(void)
{
	return loopback_set(false);
}

/** addr_text() - the address @v4 or @v6 as this transport wants it */
struct addr addr_text(const struct xport *t, const char *v4, const char *v6, int port)
{
	struct addr a = { .len = sizeof(a.in) };
	char mapped[64];

	if (t->on == ON_V4) {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons(port);
		inet_pton(AF_INET, v4, &a.in.sin_addr);
		return a;
	}
	snprintf(mapped, sizeof(mapped), "::ffff:%s", v4);
	a.len = sizeof(a.in6);
	a.in6.sin6_family = AF_INET6;
	a.in6.sin6_port = htons(port);
	inet_pton(AF_INET6, t->on == ON_MAPPED ? mapped : v6, &a.in6.sin6_addr);
	return a;
}

struct addr addr_loopback(const struct xport *t, int port)
{
	return addr_text(t, "127.0.0.1", "::1", port);
}

/** addr_any() - the wildcard; for mapped addresses the one of IPv6 */
struct addr addr_any(const struct xport *t, int port)
{
	struct addr a = addr_text(t, "0.0.0.0", "::", port);

	if (t->on == ON_MAPPED)
		memset(&a.in6.sin6_addr, 0, sizeof(a.in6.sin6_addr));
	return a;
}

int addr_port(const struct addr *a)
{
	return ntohs(a->sa.sa_family == AF_INET ? a->in.sin_port : a->in6.sin6_port);
}

/** addr_show() - family, address and length, without the port */
const char *addr_show(const struct addr *a)
{
	static char text[100];
	char ip[64] = "?";

	if (a->sa.sa_family == AF_INET)
		inet_ntop(AF_INET, &a->in.sin_addr, ip, sizeof(ip));
	else if (a->sa.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &a->in6.sin6_addr, ip, sizeof(ip));
	snprintf(text, sizeof(text), "family %d %s length %u", a->sa.sa_family, ip,
		 (unsigned int)a->len);
	return text;
}

struct addr addr_local(int fd)
{
	struct addr a = { .len = sizeof(a.ss) };

	if (getsockname(fd, &a.sa, &a.len))
		a.len = 0;
	return a;
}

struct addr addr_peer(int fd)
{
	struct addr a = { .len = sizeof(a.ss) };

	if (getpeername(fd, &a.sa, &a.len))
		a.len = 0;
	return a;
}

int sock_flags(const struct xport *t, int flags)
{
	return socket(t->domain, SOCK_STREAM | flags, t->protocol);
}

int sock(const struct xport *t)
{
	return sock_flags(t, 0);
}

int sock_bind(int fd, struct addr a)
{
	return bind(fd, &a.sa, a.len);
}

int sock_connect(int fd, struct addr a)
{
	return connect(fd, &a.sa, a.len);
}

/** sock_listener() - a socket listening on loopback; port 0 picks one */
int sock_listener(const struct xport *t, int port, int backlog)
{
	int fd = sock(t), err;

	if (fd < 0 || (!sock_bind(fd, addr_loopback(t, port)) && !listen(fd, backlog)))
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

/** pair_open() - a connection over loopback; ends the case if that fails */
struct pair pair_open(const struct xport *t)
{
	struct pair p = { .l = -1, .c = -1, .s = -1 };

	p.l = NEED(sock_listener(t, 0, 8));
	p.at = addr_local(p.l);
	p.c = NEED(sock(t));
	NEED(sock_connect(p.c, p.at));
	p.s = NEED(accept(p.l, NULL, NULL));
	return p;
}

void pair_close(struct pair *p)
{
	close(p->c);
	close(p->s);
	close(p->l);
}

int set_nonblock(int fd, bool on)
{
	int fl = fcntl(fd, F_GETFL);

	return fcntl(fd, F_SETFL, on ? fl | O_NONBLOCK : fl & ~O_NONBLOCK);
}

int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

/** get_int() - an int option; -1 and errno if it cannot be read */
int get_int(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = 0;

	if (getsockopt(fd, level, name, &value, &len))
		return -1;
	return value;
}

/** so_error() - SO_ERROR the way a call gives an error: -1 and errno */
long so_error(int fd)
{
	errno = get_int(fd, SOL_SOCKET, SO_ERROR);
	return errno ? -1 : 0;
}

/** state() - the connection's state, TCP_ESTABLISHED and so on */
int state(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return -1;
	return info.tcpi_state;
}

/** state_becomes() - @want, or the state that stays for two seconds instead */
int state_becomes(int fd, int want)
{
	int i, now = state(fd);

	for (i = 0; i < 200 && now != want; i++) {
		nap_ms(10);
		now = state(fd);
	}
	return now;
}

void set_linger(int fd, int on, int seconds)
{
	struct linger l = { .l_onoff = on, .l_linger = seconds };

	NEED(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
}

/** ready() - what poll() says now */
unsigned int ready(int fd, unsigned int events)
{
	return ready_within(fd, events, 0);
}

/** ready_within() - what poll() says as soon as it says something */
unsigned int ready_within(int fd, unsigned int events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	poll(&p, 1, ms);
	return (unsigned short)p.revents;
}

bool slow_kernel(void)
{
	const char *kernel = getenv("XTCP_KERNEL");

	return kernel && strcmp(kernel, "stock");
}

long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000L + ts.tv_nsec / 1000000;
}

void nap_ms(int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/** fill_send() - send until the socket takes no more for a while; the bytes */
long fill_send(int fd)
{
	char buf[16384];
	long sum = 0;
	int quiet = 0;

	memset(buf, 'f', sizeof(buf));
	/* A sender that holds back the last octets of a window does so for a time-out, 200 ms. */
	while (quiet < 14) {
		ssize_t n = send(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			sum += n;
			quiet = 0;
		} else if (errno == EAGAIN) {
			/* The peer's window may still be opening. */
			quiet++;
			nap_ms(25);
		} else {
			return -1;
		}
	}
	return sum;
}

/** drain() - read what comes until nothing came for 250 ms or EOF; the bytes */
long drain(int fd)
{
	char buf[16384];
	long sum = 0;

	for (;;) {
		ssize_t n;

		if (!ready_within(fd, POLLIN, 250))
			return sum;
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n <= 0)
			return sum;
		sum += n;
	}
}

/* A byte that depends on its place in the stream, so that any shift shows. */
static unsigned char pattern_byte(unsigned long at, unsigned int seed)
{
	unsigned long x = at / 8 * 0x9e3779b97f4a7c15UL + seed * 0xc2b2ae3d27d4eb4fUL;

	x ^= x >> 29;
	return x >> (at % 8 * 8);
}

void pattern_fill(void *buf, size_t len, unsigned long offset, unsigned int seed)
{
	unsigned char *p = buf;
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = pattern_byte(offset + i, seed);
}

/** pattern_check() - 0, or the number of the first wrong byte, counted from 1 */
long pattern_check(const void *buf, size_t len, unsigned long offset, unsigned int seed)
{
	const unsigned char *p = buf;
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] != pattern_byte(offset + i, seed))
			return offset + i + 1;
	return 0;
}

/* Is there a route to ourselves for the address that /proc/net/if_inet6 shows as @address? */
static bool local_route6(const char *address)
{
	FILE *f = fopen("/proc/thread-self/net/ipv6_route", "r");
	char to[33];
	unsigned int len, flags;
	bool found = false;

	while (f && !found &&
	       fscanf(f, "%32s %x %*s %*x %*s %*x %*x %*x %x %*s", to, &len, &flags) == 3)
		found = len == 128 && flags & RTF_LOCAL && !strcmp(to, address);
	if (f)
		fclose(f);
	return found;
}

/* Has every address of a device that is up a route to ourselves? */
static bool routes6_are_there(void)
{
	FILE *f = fopen("/proc/thread-self/net/if_inet6", "r");
	struct ifreq req = { 0 };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	unsigned int flags;
	bool good = true;
	char address[33];

	while (f && good &&
	       fscanf(f, "%32s %*x %*x %*x %x %15s", address, &flags, req.ifr_name) == 3) {
		if (flags & IFA_F_TENTATIVE || ioctl(fd, SIOCGIFFLAGS, &req) ||
		    !(req.ifr_flags & IFF_UP))
			continue;
		good = local_route6(address);
	}
	if (f)
		fclose(f);
	close(fd);
	return good;
}

/**
 * net_run() - run a command of iproute2 or ethtool; says so and is false if it fails
 *
 * After it new addresses work. Of IPv6, even with "nodad", the kernel makes them so a moment
 * later, in a worker: until then what is for them goes to the link.
 */
bool net_run(const char *fmt, ...)
{
	char cmd[300];
	va_list ap;
	int i;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	if (!system(cmd)) {
		for (i = 0; i < 1000 && !routes6_are_there(); i++)
			nap_ms(5);
		return true;
	}
	ktap_note("failed: %s", cmd);
	return false;
}

/** sysctl_get() - the first line of /proc/sys/@path, without its end; 0 or -1 and an empty @text */
int sysctl_get(const char *path, char *text, int size)
{
	char name[128];
	FILE *f;

	snprintf(name, sizeof(name), "/proc/sys/%s", path);
	f = fopen(name, "r");
	if (!f || !fgets(text, size, f))
		text[0] = '\0';
	if (f)
		fclose(f);
	text[strcspn(text, "\n")] = '\0';
	return text[0] ? 0 : -1;
}

/** sysctl_put() - write @value to /proc/sys/@path; 0 or -1 and errno */
int sysctl_put(const char *path, const char *value)
{
	char name[128];
	int fd, err = 0;

	snprintf(name, sizeof(name), "/proc/sys/%s", path);
	fd = open(name, O_WRONLY);
	if (fd < 0)
		return -1;
	if (write(fd, value, strlen(value)) < 0)
		err = errno;
	close(fd);
	errno = err;
	return err ? -1 : 0;
}

/** sysctl_transport() - net.ipv4.tcp_@name or net.xtcp.@name */
int sysctl_transport(const struct xport *t, const char *name, const char *value)
{
	char path[96];

	snprintf(path, sizeof(path), "%s%s", t->xtcp ? "net/xtcp/" : "net/ipv4/tcp_", name);
	return sysctl_put(path, value);
}

/* The value of @name in a pair of lines "Group: names", "Group: values". */
static long from_pairs(const char *file, const char *name)
{
	static char names[16384], values[16384];
	FILE *f = fopen(file, "r");
	long found = -1;

	while (f && found < 0 && fgets(names, sizeof(names), f) &&
	       fgets(values, sizeof(values), f)) {
		char *sn, *sv, *n = strtok_r(names, "\n ", &sn);
		char *v = strtok_r(values, "\n ", &sv);

		for (; n && v; n = strtok_r(NULL, "\n ", &sn), v = strtok_r(NULL, "\n ", &sv))
			if (!strcmp(n, name) && strncmp(names, "Udp", 3))
				found = atol(v);
	}
	if (f)
		fclose(f);
	return found;
}

/* A counter of xtcp_stat: lines "Name value". */
static long from_list(const char *name)
{
	FILE *f = fopen("/proc/net/xtcp_stat", "r");
	char line[256], word[64];
	long value, found = -1;

	while (f && found < 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %ld", word, &value) == 2 && !strcmp(word, name))
			found = value;
	if (f)
		fclose(f);
	return found;
}

/**
 * counter() - a counter of /proc/net/xtcp_stat, or TCP's of the same name; -1: not there
 *
 * TCP's have the name bare in snmp, or bare or behind "TCP" in netstat.
 */
long counter(const struct xport *t, const char *name)
{
	char longer[64];
	long value;

	if (t->xtcp)
		return from_list(name);
	value = from_pairs("/proc/net/snmp", name);
	if (value < 0)
		value = from_pairs("/proc/net/netstat", name);
	snprintf(longer, sizeof(longer), "TCP%s", name);
	return value < 0 ? from_pairs("/proc/net/netstat", longer) : value;
}

/** proc_table() - the file that lists this transport's sockets */
const char *proc_table(const struct xport *t)
{
	if (t->family == AF_INET)
		return t->xtcp ? "/proc/net/xtcp" : "/proc/net/tcp";
	return t->xtcp ? "/proc/net/xtcp6" : "/proc/net/tcp6";
}

/**
 * proc_count() - lines of proc_table() with these ports and state
 *
 * A negative argument fits everything. Returns -1 if the file is not there.
 */
int proc_count(const struct xport *t, int local_port, int remote_port, int state)
{
	FILE *f = fopen(proc_table(t), "r");
	unsigned int lport, rport, st;
	char line[512];
	int count = 0;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%x %x", &lport,
			   &rport, &st) != 3)
			continue;
		if ((local_port < 0 || (int)lport == local_port) &&
		    (remote_port < 0 || (int)rport == remote_port) &&
		    (state < 0 || (int)st == state))
			count++;
	}
	fclose(f);
	return count;
}

/** proc_becomes() - proc_count() once it is @want, or after two seconds */
int proc_becomes(const struct xport *t, int local_port, int remote_port, int state,
		 int want)
{
	int i, now = proc_count(t, local_port, remote_port, state);

	for (i = 0; i < 200 && now != want; i++) {
		nap_ms(10);
		now = proc_count(t, local_port, remote_port, state);
	}
	return now;
}
