// SPDX-License-Identifier: GPL-2.0
/* Watches TCP and XTCP segments on a network device and takes them apart. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common.h"
#include "segment.h"

#define PACKET_ROOM	65536

int segment_watch(const char *device)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),	/* ETH_P_IP would miss outgoing ones */
		.sll_ifindex = if_nametoindex(device),
	};
	int one = 1;
	int fd;

	if (!ll.sll_ifindex)
		die_errno("no network device '%s'", device);
	/* Protocol 0: nothing arrives from other devices before the bind. */
	fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		die_errno("cannot watch packets (this needs root)");
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)))
		die_errno("cannot get the time of packets");
	if (bind(fd, (struct sockaddr *)&ll, sizeof(ll)))
		die_errno("cannot watch packets on %s", device);
	return fd;
}

static uint16_t get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* The transport payload of an IPv4 packet, NULL if it is not ours. */
static const uint8_t *enter_ipv4(const uint8_t *p, size_t *len, uint8_t protocol)
{
	size_t header, total;

	if (*len < 20 || p[0] >> 4 != 4 || p[9] != protocol)
		return NULL;
	header = (p[0] & 15) * 4;
	total = get16(p + 2);
	if (header < 20 || total < header || total > *len)
		return NULL;
	if (get16(p + 6) & 0x1fff)		/* a later fragment has no header */
		return NULL;
	*len = total - header;
	return p + header;
}

/* The same for IPv6. Extension headers do not occur here and are not followed. */
static const uint8_t *enter_ipv6(const uint8_t *p, size_t *len, uint8_t protocol)
{
	size_t payload;

	if (*len < 40 || p[0] >> 4 != 6 || p[6] != protocol)
		return NULL;
	payload = get16(p + 4);
	if (payload > *len - 40)
		return NULL;
	*len = payload;
	return p + 40;
}

static void parse_options(const uint8_t *p, size_t len, struct segment *s)
{
	s->mss = -1;
	s->wscale = -1;
	while (len && p[0] != 0) {
		size_t size;

		if (p[0] == 1) {		/* no operation */
			p++;
			len--;
			continue;
		}
		if (len < 2 || p[1] < 2 || p[1] > len)
			return;
		size = p[1];
		if (p[0] == 2 && size == 4)
			s->mss = get16(p + 2);
		else if (p[0] == 3 && size == 3)
			s->wscale = p[2];
		else if (p[0] == 4 && size == 2)
			s->sack_ok = true;
		else if (p[0] == 8 && size == 10)
			s->timestamps = true;
		p += size;
		len -= size;
	}
}

static void copy_text(struct segment *s, const uint8_t *data, size_t len)
{
	size_t i;

	for (i = 0; i < len && i < SEG_TEXT_MAX - 1; i++) {
		if (data[i] == '\n' || data[i] == '\r')
			break;
		if (!isprint(data[i])) {
			s->text[0] = 0;
			return;
		}
		s->text[i] = data[i];
	}
	s->text[i] = 0;
}

static bool parse_segment(const uint8_t *p, size_t len, struct segment *s)
{
	size_t header;

	if (len < 20)
		return false;
	header = (p[12] >> 4) * 4;
	if (header < 20 || header > len)
		return false;
	s->sport = get16(p);
	s->dport = get16(p + 2);
	s->seq = get32(p + 4);
	s->ack = get32(p + 8);
	s->flags = p[13];
	s->window = get16(p + 14);
	s->payload = len - header;
	parse_options(p + 20, header - 20, s);
	copy_text(s, p + header, s->payload);
	return true;
}

static double packet_time(struct msghdr *msg)
{
	struct cmsghdr *c;
	struct timespec ts;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		return ts.tv_sec + ts.tv_nsec / 1e9;
	}
	die("the kernel gave no time for a packet");
}

bool segment_next(int watch, int af, uint8_t protocol, uint16_t port, struct segment *s)
{
	static uint8_t buf[PACKET_ROOM];
	char control[128];
	struct sockaddr_ll ll;

	for (;;) {
		struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
		struct msghdr msg = {
			.msg_name = &ll, .msg_namelen = sizeof(ll),
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = control, .msg_controllen = sizeof(control),
		};
		ssize_t got = recvmsg(watch, &msg, MSG_DONTWAIT);
		const uint8_t *p;
		size_t len;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return false;
		if (got < 0)
			die_errno("cannot read packets");
		len = got;
		p = af == AF_INET6 ? enter_ipv6(buf, &len, protocol) :
				     enter_ipv4(buf, &len, protocol);
		memset(s, 0, sizeof(*s));
		if (!p || !parse_segment(p, len, s))
			continue;
		if (s->sport != port && s->dport != port)
			continue;
		s->outgoing = ll.sll_pkttype == PACKET_OUTGOING;
		s->time = packet_time(&msg);
		return true;
	}
}

void segment_flags(uint8_t flags, char *buf, size_t room)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} names[] = {
		{ SEG_SYN, "SYN" }, { SEG_FIN, "FIN" }, { SEG_RST, "RST" },
		{ SEG_PSH, "PSH" }, { SEG_ACK, "ACK" }, { SEG_URG, "URG" },
		{ SEG_ECE, "ECE" }, { SEG_CWR, "CWR" },
	};
	size_t i, used = 0;

	buf[0] = 0;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((flags & names[i].bit) && used < room)
			used += snprintf(buf + used, room - used, "%s%s", used ? "," : "",
					 names[i].name);
	if (!used)
		snprintf(buf, room, "(none)");
}
