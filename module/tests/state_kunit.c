// SPDX-License-Identifier: GPL-2.0
/* KUnit: the transition table, every state by every event (RFC 9293 figure 5). */
#include <kunit/test.h>
#include <net/tcp_states.h>
#include "../state.h"

static const int state_all[] = {
	TCP_CLOSE, TCP_LISTEN, TCP_SYN_SENT, TCP_SYN_RECV, TCP_ESTABLISHED, TCP_FIN_WAIT1,
	TCP_FIN_WAIT2, TCP_CLOSE_WAIT, TCP_CLOSING, TCP_LAST_ACK, TCP_TIME_WAIT,
};

/*
 * The arrows of figure 5, and those that its notes and section 3.10 add: RST in any
 * state ends in CLOSED (ABORT).
 */
static const struct state_arrow {
	int from;
	enum xtcp_event ev;
	int to;
} state_arrows[] = {
	{ TCP_CLOSE,        XTCP_EV_PASSIVE_OPEN,   TCP_LISTEN },
	{ TCP_CLOSE,        XTCP_EV_ACTIVE_OPEN,    TCP_SYN_SENT },
	{ TCP_LISTEN,       XTCP_EV_RCV_SYN,        TCP_SYN_RECV },
	{ TCP_LISTEN,       XTCP_EV_CLOSE,          TCP_CLOSE },
	{ TCP_SYN_SENT,     XTCP_EV_RCV_SYN,        TCP_SYN_RECV },
	{ TCP_SYN_SENT,     XTCP_EV_RCV_SYN_ACK,    TCP_ESTABLISHED },
	{ TCP_SYN_SENT,     XTCP_EV_CLOSE,          TCP_CLOSE },
	{ TCP_SYN_RECV,     XTCP_EV_RCV_ACK_OF_SYN, TCP_ESTABLISHED },
	{ TCP_SYN_RECV,     XTCP_EV_CLOSE,          TCP_FIN_WAIT1 },
	{ TCP_ESTABLISHED,  XTCP_EV_CLOSE,          TCP_FIN_WAIT1 },
	{ TCP_ESTABLISHED,  XTCP_EV_RCV_FIN,        TCP_CLOSE_WAIT },
	{ TCP_FIN_WAIT1,    XTCP_EV_RCV_ACK_OF_FIN, TCP_FIN_WAIT2 },
	{ TCP_FIN_WAIT1,    XTCP_EV_RCV_FIN,        TCP_CLOSING },
	{ TCP_FIN_WAIT2,    XTCP_EV_RCV_FIN,        TCP_TIME_WAIT },
	{ TCP_CLOSE_WAIT,   XTCP_EV_CLOSE,          TCP_LAST_ACK },
	{ TCP_CLOSING,      XTCP_EV_RCV_ACK_OF_FIN, TCP_TIME_WAIT },
	{ TCP_LAST_ACK,     XTCP_EV_RCV_ACK_OF_FIN, TCP_CLOSE },
	{ TCP_TIME_WAIT,    XTCP_EV_TIMEOUT_2MSL,   TCP_CLOSE },
	{ TCP_LISTEN,       XTCP_EV_ABORT,          TCP_CLOSE },
	{ TCP_SYN_SENT,     XTCP_EV_ABORT,          TCP_CLOSE },
	{ TCP_SYN_RECV,     XTCP_EV_ABORT,          TCP_CLOSE },
	{ TCP_ESTABLISHED,  XTCP_EV_ABORT,          TCP_CLOSE },
	{ TCP_FIN_WAIT1,    XTCP_EV_ABORT,          TCP_CLOSE },
	{ TCP_FIN_WAIT2,    XTCP_EV_ABORT,          TCP_CLOSE },
	{ TCP_CLOSE_WAIT,   XTCP_EV_ABORT,          TCP_CLOSE },
	{ TCP_CLOSING,      XTCP_EV_ABORT,          TCP_CLOSE },
	{ TCP_LAST_ACK,     XTCP_EV_ABORT,          TCP_CLOSE },
	{ TCP_TIME_WAIT,    XTCP_EV_ABORT,          TCP_CLOSE },
};

/*
 * Events that do not change the state and yet are no error: closing or aborting what is
 * closed or closing (3.10.4, 3.10.5), and the FIN that comes again (3.10.7.4).
 */
