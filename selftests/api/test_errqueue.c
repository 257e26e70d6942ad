// SPDX-License-Identifier: GPL-2.0
/*
 * ICMP errors and the error queue, compared with TCP: IP_RECVERR, MSG_ERRQUEUE, SO_ERROR, poll.
 *
 * A SYN goes into a dummy device, where it is read back; the message that quotes it comes from
 * a raw socket. So every octet of what the queue returns is known.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

#define PORT		7700
#define ICMP_HEAD	8
#define RFC4884_QUOTED	128	/* octets that a message with extensions quotes at least */
#ifndef IP_RECVERR_RFC4884
#define IP_RECVERR_RFC4884	26
#endif
#ifndef IPV6_RECVERR_RFC4884
#define IPV6_RECVERR_RFC4884	31
#endif

/* A message: type, code, and the second word of its header. */
struct message {
	int type;
	int code;
	unsigned int word;
};

/* What a message quotes: a packet of ours from its IP header on. */
struct quote {
	unsigned char octets[2048];
	int len;
	int head;	/* of them the IP header */
};

static bool is_v4(const struct xport *t)
{
	return t->on != ON_V6;
}

/* A socket that sees what @dev sends. */
static int sniff(const char *dev)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = NEED(if_nametoindex(dev)),
	};
	int fd = NEED(socket(AF_PACKET, SOCK_DGRAM, 0));

	NEED(bind(fd, (struct sockaddr *)&at, sizeof(at)));
	return fd;
}

/* A device that swallows all; what it swallows can be read. */
static int hole(const struct xport *t)
{
	TRUE(net_run("ip link add hole type dummy && ip link set hole up"));
	TRUE(net_run("ip addr add 192.0.2.1/24 dev hole"));
	TRUE(net_run("ip addr add 2001:db8::1/64 dev hole nodad"));
	return sniff("hole");
}

static struct addr nobody(const struct xport *t)
{
	return addr_text(t, "192.0.2.2", "2001:db8::2", PORT);
}

/* Is @q a segment from our port @from to @port with @data octets of text? */
static bool is_to(const struct xport *t, const struct quote *q, int from, int port, int data)
{
	const unsigned char *th = q->octets + q->head;

	return q->octets[0] >> 4 == (is_v4(t) ? 4 : 6) && q->len >= q->head + 20 &&
	       q->octets[is_v4(t) ? 9 : 6] == (t->xtcp ? 253 : IPPROTO_TCP) &&
	       th[0] == from >> 8 && th[1] == (from & 0xff) &&
	       th[2] == port >> 8 && th[3] == (port & 0xff) &&
	       q->len == q->head + (th[12] >> 4) * 4 + data;
}

/* The next such segment of @fd that @sniffer sees; an earlier socket may have sent its SYN twice. */
static void overhear(const struct xport *t, int sniffer, int fd, int port, int data,
		     struct quote *q)
{
	struct addr us = addr_local(fd);
	int from = addr_port(&us);

	q->head = is_v4(t) ? 20 : 40;
	do {
		NEED(ready_within(sniffer, POLLIN, 5000) & POLLIN ? 0 : -1);
		q->len = NEED(recv(sniffer, q->octets, sizeof(q->octets), 0));
	} while (!is_to(t, q, from, port, data));
}

/* Octets of the message that follow its header. */
static int quoted(const struct quote *q, bool extended, unsigned char *to)
{
	static const unsigned char extension[] = {
		0x20, 0, 0, 0, 0, 8, 1, 1, 'a', 'b', 'c', 'd'
	};
	int len = q->len;

	memcpy(to, q->octets, len);
	if (!extended)
		return len;
	/* Padded, then a header of version 2 without checksum, then one object of 8 octets. */
	memset(to + len, 0, RFC4884_QUOTED - len);
	len = RFC4884_QUOTED;
	memcpy(to + len, extension, sizeof(extension));
	return len + sizeof(extension);
}

