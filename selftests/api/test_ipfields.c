// SPDX-License-Identifier: GPL-2.0
/*
 * What options write into packets and how they steer them, compared with TCP: read from a
 * packet socket at the loopback device, and from where a connection ends up. The same on the
 * segments themselves is segment/test_ip.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in6.h>
#include <linux/xtcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif

/* A snapshot length for each packet is its mark or priority plus this. */
#define BASE 100

struct seen {
	int ttl, tos;
	unsigned int label;
	int len;		/* octets that the filter let through */
};

/* A socket that sees what leaves through lo; its filter may come later. */
static int tap_open(void)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = if_nametoindex("lo") };
	int fd = NEED(socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL)));

	NEED(bind(fd, (void *)&at, sizeof(at)));
	return fd;
}

/* The next data segment of this transport that was sent; false if none within a second. */
static bool tap_next(const struct xport *t, int fd, struct seen *seen)
{
	unsigned char buf[2048];
	struct sockaddr_ll from;
	socklen_t len;
	int proto, n;

	while (ready_within(fd, POLLIN, 1000)) {
		len = sizeof(from);
		n = NEED(recvfrom(fd, buf, sizeof(buf), 0, (void *)&from, &len));
		if (from.sll_pkttype != PACKET_OUTGOING || n < 40)
			continue;
		proto = buf[0] >> 4 == 4 ? buf[9] : buf[6];
		if (proto != (t->xtcp ? IPPROTO_XTCP : IPPROTO_TCP))
			continue;
		memset(seen, 0, sizeof(*seen));
		seen->len = n;
		if (buf[0] >> 4 == 4) {
			seen->tos = buf[1];
			seen->ttl = buf[8];
		} else {
			seen->tos = (buf[0] & 15) << 4 | buf[1] >> 4;
			seen->label = (buf[1] & 15) << 16 | buf[2] << 8 | buf[3];
			seen->ttl = buf[7];
		}
		return true;
	}
	return false;
}

static void tap_drop(int fd)
{
	char buf[64];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
		;
}

/* Send one octet from @from to @to: the packet that it was in. */
static struct seen one(const struct xport *t, int tap, int from, int to)
{
	struct seen seen = { 0 };
	char x;

	/* Acknowledgments of what was before. */
	nap_ms(100);
	tap_drop(tap);
	NEED(send(from, "x", 1, 0));
	TRUE(tap_next(t, tap, &seen));
	IS(recv(to, &x, 1, MSG_WAITALL), 1);
	return seen;
}

static int ip_level(const struct xport *t)
{
	return t->on == ON_V6 ? IPPROTO_IPV6 : IPPROTO_IP;
}

static int tos_option(const struct xport *t)
{
	return t->on == ON_V6 ? IPV6_TCLASS : IP_TOS;
}

static int ttl_option(const struct xport *t)
{
	return t->on == ON_V6 ? IPV6_UNICAST_HOPS : IP_TTL;
}

static void tos_and_ttl(const struct xport *t)
{
	struct pair p = pair_open(t);
	int tap = tap_open(), level = ip_level(t);
	struct seen seen = one(t, tap, p.c, p.s);

	IS(seen.tos, 0);
	IS(seen.ttl, 64);
	IS(set_int(p.c, level, tos_option(t), 0x2b), 0);
	IS(set_int(p.c, level, ttl_option(t), 33), 0);
	seen = one(t, tap, p.c, p.s);
	/* The two bits of ECN are not the user's. */
	IS(seen.tos, 0x28);
	IS(seen.ttl, 33);
	seen = one(t, tap, p.s, p.c);
	IS(seen.tos, 0);
	IS(seen.ttl, 64);
	IS(set_int(p.c, level, ttl_option(t), -1), 0);
	IS(one(t, tap, p.c, p.s).ttl, 64);
	pair_close(&p);
	close(tap);
}

/* A filter that gives each packet the length of its mark. */
static void tap_marks(int tap)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_MARK),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, BASE),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_fprog prog = { 3, code };

	NEED(setsockopt(tap, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)));
}

