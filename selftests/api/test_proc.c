// SPDX-License-Identifier: GPL-2.0
/* /proc/net/xtcp and xtcp6 have the columns of /proc/net/tcp, in every state. */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

enum { SERVER = 8100, CLIENT = 8101 };

/* One line, its columns split at blanks and at the colons within them. */
struct row {
	char line[512];
	unsigned int sl, lport, rport, state, txq, rxq, timer, retrans, uid, timeout, refs;
	char local[40], remote[40];
	unsigned long when, inode;
	int columns;		/* words after the pointer */
	int at;			/* where those begin */
};

/* Finds the line of these ports and this state; false if there is none. */
static bool find(const struct xport *t, int lport, int rport, int state, struct row *r)
{
	FILE *f = fopen(proc_table(t), "r");
	bool found = false;

	if (!f)
		return false;
	while (!found && fgets(r->line, sizeof(r->line), f)) {
		const char *p;
		bool blank = true;

		r->at = 0;
		if (sscanf(r->line, " %u: %39[0-9A-F]:%x %39[0-9A-F]:%x %x %x:%x %x:%lx %x %u %u %lu %u %*s%n",
			   &r->sl, r->local, &r->lport, r->remote, &r->rport, &r->state,
			   &r->txq, &r->rxq, &r->timer, &r->when, &r->retrans, &r->uid,
			   &r->timeout, &r->inode, &r->refs, &r->at) != 15)
			continue;
		found = (int)r->lport == lport && (int)r->rport == rport &&
			(int)r->state == state;
		r->columns = 0;
		for (p = r->line + r->at; *p; p++) {
			if (*p != ' ' && *p != '\n' && blank)
				r->columns++;
			blank = *p == ' ' || *p == '\n';
		}
	}
	fclose(f);
	return found;
}

static bool find_soon(const struct xport *t, int lport, int rport, int state, struct row *r)
{
	int i;

	for (i = 0; i < 200; i++) {
		if (find(t, lport, rport, state, r))
			return true;
		nap_ms(10);
	}
	return false;
}

static unsigned long inode_of(int fd)
{
	struct stat st;

	NEED(fstat(fd, &st));
	return st.st_ino;
}

/* Everything in a row that does not depend on the moment. */
static void describe(const char *what, const struct row *r, int fd)
{
	oracle_text(what, "local %s:%04X remote %s:%04X state %02X", r->local, r->lport,
		    r->remote, r->rport, r->state);
	oracle_text("queues", "%08X:%08X", r->txq, r->rxq);
	oracle_text("timer", "%02X", r->timer);
	oracle_text("retransmissions, uid, probes", "%08X %u %u", r->retrans, r->uid,
		    r->timeout);
	oracle_text("columns after the pointer", "%d", r->columns);
	/* The IPv4 file pads its lines to one length; IPv6's are as they are. */
	if (strlen(r->local) == 8)
		oracle_text("length of the line", "%zu", strlen(r->line));
	if (fd >= 0)
		IS(r->inode == inode_of(fd), 1);
	else
		IS(r->inode, 0);
}

static void header(const struct xport *t)
{
	FILE *f = fopen(proc_table(t), "r");
	char line[512] = "";

	TRUE(f != NULL);
	TRUE(fgets(line, sizeof(line), f) != NULL);
	oracle_text("header", "%.150s", line);
	SAW(strlen(line));
	/* Nothing else in a new namespace, and a reader can seek back. */
	TRUE(fgets(line, sizeof(line), f) == NULL);
	rewind(f);
	TRUE(fgets(line, sizeof(line), f) != NULL);
	fclose(f);
}

