// SPDX-License-Identifier: GPL-2.0
/*
 * libxtcpize.so: what xtcpize loads into a program, in front of the C library.
 *
 * socket() makes XTCP sockets of what would be TCP ones. Where only one role is to be turned
 * (--only), a socket is made for TCP and replaced when it shows its role, by connect() or
 * listen(): a new one with the options that the program has set takes its number.
 *
 * The program must not notice: errno is what its own call left, and nothing is allocated.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/xtcp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT	__attribute__((visibility("default")))

/* Set by xtcpize: letters v (verbose), 4, 6 (families), c or s (only clients or servers). */
static bool asked(char letter)
{
	const char *how = getenv("XTCPIZE");

	return how && strchr(how, letter);
}

static bool one_role(void)
{
	return asked('c') || asked('s');
}

static int kernel_socket(int domain, int type, int protocol)
{
	return syscall(SYS_socket, domain, type, protocol);
}

static int xtcp_socket(int domain, int type)
{
	return kernel_socket(AF_XTCP, type, domain == AF_INET6 ? XTCPPROTO_XTCP6 : XTCPPROTO_XTCP);
}

static void say(int fd, int domain, const char *what)
{
	int err = errno;

	if (asked('v'))
		fprintf(stderr, "xtcpize: %s[%d]: socket %d, IPv%d%s, is XTCP\n",
			program_invocation_short_name, getpid(), fd, domain == AF_INET6 ? 6 : 4, what);
	errno = err;
}

static bool family_asked(int domain)
{
	return (domain == AF_INET && asked('4')) || (domain == AF_INET6 && asked('6'));
}

EXPORT int socket(int domain, int type, int protocol)
{
	int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC), fd;

	if (!family_asked(domain) || kind != SOCK_STREAM ||
	    (protocol != 0 && protocol != IPPROTO_TCP) || one_role())
		return kernel_socket(domain, type, protocol);
	fd = xtcp_socket(domain, type);
	if (fd >= 0)
		say(fd, domain, "");
	return fd;
}

/* -- a socket that has shown its role ----------------------------------------------- */

/* What a program may have set before connect() or listen(); the value's size is the kernel's. */
static const struct {
	int level;
	int name;
} settings[] = {
	{ SOL_SOCKET, SO_REUSEADDR }, { SOL_SOCKET, SO_REUSEPORT }, { SOL_SOCKET, SO_KEEPALIVE },
	{ SOL_SOCKET, SO_LINGER }, { SOL_SOCKET, SO_OOBINLINE }, { SOL_SOCKET, SO_DONTROUTE },
	{ SOL_SOCKET, SO_SNDBUF }, { SOL_SOCKET, SO_RCVBUF }, { SOL_SOCKET, SO_RCVLOWAT },
	{ SOL_SOCKET, SO_RCVTIMEO }, { SOL_SOCKET, SO_SNDTIMEO }, { SOL_SOCKET, SO_TIMESTAMP },
	{ SOL_SOCKET, SO_MARK }, { SOL_SOCKET, SO_PRIORITY }, { SOL_SOCKET, SO_BINDTODEVICE },
	{ SOL_SOCKET, SO_BUSY_POLL }, { SOL_SOCKET, SO_MAX_PACING_RATE },
	{ SOL_SOCKET, SO_INCOMING_CPU }, { SOL_SOCKET, SO_ZEROCOPY },
	{ IPPROTO_TCP, TCP_NODELAY }, { IPPROTO_TCP, TCP_CORK }, { IPPROTO_TCP, TCP_MAXSEG },
	{ IPPROTO_TCP, TCP_KEEPIDLE }, { IPPROTO_TCP, TCP_KEEPINTVL }, { IPPROTO_TCP, TCP_KEEPCNT },
	{ IPPROTO_TCP, TCP_SYNCNT }, { IPPROTO_TCP, TCP_LINGER2 }, { IPPROTO_TCP, TCP_DEFER_ACCEPT },
	{ IPPROTO_TCP, TCP_WINDOW_CLAMP }, { IPPROTO_TCP, TCP_CONGESTION },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT }, { IPPROTO_TCP, TCP_NOTSENT_LOWAT },
	{ IPPROTO_IP, IP_TOS }, { IPPROTO_IP, IP_TTL }, { IPPROTO_IP, IP_MTU_DISCOVER },
	{ IPPROTO_IP, IP_FREEBIND }, { IPPROTO_IP, IP_TRANSPARENT }, { IPPROTO_IP, IP_RECVERR },
	{ IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT },
	{ IPPROTO_IPV6, IPV6_V6ONLY }, { IPPROTO_IPV6, IPV6_TCLASS },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS }, { IPPROTO_IPV6, IPV6_MTU_DISCOVER },
	{ IPPROTO_IPV6, IPV6_FREEBIND }, { IPPROTO_IPV6, IPV6_TRANSPARENT },
	{ IPPROTO_IPV6, IPV6_RECVERR },
};

