// SPDX-License-Identifier: GPL-2.0
/* socket(), bind(), listen() and the names of sockets, compared with TCP. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/xtcp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

/* Where the kernel has SCTP, AF_INET's answer is a socket of that: nothing to compare with. */
static int seqpacket(const struct xport *t)
{
	if (t->xtcp)
		return socket(t->domain, SOCK_SEQPACKET, t->protocol);
	errno = ESOCKTNOSUPPORT;
	return -1;
}

static void socket_types(const struct xport *t)
{
	int fd;

	/* Only a stream exists here; AF_INET has datagrams of another protocol. */
	BY_DESIGN(t, socket(t->domain, SOCK_DGRAM, IPPROTO_TCP), -EPROTONOSUPPORT,
		  -ESOCKTNOSUPPORT);
	IS(seqpacket(t), -ESOCKTNOSUPPORT);
	SAW(socket(t->domain, SOCK_RDM, t->protocol));
	IS(socket(t->domain, 0, t->protocol), -ESOCKTNOSUPPORT);
	IS(socket(t->domain, 15, t->protocol), -EINVAL);
	IS(socket(t->domain, -1, t->protocol), -EINVAL);
	IS(socket(t->domain, SOCK_STREAM | 0x10, t->protocol), -EINVAL);
	IS(socket(t->domain, SOCK_STREAM, 77), -EPROTONOSUPPORT);
	IS(socket(t->domain, SOCK_STREAM, IPPROTO_UDP), -EPROTONOSUPPORT);
	SAW(socket(t->domain, SOCK_STREAM, -1));
	SAW(socket(t->domain, SOCK_STREAM, 65536));
	SAW(socketpair(t->domain, SOCK_STREAM, t->protocol, (int[2]){ 0 }));

	fd = NEED(sock_flags(t, SOCK_CLOEXEC));
	IS(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	IS(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
	fd = NEED(sock_flags(t, SOCK_NONBLOCK));
	IS(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	IS(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	IS(get_int(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	/* The family of the addresses, which is what programs use it for. */
	IS(get_int(fd, SOL_SOCKET, SO_DOMAIN), t->family);
	/* The one number that tells the two apart. */
	BY_DESIGN(t, get_int(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP, IPPROTO_XTCP);
	IS(get_int(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
	IS(get_int(fd, SOL_SOCKET, SO_ERROR), 0);
	EV_IS(ready(fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI), POLLOUT | POLLHUP);
	IS(close(fd), 0);
}

static void xtcp_protocol_numbers(const struct xport *t)
{
	int fd;

	/* IPv4 has a second name for its protocol, as IPPROTO_TCP is one of 0. */
	if (t->on == ON_V4) {
		fd = IS(socket(t->domain, SOCK_STREAM,
			       t->xtcp ? IPPROTO_XTCP : IPPROTO_TCP) >= 0, 1);
	}
	fd = NEED(sock(t));
	SAW(get_int(fd, IPPROTO_IP, IP_TTL));
	SAW(get_int(fd, IPPROTO_IPV6, IPV6_V6ONLY));
	SAW(get_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS));
	close(fd);
}

static void bind_errors(const struct xport *t)
{
	struct addr a = addr_loopback(t, 4000), local;
	int s = NEED(sock(t)), s2 = NEED(sock(t));
	char longer[256] = { 0 };

	IS(bind(-1, &a.sa, a.len), -EBADF);
	IS(bind(s, NULL, a.len), -EFAULT);
	IS(bind(s, (void *)8, a.len), -EFAULT);
	IS(bind(s, &a.sa, 0), -EINVAL);
	IS(bind(s, &a.sa, 1), -EINVAL);
	IS(bind(s, &a.sa, sizeof(sa_family_t)), -EINVAL);
	SAW(bind(s, &a.sa, sizeof(struct sockaddr_in) - 1));
	SAW(bind(s, &a.sa, sizeof(struct sockaddr_in)));
	close(s);
	s = NEED(sock(t));
	/* RFC 2133 had 24 bytes; the kernel still takes them. */
	SAW(bind(s, &a.sa, 24));
	close(s);
	s = NEED(sock(t));
	SAW(bind(s, &a.sa, 23));
	close(s);
	s = NEED(sock(t));
	IS(bind(s, &a.sa, -1), -EINVAL);
	IS(bind(s, &a.sa, sizeof(struct sockaddr_storage) + 1), -EINVAL);

	a = addr_loopback(t, 4000);
	a.sa.sa_family = AF_UNIX;
	SAW(sock_bind(s, a));
	a.sa.sa_family = AF_UNSPEC;
	SAW(sock_bind(s, a));
	a.sa.sa_family = t->family == AF_INET ? AF_INET6 : AF_INET;
	SAW(sock_bind(s, a));

	IS(sock_bind(s, addr_text(t, "192.0.2.1", "2001:db8::1", 4000)), -EADDRNOTAVAIL);
	local = addr_local(s);
	IS(addr_port(&local), 0);
	close(s);
	s = NEED(sock(t));
	SAW(sock_bind(s, addr_text(t, "224.0.0.1", "ff02::1", 4000)));
	close(s);
	s = NEED(sock(t));
	SAW(sock_bind(s, addr_text(t, "255.255.255.255", "ff0e::1", 4000)));
	close(s);
	s = NEED(sock(t));

	/* A longer address is fine: the kernel reads what it knows. */
	a = addr_loopback(t, 4001);
	memcpy(longer, &a.ss, a.len);
	IS(bind(s, (void *)longer, sizeof(struct sockaddr_storage)), 0);
	IS(sock_bind(s, addr_loopback(t, 4002)), -EINVAL);
	IS(sock_bind(s, addr_loopback(t, 4001)), -EINVAL);
	IS(sock_bind(s2, addr_loopback(t, 4001)), -EADDRINUSE);
	IS(sock_bind(s2, addr_any(t, 4001)), -EADDRINUSE);
	IS(sock_bind(s2, addr_loopback(t, 4002)), 0);
	local = addr_local(s2);
	IS(addr_port(&local), 4002);
	oracle_text("local name", "%s", addr_show(&local));
	close(s);
	close(s2);
	s = NEED(sock(t));
	IS(sock_bind(s, addr_loopback(t, 4001)), 0);
	close(s);
}

static void bind_any_unspec(const struct xport *t)
{
	struct addr a = addr_any(t, 4003);
	int s = NEED(sock(t));

	/* AF_UNSPEC with the wildcard is what old programs bind to. */
	a.sa.sa_family = AF_UNSPEC;
	SAW(sock_bind(s, a));
	close(s);

	s = NEED(sock(t));
	IS(sock_bind(s, addr_any(t, 4004)), 0);
	a = addr_local(s);
	oracle_text("wildcard name", "%s", addr_show(&a));
	IS(addr_port(&a), 4004);
	close(s);

	s = NEED(sock(t));
	IS(sock_bind(s, addr_any(t, 0)), 0);
	a = addr_local(s);
	TRUE(addr_port(&a) >= 1024);
	close(s);

	if (t->family != AF_INET6)
		return;
	/* A link-local address needs an interface. */
	s = NEED(sock(t));
	a = addr_text(t, "127.0.0.1", "fe80::1", 4005);
	SAW(sock_bind(s, a));
	a.in6.sin6_scope_id = 1;
	SAW(sock_bind(s, a));
	a.in6.sin6_scope_id = 99;
	SAW(sock_bind(s, a));
	close(s);
}

/* The family's own number in an address means the same as AF_INET or AF_INET6. */
static void own_family_number(const struct xport *t)
{
	struct addr a = addr_loopback(t, 4008), b;
	int l = NEED(sock(t)), c = NEED(sock(t));

	a.sa.sa_family = AF_XTCP;
	BY_DESIGN(t, sock_bind(l, a), -EAFNOSUPPORT, 0);
	if (!t->xtcp)
		NEED(sock_bind(l, addr_loopback(t, 4008)));
	NEED(listen(l, 1));
	BY_DESIGN(t, sock_connect(c, a), -EAFNOSUPPORT, 0);
	if (!t->xtcp)
		NEED(sock_connect(c, addr_loopback(t, 4008)));
	/* What the kernel gives back is always the plain family. */
	b = addr_local(l);
	IS(b.sa.sa_family, t->family);
	b = addr_peer(c);
	IS(b.sa.sa_family, t->family);
	IS(addr_port(&b), 4008);
	oracle_text("peer", "%s", addr_show(&b));
	close(l);
	close(c);
}

static void bind_privileged(const struct xport *t)
{
	int s;

	s = NEED(sock(t));
	IS(sock_bind(s, addr_loopback(t, 80)), 0);
	close(s);
	NEED(sysctl_put("net/ipv4/ip_unprivileged_port_start", "1024"));
	NEED(setresgid(65534, 65534, 65534));
	NEED(setresuid(65534, 65534, 65534));
	s = NEED(sock(t));
	IS(sock_bind(s, addr_loopback(t, 80)), -EACCES);
	IS(sock_bind(s, addr_loopback(t, 1023)), -EACCES);
	IS(sock_bind(s, addr_loopback(t, 1024)), 0);
	close(s);
}

static void bind_unprivileged_start(const struct xport *t)
{
	int s;

	NEED(sysctl_put("net/ipv4/ip_unprivileged_port_start", "79"));
	NEED(setresgid(65534, 65534, 65534));
	NEED(setresuid(65534, 65534, 65534));
	s = NEED(sock(t));
	IS(sock_bind(s, addr_loopback(t, 78)), -EACCES);
	IS(sock_bind(s, addr_loopback(t, 79)), 0);
	close(s);
}

static void bind_options(const struct xport *t)
{
	struct addr foreign = addr_text(t, "192.0.2.1", "2001:db8::1", 4010);
	int s = NEED(sock(t));

	IS(sock_bind(s, foreign), -EADDRNOTAVAIL);
	IS(set_int(s, IPPROTO_IP, IP_FREEBIND, 1), 0);
	IS(sock_bind(s, foreign), 0);
	close(s);

	s = NEED(sock(t));
	IS(set_int(s, IPPROTO_IP, IP_TRANSPARENT, 1), 0);
	IS(sock_bind(s, foreign), 0);
	close(s);

	/* The port is chosen only when connect() knows the other end. */
	s = NEED(sock(t));
	IS(set_int(s, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1), 0);
	IS(sock_bind(s, addr_loopback(t, 0)), 0);
	foreign = addr_local(s);
	IS(addr_port(&foreign), 0);
	IS(listen(s, 1), 0);
	foreign = addr_local(s);
	TRUE(addr_port(&foreign) > 0);
	close(s);

	s = NEED(sock(t));
	IS(setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), 0);
	IS(sock_bind(s, addr_loopback(t, 4011)), 0);
	IS(setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "nodev", 6), -ENODEV);
	close(s);
}

static void listen_states(const struct xport *t)
{
	struct addr a;
	struct pair p;
	int s = NEED(sock(t)), c;

	IS(listen(-1, 1), -EBADF);
	IS(get_int(s, SOL_SOCKET, SO_ACCEPTCONN), 0);
	/* Unbound: listen() finds a port itself. */
	IS(listen(s, 1), 0);
	IS(get_int(s, SOL_SOCKET, SO_ACCEPTCONN), 1);
	a = addr_local(s);
	TRUE(addr_port(&a) >= 1024);
	oracle_text("name after listen", "%s", addr_show(&a));
	EV_IS(ready(s, POLLIN | POLLOUT | POLLRDHUP), 0);
	IS(listen(s, 5), 0);
	IS(listen(s, 0), 0);
	IS(listen(s, -1), 0);
	IS(sock_bind(s, addr_loopback(t, 4020)), -EINVAL);
	IS(sock_connect(s, a), -EISCONN);
	IS(send(s, "x", 1, MSG_NOSIGNAL), -EPIPE);
	IS(recv(s, &c, 1, 0), -ENOTCONN);
	IS(getpeername(s, &a.sa, &a.len), -ENOTCONN);
	IS(close(s), 0);

	p = pair_open(t);
	IS(listen(p.c, 1), -EINVAL);
	IS(listen(p.s, 1), -EINVAL);
	IS(get_int(p.s, SOL_SOCKET, SO_ACCEPTCONN), 0);
	pair_close(&p);

	/* shutdown() for reading takes the listener back to a plain socket. */
	s = NEED(sock_listener(t, 4021, 4));
	IS(shutdown(s, SHUT_WR), 0);
	IS(get_int(s, SOL_SOCKET, SO_ACCEPTCONN), 1);
	IS(shutdown(s, SHUT_RD), 0);
	IS(get_int(s, SOL_SOCKET, SO_ACCEPTCONN), 0);
	IS(accept(s, NULL, NULL), -EINVAL);
	EV(ready(s, POLLIN | POLLOUT | POLLRDHUP));
	a = addr_local(s);
	SAW(addr_port(&a));
	c = NEED(sock(t));
	IS(sock_connect(c, addr_loopback(t, 4021)), -ECONNREFUSED);
	close(c);
	IS(listen(s, 4), 0);
	c = NEED(sock(t));
	IS(sock_connect(c, addr_loopback(t, 4021)), 0);
	close(c);
	close(s);
}

static void listen_conflict(const struct xport *t)
{
	int a = NEED(sock(t)), b = NEED(sock(t));

	IS(set_int(a, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	IS(set_int(b, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	IS(sock_bind(a, addr_loopback(t, 4030)), 0);
	IS(sock_bind(b, addr_loopback(t, 4030)), 0);
	IS(listen(a, 1), 0);
	/* Both are bound, but only one may listen. */
	IS(listen(b, 1), -EADDRINUSE);
	SAW(get_int(b, SOL_SOCKET, SO_ACCEPTCONN));
	close(a);
	SAW(listen(b, 1));
	close(b);
}

static void names(const struct xport *t)
{
	struct addr a, b;
	socklen_t len;
	struct pair p;
	int s = NEED(sock(t));

	a = addr_local(s);
	oracle_text("unbound name", "%s port %d", addr_show(&a), addr_port(&a));
	a.len = sizeof(a.ss);
	IS(getpeername(s, &a.sa, &a.len), -ENOTCONN);
	close(s);

	p = pair_open(t);
	a = addr_local(p.c);
	b = addr_peer(p.s);
	oracle_text("client", "%s", addr_show(&a));
	oracle_text("client seen by the server", "%s", addr_show(&b));
	IS(addr_port(&a) - addr_port(&b), 0);
	a = addr_peer(p.c);
	b = addr_local(p.s);
	oracle_text("server", "%s", addr_show(&b));
	oracle_text("server seen by the client", "%s", addr_show(&a));
	IS(addr_port(&a) - addr_port(&b), 0);
	IS(addr_port(&a) - addr_port(&p.at), 0);

	memset(&a, 0x55, sizeof(a));
	len = 0;
	IS(getsockname(p.c, &a.sa, &len), 0);
	IS(len, t->family == AF_INET ? sizeof(a.in) : sizeof(a.in6));
	IS(a.sa.sa_family, 0x5555);
	len = 2;
	IS(getpeername(p.c, &a.sa, &len), 0);
	IS(len, t->family == AF_INET ? sizeof(a.in) : sizeof(a.in6));
	IS(a.sa.sa_family, t->family);
	IS(a.in.sin_port, 0x5555);
	len = -1;
	IS(getsockname(p.c, &a.sa, &len), -EINVAL);
	IS(getsockname(p.c, &a.sa, NULL), -EFAULT);
	len = sizeof(a.ss);
	IS(getsockname(p.c, NULL, &len), -EFAULT);
	len = sizeof(a.ss);
	IS(getpeername(p.c, (void *)8, &len), -EFAULT);
	IS(getpeername(-1, &a.sa, &len), -EBADF);

	/* Half-closed is still connected. */
	IS(shutdown(p.c, SHUT_WR), 0);
	a.len = sizeof(a.ss);
	IS(getpeername(p.c, &a.sa, &a.len), 0);
	a.len = sizeof(a.ss);
	IS(getpeername(p.s, &a.sa, &a.len), 0);
	close(p.s);
	EV_IS(ready_within(p.c, POLLIN, 2000), POLLIN | POLLHUP);
	a.len = sizeof(a.ss);
	SAW(getpeername(p.c, &a.sa, &a.len));
	SAW(getsockname(p.c, &a.sa, &a.len));
	close(p.c);
	close(p.l);
}

static void dual_stack(const struct xport *t)
{
	struct addr any = addr_any(t, 4040), a;
	struct xport v4 = *t;
	int l = NEED(sock(t)), c, s;

	v4.on = ON_V4;
	v4.domain = t->xtcp ? AF_XTCP : AF_INET;
	v4.protocol = 0;
	v4.family = AF_INET;

	IS(get_int(l, IPPROTO_IPV6, IPV6_V6ONLY), 0);
	IS(sock_bind(l, any), 0);
	IS(listen(l, 4), 0);
	c = NEED(sock(&v4));
	IS(sock_connect(c, addr_loopback(&v4, 4040)), 0);
	a.len = sizeof(a.ss);
	s = accept(l, &a.sa, &a.len);
	TRUE(s >= 0);
	oracle_text("v4 client of a v6 listener", "%s", addr_show(&a));
	a = addr_local(s);
	oracle_text("its local name", "%s", addr_show(&a));
	IS(send(c, "over v4", 7, 0), 7);
	IS(recv(s, &a, 7, MSG_WAITALL), 7);
	IS(get_int(s, SOL_SOCKET, SO_DOMAIN), AF_INET6);
	SAW(get_int(s, IPPROTO_IPV6, IPV6_V6ONLY));
	/* The kernel allows this by protocol number. */
	BY_DESIGN(t, get_int(s, IPPROTO_IPV6, IPV6_ADDRFORM), AF_INET6, -ENOPROTOOPT);
	close(c);
	close(s);
	close(l);

	l = NEED(sock(t));
	IS(set_int(l, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
	IS(get_int(l, IPPROTO_IPV6, IPV6_V6ONLY), 1);
	IS(sock_bind(l, any), 0);
	SAW(set_int(l, IPPROTO_IPV6, IPV6_V6ONLY, 0));
	IS(listen(l, 4), 0);
	c = NEED(sock(&v4));
	IS(sock_connect(c, addr_loopback(&v4, 4040)), -ECONNREFUSED);
	close(c);
	/* With V6ONLY the same port of IPv4 is free. */
	s = NEED(sock(&v4));
	IS(sock_bind(s, addr_any(&v4, 4040)), 0);
	IS(listen(s, 1), 0);
	close(s);
	close(l);

	l = NEED(sock(t));
	IS(set_int(l, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
	v4.on = ON_MAPPED;
	SAW(sock_bind(l, addr_loopback(&v4, 4041)));
	SAW(sock_connect(l, addr_loopback(&v4, 4041)));
	close(l);
}

static const struct oracle_case cases[] = {
	CASE("socket types and protocols", socket_types, ON_BOTH, 20),
	CASE("protocol numbers", xtcp_protocol_numbers, ON_BOTH, 3),
	CASE("bind errors", bind_errors, ON_ALL, 20),
	CASE("bind to the wildcard", bind_any_unspec, ON_ALL, 6),
	CASE("addresses with AF_XTCP", own_family_number, ON_BOTH, 6),
	CASE("bind below 1024 without CAP_NET_BIND_SERVICE", bind_privileged, ON_ALL, 4),
	CASE("bind below ip_unprivileged_port_start", bind_unprivileged_start, ON_BOTH, 2),
	CASE("bind with IP_FREEBIND and the like", bind_options, ON_BOTH, 10),
	CASE("listen in every state", listen_states, ON_ALL, 28),
	CASE("two listeners on one port", listen_conflict, ON_BOTH, 7),
	CASE("getsockname and getpeername", names, ON_ALL, 25),
	CASE("dual stack", dual_stack, ON_V6, 20),
};

ORACLE_MAIN("socket(), bind(), listen(), getsockname() and getpeername() compared with TCP",
	    cases)
