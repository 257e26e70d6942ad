/* SPDX-License-Identifier: GPL-2.0 */
/* The peer's side of connections, played by hand: brought into each state, and left there. */
#ifndef XTCP_SELFTESTS_CONN_H
#define XTCP_SELFTESTS_CONN_H

#include <netinet/tcp.h>

#include "wire.h"

/* Where a round leaves its connection before the fuzz begins. */
enum where {
	AT_CLOSED, AT_LISTEN, AT_SYN_SENT, AT_REQUEST, AT_SYN_RCVD, AT_ESTABLISHED, AT_SENDING,
	AT_FIN_WAIT1, AT_FIN_WAIT2, AT_CLOSE_WAIT, AT_CLOSING, AT_LAST_ACK, AT_TIME_WAIT,
	AT_ORPHAN, AT_COUNT
};

static const char *const where_names[AT_COUNT] = {
	"CLOSED", "LISTEN", "SYN-SENT", "request", "SYN-RECEIVED", "ESTABLISHED",
	"ESTABLISHED with data under way", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",
	"LAST-ACK", "TIME-WAIT", "FIN-WAIT-1 without a process",
};

/* The peer's view of one connection. */
struct conn {
	bool v6;
	uint16_t lport, pport;
	uint32_t seq;		/* what we send next */
	uint32_t rcv;		/* what we expect next */
	uint32_t una;		/* what we have acknowledged */
	uint32_t wnd;		/* the module's window */
	int wscale;
	int listener, fd;
	struct seg last;
	uint8_t quote[1500];	/* the last packet of the module's */
	int quote_len;
};

static struct rng rng;
static struct packet pkt;	/* the one being made */

/* -- bringing a connection somewhere ----------------------------------------------- */

static const struct xport *xport_of(const struct conn *c)
{
	return c->v6 ? &stress_v6 : &stress_v4;
}

static void tell(struct conn *c, uint8_t flags, uint32_t seq, uint32_t ack, int text)
{
	static const uint8_t syn_opts[] = { 2, 4, 5, 180, 3, 3, 7, 4, 2, 1, 1, 1 };
	bool syn = flags & F_SYN;

	packet_ip(&pkt, c->v6, IPPROTO_XTCP, 0);
	packet_tcp(&pkt, c->pport, c->lport, seq, ack, flags, 65535, syn_opts,
		   syn ? sizeof(syn_opts) : 0, text);
	packet_checksum(&pkt, IPPROTO_XTCP, 16, true);
	packet_finish_ip(&pkt);
	packet_send(&pkt);
}

/* Take notice of a segment if it is this connection's. */
static bool heard(struct conn *c, const struct seg *s)
{
	uint32_t end = s->seq + s->len + !!(s->flags & F_SYN) + !!(s->flags & F_FIN);

	if (s->v6 != c->v6 || s->sport != c->lport || s->dport != c->pport)
		return false;
	/* A RST's numbers may be what the fuzz asked for. */
	if (!(s->flags & F_RST) && ((s->flags & F_SYN) || (int32_t)(end - c->rcv) > 0))
		c->rcv = end;
	if (s->flags & F_SYN) {
		const uint8_t *t = s->ip + s->ip_len - s->len;
		const uint8_t *o = s->ip + (s->v6 ? 40 : 20) + 20;

		c->una = s->seq;
		c->wscale = 0;
		for (; o + 2 < t && *o; o += *o == 1 || !o[1] ? 1 : o[1])
			if (o[0] == 3)
				c->wscale = o[2];
	}
	c->wnd = (uint32_t)s->win << (s->flags & F_SYN ? 0 : c->wscale);
	c->quote_len = s->ip_len > (int)sizeof(c->quote) ? (int)sizeof(c->quote) : s->ip_len;
	memcpy(c->quote, s->ip, c->quote_len);
	c->last = *s;
	return true;
}

/* Wait for a segment that has all of @flags. */
static bool hear(struct conn *c, uint8_t flags)
{
	long end = now_ms() + 3000;
	struct seg s;

	do {
		while (wire_read(&s, 100))
			if (heard(c, &s) && (s.flags & flags) == flags)
				return true;
	} while (now_ms() < end);
	return false;
}

static void hear_all(struct conn *c)
{
	struct seg s;

	while (wire_read(&s, 0))
		heard(c, &s);
}

static bool open_listener(struct conn *c)
{
	struct addr any = addr_any(xport_of(c), 0), at;

	c->listener = sock_flags(xport_of(c), SOCK_NONBLOCK);
	if (c->listener < 0 || sock_bind(c->listener, any) || listen(c->listener, 16))
		return false;
	at = addr_local(c->listener);
	c->lport = addr_port(&at);
	return true;
}

