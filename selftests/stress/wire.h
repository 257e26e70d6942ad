/* SPDX-License-Identifier: GPL-2.0 */
/* A tun device whose other end is the test: segments read, built and sent, IPv4 and IPv6. */
#ifndef XTCP_SELFTESTS_WIRE_H
#define XTCP_SELFTESTS_WIRE_H

#include <arpa/inet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include "stress.h"

#define WIRE_US4	"10.93.0.1"	/* the module's side */
#define WIRE_PEER4	"10.93.0.2"	/* the test's side */
#define WIRE_US6	"fd93::1"
#define WIRE_PEER6	"fd93::2"

enum { F_FIN = 1, F_SYN = 2, F_RST = 4, F_PSH = 8, F_ACK = 16, F_URG = 32 };

/* A segment that the module sent. */
struct seg {
	bool v6;
	uint16_t sport, dport, win;
	uint32_t seq, ack, len;	/* len: octets of text */
	uint8_t flags;
	const uint8_t *ip;	/* the whole packet, until the next one is read */
	int ip_len;
};

/* A packet being made: @l4 is where the segment begins. */
struct packet {
	uint8_t b[66000];
	int l4, len;
	bool v6;
};

static int wire_fd = -1;

static inline void put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static inline uint16_t get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static inline uint32_t sum16(const uint8_t *p, int len, uint32_t sum)
{
	for (; len > 1; len -= 2, p += 2)
		sum += get16(p);
	if (len)
		sum += p[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/** wire_open_as() - the device with its addresses; 0, or -1 with a note. @flags: IFF_NAPI, or 0 */
static inline int wire_open_as(short flags)
{
	struct ifreq ifr = { .ifr_name = "xtun", .ifr_flags = IFF_TUN | IFF_NO_PI | flags };

	wire_fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (wire_fd < 0 || ioctl(wire_fd, TUNSETIFF, &ifr)) {
		ktap_note("/dev/net/tun: %s", strerror(errno));
		return -1;
	}
	if (system("ip addr add " WIRE_US4 "/24 dev xtun && "
		   "ip addr add " WIRE_US6 "/64 dev xtun nodad && ip link set xtun up")) {
		ktap_note("ip cannot set up the tun device");
		return -1;
	}
	return 0;
}

static inline int wire_open(void)
{
	return wire_open_as(0);
}

static inline bool wire_parse(const uint8_t *p, int len, struct seg *s)
{
	int l4 = 40;

	if (len < 40)
		return false;
	s->v6 = p[0] >> 4 == 6;
	if (!s->v6)
		l4 = (p[0] & 15) * 4;
	if (len < l4 + 20 || p[s->v6 ? 6 : 9] != IPPROTO_XTCP)
		return false;
	s->ip = p;
	s->ip_len = len;
	p += l4;
	s->sport = get16(p);
	s->dport = get16(p + 2);
	s->seq = get32(p + 4);
	s->ack = get32(p + 8);
	s->flags = p[13];
	s->win = get16(p + 14);
	s->len = len - l4 - (p[12] >> 4) * 4;
	return true;
}

/** wire_read() - the module's next segment, waiting at most @ms for it */
static inline bool wire_read(struct seg *s, int ms)
{
	static uint8_t buf[66000];
	long end = now_ms() + ms;

	for (;;) {
		int n = read(wire_fd, buf, sizeof(buf));

		if (n > 0 && wire_parse(buf, n, s))
			return true;
		if (n <= 0) {
			int left = end - now_ms();

			if (left <= 0 || !ready_within(wire_fd, POLLIN, left))
				return false;
		}
	}
}

/*
 * Begin a packet from the peer to the module with @extra octets between the IP header and
 * the segment (IPv4: options, a multiple of 4; IPv6: extension headers).
 */
static inline void packet_ip(struct packet *p, bool v6, uint8_t protocol, int extra)
{
	p->v6 = v6;
	p->l4 = (v6 ? 40 : 20) + extra;
	p->len = p->l4;
	memset(p->b, 0, p->l4);
	if (v6) {
		p->b[0] = 0x60;
		p->b[6] = protocol;
		p->b[7] = 64;
		inet_pton(AF_INET6, WIRE_PEER6, p->b + 8);
		inet_pton(AF_INET6, WIRE_US6, p->b + 24);
	} else {
		p->b[0] = 0x40 | p->l4 / 4;
		p->b[8] = 64;
		p->b[9] = protocol;
		inet_pton(AF_INET, WIRE_PEER4, p->b + 12);
		inet_pton(AF_INET, WIRE_US4, p->b + 16);
	}
}

/** packet_finish_ip() - lengths and IPv4's own checksum for what is there now */
static inline void packet_finish_ip(struct packet *p)
{
	if (p->v6) {
		put16(p->b + 4, p->len - 40);
		return;
	}
	put16(p->b + 2, p->len);
	put16(p->b + 10, 0);
	put16(p->b + 10, ~sum16(p->b, (p->b[0] & 15) * 4, 0));
}

/** packet_checksum() - the checksum of @protocol, whose field lies @at into the segment */
static inline void packet_checksum(struct packet *p, uint8_t protocol, int at, bool pseudo)
{
	uint32_t sum = 0;
	int n = p->len - p->l4;

	if (n < at + 2)
		return;
	if (pseudo) {
		sum = sum16(p->b + (p->v6 ? 8 : 12), p->v6 ? 32 : 8, 0);
		sum += protocol + n;
	}
	put16(p->b + p->l4 + at, 0);
	put16(p->b + p->l4 + at, ~sum16(p->b + p->l4, n, sum));
}

/** packet_tcp() - append a header of RFC 9293, its options and text; checksum comes later */
static inline void packet_tcp(struct packet *p, uint16_t sport, uint16_t dport, uint32_t seq,
			      uint32_t ack, uint8_t flags, uint16_t win,
			      const uint8_t *opts, int opt_len, int text)
{
	uint8_t *t = p->b + p->len;
	int hlen = 20 + ((opt_len + 3) & ~3);

	memset(t, 0, hlen);
	put16(t, sport);
	put16(t + 2, dport);
	put32(t + 4, seq);
	put32(t + 8, ack);
	t[12] = hlen / 4 << 4;
	t[13] = flags;
	put16(t + 14, win);
	if (opt_len)
		memcpy(t + 20, opts, opt_len);
	memset(t + hlen, 'z', text);
	p->len += hlen + text;
}

static inline bool packet_send(const struct packet *p)
{
	return write(wire_fd, p->b, p->len) == p->len;
}

#endif /* XTCP_SELFTESTS_WIRE_H */