static const struct state_arrow state_loops[] = {
	{ TCP_CLOSE,        XTCP_EV_CLOSE,          TCP_CLOSE },
	{ TCP_CLOSE,        XTCP_EV_ABORT,          TCP_CLOSE },
	{ TCP_FIN_WAIT1,    XTCP_EV_CLOSE,          TCP_FIN_WAIT1 },
	{ TCP_FIN_WAIT2,    XTCP_EV_CLOSE,          TCP_FIN_WAIT2 },
	{ TCP_CLOSING,      XTCP_EV_CLOSE,          TCP_CLOSING },
	{ TCP_LAST_ACK,     XTCP_EV_CLOSE,          TCP_LAST_ACK },
	{ TCP_TIME_WAIT,    XTCP_EV_CLOSE,          TCP_TIME_WAIT },
	{ TCP_TIME_WAIT,    XTCP_EV_RCV_FIN,        TCP_TIME_WAIT },
};

static bool state_known(int state)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(state_all); i++) {
		if (state_all[i] == state)
			return true;
	}
	return false;
}

/* Where the figure's arrow for @ev leads from @from, or a loop; 0: there is none. */
static int state_figure(int from, enum xtcp_event ev)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(state_arrows); i++) {
		if (state_arrows[i].from == from && state_arrows[i].ev == ev)
			return state_arrows[i].to;
	}
	for (i = 0; i < ARRAY_SIZE(state_loops); i++) {
		if (state_loops[i].from == from && state_loops[i].ev == ev)
			return state_loops[i].to;
	}
	return 0;
}

/*
 * What has an arrow follows it, what is harmless stays where it is, and all the rest are
 * errors: 11 states by 10 events, each with the one answer that is right.
 */
static void state_next__every_state_by_every_event(struct kunit *test)
{
	int i, ev, known = 0;

	for (i = 0; i < ARRAY_SIZE(state_all); i++) {
		for (ev = 0; ev < XTCP_EV_MAX; ev++) {
			int want = state_figure(state_all[i], ev);

			KUNIT_EXPECT_EQ_MSG(test, xtcp_state_next(state_all[i], ev), want,
					    "state %d event %d", state_all[i], ev);
			known += !!want;
		}
	}
	KUNIT_EXPECT_EQ(test, known, (int)(ARRAY_SIZE(state_arrows) + ARRAY_SIZE(state_loops)));
	KUNIT_EXPECT_EQ(test, XTCP_EV_MAX, 10);
}

/* States of Linux that XTCP does not use have no way out, and none leads there. */
static void state_next__foreign_states(struct kunit *test)
{
	int state, ev;

	for (state = 1; state < TCP_MAX_STATES; state++) {
		for (ev = 0; ev < XTCP_EV_MAX; ev++) {
			int next = xtcp_state_next(state, ev);

			if (!state_known(state))
				KUNIT_EXPECT_EQ_MSG(test, next, 0, "state %d event %d", state, ev);
			else if (next)
				KUNIT_EXPECT_TRUE_MSG(test, state_known(next),
						      "state %d event %d", state, ev);
		}
	}
}

/* Every state can be reached from CLOSED, and left again for CLOSED. */
static void state_next__no_dead_end(struct kunit *test)
{
	unsigned long reached = BIT(TCP_CLOSE), before;
	int state, ev;

	do {
		before = reached;
		for (state = 1; state < TCP_MAX_STATES; state++) {
			if (!(reached & BIT(state)))
				continue;
			for (ev = 0; ev < XTCP_EV_MAX; ev++) {
				int next = xtcp_state_next(state, ev);

				if (next)
					reached |= BIT(next);
			}
		}
	} while (reached != before);
	for (state = 0; state < ARRAY_SIZE(state_all); state++) {
		KUNIT_EXPECT_TRUE_MSG(test, reached & BIT(state_all[state]), "state %d",
				      state_all[state]);
		KUNIT_EXPECT_EQ(test, xtcp_state_next(state_all[state], XTCP_EV_ABORT), TCP_CLOSE);
	}
}

/* A life: events, and the state after each of them. */
struct state_life {
	const char *what;
	struct {
		enum xtcp_event ev;
		int to;
	} steps[8];
};

