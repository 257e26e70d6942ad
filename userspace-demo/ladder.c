// SPDX-License-Identifier: GPL-2.0
/*
 * Draws a connection as a ladder of segments and judges it by RFC 9293.
 *
 * A row is 100 columns: time (11), A's state (14), the path between the hosts
 * (61), B's state (14). A segment takes two rows: flags and numbers as they are on
 * the wire where it leaves, and relative to the ISNs where it arrives.
 */
#include <stdarg.h>
#include <string.h>

#include "common.h"
#include "ladder.h"

#define STATE_COLUMNS	12
#define PATH_COLUMNS	59
#define NOTE_MAX	96
#define SEEN_MAX	64
#define STATES_MAX	16

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

/* The characters of the drawing: box drawing, or ASCII. */
struct glyphs {
	const char *line, *dot, *right, *left;
	const char *down_right, *up_right;	/* from A to B: leaves, arrives */
	const char *down_left, *up_left;	/* from B to A */
	const char *times, *sep;
};

static const struct glyphs utf8 = {
	"─", "●", "▶", "◀", "╮", "╰", "╭", "╯", "×", "·"
};
static const struct glyphs ascii = {
	"-", "o", ">", "<", "\\", "\\", "/", "/", "x", ";"
};
static const struct glyphs *g = &utf8;

/* What one side did, for the verdict. */
struct side {
	enum conn_state seen[STATES_MAX];	/* each state once, in their order */
	size_t states;
	uint32_t isn;
	bool isn_known;
	int wscale;				/* -1: none offered */
};

static struct side side_a, side_b;
static unsigned int port_b;
static double start;

/* The states of both sides after an event. */
struct states {
	enum conn_state a, b;
};

/* A segment, in the order in which they left, and the states around it. */
static struct passage {
	struct segment seg;
	bool from_a, arrived;
	struct states left_in, arrived_in;
} sent[SEEN_MAX];
static size_t sents;

void ladder_ascii(void)
{
	g = &ascii;
}

/* ---- what is remembered ---- */

static void note_state(struct side *s, enum conn_state state)
{
	if (s->states && s->seen[s->states - 1] == state)
		return;
	if (s->states < STATES_MAX)
		s->seen[s->states++] = state;
}

/* The path keeps the order: what arrives is the oldest that is under way. */
static void note_arrival(bool from_a, struct states now)
{
	size_t i;

	for (i = 0; i < sents; i++) {
		if (sent[i].from_a != from_a || sent[i].arrived)
			continue;
		sent[i].arrived = true;
		sent[i].arrived_in = now;
		return;
	}
}

static void note_segment(const struct ladder_event *e, bool from_a, struct states now)
{
	struct side *s = from_a ? &side_a : &side_b;

	if (!e->seg.outgoing) {
		note_arrival(from_a, now);
		return;
	}
	if ((e->seg.flags & SEG_SYN) && !s->isn_known) {
		s->isn = e->seg.seq;
		s->isn_known = true;
		s->wscale = e->seg.wscale;
	}
	if (sents < SEEN_MAX) {
		sent[sents].seg = e->seg;
		sent[sents].from_a = from_a;
		sent[sents].left_in = now;
		sents++;
	}
}

/* ---- drawing ---- */

static void repeat(const char *glyph, int times)
{
	while (times-- > 0)
		fputs(glyph, stdout);
}