struct value {
	char octets[64];
	socklen_t len;
};

static bool value_get(int fd, size_t i, struct value *v)
{
	memset(v, 0, sizeof(*v));
	v->len = sizeof(v->octets);
	return !getsockopt(fd, settings[i].level, settings[i].name, v->octets, &v->len);
}

/* What differs from @fresh, a TCP socket as the kernel makes it, goes to @to. */
static bool copy_settings(int from, int fresh, int to)
{
	struct value now, before;
	size_t i;
	int size;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		int name = settings[i].name, level = settings[i].level;

		if (!value_get(from, i, &now))
			continue;
		if (value_get(fresh, i, &before) && now.len == before.len &&
		    !memcmp(now.octets, before.octets, now.len))
			continue;
		if (level == SOL_SOCKET && (name == SO_SNDBUF || name == SO_RCVBUF)) {
			/* The kernel says twice what was asked for. */
			memcpy(&size, now.octets, sizeof(size));
			size /= 2;
			memcpy(now.octets, &size, sizeof(size));
		}
		if (setsockopt(to, level, name, now.octets, now.len))
			return false;
	}
	return true;
}

static bool copy_name(int from, int to)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);

	if (getsockname(from, (struct sockaddr *)&name, &len))
		return false;
	/* Both families have the port in the same place. */
	if (!((struct sockaddr_in *)&name)->sin_port)
		return true;
	return !bind(to, (struct sockaddr *)&name, len);
}

/* A new socket like @fd but for its transport, or -1. */
static int twin(int fd, int domain)
{
	int fresh = kernel_socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int to = xtcp_socket(domain, SOCK_STREAM | SOCK_CLOEXEC), flags = fcntl(fd, F_GETFL);

	if (fresh >= 0 && to >= 0 && flags >= 0 && copy_settings(fd, fresh, to) &&
	    !fcntl(to, F_SETFL, flags) && copy_name(fd, to)) {
		close(fresh);
		return to;
	}
	if (fresh >= 0)
		close(fresh);
	if (to >= 0)
		close(to);
	return -1;
}

static int number_of(int fd, int name)
{
	socklen_t len = sizeof(int);
	int value;

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) ? -1 : value;
}

/* Is @fd a TCP socket that nothing has begun with, of a family that is asked for? */
static bool untouched(int fd, int domain)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	return family_asked(domain) && number_of(fd, SO_PROTOCOL) == IPPROTO_TCP &&
	       !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) && info.tcpi_state == TCP_CLOSE;
}

/* @fd has shown its role: make it an XTCP socket. A failure is said, and leaves it TCP. */
static void turn(int fd, const char *what)
{
	int err = errno, domain = number_of(fd, SO_DOMAIN), to, flags;

	if (untouched(fd, domain)) {
		to = twin(fd, domain);
		flags = fcntl(fd, F_GETFD);
		if (to >= 0 && dup3(to, fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0) >= 0)
			say(fd, domain, what);
		else
			fprintf(stderr, "xtcpize: %s[%d]: socket %d stays TCP: %s\n",
				program_invocation_short_name, getpid(), fd, strerror(errno));
		if (to >= 0)
			close(to);
	}
	errno = err;
}

/* The C library's, or that of a library which was loaded behind us. */
#define NEXT(name)								\
	({									\
		static __typeof__(&(name)) next;				\
		if (!next)							\
			*(void **)&next = dlsym(RTLD_NEXT, #name);		\
		next;								\
	})

EXPORT int connect(int fd, const struct sockaddr *to, socklen_t len)
{
	if (asked('c') && to && len >= sizeof(to->sa_family) &&
	    (to->sa_family == AF_INET || to->sa_family == AF_INET6))
		turn(fd, ", a client");
	return NEXT(connect)(fd, to, len);
}

EXPORT int listen(int fd, int backlog)
{
	if (asked('s'))
		turn(fd, ", a server");
	return NEXT(listen)(fd, backlog);
}
