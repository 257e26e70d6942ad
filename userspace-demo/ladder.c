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
static struct segment sent[SEEN_MAX];		/* in the order in which they left */
static bool sent_by_a[SEEN_MAX];
static size_t sents, arrivals;

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

static void note_segment(const struct ladder_event *e, bool from_a)
{
	struct side *s = from_a ? &side_a : &side_b;

	if (!e->seg.outgoing) {
		arrivals++;
		return;
	}
	if ((e->seg.flags & SEG_SYN) && !s->isn_known) {
		s->isn = e->seg.seq;
		s->isn_known = true;
		s->wscale = e->seg.wscale;
	}
	if (sents < SEEN_MAX) {
		sent[sents] = e->seg;
		sent_by_a[sents] = from_a;
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
	note_segment(e, from_a);
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

/* Segment i: its direction and its flags, PSH aside. */
static bool is(size_t i, bool from_a, uint8_t flags)
{
	return i < sents && sent_by_a[i] == from_a && (sent[i].flags & ~SEG_PSH) == flags;
}

static bool check_segments(void)
{
	size_t z = sents - 4;		/* the first of the close */

	if (sents < 7)
		return wrong("only %zu segments were seen", sents);
	if (arrivals != sents)
		return wrong("%zu segments left, %zu arrived", sents, arrivals);
	if (!is(0, true, SEG_SYN) || !is(1, false, SEG_SYN | SEG_ACK) || !is(2, true, SEG_ACK))
		return wrong("the handshake is not SYN, SYN+ACK, ACK");
	if (sent[1].ack != side_a.isn + 1 || sent[2].seq != side_a.isn + 1 ||
	    sent[2].ack != side_b.isn + 1)
		return wrong("the handshake acknowledges the wrong numbers");
	if (!is(z, true, SEG_FIN | SEG_ACK) || !is(z + 1, false, SEG_ACK) ||
	    !is(z + 2, false, SEG_FIN | SEG_ACK) || !is(z + 3, true, SEG_ACK))
		return wrong("the close is not FIN, ACK, FIN, ACK");
	if (sent[z + 1].ack != sent[z].seq + 1 || sent[z + 3].ack != sent[z + 2].seq + 1)
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

	ok &= check_states("A", &side_a, want_a, sizeof(want_a) / sizeof(want_a[0]));
	ok &= check_states("B", &side_b, want_b, sizeof(want_b) / sizeof(want_b[0]));
	return ok;
}