/* Columns that a UTF-8 text takes on the terminal (no wide characters here). */
static int columns(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

static void put_state(enum conn_state state, bool changed, bool last)
{
	const char *name = state_name(state);

	printf("%s%s%s", changed ? c_green() : c_dim(), changed ? c_bold() : "", name);
	fputs(c_off(), stdout);
	if (!last)
		printf("%*s", STATE_COLUMNS - columns(name), "");
}

/* The row of a leaving segment: "●─ SYN seq 1 win 2 ───────╮  " and its mirror image. */
static void put_leaving(const char *flags, const char *text, bool from_a)
{
	int fill = PATH_COLUMNS - 8 - columns(flags) - 1 - columns(text);

	if (from_a)
		printf("%s%s ", g->dot, g->line);
	else
		printf("  %s%s ", g->down_left, g->line);
	printf("%s%s%s%s %s ", c_bold(), c_cyan(), flags, c_off(), text);
	repeat(g->line, fill + 1);
	printf("%s%s", from_a ? g->down_right : g->dot, from_a ? "  " : "");
}

/* The row of an arriving one: "   relative ...             ╰─▶" and its mirror image. */
static void put_arriving(const char *note, bool from_a)
{
	int fill = PATH_COLUMNS - 3 - columns(note);	/* 3 for the arrow */

	if (from_a) {
		printf("   %s%s%s", c_dim(), note, c_off());
		printf("%*s%s%s%s", fill > 3 ? fill - 3 : 0, "", g->up_right, g->line, g->right);
	} else {
		printf("%s%s%s %s%s%s", g->left, g->line, g->up_left, c_dim(), note, c_off());
		printf("%*s", fill > 1 ? fill - 1 : 0, "");
	}
}

static void wire_text(const struct segment *s, char *buf, size_t room)
{
	int n = snprintf(buf, room, "seq %u", s->seq);

	if (s->flags & SEG_ACK)
		n += snprintf(buf + n, room - n, " ack %u", s->ack);
	snprintf(buf + n, room - n, " win %u", s->window);
}

static int append(char *buf, size_t room, int at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int append(char *buf, size_t room, int at, const char *fmt, ...)
{
	va_list ap;
	int n;

	if ((size_t)at >= room)
		return at;
	va_start(ap, fmt);
	n = vsnprintf(buf + at, room - at, fmt, ap);
	va_end(ap);
	return at + n;
}

/* Relative numbers, then what the segment carries: options, bytes, or a scaled window. */
static void relative_text(const struct segment *s, bool from_a, char *buf, size_t room)
{
	const struct side *self = from_a ? &side_a : &side_b;
	const struct side *peer = from_a ? &side_b : &side_a;
	int n = append(buf, room, 0, "relative seq %u", s->seq - self->isn);

	if (s->flags & SEG_ACK)
		n = append(buf, room, n, " ack %u", s->ack - peer->isn);
	if (s->flags & SEG_SYN) {
		n = append(buf, room, n, " %s mss %d", g->sep, s->mss);
		if (s->sack_ok)
			n = append(buf, room, n, ", sack");
		if (s->timestamps)
			n = append(buf, room, n, ", ts");
		if (s->wscale >= 0)
			n = append(buf, room, n, ", wscale %d", s->wscale);
		return;
	}
	if (s->payload) {
		n = append(buf, room, n, " %s %zu bytes", g->sep, s->payload);
		if (s->text[0])
			n = append(buf, room, n, " \"%s\"", s->text);
		return;
	}
	if (self->wscale > 0 && peer->wscale >= 0)
		append(buf, room, n, " %s window %u%s%u = %u", g->sep, s->window, g->times,
		       1U << self->wscale, (unsigned int)s->window << self->wscale);
}

void ladder_begin(unsigned int port, enum conn_state state_a, enum conn_state state_b)
{
	port_b = port;
	note_state(&side_a, state_a);
	note_state(&side_b, state_b);
	printf("%s     time    host A       %*s%*shost B%s\n", c_bold(),
	       (PATH_COLUMNS + 22) / 2, transport.tcp ? "segments (TCP, IP protocol 6)" :
	       "segments (XTCP, IP protocol 253)", (PATH_COLUMNS - 21) / 2, "", c_off());
	printf("%11s  ", "");
	put_state(state_a, true, false);
	printf(" %*s ", PATH_COLUMNS, "");
	put_state(state_b, true, true);
	putchar('\n');
}

void ladder_section(const char *title)
{
	printf("%s", c_yellow());
	repeat(g->line, 2);
	printf(" %s ", title);
	repeat(g->line, 99 - 4 - columns(title));
	printf("%s\n", c_off());
}

void ladder_draw(const struct ladder_event *e, enum conn_state state_a,
		 enum conn_state state_b)
{
	bool from_a = e->at_a == e->seg.outgoing;
	size_t known_a = side_a.states, known_b = side_b.states;
	char flags[40], text[NOTE_MAX];

	if (start == 0)
		start = e->seg.time;
	note_segment(e, from_a, (struct states){ state_a, state_b });
	note_state(&side_a, state_a);
	note_state(&side_b, state_b);

	printf("%8.1f ms  ", (e->seg.time - start) * 1e3);
	put_state(state_a, side_a.states != known_a, false);
	putchar(' ');
	if (e->seg.outgoing) {
		segment_flags(e->seg.flags, flags, sizeof(flags));
		wire_text(&e->seg, text, sizeof(text));
		put_leaving(flags, text, from_a);
	} else {
		relative_text(&e->seg, from_a, text, sizeof(text));
		put_arriving(text, from_a);
	}
	putchar(' ');
	put_state(state_b, side_b.states != known_b, true);
	putchar('\n');
}

void ladder_end(void)
{
	printf("%sEvery segment is drawn twice: as it leaves (numbers as on the wire) and as it "
	       "arrives%s\n", c_dim(), c_off());
	printf("%s(relative to the initial sequence numbers). States: /proc/net/%s%s of each "
	       "host.%s\n", c_dim(), transport.tcp ? "tcp" : "xtcp",
	       transport.af == AF_INET6 ? "6" : "", c_off());
}

/* ---- the verdict ---- */

static bool wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static bool wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "%s: ", progname);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	return false;
}