/* The same with its priority, which only the newer language can read. */
static void tap_priorities(int tap)
{
	struct bpf_insn code[] = {
		{ BPF_LDX | BPF_MEM | BPF_W, 0, 1, offsetof(struct __sk_buff, priority), 0 },
		{ BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, BASE },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (unsigned long)code,
		.insn_cnt = 3,
		.license = (unsigned long)"GPL",
	};
	int prog = NEED(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)));

	NEED(setsockopt(tap, SOL_SOCKET, SO_ATTACH_BPF, &prog, sizeof(prog)));
	close(prog);
}

/* A packet as long as what one() sends is cut to what the filter says. */
static int show_skb(const struct xport *t, int tap, int from, int to)
{
	char big[2000] = "", in[2000];
	struct seen seen = { 0 };

	nap_ms(100);
	tap_drop(tap);
	NEED(send(from, big, sizeof(big), 0));
	TRUE(tap_next(t, tap, &seen));
	IS(recv(to, in, sizeof(in), MSG_WAITALL), sizeof(in));
	return seen.len - BASE;
}

static void mark_and_priority(const struct xport *t)
{
	struct pair p = pair_open(t);
	int tap = tap_open();

	tap_marks(tap);
	IS(show_skb(t, tap, p.c, p.s), 0);
	IS(set_int(p.c, SOL_SOCKET, SO_MARK, 77), 0);
	IS(show_skb(t, tap, p.c, p.s), 77);
	IS(show_skb(t, tap, p.s, p.c), 0);
	close(tap);

	tap = tap_open();
	tap_priorities(tap);
	IS(show_skb(t, tap, p.c, p.s), 0);
	IS(set_int(p.c, SOL_SOCKET, SO_PRIORITY, 5), 0);
	IS(show_skb(t, tap, p.c, p.s), 5);
	/* IPv4's type of service sets it, too. */
	IS(set_int(p.s, ip_level(t), tos_option(t), 0x10), 0);
	SAW(show_skb(t, tap, p.s, p.c));
	SAW(get_int(p.s, SOL_SOCKET, SO_PRIORITY));
	pair_close(&p);
	close(tap);
}

/* A table that only marked sockets are routed by. */
static void mark_routes(const struct xport *t)
{
	struct addr far = addr_text(t, "198.51.100.1", "2001:db8:5::1", 7820);
	const char *v = t->on == ON_V6 ? "-6" : "-4";
	int c = NEED(sock(t));

	if (!net_run("ip %s rule add fwmark 9 lookup 100 && ip %s route add prohibit %s table 100",
		     v, v, t->on == ON_V6 ? "2001:db8:5::1" : "198.51.100.1"))
		NEED(-1);
	IS(sock_connect(c, far), -ENETUNREACH);
	IS(set_int(c, SOL_SOCKET, SO_MARK, 9), 0);
	IS(sock_connect(c, far), -EACCES);
	IS(set_int(c, SOL_SOCKET, SO_MARK, 0), 0);
	IS(sock_connect(c, far), -ENETUNREACH);
	close(c);
}