static void connected(const struct xport *t)
{
	int l = NEED(sock_listener(t, SERVER, 5)), c = NEED(sock(t)), s;
	struct row r;

	TRUE(find(t, SERVER, 0, TCP_LISTEN, &r));
	describe("LISTEN", &r, l);
	NEED(sock_bind(c, addr_loopback(t, CLIENT)));
	/* Bound and nothing more is not listed. */
	IS(proc_count(t, CLIENT, -1, -1), 0);
	NEED(sock_connect(c, addr_loopback(t, SERVER)));
	nap_ms(50);
	/* Waiting to be accepted: no file yet, and the listener's queue is 1. */
	TRUE(find(t, SERVER, CLIENT, TCP_ESTABLISHED, &r));
	describe("ESTABLISHED, not accepted", &r, -1);
	TRUE(find(t, SERVER, 0, TCP_LISTEN, &r));
	describe("LISTEN with a queue", &r, l);
	s = NEED(accept(l, NULL, NULL));
	TRUE(find(t, SERVER, CLIENT, TCP_ESTABLISHED, &r));
	describe("ESTABLISHED, server", &r, s);
	TRUE(find(t, CLIENT, SERVER, TCP_ESTABLISHED, &r));
	describe("ESTABLISHED, client", &r, c);

	/* Unread and unacknowledged bytes. */
	IS(send(c, "0123456789", 10, 0), 10);
	nap_ms(300);
	TRUE(find(t, SERVER, CLIENT, TCP_ESTABLISHED, &r));
	describe("10 bytes unread", &r, s);
	IS(r.rxq, 10);
	IS(recv(s, (char[10]){ 0 }, 10, 0), 10);

	/* Keepalive shows as timer 2. */
	NEED(set_int(c, SOL_SOCKET, SO_KEEPALIVE, 1));
	TRUE(find(t, CLIENT, SERVER, TCP_ESTABLISHED, &r));
	describe("keepalive", &r, c);
	IS(r.timer, 2);

	IS(shutdown(c, SHUT_WR), 0);
	TRUE(find_soon(t, CLIENT, SERVER, TCP_FIN_WAIT2, &r));
	describe("FIN-WAIT-2", &r, c);
	TRUE(find(t, SERVER, CLIENT, TCP_CLOSE_WAIT, &r));
	describe("CLOSE-WAIT", &r, s);
	IS(shutdown(s, SHUT_WR), 0);
	TRUE(find_soon(t, CLIENT, SERVER, TCP_TIME_WAIT, &r));
	describe("TIME-WAIT", &r, -1);
	IS(r.timer, 3);
	/* In clock ticks; TIMER_HZ is 100 for programs. */
	TRUE(r.when > 5000 && r.when <= 6000);
	IS(proc_count(t, SERVER, CLIENT, -1), 0);
	close(c);
	close(s);
	close(l);
	IS(proc_count(t, SERVER, 0, -1), 0);
}

static void unanswered(const struct xport *t)
{
	struct sock_filter drop_all[] = { { BPF_RET | BPF_K, 0, 0, 0 } };
	struct sock_fprog drop = { 1, drop_all };
	int l = NEED(sock_listener(t, SERVER, 5)), c = NEED(sock_flags(t, SOCK_NONBLOCK)), s, i;
	struct row r;

	/* A client deaf to the SYN-ACK leaves both sides half open. */
	NEED(setsockopt(c, SOL_SOCKET, SO_ATTACH_FILTER, &drop, sizeof(drop)));
	NEED(sock_bind(c, addr_loopback(t, CLIENT)));
	IS(sock_connect(c, addr_loopback(t, SERVER)), -EINPROGRESS);
	TRUE(find_soon(t, CLIENT, SERVER, TCP_SYN_SENT, &r));
	describe("SYN-SENT", &r, c);
	IS(r.timer, 1);
	TRUE(find_soon(t, SERVER, CLIENT, TCP_SYN_RECV, &r));
	describe("SYN-RECEIVED", &r, -1);
	IS(r.timer, 1);
	TRUE(find(t, SERVER, 0, TCP_LISTEN, &r));
	describe("LISTEN with a request", &r, l);
	NEED(set_int(c, SOL_SOCKET, SO_DETACH_FILTER, 0));
	EV_IS(ready_within(c, POLLOUT, 5000), POLLOUT);
	s = NEED(accept(l, NULL, NULL));
	IS(proc_count(t, SERVER, CLIENT, TCP_SYN_RECV), 0);

	/* A peer that went deaf: data, then the end, are sent again and again. */
	NEED(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &drop, sizeof(drop)));
	IS(send(c, "lost", 4, 0), 4);
	for (i = 0; i < 1500; i++) {
		if (!find(t, CLIENT, SERVER, TCP_ESTABLISHED, &r) || r.retrans)
			break;
		nap_ms(10);
	}
	TRUE(r.retrans >= 1 && r.retrans < 10);
	IS(r.timer, 1);
	IS(r.txq, 4);
	IS(shutdown(c, SHUT_WR), 0);
	TRUE(find(t, CLIENT, SERVER, TCP_FIN_WAIT1, &r));
	IS(r.txq, 5);
	/* Closed by its owner: an orphan without a file. */
	close(c);
	TRUE(find(t, CLIENT, SERVER, TCP_FIN_WAIT1, &r));
	IS(r.inode, 0);
	/* The deaf end closes as well: LAST-ACK cannot be, its FIN comes first. */
	IS(shutdown(s, SHUT_WR), 0);
	TRUE(find_soon(t, SERVER, CLIENT, TCP_FIN_WAIT1, &r) ||
	     find_soon(t, SERVER, CLIENT, TCP_FIN_WAIT2, &r));
	/* A reset ends the orphan now, instead of when it next sends its data. */
	NEED(set_int(s, SOL_SOCKET, SO_DETACH_FILTER, 0));
	set_linger(s, 1, 0);
	close(s);
	close(l);
}