static const struct state_life state_lives[] = {
	{ "active open, active close", {
		{ XTCP_EV_ACTIVE_OPEN, TCP_SYN_SENT }, { XTCP_EV_RCV_SYN_ACK, TCP_ESTABLISHED },
		{ XTCP_EV_CLOSE, TCP_FIN_WAIT1 }, { XTCP_EV_RCV_ACK_OF_FIN, TCP_FIN_WAIT2 },
		{ XTCP_EV_RCV_FIN, TCP_TIME_WAIT }, { XTCP_EV_TIMEOUT_2MSL, TCP_CLOSE } } },
	{ "passive open, passive close", {
		{ XTCP_EV_PASSIVE_OPEN, TCP_LISTEN }, { XTCP_EV_RCV_SYN, TCP_SYN_RECV },
		{ XTCP_EV_RCV_ACK_OF_SYN, TCP_ESTABLISHED }, { XTCP_EV_RCV_FIN, TCP_CLOSE_WAIT },
		{ XTCP_EV_CLOSE, TCP_LAST_ACK }, { XTCP_EV_RCV_ACK_OF_FIN, TCP_CLOSE } } },
	{ "simultaneous open and close (figures 7 and 13)", {
		{ XTCP_EV_ACTIVE_OPEN, TCP_SYN_SENT }, { XTCP_EV_RCV_SYN, TCP_SYN_RECV },
		{ XTCP_EV_RCV_ACK_OF_SYN, TCP_ESTABLISHED }, { XTCP_EV_CLOSE, TCP_FIN_WAIT1 },
		{ XTCP_EV_RCV_FIN, TCP_CLOSING }, { XTCP_EV_RCV_ACK_OF_FIN, TCP_TIME_WAIT },
		{ XTCP_EV_RCV_FIN, TCP_TIME_WAIT }, { XTCP_EV_TIMEOUT_2MSL, TCP_CLOSE } } },
	{ "closed before the handshake is over", {
		{ XTCP_EV_PASSIVE_OPEN, TCP_LISTEN }, { XTCP_EV_RCV_SYN, TCP_SYN_RECV },
		{ XTCP_EV_CLOSE, TCP_FIN_WAIT1 }, { XTCP_EV_RCV_ACK_OF_FIN, TCP_FIN_WAIT2 },
		{ XTCP_EV_RCV_FIN, TCP_TIME_WAIT }, { XTCP_EV_TIMEOUT_2MSL, TCP_CLOSE } } },
	{ "FIN with the ACK of ours, the short cut of FIN-WAIT-1", {
		{ XTCP_EV_ACTIVE_OPEN, TCP_SYN_SENT }, { XTCP_EV_RCV_SYN_ACK, TCP_ESTABLISHED },
		{ XTCP_EV_CLOSE, TCP_FIN_WAIT1 }, { XTCP_EV_RCV_ACK_OF_FIN, TCP_FIN_WAIT2 },
		{ XTCP_EV_RCV_FIN, TCP_TIME_WAIT } } },
	{ "refused", {
		{ XTCP_EV_ACTIVE_OPEN, TCP_SYN_SENT }, { XTCP_EV_ABORT, TCP_CLOSE } } },
};

static void state_next__lives(struct kunit *test)
{
	int i, j;

	for (i = 0; i < ARRAY_SIZE(state_lives); i++) {
		int state = TCP_CLOSE;

		for (j = 0; j < ARRAY_SIZE(state_lives[i].steps); j++) {
			if (!state_lives[i].steps[j].to)
				break;
			state = xtcp_state_next(state, state_lives[i].steps[j].ev);
			KUNIT_ASSERT_EQ_MSG(test, state, state_lives[i].steps[j].to,
					    "%s, step %d", state_lives[i].what, j);
		}
	}
}

/* RFC 9293 3.10.5: ABORT sends a reset in these states and in no other. */
static void state_peer_knows__states_of_a_reset(struct kunit *test)
{
	const unsigned long knows = BIT(TCP_SYN_RECV) | BIT(TCP_ESTABLISHED) | BIT(TCP_FIN_WAIT1) |
				    BIT(TCP_FIN_WAIT2) | BIT(TCP_CLOSE_WAIT);
	int i;

	for (i = 0; i < ARRAY_SIZE(state_all); i++)
		KUNIT_EXPECT_EQ_MSG(test, xtcp_state_peer_knows(state_all[i]),
				    !!(knows & BIT(state_all[i])), "state %d", state_all[i]);
}

static struct kunit_case state_cases[] = {
	KUNIT_CASE(state_next__every_state_by_every_event),
	KUNIT_CASE(state_next__foreign_states),
	KUNIT_CASE(state_next__no_dead_end),
	KUNIT_CASE(state_next__lives),
	KUNIT_CASE(state_peer_knows__states_of_a_reset),
	{}
};

static struct kunit_suite state_suite = {
	.name = "xtcp_state",
	.test_cases = state_cases,
};

kunit_test_suite(state_suite);