static void bound_to_device(const struct xport *t)
{
	struct addr here = addr_loopback(t, 7821);
	int l = NEED(sock(t)), c = NEED(sock(t)), other;
	char name[IFNAMSIZ];
	socklen_t len = sizeof(name);

	if (!net_run("ip link add name br0 type bridge && ip link set br0 up"))
		NEED(-1);
	other = if_nametoindex("br0");
	TRUE(other > 1);
	NEED(set_int(l, SOL_SOCKET, SO_REUSEADDR, 1));
	IS(setsockopt(l, SOL_SOCKET, SO_BINDTODEVICE, "br0", 4), 0);
	IS(sock_bind(l, addr_any(t, 7821)), 0);
	IS(listen(l, 4), 0);
	/* What comes by lo is not for a listener at br0. */
	IS(sock_connect(c, here), -ECONNREFUSED);
	close(c);
	IS(setsockopt(l, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), 0);
	c = NEED(sock(t));
	IS(setsockopt(c, SOL_SOCKET, SO_BINDTODEVICE, "br0", 4), 0);
	SAW(set_nonblock(c, true));
	SAW(sock_connect(c, here));
	close(c);
	c = NEED(sock(t));
	IS(set_int(c, SOL_SOCKET, SO_BINDTOIFINDEX, if_nametoindex("lo")), 0);
	IS(getsockopt(c, SOL_SOCKET, SO_BINDTODEVICE, name, &len), 0);
	TEXT_IS(name, "lo");
	IS(sock_connect(c, here), 0);
	other = NEED(accept(l, NULL, NULL));
	len = sizeof(name);
	IS(getsockopt(other, SOL_SOCKET, SO_BINDTODEVICE, name, &len), 0);
	TEXT_IS(name, "lo");
	close(other);
	close(c);
	close(l);
}

/* A foreign source address: nothing comes back, unless it is routed to us. */
static void foreign_source(const struct xport *t)
{
	struct addr foreign = addr_text(t, "203.0.113.7", "2001:db8:7::7", 0);
	const char *v = t->on == ON_V6 ? "-6" : "-4";
	bool v6 = t->on == ON_V6;
	int l = NEED(sock_listener(t, 7822, 4)), c = NEED(sock(t)), s;
	struct addr a;

	IS(sock_bind(c, foreign), -EADDRNOTAVAIL);
	IS(set_int(c, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, 1), 0);
	IS(sock_bind(c, foreign), 0);
	if (!net_run("ip %s route add local %s dev lo", v, v6 ? "2001:db8:7::7" : "203.0.113.7"))
		NEED(-1);
	IS(sock_connect(c, addr_loopback(t, 7822)), 0);
	a.len = sizeof(a.ss);
	s = NEED(accept(l, &a.sa, &a.len));
	oracle_text("peer", "%s", addr_show(&a));
	IS(send(c, "x", 1, 0), 1);
	EV_IS(ready_within(s, POLLIN, 2000), POLLIN);
	close(s);
	close(c);

	c = NEED(sock(t));
	IS(set_int(c, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_FREEBIND : IP_FREEBIND, 1), 0);
	IS(sock_bind(c, addr_text(t, "203.0.113.8", "2001:db8:7::8", 0)), 0);
	set_nonblock(c, true);
	SAW(sock_connect(c, addr_loopback(t, 7822)));
	close(c);
	/* A listener at an address that is none of ours yet. */
	close(l);
	l = NEED(sock(t));
	IS(set_int(l, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_FREEBIND : IP_FREEBIND, 1), 0);
	foreign = addr_text(t, "203.0.113.9", "2001:db8:7::9", 7823);
	IS(sock_bind(l, foreign), 0);
	IS(listen(l, 1), 0);
	if (!net_run("ip %s addr add %s dev lo%s", v, v6 ? "2001:db8:7::9/128" : "203.0.113.9/32",
		     v6 ? " nodad" : ""))
		NEED(-1);
	c = NEED(sock(t));
	IS(sock_connect(c, foreign), 0);
	close(c);
	close(l);
}

