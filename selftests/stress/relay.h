/* SPDX-License-Identifier: GPL-2.0 */
/* Two namespaces, and the wire between them: a thread that loses, repeats and changes segments. */
#ifndef XTCP_SELFTESTS_RELAY_H
#define XTCP_SELFTESTS_RELAY_H

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <pthread.h>

#include "wire.h"

/* What happens to the segments of a connection; each only a few times, so that it ends. */
enum {
	RELAY_LOSE = 1,		/* some segments with text */
	RELAY_SWAP = 2,		/* one comes after the next one */
	RELAY_OVERLAP = 4,	/* parts of two at once, while one before them is missing */
	RELAY_PARTIAL = 8,	/* acknowledgments of 100 octets less, once */
	RELAY_WIDEN = 16,	/* the window is said to be wider than it is */
	RELAY_CROSS = 32,	/* SYNs wait for each other */
	RELAY_MUTE = 64,	/* the client hears nothing */
	RELAY_OPTIONS = 128,	/* text comes with options that do nothing */
};

enum { RELAY_CLIENT, RELAY_SERVER, RELAY_MTU = 9000, RELAY_PAGE = 4096, RELAY_ROOM = 70000 };

static const char *const relay_addr4[] = { "10.94.0.1", "10.94.0.2" };
static const char *const relay_addr6[] = { "fd94::1", "fd94::2" };

struct relay_packet {
	int len;
	uint8_t b[RELAY_ROOM];
};

static int relay_fd[2] = { -1, -1 }, relay_ns[2] = { -1, -1 }, relay_tap[2] = { -1, -1 };
static pthread_mutex_t relay_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	unsigned int rules;
	int texts[2];		/* segments with text so far */
	int done;		/* RELAY_PARTIAL, RELAY_WIDEN: so often */
	uint32_t acked[2];
	bool crossed;
	struct relay_packet held[2], text[4], fin[2], syn[2];
} relay;

static inline void relay_enter(int side)
{
	if (setns(relay_ns[side], CLONE_NEWNET))
		ktap_note("setns: %s", strerror(errno));
}

static inline struct addr relay_address(const struct xport *t, int side, int port)
{
	return addr_text(t, relay_addr4[side], relay_addr6[side], port);
}

/* -- packets ----------------------------------------------------------------- */

static int relay_l4(const uint8_t *p)
{
	return p[0] >> 4 == 6 ? 40 : (p[0] & 15) * 4;
}

static int relay_head(const uint8_t *p)
{
	int l4 = relay_l4(p);

	return l4 + (p[l4 + 12] >> 4) * 4;
}

/* Lengths and checksums for what the packet contains now. */
static void relay_finish(uint8_t *p, int len)
{
	int l4 = relay_l4(p);
	bool v6 = p[0] >> 4 == 6;
	uint32_t sum;

	if (v6) {
		put16(p + 4, len - 40);
	} else {
		put16(p + 2, len);
		put16(p + 10, 0);
		put16(p + 10, ~sum16(p, l4, 0));
	}
	sum = sum16(p + (v6 ? 8 : 12), v6 ? 32 : 8, 0) + IPPROTO_XTCP + len - l4;
	put16(p + l4 + 16, 0);
	put16(p + l4 + 16, ~sum16(p + l4, len - l4, sum));
}

/*
 * To the end that segments of direction @dir go to. The hint in front says how much of a
 * packet of more than a page lies in its linear part: IP's header alone, ours without its
 * options, or all headers. Reading the rest of them makes a copy of what the packet socket
 * shares. What is to be cut by its receiver must still be shared then, or that takes no memory.
 */
static void relay_pass(int dir, const uint8_t *p, int len)
{
	static uint8_t out[RELAY_ROOM + sizeof(struct virtio_net_hdr)];
	static unsigned int turn;
	struct virtio_net_hdr hint = { .hdr_len = relay_l4(p) };

	if (len > RELAY_PAGE) {
		turn = (turn + 1) % 3;
		if (turn == 2 || relay.rules & (RELAY_OVERLAP | RELAY_WIDEN))
			hint.hdr_len = relay_head(p);
		else if (turn)
			hint.hdr_len += 20;
	}
	memcpy(out, &hint, sizeof(hint));
	memcpy(out + sizeof(hint), p, len);
	if (write(relay_fd[!dir], out, sizeof(hint) + len) < 0 && errno != ENOMEM &&
	    errno != ENOBUFS && errno != EAGAIN && errno != EIO)
		ktap_note("the wire: %s", strerror(errno));
}

static void relay_keep(struct relay_packet *to, const uint8_t *p, int len)
{
	to->len = len;
	memcpy(to->b, p, len);
}