static unsigned int sum16(const unsigned char *p, int len)
{
	unsigned int sum = 0;
	int i;

	for (i = 0; i < len; i++)
		sum += i % 2 ? p[i] : p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* Send @m about @q to where @q came from. */
static void complain(const struct xport *t, const struct message *m, const struct quote *q,
		     bool extended)
{
	int fd = NEED(socket(is_v4(t) ? AF_INET : AF_INET6, SOCK_RAW,
			     is_v4(t) ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6));
	unsigned char out[4096] = { m->type, m->code };
	unsigned int word = htonl(m->word);
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	int len;

	memcpy(out + 4, &word, sizeof(word));
	if (extended)
		out[is_v4(t) ? 5 : 4] = RFC4884_QUOTED / (is_v4(t) ? 4 : 8);
	len = ICMP_HEAD + quoted(q, extended, out + ICMP_HEAD);
	if (is_v4(t)) {
		unsigned int sum = sum16(out, len);

		out[2] = sum >> 8;
		out[3] = sum;
		memcpy(&in.sin_addr, q->octets + 12, 4);
		NEED(sendto(fd, out, len, 0, (struct sockaddr *)&in, sizeof(in)));
	} else {
		memcpy(&in6.sin6_addr, q->octets + 8, 16);
		NEED(sendto(fd, out, len, 0, (struct sockaddr *)&in6, sizeof(in6)));
	}
	close(fd);
}

/* Record one control message in words. */
static void tell_control(const struct cmsghdr *c)
{
	struct {
		struct sock_extended_err ee;
		struct sockaddr_in6 offender;
	} e = { 0 };
	char text[INET6_ADDRSTRLEN] = "";
	unsigned int len = c->cmsg_len - CMSG_LEN(0);

	oracle_text("control", "level %d type %d length %u", c->cmsg_level, c->cmsg_type, len);
	if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
	    !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
		return;
	memcpy(&e, CMSG_DATA(c), len < sizeof(e) ? len : sizeof(e));
	oracle_text("error", "%s origin %u type %u code %u pad %u info %u data %x",
		    strerrorname_np(e.ee.ee_errno), e.ee.ee_origin, e.ee.ee_type, e.ee.ee_code,
		    e.ee.ee_pad, e.ee.ee_info, e.ee.ee_data);
	if (e.offender.sin6_family == AF_INET6)
		inet_ntop(AF_INET6, &e.offender.sin6_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET, &((struct sockaddr_in *)&e.offender)->sin_addr, text,
			  sizeof(text));
	oracle_text("offender", "family %d %s port %u", e.offender.sin6_family, text,
		    ntohs(e.offender.sin6_port));
}

/*
 * Read the error queue of @fd with @room octets of payload and @control octets for the rest;
 * the payload is what @q had behind its IP header, and perhaps extensions.
 */
static long read_error(int fd, const struct quote *q, bool extended, size_t room, size_t control)
{
	unsigned char buf[4096], want[4096], ctl[512];
	struct addr from = { .len = sizeof(from.ss) };
	struct iovec iov = { buf, room };
	struct msghdr msg = {
		.msg_name = &from.ss,
		.msg_namelen = sizeof(from.ss),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ctl,
		.msg_controllen = control,
	};
	long n = SAW(recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT));
	struct cmsghdr *c;

	if (n < 0)
		return n;
	SAW(msg.msg_flags);
	SAW(msg.msg_namelen);
	from.len = msg.msg_namelen;
	if (from.len)
		oracle_text("name", "%s", addr_show(&from));
	quoted(q, extended, want);
	IS(memcmp(buf, want + q->head, n), 0);
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		tell_control(c);
	return n;
}

static void set_recverr(const struct xport *t, int fd, int on)
{
	if (t->on != ON_V4)
		IS(set_int(fd, IPPROTO_IPV6, IPV6_RECVERR, on), 0);
	if (is_v4(t))
		IS(set_int(fd, IPPROTO_IP, IP_RECVERR, on), 0);
}

/* A socket whose SYN has left, and that SYN. */
static int opening(const struct xport *t, int sniffer, bool recverr, struct quote *q)
{
	int fd = NEED(sock_flags(t, SOCK_NONBLOCK));

	set_recverr(t, fd, recverr);
	IS(sock_connect(fd, nobody(t)), -EINPROGRESS);
	overhear(t, sniffer, fd, PORT, 0, q);
	return fd;
}

static const struct message messages4[] = {
	{ 3, 0, 0 }, { 3, 1, 0 }, { 3, 2, 0 }, { 3, 3, 0 }, { 3, 5, 0 }, { 3, 13, 0 },
	{ 11, 0, 0 }, { 11, 1, 0 }, { 12, 0, 5u << 24 },
};

static const struct message messages6[] = {
	{ 1, 0, 0 }, { 1, 1, 0 }, { 1, 3, 0 }, { 1, 4, 0 }, { 1, 5, 0 },
	{ 3, 0, 0 }, { 3, 1, 0 }, { 4, 1, 40 },
};

static const struct message *messages(const struct xport *t, size_t *count)
{
	*count = is_v4(t) ? sizeof(messages4) / sizeof(messages4[0]) :
			    sizeof(messages6) / sizeof(messages6[0]);
	return is_v4(t) ? messages4 : messages6;
}