/* Multicast has no meaning for a stream. */
static void memberships(const struct xport *t)
{
	struct ip_mreqn four = { .imr_multiaddr.s_addr = htonl(0xe0000105), .imr_ifindex = 1 };
	struct ip_mreq_source source = { .imr_multiaddr = four.imr_multiaddr,
					 .imr_interface.s_addr = htonl(INADDR_LOOPBACK),
					 .imr_sourceaddr.s_addr = htonl(0xc0000201) };
	struct ipv6_mreq six = { .ipv6mr_interface = 1 };
	struct group_req group = { .gr_interface = 1 };
	int s = NEED(sock(t));

	inet_pton(AF_INET6, "ff02::105", &six.ipv6mr_multiaddr);
	IS(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &four, sizeof(four)), -EPROTO);
	IS(setsockopt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, &four, sizeof(four)), -EPROTO);
	SAW(setsockopt(s, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &six, sizeof(six)));
	SAW(setsockopt(s, IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, &six, sizeof(six)));
	SAW(setsockopt(s, IPPROTO_IPV6, IPV6_JOIN_ANYCAST, &six, sizeof(six)));
	group.gr_group.ss_family = AF_INET;
	((struct sockaddr_in *)&group.gr_group)->sin_addr.s_addr = htonl(0xe0000105);
	SAW(setsockopt(s, IPPROTO_IP, MCAST_JOIN_GROUP, &group, sizeof(group)));
	SAW(setsockopt(s, IPPROTO_IP, MCAST_LEAVE_GROUP, &group, sizeof(group)));
	SAW(setsockopt(s, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &source, sizeof(source)));
	SAW(setsockopt(s, IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, &source, sizeof(source)));
	group.gr_group.ss_family = AF_INET6;
	((struct sockaddr_in6 *)&group.gr_group)->sin6_addr = six.ipv6mr_multiaddr;
	SAW(setsockopt(s, IPPROTO_IPV6, MCAST_JOIN_GROUP, &group, sizeof(group)));
	SAW(setsockopt(s, IPPROTO_IPV6, MCAST_LEAVE_GROUP, &group, sizeof(group)));
	SAW(set_int(s, IPPROTO_IP, IP_MULTICAST_TTL, 3));
	SAW(set_int(s, IPPROTO_IP, IP_MULTICAST_LOOP, 0));
	SAW(set_int(s, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 3));
	SAW(set_int(s, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0));
	close(s);
}

/* The notes on what was received that a stream keeps for its reader to ask for. */
static void show_notes(const char *when, int fd, int level, int name)
{
	char buf[512], text[150] = "";
	socklen_t len = sizeof(buf);
	struct msghdr m = { .msg_control = buf };
	struct cmsghdr *c;

	if (getsockopt(fd, level, name, buf, &len)) {
		oracle_text(when, "%s", strerrorname_np(errno));
		return;
	}
	m.msg_controllen = len;
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		unsigned char *data = CMSG_DATA(c);
		size_t i, at = strlen(text);

		at += snprintf(text + at, sizeof(text) - at, " %d.%d=", c->cmsg_level,
			       c->cmsg_type);
		/* An extension header begins with the protocol behind it. */
		if (data[0] == IPPROTO_TCP || data[0] == IPPROTO_XTCP)
			data[0] = 0xee;
		for (i = 0; i < c->cmsg_len - CMSG_LEN(0) && at < sizeof(text) - 3; i++)
			at += snprintf(text + at, sizeof(text) - at, "%02x", data[i]);
	}
	oracle_text(when, "%d octets:%s", (int)len, text);
}

static void notes(const struct xport *t)
{
	static const int four[] = { IP_PKTINFO, IP_RECVTTL, IP_RECVTOS };
	static const int six[] = { IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS };
	int l = NEED(sock(t)), c = NEED(sock(t)), s, i, level = ip_level(t);
	bool v6 = t->on == ON_V6;
	int ask = v6 ? IPV6_2292PKTOPTIONS : IP_PKTOPTIONS;
	char x;

	for (i = 0; i < 3; i++)
		IS(set_int(l, level, v6 ? six[i] : four[i], 1), 0);
	NEED(sock_bind(l, addr_loopback(t, 7824)));
	NEED(listen(l, 1));
	IS(set_int(c, level, ttl_option(t), 61), 0);
	IS(set_int(c, level, tos_option(t), 0x48), 0);
	IS(sock_connect(c, addr_loopback(t, 7824)), 0);
	s = NEED(accept(l, NULL, NULL));
	for (i = 0; i < 3; i++)
		IS(get_int(s, level, v6 ? six[i] : four[i]), 1);
	show_notes("after the handshake", s, level, ask);
	IS(set_int(c, level, ttl_option(t), 59), 0);
	IS(set_int(c, level, tos_option(t), 0x50), 0);
	IS(send(c, "x", 1, 0), 1);
	IS(recv(s, &x, 1, MSG_WAITALL), 1);
	show_notes("after data", s, level, ask);
	show_notes("at the other end", c, level, ask);
	close(s);
	close(c);
	close(l);
}