/* The second half of @a's text and the first half of @b's, which follows it. */
static void relay_pass_halves(int dir, const struct relay_packet *a, const struct relay_packet *b)
{
	static uint8_t p[RELAY_ROOM];
	int head = relay_head(a->b), one = a->len - head, two = b->len - relay_head(b->b), l4;

	if (one < 2 || two < 2)
		return;
	l4 = relay_l4(a->b);
	memcpy(p, a->b, head);
	memcpy(p + head, a->b + head + one / 2, one - one / 2);
	memcpy(p + head + one - one / 2, b->b + relay_head(b->b), two / 2);
	put32(p + l4 + 4, get32(a->b + l4 + 4) + one / 2);
	relay_finish(p, head + one - one / 2 + two / 2);
	relay_pass(dir, p, head + one - one / 2 + two / 2);
}

/* -- what becomes of a segment -------------------------------------------------- */

/* Four options "no operation" between header and text. */
static int relay_options(uint8_t *p, int len)
{
	int head = relay_head(p), l4 = relay_l4(p);

	if (head - l4 > 56)
		return len;
	memmove(p + head + 4, p + head, len - head);
	memset(p + head, 1, 4);
	p[l4 + 12] += 1 << 4;
	relay_finish(p, len + 4);
	return len + 4;
}

static void relay_text(int dir, uint8_t *p, int len)
{
	int n = relay.texts[dir]++;

	if (relay.rules & RELAY_OPTIONS)
		len = relay_options(p, len);

	if (dir == 0 && n < 4)
		relay_keep(&relay.text[n], p, len);
	if (relay.rules & RELAY_OVERLAP && dir == 0 && n < 4) {
		/* The first is lost; the second and third wait for it with a gap before. */
		if (n == 0)
			return;
		if (n == 3) {
			relay_pass_halves(dir, &relay.text[0], &relay.text[1]);
			relay_pass_halves(dir, &relay.text[2], &relay.text[3]);
		}
	} else if (relay.rules & RELAY_LOSE && (n == 1 || n == 6 || n == 7)) {
		return;
	} else if (relay.rules & RELAY_SWAP && n % 5 == 2 && n < 20) {
		relay_keep(&relay.held[dir], p, len);
		return;
	}
	relay_pass(dir, p, len);
	if (relay.held[dir].len) {
		relay_pass(dir, relay.held[dir].b, relay.held[dir].len);
		relay.held[dir].len = 0;
	}
}

static void relay_ack(int dir, uint8_t *p, int len)
{
	uint8_t *t = p + relay_l4(p);
	uint32_t ack = get32(t + 8);

	if (relay.rules & RELAY_PARTIAL && relay.acked[dir] && relay.done < 2 &&
	    (int32_t)(ack - 100 - relay.acked[dir]) > 0) {
		relay.done++;
		put32(t + 8, ack - 100);
		relay_finish(p, len);
	}
	if (relay.rules & RELAY_WIDEN && relay.texts[0] && relay.done < 40) {
		relay.done++;
		put16(t + 14, get16(t + 14) + 9000);
		relay_finish(p, len);
	}
	relay.acked[dir] = ack;
}

static void relay_segment(int dir, uint8_t *p, int len)
{
	int l4 = relay_l4(p);
	uint8_t flags;

	if (relay.rules & RELAY_MUTE && dir == 1)
		return;
	/* Neighbours and routers are none of ours. */
	if (len < l4 + 20 || p[p[0] >> 4 == 6 ? 6 : 9] != IPPROTO_XTCP) {
		relay_pass(dir, p, len);
		return;
	}
	flags = p[l4 + 13];
	if (flags & F_FIN)
		relay_keep(&relay.fin[dir], p, len);
	if (flags & F_SYN)
		relay_keep(&relay.syn[dir], p, len);
	if (relay.rules & RELAY_CROSS && flags == F_SYN && !relay.crossed) {
		relay.crossed = relay.syn[0].len && relay.syn[1].len;
		if (!relay.crossed)
			return;
		relay_pass(!dir, relay.syn[!dir].b, relay.syn[!dir].len);
	}
	if (flags & F_ACK && !(flags & F_SYN) && dir == 1)
		relay_ack(dir, p, len);
	if (len > relay_head(p))
		relay_text(dir, p, len);
	else
		relay_pass(dir, p, len);
}

