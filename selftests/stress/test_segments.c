// SPDX-License-Identifier: GPL-2.0
/*
 * A segment fuzzer: connections in every state meet mutated segments, fragments and ICMP
 * errors from a tun device, IPv4 and IPv6, while others carry data that must stay whole.
 */
#define _GNU_SOURCE
#include <sys/prctl.h>
#include <sys/wait.h>

#include "conn.h"

enum { PER_ROUND = 25 };

static long sent, kinds[8];
static uint16_t victims[2];	/* ports of the witness over IPv6 */

/* -- mutated segments ---------------------------------------------------------------- */

/* Around the edges of what is expected, the far side of the circle, and anywhere. */
static uint32_t edge(uint32_t base, uint32_t wnd)
{
	uint32_t near = below(&rng, 5) - 2;

	switch (below(&rng, 10)) {
	case 0: case 1: case 2: case 3:
		return base;
	case 4:
		return base + near;
	case 5:
		return base + wnd + near;
	case 6:
		return base - wnd + near;
	case 7:
		return base + 0x80000000u + near;
	case 8:
		return base + (wnd + 1 ? below(&rng, wnd + 1) : 0);
	default:
		return rng_next(&rng);
	}
}

/* One option at a time with every kind and every length, among others. */
static int mutate_options(uint8_t *o, bool syn)
{
	static uint16_t sweep;
	static const uint8_t kinds_known[] = { 0, 1, 2, 3, 4, 5, 8, 19, 28, 29, 30, 34, 254 };
	static const uint8_t lengths[] = { 2, 3, 4, 10, 18, 26, 34 };
	int len = 0, room = below(&rng, 41);

	switch (below(&rng, 7)) {
	case 0: case 1:
		return 0;
	case 2:
		/* Random octets. */
		rng_fill(&rng, o, room);
		return room;
	case 3:
		/* The sweep: kind and length each in turn, cut off where the header ends. */
		rng_fill(&rng, o, 40);
		len = below(&rng, 39);
		memset(o, 1, len);
		o[len] = PICK(&rng, kinds_known);
		o[len + 1] = sweep++;
		return 40 - below(&rng, 39 - len);
	case 4:
		/* Many good ones, some twice. */
		while (len + 10 < room) {
			o[len] = PICK(&rng, kinds_known);
			o[len + 1] = PICK(&rng, lengths);
			rng_fill(&rng, o + len + 2, 38 - len);
			len += o[len] < 2 ? 1 : o[len + 1];
		}
		return len > 40 ? 40 : len;
	case 5:
		/* Timestamps and SACK blocks with any numbers. */
		o[0] = 8;
		o[1] = 10;
		o[10] = 5;
		o[11] = 2 + 8 * (1 + below(&rng, 3));
		rng_fill(&rng, o + 2, 8);
		rng_fill(&rng, o + 12, 28);
		return 10 + o[11];
	default:
		/* A handshake's, in a SYN or where they do not belong. */
		o[0] = 2;
		o[1] = 4;
		put16(o + 2, one_in(&rng, 2) ? below(&rng, 100) : rng_next(&rng));
		o[4] = 3;
		o[5] = 3;
		o[6] = rng_next(&rng);
		o[7] = 1;
		return syn || one_in(&rng, 3) ? 8 : 0;
	}
}

static uint8_t mutate_flags(void)
{
	static const uint8_t common[] = {
		F_ACK, F_ACK, F_ACK, F_ACK | F_PSH, F_ACK | F_FIN, F_SYN, F_SYN | F_ACK, F_RST,
		F_RST | F_ACK, F_ACK | F_URG, F_ACK | F_PSH | F_FIN | F_URG, F_FIN, 0, F_SYN | F_FIN,
		F_SYN | F_RST, 0xff,
	};

	return one_in(&rng, 6) ? rng_next(&rng) : PICK(&rng, common);
}

