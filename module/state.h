/* SPDX-License-Identifier: GPL-2.0 */
/* The state machine: transitions, and what a segment does in each state. */
#ifndef _XTCP_STATE_H
#define _XTCP_STATE_H

#include <linux/types.h>

struct sk_buff;
struct sock;
struct xtcp_options;

/*
 * RFC 9293 figure 5, with events instead of segments:
 *
 *	CLOSED --PASSIVE_OPEN--> LISTEN --RCV_SYN--> SYN-RECEIVED --RCV_ACK_OF_SYN--+
 *	CLOSED --ACTIVE_OPEN--> SYN-SENT --RCV_SYN--> SYN-RECEIVED                  |
 *	                        SYN-SENT --RCV_SYN_ACK--> ESTABLISHED <-------------+
 *
 *	ESTABLISHED --CLOSE--> FIN-WAIT-1 --RCV_ACK_OF_FIN--> FIN-WAIT-2 --RCV_FIN--> TIME-WAIT
 *	                       FIN-WAIT-1 --RCV_FIN--> CLOSING --RCV_ACK_OF_FIN--> TIME-WAIT
 *	ESTABLISHED --RCV_FIN--> CLOSE-WAIT --CLOSE--> LAST-ACK --RCV_ACK_OF_FIN--> CLOSED
 *	TIME-WAIT --TIMEOUT_2MSL--> CLOSED;  any --ABORT--> CLOSED
 *
 * A segment with FIN and the ACK of ours is two events, so FIN-WAIT-1 passes through
 * FIN-WAIT-2 on its way to TIME-WAIT.
 */
enum xtcp_event {
	XTCP_EV_PASSIVE_OPEN,
	XTCP_EV_ACTIVE_OPEN,
	XTCP_EV_RCV_SYN,
	XTCP_EV_RCV_SYN_ACK,
	XTCP_EV_RCV_ACK_OF_SYN,
	XTCP_EV_CLOSE,
	XTCP_EV_RCV_FIN,
	XTCP_EV_RCV_ACK_OF_FIN,
	XTCP_EV_TIMEOUT_2MSL,
	XTCP_EV_ABORT,
	XTCP_EV_MAX
};

/*
 * The state that follows @state (TCP_ESTABLISHED and so on) on @ev; @state itself where the
 * event means nothing; 0 where it must not happen. Pure.
 */
int xtcp_state_next(int state, enum xtcp_event ev);

/**
 * xtcp_state_move() - the only place where sk_state changes
 * @sk: the socket, locked
 * @ev: what happened
 *
 * CLOSED takes the socket out of the tables and gives back a port that bind() did not
 * ask for. TIME-WAIT hands the connection to a minisock; the socket is in CLOSED then.
 *
 * Return: true if the state changed.
 */
bool xtcp_state_move(struct sock *sk, enum xtcp_event ev);

/* True in the states in which an abort tells the peer by RST (RFC 9293 3.10.5). */
bool xtcp_state_peer_knows(int state);

/**
 * xtcp_state_segment() - a segment arrives (RFC 9293 3.10.7.3 and 3.10.7.4)
 * @sk: the socket, locked; not LISTEN
 * @skb: validated, cb filled, data at the header; consumed
 * @opt: its options
 *
 * Ends with one xtcp_output_push(). The socket may be gone to CLOSE afterwards.
 */
void xtcp_state_segment(struct sock *sk, struct sk_buff *skb, const struct xtcp_options *opt);

/* struct proto.backlog_rcv: a segment that found the socket busy. Return: 0. */
int xtcp_state_backlog(struct sock *sk, struct sk_buff *skb);

/* All data before the peer's FIN has arrived. Socket lock held. */
void xtcp_state_fin(struct sock *sk);

#endif /* _XTCP_STATE_H */
