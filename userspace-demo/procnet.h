/* SPDX-License-Identifier: GPL-2.0 */
/* Reads /proc/net/xtcp, xtcp6, tcp and tcp6: the sockets of one network namespace. */
#ifndef DEMO_PROCNET_H
#define DEMO_PROCNET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

/* The numbers the kernel prints in column "st". */
enum conn_state {
	ST_CLOSED = 0,		/* ours, for "not listed" */
	ST_ESTABLISHED = 1,
	ST_SYN_SENT,
	ST_SYN_RECEIVED,
	ST_FIN_WAIT_1,
	ST_FIN_WAIT_2,
	ST_TIME_WAIT,
	ST_CLOSE,
	ST_CLOSE_WAIT,
	ST_LAST_ACK,
	ST_LISTEN,
	ST_CLOSING,
	ST_NEW_SYN_RECV,
};

/* Values of the timer column. */
enum conn_timer {
	TM_NONE = 0,
	TM_RETRANSMIT = 1,
	TM_KEEPALIVE = 2,
	TM_TIME_WAIT = 3,
	TM_PROBE = 4,
};

struct conn_row {
	struct in6_addr laddr, raddr;	/* IPv4 in the first four bytes */
	unsigned int lport, rport;
	enum conn_state state;
	unsigned int txq, rxq;		/* bytes; accept queue for LISTEN */
	unsigned int timer;
	double timer_s;			/* until it fires */
	unsigned int retransmits;
	unsigned int uid;
	unsigned long inode;
};

struct conn_table {
	int fd;
	int af;
	struct conn_row *row;
	size_t rows, room;
};

/* Opens the list in the caller's namespace; false with errno set if there is none. */
bool procnet_open(struct conn_table *t, bool tcp, int af);
/* Reads it anew, in the namespace in which it was opened. */
void procnet_read(struct conn_table *t);
void procnet_close(struct conn_table *t);
/* The connection with these ports (the listener for rport 0), or NULL. */
const struct conn_row *procnet_find(const struct conn_table *t, unsigned int lport,
				    unsigned int rport);
/* RFC 9293's name of a state, such as "FIN-WAIT-1". */
const char *state_name(enum conn_state state);

#endif