static void last_ack(const struct xport *t)
{
	struct sock_filter drop_all[] = { { BPF_RET | BPF_K, 0, 0, 0 } };
	struct sock_fprog drop = { 1, drop_all };
	int l = NEED(sock_listener(t, SERVER, 5)), c = NEED(sock(t)), s;
	struct row r;

	NEED(sock_bind(c, addr_loopback(t, CLIENT)));
	NEED(sock_connect(c, addr_loopback(t, SERVER)));
	s = NEED(accept(l, NULL, NULL));
	IS(shutdown(c, SHUT_WR), 0);
	TRUE(find_soon(t, CLIENT, SERVER, TCP_FIN_WAIT2, &r));
	TRUE(find_soon(t, SERVER, CLIENT, TCP_CLOSE_WAIT, &r));
	/* The one who finished first no longer hears: the other's FIN is open. */
	NEED(setsockopt(c, SOL_SOCKET, SO_ATTACH_FILTER, &drop, sizeof(drop)));
	IS(shutdown(s, SHUT_WR), 0);
	TRUE(find_soon(t, SERVER, CLIENT, TCP_LAST_ACK, &r));
	describe("LAST-ACK", &r, s);
	IS(r.txq, 1);
	NEED(set_int(c, SOL_SOCKET, SO_DETACH_FILTER, 0));
	IS(proc_becomes(t, SERVER, CLIENT, -1, 0), 0);
	close(c);
	close(s);
	close(l);
}

/* Both deaf, both finished: the FINs cross, RFC 9293 figure 13. */
static void closing(const struct xport *t)
{
	struct sock_filter drop_all[] = { { BPF_RET | BPF_K, 0, 0, 0 } };
	struct sock_fprog drop = { 1, drop_all };
	int l = NEED(sock_listener(t, SERVER, 5)), c = NEED(sock(t)), s;

	NEED(sock_bind(c, addr_loopback(t, CLIENT)));
	NEED(sock_connect(c, addr_loopback(t, SERVER)));
	s = NEED(accept(l, NULL, NULL));
	NEED(setsockopt(c, SOL_SOCKET, SO_ATTACH_FILTER, &drop, sizeof(drop)));
	NEED(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &drop, sizeof(drop)));
	IS(shutdown(c, SHUT_WR), 0);
	IS(shutdown(s, SHUT_WR), 0);
	IS(proc_becomes(t, CLIENT, SERVER, TCP_FIN_WAIT1, 1), 1);
	IS(proc_becomes(t, SERVER, CLIENT, TCP_FIN_WAIT1, 1), 1);
	NEED(set_int(c, SOL_SOCKET, SO_DETACH_FILTER, 0));
	/* The FIN of s is heard at its next repetition, its ACK is not. */
	IS(proc_becomes(t, CLIENT, SERVER, TCP_CLOSING, 1), 1);
	NEED(set_int(s, SOL_SOCKET, SO_DETACH_FILTER, 0));
	IS(proc_becomes(t, CLIENT, SERVER, TCP_TIME_WAIT, 1), 1);
	close(c);
	close(s);
	close(l);
}

/* Reading the file in small pieces while it is long gives each line once. */
static void long_table(const struct xport *t)
{
	enum { SOCKETS = 150 };
	int fd[SOCKETS], seen[SOCKETS] = { 0 }, i, lines = 0, once = 0;
	char piece[700], line[600];
	size_t have = 0;
	ssize_t n;
	FILE *f;

	for (i = 0; i < SOCKETS; i++)
		fd[i] = NEED(sock_listener(t, 9000 + i, 1));
	f = fopen(proc_table(t), "r");
	while ((n = read(fileno(f), piece, sizeof(piece))) > 0) {
		ssize_t k;

		for (k = 0; k < n; k++) {
			unsigned int port;

			if (have < sizeof(line) - 1)
				line[have++] = piece[k];
			if (piece[k] != '\n')
				continue;
			line[have] = '\0';
			have = 0;
			lines++;
			if (sscanf(line, " %*u: %*[0-9A-F]:%x", &port) == 1 &&
			    port >= 9000 && port < 9000 + SOCKETS)
				seen[port - 9000]++;
		}
	}
	fclose(f);
	IS(lines, SOCKETS + 1);
	for (i = 0; i < SOCKETS; i++) {
		once += seen[i] == 1;
		close(fd[i]);
	}
	IS(once, SOCKETS);
	IS(proc_count(t, -1, -1, -1), 0);
}

static const struct oracle_case cases[] = {
	CASE("the header", header, ON_BOTH, 5),
	CASE("LISTEN to TIME-WAIT", connected, ON_ALL, 80),
	CASE("SYN-SENT, SYN-RECEIVED, FIN-WAIT-1", unanswered, ON_ALL, 25),
	CASE("LAST-ACK", last_ack, ON_ALL, 10),
	CASE("CLOSING", closing, ON_ALL, 6),
	CASE("a long table read in pieces", long_table, ON_BOTH, 3),
};

ORACLE_MAIN("/proc/net/xtcp and xtcp6 compared with /proc/net/tcp and tcp6", cases)