/* "Port unreachable". */
static struct message refused(const struct xport *t)
{
	return is_v4(t) ? (struct message){ 3, 3, 0 } : (struct message){ 1, 4, 0 };
}

static void every_message(const struct xport *t)
{
	int sniffer = hole(t), recverr, fd;
	const struct message *m;
	struct quote q;
	size_t count, i;

	m = messages(t, &count);
	for (i = 0; i < count; i++) {
		for (recverr = 0; recverr < 2; recverr++) {
			fd = opening(t, sniffer, recverr, &q);
			complain(t, &m[i], &q, false);
			EV(ready_within(fd, POLLIN | POLLOUT | POLLRDHUP, 2000));
			read_error(fd, &q, false, 2048, 512);
			EV(ready(fd, POLLIN | POLLOUT | POLLRDHUP));
			SAW(so_error(fd));
			read_error(fd, &q, false, 2048, 512);
			SAW(state(fd));
			close(fd);
		}
	}
}

/* Who asks for the error first, and what the others get then. */
static void so_error_first(const struct xport *t)
{
	struct message m = refused(t);
	int sniffer = hole(t), fd;
	struct quote q;
	char x;

	fd = opening(t, sniffer, true, &q);
	complain(t, &m, &q, false);
	EV(ready_within(fd, POLLIN | POLLOUT, 2000));
	IS(so_error(fd), -ECONNREFUSED);
	EV(ready(fd, POLLIN | POLLOUT));
	TRUE(read_error(fd, &q, false, 2048, 512) > 0);
	EV(ready(fd, POLLIN | POLLOUT));
	IS(read_error(fd, &q, false, 2048, 512), -EAGAIN);
	close(fd);

	fd = opening(t, sniffer, true, &q);
	complain(t, &m, &q, false);
	EV(ready_within(fd, POLLIN | POLLOUT, 2000));
	SAW(recv(fd, &x, 1, MSG_DONTWAIT));
	SAW(send(fd, &x, 1, MSG_NOSIGNAL));
	SAW(sock_connect(fd, nobody(t)));
	TRUE(read_error(fd, &q, false, 2048, 512) > 0);
	close(fd);

	/* A blocked connect() ends with it, and the queue has it nevertheless. */
	fd = opening(t, sniffer, true, &q);
	NEED(set_nonblock(fd, false));
	complain(t, &m, &q, false);
	IS(sock_connect(fd, nobody(t)), -ECONNREFUSED);
	EV(ready(fd, POLLIN | POLLOUT));
	TRUE(read_error(fd, &q, false, 2048, 512) > 0);
	EV(ready(fd, POLLIN | POLLOUT));
	close(fd);
}

/* Too little room for the payload, for the control messages, for both. */
static void little_room(const struct xport *t)
{
	static const struct { size_t payload, control; } rooms[] = {
		{ 8, 512 }, { 0, 512 }, { 2048, 0 }, { 2048, 20 }, { 8, 0 },
	};
	struct message m = refused(t);
	int sniffer = hole(t), fd;
	struct quote q;
	size_t i;

	for (i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		fd = opening(t, sniffer, true, &q);
		complain(t, &m, &q, false);
		EV(ready_within(fd, POLLIN | POLLOUT, 2000));
		read_error(fd, &q, false, rooms[i].payload, rooms[i].control);
		/* Read is read. */
		SAW(recv(fd, &q, sizeof(q), MSG_ERRQUEUE));
		close(fd);
	}
}

/* The kinds of control messages that other options add. */
static void packet_info(const struct xport *t)
{
	struct message m = refused(t);
	int sniffer = hole(t), fd;
	struct quote q;

	fd = opening(t, sniffer, true, &q);
	if (t->on != ON_V4) {
		IS(set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1), 0);
		IS(set_int(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1), 0);
	}
	if (is_v4(t)) {
		IS(set_int(fd, IPPROTO_IP, IP_PKTINFO, 1), 0);
		IS(set_int(fd, IPPROTO_IP, IP_RECVTTL, 1), 0);
		IS(set_int(fd, IPPROTO_IP, IP_RECVTOS, 1), 0);
	}
	complain(t, &m, &q, false);
	EV(ready_within(fd, POLLIN | POLLOUT, 2000));
	TRUE(read_error(fd, &q, false, 2048, 512) > 0);
	close(fd);
}