/* Extension headers that one end puts into its packets and the other asks for. */
static void headers(const struct xport *t)
{
	/* Length and a PadN of four; the first octet is IP's to fill in. */
	static const char pad[8] = { 0, 0, 1, 4 };
	struct pair p = pair_open(t);
	char x;

	IS(set_int(p.s, IPPROTO_IPV6, IPV6_RECVHOPOPTS, 1), 0);
	IS(set_int(p.s, IPPROTO_IPV6, IPV6_RECVDSTOPTS, 1), 0);
	IS(send(p.c, "x", 1, 0), 1);
	IS(recv(p.s, &x, 1, MSG_WAITALL), 1);
	show_notes("without any", p.s, IPPROTO_IPV6, IPV6_2292PKTOPTIONS);
	IS(setsockopt(p.c, IPPROTO_IPV6, IPV6_HOPOPTS, pad, sizeof(pad)), 0);
	IS(setsockopt(p.c, IPPROTO_IPV6, IPV6_DSTOPTS, pad, sizeof(pad)), 0);
	IS(send(p.c, "x", 1, 0), 1);
	IS(recv(p.s, &x, 1, MSG_WAITALL), 1);
	show_notes("with both", p.s, IPPROTO_IPV6, IPV6_2292PKTOPTIONS);
	show_notes("asked again", p.s, IPPROTO_IPV6, IPV6_2292PKTOPTIONS);
	IS(setsockopt(p.c, IPPROTO_IPV6, IPV6_HOPOPTS, NULL, 0), 0);
	IS(send(p.c, "x", 1, 0), 1);
	IS(recv(p.s, &x, 1, MSG_WAITALL), 1);
	show_notes("with one", p.s, IPPROTO_IPV6, IPV6_2292PKTOPTIONS);
	IS(set_int(p.s, IPPROTO_IPV6, IPV6_RECVDSTOPTS, 0), 0);
	IS(send(p.c, "x", 1, 0), 1);
	IS(recv(p.s, &x, 1, MSG_WAITALL), 1);
	show_notes("not asked for", p.s, IPPROTO_IPV6, IPV6_2292PKTOPTIONS);
	pair_close(&p);
}

/* A label of the socket's own, which the address of connect() names. */
static void flow_label(const struct xport *t)
{
	struct in6_flowlabel_req req = { .flr_label = htonl(0x12345), .flr_action = IPV6_FL_A_GET,
					 .flr_flags = IPV6_FL_F_CREATE,
					 .flr_share = IPV6_FL_S_EXCL };
	int l = NEED(sock_listener(t, 7825, 4)), c = NEED(sock(t)), s, tap = tap_open();
	struct addr to = addr_loopback(t, 7825);

	inet_pton(AF_INET6, "::1", &req.flr_dst);
	to.in6.sin6_flowinfo = htonl(0x12345);
	/* Without the option it is not looked at. */
	IS(sock_connect(c, to), 0);
	s = NEED(accept(l, NULL, NULL));
	TRUE(one(t, tap, c, s).label != 0x12345);
	close(s);
	close(c);
	c = NEED(sock(t));
	IS(set_int(c, IPPROTO_IPV6, IPV6_FLOWINFO_SEND, 1), 0);
	IS(setsockopt(c, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &req, sizeof(req)), 0);
	to.in6.sin6_flowinfo = htonl(0x54321);
	IS(sock_connect(c, to), -EINVAL);
	to.in6.sin6_flowinfo = htonl(0x12345);
	IS(sock_connect(c, to), 0);
	s = NEED(accept(l, NULL, NULL));
	IS(one(t, tap, c, s).label, 0x12345);
	TRUE(one(t, tap, s, c).label != 0x12345);
	close(s);
	close(c);
	/* Told not to, the kernel makes none. */
	c = NEED(sock(t));
	IS(set_int(c, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 0), 0);
	IS(sock_connect(c, addr_loopback(t, 7825)), 0);
	s = NEED(accept(l, NULL, NULL));
	IS(one(t, tap, c, s).label, 0);
	close(s);
	close(c);
	close(l);
	close(tap);
}