static bool open_active(struct conn *c)
{
	struct addr to = addr_text(xport_of(c), WIRE_PEER4, WIRE_PEER6, c->pport), at;

	c->fd = sock_flags(xport_of(c), SOCK_NONBLOCK);
	if (c->fd < 0 || !sock_connect(c->fd, to) || errno != EINPROGRESS)
		return false;
	at = addr_local(c->fd);
	c->lport = addr_port(&at);
	return hear(c, F_SYN);
}

static bool open_request(struct conn *c)
{
	if (!open_listener(c))
		return false;
	tell(c, F_SYN, c->seq, 0, 0);
	c->seq++;
	return hear(c, F_SYN | F_ACK);
}

/* Either end may open it. */
static bool open_established(struct conn *c)
{
	if (one_in(&rng, 2)) {
		if (!open_active(c))
			return false;
		tell(c, F_SYN | F_ACK, c->seq, c->rcv, 0);
		c->seq++;
		return hear(c, F_ACK) && state(c->fd) == TCP_ESTABLISHED;
	}
	if (!open_request(c))
		return false;
	tell(c, F_ACK, c->seq, c->rcv, 0);
	if (!ready_within(c->listener, POLLIN, 3000))
		return false;
	c->fd = accept4(c->listener, NULL, NULL, SOCK_NONBLOCK);
	return c->fd >= 0;
}

static bool open_fin_wait1(struct conn *c)
{
	return open_established(c) && !shutdown(c->fd, SHUT_WR) && hear(c, F_FIN) &&
	       state(c->fd) == TCP_FIN_WAIT1;
}

static bool open_fin_wait2(struct conn *c)
{
	if (!open_fin_wait1(c))
		return false;
	c->una = c->rcv;
	tell(c, F_ACK, c->seq, c->rcv, 0);
	return state_becomes(c->fd, TCP_FIN_WAIT2) == TCP_FIN_WAIT2;
}

static bool open_close_wait(struct conn *c)
{
	if (!open_established(c))
		return false;
	tell(c, F_FIN | F_ACK, c->seq, c->rcv, 0);
	c->seq++;
	return state_becomes(c->fd, TCP_CLOSE_WAIT) == TCP_CLOSE_WAIT;
}

/* Without a process a state shows only in /proc. */
static bool state_at(struct conn *c, int want)
{
	return proc_becomes(xport_of(c), c->lport, c->pport, want, 1);
}

static bool conn_bring(struct conn *c, enum where to)
{
	switch (to) {
	case AT_CLOSED:
		c->lport = 1 + below(&rng, 1000);
		return true;
	case AT_LISTEN:
		return open_listener(c);
	case AT_SYN_SENT:
		return open_active(c);
	case AT_REQUEST:
		return open_request(c);
	case AT_SYN_RCVD:
		if (!open_active(c))
			return false;
		tell(c, F_SYN, c->seq, 0, 0);
		c->seq++;
		return state_becomes(c->fd, TCP_SYN_RECV) == TCP_SYN_RECV;
	case AT_ESTABLISHED:
		return open_established(c);
	case AT_SENDING:
		return open_established(c) &&
		       send(c->fd, pkt.b, 1 + below(&rng, 60000), MSG_DONTWAIT) > 0 &&
		       hear(c, F_ACK);
	case AT_FIN_WAIT1:
		return open_fin_wait1(c);
	case AT_FIN_WAIT2:
		return open_fin_wait2(c);
	case AT_CLOSE_WAIT:
		return open_close_wait(c);
	case AT_CLOSING:
		if (!open_fin_wait1(c))
			return false;
		tell(c, F_FIN | F_ACK, c->seq, c->rcv - 1, 0);
		c->seq++;
		return state_becomes(c->fd, TCP_CLOSING) == TCP_CLOSING;
	case AT_LAST_ACK:
		if (!open_close_wait(c))
			return false;
		close(c->fd);
		c->fd = -1;
		return hear(c, F_FIN) && state_at(c, TCP_LAST_ACK);
	case AT_TIME_WAIT:
		if (!open_fin_wait2(c))
			return false;
		tell(c, F_FIN | F_ACK, c->seq, c->rcv, 0);
		c->seq++;
		return state_at(c, TCP_TIME_WAIT);
	case AT_ORPHAN:
		if (!open_established(c))
			return false;
		close(c->fd);
		c->fd = -1;
		return hear(c, F_FIN) && state_at(c, TCP_FIN_WAIT1);
	default:
		return false;
	}
}

#endif /* XTCP_SELFTESTS_CONN_H */