/* RFC 4884: the program learns where the extensions begin. */
static void extensions(const struct xport *t)
{
	static const struct message gone[] = { { 11, 0, 0 }, { 3, 0, 0 } };
	int sniffer = hole(t), on, fd;
	struct quote q;

	for (on = 0; on < 2; on++) {
		fd = opening(t, sniffer, true, &q);
		if (is_v4(t))
			IS(set_int(fd, IPPROTO_IP, IP_RECVERR_RFC4884, on), 0);
		if (t->on != ON_V4)
			IS(set_int(fd, IPPROTO_IPV6, IPV6_RECVERR_RFC4884, on), 0);
		complain(t, &gone[!is_v4(t)], &q, true);
		EV(ready_within(fd, POLLIN | POLLOUT, 2000));
		TRUE(read_error(fd, &q, true, 2048, 512) > 0);
		close(fd);
	}
}

/* What empties the queue: the option switched off; perhaps disconnecting; closing. */
static void emptied(const struct xport *t)
{
	struct message m = refused(t);
	int sniffer = hole(t), fd;
	struct addr none = { .sa.sa_family = AF_UNSPEC, .len = sizeof(none.sa) };
	struct quote q;

	fd = opening(t, sniffer, true, &q);
	complain(t, &m, &q, false);
	EV(ready_within(fd, POLLIN | POLLOUT, 2000));
	set_recverr(t, fd, 0);
	read_error(fd, &q, false, 2048, 512);
	close(fd);

	fd = opening(t, sniffer, true, &q);
	complain(t, &m, &q, false);
	EV(ready_within(fd, POLLIN | POLLOUT, 2000));
	IS(sock_connect(fd, none), 0);
	EV(ready(fd, POLLIN | POLLOUT));
	SAW(so_error(fd));
	read_error(fd, &q, false, 2048, 512);
	IS(sock_connect(fd, nobody(t)), -EINPROGRESS);
	overhear(t, sniffer, fd, PORT, 0, &q);
	complain(t, &m, &q, false);
	EV(ready_within(fd, POLLIN | POLLOUT, 2000));
	/* Not read: it goes with the socket. */
	close(fd);
}

/* Messages that say nothing, or of something that is not ours. */
static void not_believed(const struct xport *t)
{
	static const struct message quench = { 4, 0, 0 };
	struct message m = refused(t);
	int sniffer = hole(t), fd;
	struct quote q, other;

	fd = opening(t, sniffer, true, &q);
	other = q;
	other.octets[q.head + 4] ^= 0x80;
	complain(t, &m, &other, false);
	if (is_v4(t))
		complain(t, &quench, &q, false);
	EV_IS(ready_within(fd, POLLIN | POLLOUT, 100), 0);
	IS(read_error(fd, &q, false, 2048, 512), -EAGAIN);
	IS(so_error(fd), 0);
	close(fd);
}

/* On a connection: a soft error, and none in the queue. */
static void established(const struct xport *t)
{
	struct message m = refused(t);
	struct pair p = pair_open(t);
	int recverr, sniffer;
	unsigned int seq;
	struct quote q;
	char x = 0;

	for (recverr = 0; recverr < 2; recverr++) {
		set_recverr(t, p.c, recverr);
		sniffer = sniff("lo");
		IS(send(p.c, "x", 1, 0), 1);
		overhear(t, sniffer, p.c, addr_port(&p.at), 1, &q);
		close(sniffer);
		IS(recv(p.s, &x, 1, 0), 1);
		/* Now acknowledged: only the next number is not beyond the window. */
		nap_ms(100);
		memcpy(&seq, q.octets + q.head + 4, sizeof(seq));
		seq = htonl(ntohl(seq) + 1);
		memcpy(q.octets + q.head + 4, &seq, sizeof(seq));
		complain(t, &m, &q, false);
		EV(ready_within(p.c, POLLIN | POLLRDHUP, 200));
		EV(ready(p.c, POLLIN | POLLOUT | POLLRDHUP));
		IS(read_error(p.c, &q, false, 2048, 512), -EAGAIN);
		IS(so_error(p.c), -ECONNREFUSED);
		EV_IS(ready(p.c, POLLIN | POLLOUT), POLLOUT);
		IS(send(p.c, "x", 1, 0), 1);
		IS(recv(p.s, &x, 1, 0), 1);
	}
	pair_close(&p);
}

static const struct oracle_case cases[] = {
	CASE("each message while opening", every_message, ON_ALL, 100),
	CASE("SO_ERROR, connect() and the queue", so_error_first, ON_ALL, 30),
	CASE("too little room", little_room, ON_ALL, 30),
	CASE("control messages beside it", packet_info, ON_ALL, 10),
	CASE("RFC 4884 extensions", extensions, ON_ALL, 20),
	CASE("what empties the queue", emptied, ON_ALL, 15),
	CASE("messages that do not count", not_believed, ON_BOTH, 5),
	CASE("on a connection", established, ON_ALL, 20),
};

ORACLE_MAIN("ICMP errors and the error queue compared with TCP", cases)