/* Ports that the kernel chooses for one socket; Linux 6.3 and Debian's 6.1 have it. */
static void port_range(const struct xport *t)
{
	int s[5], c = NEED(sock(t)), l = NEED(sock_listener(t, 7827, 1)), i;
	struct addr a;

	for (i = 0; i < 5; i++) {
		s[i] = NEED(sock(t));
		IS(set_int(s[i], IPPROTO_IP, IP_LOCAL_PORT_RANGE, 45003 << 16 | 45000), 0);
		SAW(sock_bind(s[i], addr_loopback(t, 0)));
		a = addr_local(s[i]);
		oracle_text("port", "%s", addr_port(&a) >= 45000 && addr_port(&a) <= 45003 ?
			    "of the range" : addr_port(&a) ? "another" : "none");
	}
	IS(set_int(c, IPPROTO_IP, IP_LOCAL_PORT_RANGE, 45010 << 16 | 45010), 0);
	IS(sock_connect(c, addr_loopback(t, 7827)), 0);
	a = addr_local(c);
	IS(addr_port(&a), 45010);
	for (i = 0; i < 5; i++)
		close(s[i]);
	close(c);
	close(l);
}

/* SO_DONTROUTE and MSG_DONTROUTE leave what is behind a router alone. */
static void no_gateway(const struct xport *t)
{
	struct addr far = addr_text(t, "198.51.100.9", "2001:db8:6::9", 7826);
	int c = NEED(sock_flags(t, SOCK_NONBLOCK));

	if (!net_run("ip link add name br0 type bridge && ip link set br0 up && "
		     "ip addr add 192.0.2.1/24 dev br0 && ip addr add 2001:db8::1/64 dev br0 nodad"))
		NEED(-1);
	if (!net_run("ip route add default via 192.0.2.2 && ip -6 route add default via 2001:db8::2"))
		NEED(-1);
	IS(sock_connect(c, far), -EINPROGRESS);
	close(c);
	c = NEED(sock_flags(t, SOCK_NONBLOCK));
	IS(set_int(c, SOL_SOCKET, SO_DONTROUTE, 1), 0);
	SAW(sock_connect(c, far));
	close(c);
}

static const struct oracle_case cases[] = {
	CASE("IP_TOS, IPV6_TCLASS, IP_TTL, IPV6_UNICAST_HOPS", tos_and_ttl, ON_ALL, 18),
	CASE("SO_MARK and SO_PRIORITY of packets", mark_and_priority, ON_ALL, 21),
	CASE("SO_MARK chooses the route", mark_routes, ON_BOTH, 5),
	CASE("SO_BINDTODEVICE", bound_to_device, ON_BOTH, 15),
	CASE("IP_TRANSPARENT and IP_FREEBIND", foreign_source, ON_BOTH, 12),
	CASE("SO_DONTROUTE", no_gateway, ON_BOTH, 3),
	CASE("IP_LOCAL_PORT_RANGE", port_range, ON_BOTH, 18),
	CASE("multicast", memberships, ON_BOTH, 15),
	CASE("IP_PKTOPTIONS, IPV6_2292PKTOPTIONS", notes, ON_BOTH, 14),
	CASE("IPV6_HOPOPTS, IPV6_DSTOPTS", headers, ON_V6, 18),
	CASE("flow labels", flow_label, ON_V6, 18),
};

ORACLE_MAIN("Options that reach the packets compared with TCP", cases)