/* A segment that is nearly right, in @pkt, without checksums. */
static void build_segment(struct conn *c, int extra)
{
	static const uint16_t windows[] = { 0, 1, 2, 1460, 32768, 65535 };
	static const uint16_t texts[] = { 0, 0, 0, 1, 2, 100, 1440, 1460 };
	uint8_t opts[80], flags = mutate_flags();
	int opt_len = mutate_options(opts, flags & F_SYN), text = PICK(&rng, texts);
	uint16_t pport = c->pport, lport = c->lport;
	uint8_t *t;

	if (one_in(&rng, 8))
		text = below(&rng, 3000);
	if (one_in(&rng, 200))
		text = 20000 + below(&rng, 40000);
	if (one_in(&rng, 40))
		pport = rng_next(&rng);
	if (one_in(&rng, 60))
		lport = rng_next(&rng);
	packet_ip(&pkt, c->v6, IPPROTO_XTCP, extra);
	packet_tcp(&pkt, pport, lport, edge(c->seq, c->wnd), edge(c->rcv, c->rcv - c->una + 65535),
		   flags, one_in(&rng, 2) ? PICK(&rng, windows) : rng_next(&rng), opts, opt_len,
		   text);
	t = pkt.b + pkt.l4;
	if (flags & F_URG || one_in(&rng, 20))
		put16(t + 18, one_in(&rng, 3) ? rng_next(&rng) : text + below(&rng, 4) - 1);
	if (one_in(&rng, 20))
		t[12] ^= 1 + below(&rng, 255);
	/* A blind attacker, who knows the witness's addresses and ports only. */
	if (c->v6 && victims[0] && one_in(&rng, 25)) {
		int way = below(&rng, 2);

		memcpy(pkt.b + 8, pkt.b + 24, 16);
		put16(t, victims[way]);
		put16(t + 2, victims[!way]);
		put32(t + 4, rng_next(&rng));
		put32(t + 8, rng_next(&rng));
	}
}

static void emit(int kind)
{
	kinds[kind]++;
	if (packet_send(&pkt))
		sent++;
}

/* Bits flipped after everything was computed, and segments that end too early. */
static void damage(void)
{
	int i, l4_len = pkt.len - pkt.l4;

	switch (below(&rng, 8)) {
	case 0:
		/* The checksum is wrong. */
		pkt.b[pkt.l4 + 16 + below(&rng, 2)] ^= 1 + below(&rng, 255);
		break;
	case 1:
		/* A flipped bit that the checksum covers again. */
		for (i = below(&rng, 4); i >= 0; i--)
			pkt.b[pkt.l4 + below(&rng, l4_len)] ^= 1 << below(&rng, 8);
		packet_checksum(&pkt, IPPROTO_XTCP, 16, true);
		break;
	case 2:
		/* Cut off, with IP's agreement and a good checksum. */
		pkt.len = pkt.l4 + below(&rng, l4_len + 1);
		packet_finish_ip(&pkt);
		packet_checksum(&pkt, IPPROTO_XTCP, 16, true);
		break;
	case 3:
		/* Cut off without it. */
		pkt.len = 1 + below(&rng, pkt.len);
		break;
	case 4:
		/* Anything in the IP header. */
		pkt.b[below(&rng, pkt.l4)] = rng_next(&rng);
		if (one_in(&rng, 2) && !pkt.v6) {
			put16(pkt.b + 10, 0);
			put16(pkt.b + 10, ~sum16(pkt.b, (pkt.b[0] & 15) * 4, 0));
		}
		break;
	default:
		break;
	}
}

static void send_plain(struct conn *c)
{
	build_segment(c, 0);
	packet_checksum(&pkt, IPPROTO_XTCP, 16, true);
	packet_finish_ip(&pkt);
	damage();
	emit(0);
}

/* IPv4 options or IPv6 extension headers in front. */
static void send_extended(struct conn *c)
{
	static const uint8_t next[] = { 0, 60, 43, 51, 135 };
	int extra = c->v6 ? 8 * (1 + below(&rng, 3)) : 4 * (1 + below(&rng, 10));
	uint8_t *x;

	build_segment(c, extra);
	x = pkt.b + (c->v6 ? 40 : 20);
	rng_fill(&rng, x, extra);
	if (c->v6) {
		pkt.b[6] = one_in(&rng, 8) ? rng_next(&rng) : PICK(&rng, next);
		x[0] = IPPROTO_XTCP;
		x[1] = one_in(&rng, 8) ? below(&rng, 256) : extra / 8u - 1;
		if (!one_in(&rng, 3))
			/* Padding, so that the header is a good one. */
			memset(x + 2, 0, extra - 2);
	} else if (!one_in(&rng, 3)) {
		memset(x, 1, extra);
		if (extra >= 12 && one_in(&rng, 2)) {
			/* A record or source route. */
			static const uint8_t routes[] = { 7, 131, 137 };

			x[0] = PICK(&rng, routes);
			x[1] = extra - 1;
			x[2] = 4;
		}
	}
	packet_checksum(&pkt, IPPROTO_XTCP, 16, true);
	packet_finish_ip(&pkt);
	emit(1);
}

