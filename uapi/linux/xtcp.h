/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * XTCP as programs see it: the family, the protocol and the socket options.
 *
 * A program changes one line to use XTCP, its socket() call:
 *
 *	fd = socket(AF_XTCP, SOCK_STREAM, 0);			IPv4
 *	fd = socket(AF_XTCP, SOCK_STREAM, XTCPPROTO_XTCP6);	IPv6, dual-stack
 *
 * Addresses stay struct sockaddr_in and struct sockaddr_in6 with AF_INET and
 * AF_INET6, so what getaddrinfo() returns goes straight in.
 */
#ifndef _UAPI_LINUX_XTCP_H
#define _UAPI_LINUX_XTCP_H

/* A family number whose first owner (AF_SNA) never had an implementation. */
#ifndef AF_XTCP
#define AF_XTCP			22
#endif
#ifndef PF_XTCP
#define PF_XTCP			AF_XTCP
#endif

/* The IP protocol on the wire (RFC 3692, experimental) and what SO_PROTOCOL says. */
#ifndef IPPROTO_XTCP
#define IPPROTO_XTCP		253
#endif
#ifndef SOL_XTCP
#define SOL_XTCP		253
#endif

/* Third argument of socket(): 0 and IPPROTO_XTCP mean IPv4. */
#define XTCPPROTO_XTCP		0
#define XTCPPROTO_XTCP6		1

/*
 * Socket options at level SOL_XTCP. The numbers are those of the TCP_* options,
 * and level SOL_TCP with the TCP_* names means the same thing, so a program
 * written for TCP sets them without knowing what transport it runs over.
 */
#define XTCP_NODELAY		1	/* int, bool: no Nagle (RFC 9293 3.7.4) */
#define XTCP_MAXSEG		2	/* int, bytes: bound of the MSS, both ways */
#define XTCP_CORK		3	/* int, bool: hold back partial segments */
#define XTCP_KEEPIDLE		4	/* int, s: idle time before the first probe */
#define XTCP_KEEPINTVL		5	/* int, s: time between two probes */
#define XTCP_KEEPCNT		6	/* int: unanswered probes that end it */
#define XTCP_SYNCNT		7	/* int: SYN retransmissions */
#define XTCP_LINGER2		8	/* int, s: life of an orphan in FIN-WAIT-2 */
#define XTCP_DEFER_ACCEPT	9	/* int, s: accept() waits for data so long */
#define XTCP_WINDOW_CLAMP	10	/* int, bytes: bound of the window we offer */
#define XTCP_INFO		11	/* struct tcp_info, read only */
#define XTCP_QUICKACK		12	/* int, bool: acknowledge at once */
#define XTCP_CONGESTION		13	/* string: congestion control by name */
#define XTCP_USER_TIMEOUT	18	/* unsigned int, ms: R2 of RFC 9293 3.8.3 */
#define XTCP_NOTSENT_LOWAT	25	/* unsigned int, bytes: writable below so many unsent */
#define XTCP_CC_INFO		26	/* union tcp_cc_info, read only: the algorithm's own */

#define XTCP_INQ		36	/* int, 0 or 1: recvmsg() tells what is left, XTCP_CM_INQ */
#define XTCP_CM_INQ		XTCP_INQ	/* that control message: int, level SOL_TCP */

/* Options that TCP does not have start at 128; there is none yet. */

#endif /* _UAPI_LINUX_XTCP_H */