static void *relay_run(void *arg)
{
	static uint8_t buf[RELAY_ROOM + sizeof(struct virtio_net_hdr)];
	struct pollfd p[2] = { { relay_fd[0], POLLIN, 0 }, { relay_fd[1], POLLIN, 0 } };
	int i, n, hint = sizeof(struct virtio_net_hdr);

	for (;;) {
		poll(p, 2, 1000);
		for (i = 0; i < 2; i++) {
			n = read(relay_fd[i], buf, sizeof(buf));
			if (n <= hint)
				continue;
			pthread_mutex_lock(&relay_lock);
			relay_segment(i, buf + hint, n - hint);
			pthread_mutex_unlock(&relay_lock);
		}
	}
	return NULL;
}

/* -- for the test --------------------------------------------------------------- */

/** relay_begin() - from now on, these rules */
static inline void relay_begin(unsigned int rules)
{
	int i;

	pthread_mutex_lock(&relay_lock);
	relay.rules = rules;
	relay.done = 0;
	relay.crossed = false;
	for (i = 0; i < 4; i++)
		relay.text[i].len = 0;
	for (i = 0; i < 2; i++) {
		relay.texts[i] = 0;
		relay.acked[i] = 0;
		relay.held[i].len = 0;
		relay.fin[i].len = 0;
		relay.syn[i].len = 0;
	}
	pthread_mutex_unlock(&relay_lock);
}

/** relay_texts() - how many segments with text the client has sent under these rules */
static inline int relay_texts(void)
{
	int n;

	pthread_mutex_lock(&relay_lock);
	n = relay.texts[0];
	pthread_mutex_unlock(&relay_lock);
	return n;
}

/** relay_again() - one more copy of the last FIN or SYN of direction @dir */
static inline void relay_again(int dir, bool fin)
{
	const struct relay_packet *p = fin ? &relay.fin[dir] : &relay.syn[dir];

	pthread_mutex_lock(&relay_lock);
	if (p->len)
		relay_pass(dir, p->b, p->len);
	pthread_mutex_unlock(&relay_lock);
}

/** relay_syn() - a SYN from @port of the client's host that its kernel knows nothing of */
static inline void relay_syn(bool v6, int from, int port)
{
	static struct packet p;

	packet_ip(&p, v6, IPPROTO_XTCP, 0);
	inet_pton(v6 ? AF_INET6 : AF_INET, v6 ? relay_addr6[0] : relay_addr4[0],
		  p.b + (v6 ? 8 : 12));
	inet_pton(v6 ? AF_INET6 : AF_INET, v6 ? relay_addr6[1] : relay_addr4[1],
		  p.b + (v6 ? 24 : 16));
	packet_tcp(&p, from, port, from * 1000u, 0, F_SYN, 8000, NULL, 0, 0);
	packet_checksum(&p, IPPROTO_XTCP, 16, true);
	packet_finish_ip(&p);
	pthread_mutex_lock(&relay_lock);
	relay_pass(0, p.b, p.len);
	pthread_mutex_unlock(&relay_lock);
}

/**
 * relay_tap() - packet sockets on both devices that are never read
 *
 * Each packet they hold is a clone: what it shares can neither be written nor be cut without
 * memory for a copy.
 */
static inline void relay_tap_on(void)
{
	int i, room = 64 << 20;

	for (i = 0; i < 2; i++) {
		struct sockaddr_ll at = { .sll_family = AF_PACKET,
					  .sll_protocol = htons(ETH_P_ALL) };

		relay_enter(i);
		at.sll_ifindex = if_nametoindex("xt");
		relay_tap[i] = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		setsockopt(relay_tap[i], SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
		if (bind(relay_tap[i], (struct sockaddr *)&at, sizeof(at)))
			ktap_note("packet socket: %s", strerror(errno));
	}
}

static inline void relay_tap_off(void)
{
	close(relay_tap[0]);
	close(relay_tap[1]);
}

/* A namespace with a tun device for @side. */
static inline int relay_side(int side)
{
	struct ifreq ifr = { .ifr_name = "xt", .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };

	if (stress_netns())
		return -1;
	relay_ns[side] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	relay_fd[side] = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (relay_ns[side] < 0 || relay_fd[side] < 0 || ioctl(relay_fd[side], TUNSETIFF, &ifr)) {
		ktap_note("/dev/net/tun: %s", strerror(errno));
		return -1;
	}
	return net_run("ip addr add %s/24 dev xt && ip addr add %s/64 dev xt nodad && "
		       "ip link set xt mtu %d up", relay_addr4[side], relay_addr6[side],
		       RELAY_MTU) ? 0 : -1;
}

/** relay_open() - the namespaces, the devices, the thread; 0 or -1 with a note */
static inline int relay_open(void)
{
	pthread_t thread;

	if (relay_side(0) || relay_side(1))
		return -1;
	return pthread_create(&thread, NULL, relay_run, NULL);
}

#endif /* XTCP_SELFTESTS_RELAY_H */