static bool check_states(const char *name, const struct side *s,
			 const enum conn_state *want, size_t n)
{
	size_t i;

	for (i = 0; i < n && i < s->states; i++)
		if (s->seen[i] != want[i])
			return wrong("%s was in %s where %s was due", name,
				     state_name(s->seen[i]), state_name(want[i]));
	if (s->states < n)
		return wrong("%s never reached %s", name, state_name(want[s->states]));
	if (s->states > n)
		return wrong("%s went on to %s", name, state_name(s->seen[n]));
	return true;
}

/* What RFC 9293 figures 6 and 12 have: the segment, and the states around it. */
struct due {
	bool from_a;
	uint8_t flags;				/* PSH aside */
	struct states left_in, arrived_in;
};

static const struct due handshake[] = {
	{ true, SEG_SYN, { ST_SYN_SENT, ST_LISTEN }, { ST_SYN_SENT, ST_SYN_RECEIVED } },
	{ false, SEG_SYN | SEG_ACK, { ST_SYN_SENT, ST_SYN_RECEIVED },
	  { ST_ESTABLISHED, ST_SYN_RECEIVED } },
	{ true, SEG_ACK, { ST_ESTABLISHED, ST_SYN_RECEIVED },
	  { ST_ESTABLISHED, ST_ESTABLISHED } },
};

static const struct due closing[] = {
	{ true, SEG_FIN | SEG_ACK, { ST_FIN_WAIT_1, ST_ESTABLISHED },
	  { ST_FIN_WAIT_1, ST_CLOSE_WAIT } },
	{ false, SEG_ACK, { ST_FIN_WAIT_1, ST_CLOSE_WAIT }, { ST_FIN_WAIT_2, ST_CLOSE_WAIT } },
	{ false, SEG_FIN | SEG_ACK, { ST_FIN_WAIT_2, ST_LAST_ACK }, { ST_TIME_WAIT, ST_LAST_ACK } },
	{ true, SEG_ACK, { ST_TIME_WAIT, ST_LAST_ACK }, { ST_TIME_WAIT, ST_CLOSED } },
};

static bool check_event(const struct passage *p, const char *what, struct states seen,
			struct states want)
{
	char flags[40];

	if (seen.a == want.a && seen.b == want.b)
		return true;
	segment_flags(p->seg.flags, flags, sizeof(flags));
	return wrong("after %s of %s %s, A is in %s and B in %s; due are %s and %s", flags,
		     p->from_a ? "A" : "B", what, state_name(seen.a), state_name(seen.b),
		     state_name(want.a), state_name(want.b));
}

static bool check_due(const char *what, const struct passage *p, const struct due *due, size_t n)
{
	bool ok = true;
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i].from_a != due[i].from_a || (p[i].seg.flags & ~SEG_PSH) != due[i].flags)
			return wrong("segment %zu of the %s is another", i + 1, what);
		ok &= check_event(&p[i], "has left", p[i].left_in, due[i].left_in);
		ok &= check_event(&p[i], "has arrived", p[i].arrived_in, due[i].arrived_in);
	}
	return ok;
}

static bool check_segments(void)
{
	const struct passage *z;
	size_t i;

	if (sents < COUNT(handshake) + COUNT(closing))
		return wrong("only %zu segments were seen", sents);
	for (i = 0; i < sents; i++)
		if (!sent[i].arrived)
			return wrong("segment %zu of %zu never arrived", i + 1, sents);
	z = &sent[sents - COUNT(closing)];
	if (!check_due("handshake", sent, handshake, COUNT(handshake)) ||
	    !check_due("close", z, closing, COUNT(closing)))
		return false;
	if (sent[1].seg.ack != side_a.isn + 1 || sent[2].seg.seq != side_a.isn + 1 ||
	    sent[2].seg.ack != side_b.isn + 1)
		return wrong("the handshake acknowledges the wrong numbers");
	if (z[1].seg.ack != z[0].seg.seq + 1 || z[3].seg.ack != z[2].seg.seq + 1)
		return wrong("the close acknowledges the wrong numbers");
	return true;
}

bool ladder_verdict(void)
{
	static const enum conn_state want_a[] = {
		ST_CLOSED, ST_SYN_SENT, ST_ESTABLISHED, ST_FIN_WAIT_1, ST_FIN_WAIT_2,
		ST_TIME_WAIT,
	};
	static const enum conn_state want_b[] = {
		ST_LISTEN, ST_SYN_RECEIVED, ST_ESTABLISHED, ST_CLOSE_WAIT, ST_LAST_ACK,
		ST_CLOSED,
	};
	bool ok = check_segments();

	ok &= check_states("A", &side_a, want_a, COUNT(want_a));
	ok &= check_states("B", &side_b, want_b, COUNT(want_b));
	return ok;
}