/* One fragment of @whole: octets @from to @to of what follows the IP header. */
static void send_fragment(const struct packet *whole, int from, int to, bool more, uint32_t id)
{
	int head = whole->v6 ? 48 : 20, field = from / 8 << 3 | more;

	packet_ip(&pkt, whole->v6, whole->v6 ? 44 : IPPROTO_XTCP, whole->v6 ? 8 : 0);
	memcpy(pkt.b + head, whole->b + whole->l4 + from, to - from);
	pkt.len = head + to - from;
	if (whole->v6) {
		pkt.b[40] = IPPROTO_XTCP;
		put16(pkt.b + 42, field);
		put32(pkt.b + 44, id);
	} else {
		put16(pkt.b + 4, id);
		put16(pkt.b + 6, from / 8 | (more ? 0x2000 : 0));
	}
	packet_finish_ip(&pkt);
	emit(2);
}

static void send_fragments(struct conn *c)
{
	static struct packet whole;
	uint32_t id = rng_next(&rng);
	int len, cut, overlap;

	build_segment(c, 0);
	packet_checksum(&pkt, IPPROTO_XTCP, 16, true);
	memcpy(&whole, &pkt, sizeof(whole));
	len = whole.len - whole.l4;
	cut = 8 * (1 + below(&rng, len / 8));
	if (cut >= len) {
		/* An atomic fragment, or one whose rest never comes. */
		send_fragment(&whole, 0, len / 8 * 8, one_in(&rng, 2), id);
		return;
	}
	overlap = one_in(&rng, 5) ? 8 : 0;
	if (one_in(&rng, 2)) {
		send_fragment(&whole, 0, cut, true, id);
		if (!one_in(&rng, 6))
			send_fragment(&whole, cut - overlap, len, false, id);
	} else {
		send_fragment(&whole, cut - overlap, len, false, id);
		if (!one_in(&rng, 6))
			send_fragment(&whole, 0, cut, true, id);
	}
}

/* An ICMP error about the module's last segment, or what claims to be one. */
static void send_icmp(struct conn *c)
{
	static const uint8_t types4[] = { 3, 3, 3, 4, 5, 11, 12 };
	static const uint8_t types6[] = { 1, 1, 2, 2, 3, 4, 137 };
	static const uint16_t mtus[] = { 0, 1, 67, 68, 500, 552, 1279, 1280, 1400, 1500, 65535 };
	int quote = c->quote_len, head = c->v6 ? 40 : 20;
	uint8_t *i;

	if (!quote)
		return;
	if (one_in(&rng, 4))
		quote = below(&rng, quote + 1);
	else if (quote > head + 60)
		quote = head + 8 + below(&rng, 52);
	packet_ip(&pkt, c->v6, c->v6 ? 58 : 1, 0);
	i = pkt.b + pkt.l4;
	memset(i, 0, 8);
	i[0] = c->v6 ? PICK(&rng, types6) : PICK(&rng, types4);
	i[1] = one_in(&rng, 2) ? below(&rng, 16) : c->v6 ? 0 : 4;
	if (c->v6)
		put32(i + 4, PICK(&rng, mtus));
	else
		put16(i + 6, PICK(&rng, mtus));
	memcpy(i + 8, c->quote, quote);
	if (quote >= head + 8)
		put32(i + 8 + head + 4, edge(c->una, c->rcv - c->una));
	if (one_in(&rng, 8) && quote)
		i[8 + below(&rng, quote)] ^= 1 + below(&rng, 255);
	pkt.len += 8 + quote;
	packet_checksum(&pkt, c->v6 ? 58 : 1, 2, c->v6);
	packet_finish_ip(&pkt);
	emit(3);
}

