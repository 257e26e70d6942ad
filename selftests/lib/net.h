/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses, sockets and small waits for the cases of the API tests. */
#ifndef XTCP_SELFTESTS_NET_H
#define XTCP_SELFTESTS_NET_H

#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "oracle.h"

/* An address of any kind with its length. */
struct addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_storage ss;
	};
	socklen_t len;
};

/* A listener and the two ends of a connection to it. */
struct pair {
	int l;		/* listening socket */
	int c;		/* the end that connected */
	int s;		/* the end that was accepted */
	struct addr at;	/* where @l listens */
};

int net_loopback_up(void);
int net_loopback_down(void);

struct addr addr_loopback(const struct xport *t, int port);
struct addr addr_any(const struct xport *t, int port);
struct addr addr_text(const struct xport *t, const char *v4, const char *v6, int port);
int addr_port(const struct addr *a);
const char *addr_show(const struct addr *a);
struct addr addr_local(int fd);
struct addr addr_peer(int fd);

int sock(const struct xport *t);
int sock_flags(const struct xport *t, int flags);
int sock_bind(int fd, struct addr a);
int sock_connect(int fd, struct addr a);
int sock_listener(const struct xport *t, int port, int backlog);
struct pair pair_open(const struct xport *t);
void pair_close(struct pair *p);
int set_nonblock(int fd, bool on);
int set_int(int fd, int level, int name, int value);
int get_int(int fd, int level, int name);

long so_error(int fd);
int state(int fd);
int state_becomes(int fd, int want);
void set_linger(int fd, int on, int seconds);

unsigned int ready(int fd, unsigned int events);
unsigned int ready_within(int fd, unsigned int events, int ms);
/** slow_kernel() - one that looks for faults, several times slower than the stock one */
bool slow_kernel(void);
/*
 * Timers count ticks, and an emulated machine that lacks processor time gets those late
 * and in bunches: a limit of 200 ms has been seen to end after 100. So the bounds of the
 * cases only tell waiting from not waiting; exact times are the segment tests' affair.
 */
long now_ms(void);
void nap_ms(int ms);
long fill_send(int fd);
long drain(int fd);
void pattern_fill(void *buf, size_t len, unsigned long offset, unsigned int seed);
long pattern_check(const void *buf, size_t len, unsigned long offset, unsigned int seed);

__attribute__((format(printf, 1, 2)))
bool net_run(const char *fmt, ...);
int sysctl_get(const char *path, char *text, int size);
int sysctl_put(const char *path, const char *value);
int sysctl_transport(const struct xport *t, const char *name, const char *value);
long counter(const struct xport *t, const char *name);
const char *proc_table(const struct xport *t);
int proc_count(const struct xport *t, int local_port, int remote_port, int state);
int proc_becomes(const struct xport *t, int local_port, int remote_port, int state,
		 int want);

#endif /* XTCP_SELFTESTS_NET_H */