/* What a process does with its socket meanwhile. */
static void use(struct conn *c)
{
	static char buf[65536];

	if (c->listener >= 0 && one_in(&rng, 8)) {
		int fd = accept4(c->listener, NULL, NULL, SOCK_NONBLOCK);

		if (fd >= 0)
			close(fd);
	}
	if (c->fd < 0)
		return;
	switch (below(&rng, 12)) {
	case 0:
		recv(c->fd, buf, below(&rng, sizeof(buf)), MSG_DONTWAIT);
		break;
	case 1:
		recv(c->fd, buf, 1, MSG_OOB | MSG_DONTWAIT);
		break;
	case 2:
		recv(c->fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);
		break;
	case 3:
		send(c->fd, buf, below(&rng, 30000), MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case 4:
		send(c->fd, buf, 1, MSG_OOB | MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case 5:
		get_int(c->fd, SOL_SOCKET, SO_ERROR);
		break;
	default:
		break;
	}
}

static void conn_leave(struct conn *c)
{
	if (c->fd >= 0) {
		struct linger now = { 1, 0 };

		if (one_in(&rng, 2))
			setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(c->fd);
	}
	if (c->listener >= 0)
		close(c->listener);
	/* The right RST, which ends what the fuzz left alive. */
	hear_all(c);
	tell(c, F_RST, c->last.ack, 0, 0);
}

/* One connection, one state. Return: false if it could not be brought there. */
static bool fuzz(enum where to, bool v6)
{
	struct conn c = { .v6 = v6, .fd = -1, .listener = -1 };
	bool good;
	int i;

	c.pport = 20000 + below(&rng, 40000);
	c.seq = rng_next(&rng);
	c.wnd = 65535;
	good = conn_bring(&c, to);
	for (i = 0; good && i < PER_ROUND; i++) {
		switch (below(&rng, 12)) {
		case 0:
			send_extended(&c);
			break;
		case 1:
			send_fragments(&c);
			break;
		case 2:
			send_icmp(&c);
			break;
		default:
			send_plain(&c);
			break;
		}
		use(&c);
		hear_all(&c);
	}
	conn_leave(&c);
	return good;
}

/* -- the connection beside it --------------------------------------------------------- */

struct witness {
	pid_t pid;
	struct pair p;
	int control[2];
};

static int witness_turn(struct pair *p, unsigned long *at, unsigned int seed)
{
	static char out[6000], in[6000];

	pattern_fill(out, sizeof(out), *at, seed);
	if (send(p->c, out, sizeof(out), MSG_NOSIGNAL) != sizeof(out) ||
	    recv(p->s, in, sizeof(in), MSG_WAITALL) != sizeof(in) ||
	    pattern_check(in, sizeof(in), *at, seed))
		return 0;
	*at += sizeof(out);
	return 1;
}

/* Carries a pattern until told to stop; the exit status says whether all of it was right. */
static void witness_start(struct witness *w, const struct xport *t)
{
	unsigned long at = 0;
	char word;

	w->p.l = NEED(sock(t));
	/* Small windows: a blind guess must not hit by chance. */
	set_int(w->p.l, SOL_SOCKET, SO_RCVBUF, 30000);
	NEED(sock_bind(w->p.l, addr_text(t, WIRE_US4, WIRE_US6, 0)));
	NEED(listen(w->p.l, 1));
	w->p.at = addr_local(w->p.l);
	w->p.c = NEED(sock(t));
	set_int(w->p.c, SOL_SOCKET, SO_RCVBUF, 30000);
	NEED(sock_connect(w->p.c, w->p.at));
	w->p.s = NEED(accept(w->p.l, NULL, NULL));
	NEED(pipe(w->control));
	w->pid = fork();
	if (w->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	do {
		if (!witness_turn(&w->p, &at, t->on)) {
			ktap_note("the connection over %s breaks after %lu octets: %s", t->label, at,
				  strerror(errno));
			_exit(1);
		}
	} while (!ready_within(w->control[0], POLLIN, 10));
	/* Both ends agree about the end of it, too. */
	if (shutdown(w->p.c, SHUT_WR) || recv(w->p.s, &word, 1, 0))
		_exit(1);
	ktap_note("the connection over %s carried %lu octets", t->label, at);
	_exit(at ? 0 : 1);
}

static int witness_stop(struct witness *w)
{
	int status = -1;

	if (write(w->control[1], "x", 1) == 1)
		waitpid(w->pid, &status, 0);
	pair_close(&w->p);
	return !status;
}

/* -- the whole ------------------------------------------------------------------------- */

/* Counters that the fuzz must have moved, or it did not reach what it is for. */
static const char *const must_move[] = {
	"InCsumErrors", "InHdrErrors", "InOptErrors", "InFlagErrors", "InNoConn", "OutOfWindow",
	"ChallengeACK", "SYNChallenge", "AckUnsentData", "TooOldAck", "OutOfWindowIcmps",
	"TWIgnoredRst", "OutRsts", "EstabResets", "OFOQueue",
};

static int counters_moved(void)
{
	unsigned int i, still = 0;

	for (i = 0; i < sizeof(must_move) / sizeof(must_move[0]); i++) {
		ktap_note("%s %ld", must_move[i], stat_get(must_move[i]));
		if (stat_get(must_move[i]) <= 0)
			still++;
	}
	return !still;
}

/* Orphans of the fuzz ask on; a peer without a connection answers with RST. */
static void answer_orphans(int ms)
{
	long end = now_ms() + ms;
	struct conn c = { 0 };
	struct seg s;

	while (stat_alive() && now_ms() < end)
		while (wire_read(&s, 50)) {
			c.v6 = s.v6;
			c.lport = s.sport;
			c.pport = s.dport;
			if (!(s.flags & F_RST))
				tell(&c, s.flags & F_ACK ? F_RST : F_RST | F_ACK, s.ack,
				     s.seq + s.len + !!(s.flags & (F_SYN | F_FIN)), 0);
		}
}

/* After all that a connection works as before. */
static int alive_still(const struct xport *t)
{
	struct pair p = pair_open(t);
	unsigned long at = 0;
	int good = witness_turn(&p, &at, 1);

	pair_close(&p);
	return good;
}

int main(int argc, char **argv)
{
	struct witness w4 = { 0 }, w6 = { 0 };
	long rounds[AT_COUNT] = { 0 }, missed[AT_COUNT] = { 0 };
	struct stress s;
	struct addr at;
	int i, ret;

	ret = stress_begin(&s, argc, argv,
			   "Injects mutated segments, fragments and ICMP errors into connections in every state.",
			   "segments", 5000, 220000, AT_COUNT + 6);
	if (ret >= 0)
		return ret;
	rng.state = s.seed;
	if (stress_netns() || wire_open())
		return KTAP_FAIL;
	/* TIME-WAIT must outlive its round; duplicates must be answered each time. */
	knob("msl", "3000");
	knob("challenge_ack_limit", "1000000");
	witness_start(&w4, &stress_v4);
	witness_start(&w6, &stress_v6);
	at = addr_local(w6.p.c);
	victims[0] = addr_port(&at);
	victims[1] = addr_port(&w6.p.at);

	for (i = 0; sent < s.count && missed[i % AT_COUNT] < 5; i++) {
		rounds[i % AT_COUNT]++;
		if (!fuzz(i % AT_COUNT, i / AT_COUNT & 1)) {
			missed[i % AT_COUNT]++;
			ktap_note("round %d (%s, %s) was not reached", i,
				  where_names[i % AT_COUNT], i / AT_COUNT & 1 ? "IPv6" : "IPv4");
		}
	}
	for (i = 0; i < AT_COUNT; i++)
		ktap_result(rounds[i] && !missed[i], "%s met %d segments in each of %ld rounds",
			    where_names[i], PER_ROUND, rounds[i]);
	ktap_note("%ld bare, %ld behind IP options, %ld fragments, %ld ICMP errors", kinds[0],
		  kinds[1], kinds[2], kinds[3]);
	ktap_result(sent >= s.count, "%ld mutated segments were sent", sent);
	ktap_result(counters_moved(), "each kind of drop was counted");
	ktap_result(witness_stop(&w4), "the connection beside it kept every octet, IPv4");
	ktap_result(witness_stop(&w6), "the connection beside it kept every octet, IPv6");
	ktap_result(alive_still(&stress_v4) && alive_still(&stress_v6), "new connections work");
	knob("msl", "1");
	answer_orphans(30000);
	ktap_result(stat_pair_up(30), "everything created is destroyed");
	return ktap_end();
}
