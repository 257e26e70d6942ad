// SPDX-License-Identifier: GPL-2.0
/* Reads /proc/net/xtcp, xtcp6, tcp and tcp6: the sockets of one network namespace. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "procnet.h"

/* The kernel prints timers in these units whatever its own HZ is. */
#define PROC_TICKS_PER_S	100.0

bool procnet_open(struct conn_table *t, bool tcp, int af)
{
	char path[64];

	/* thread-self and not self: the caller may have changed its own namespace only. */
	snprintf(path, sizeof(path), "/proc/thread-self/net/%s%s", tcp ? "tcp" : "xtcp",
		 af == AF_INET6 ? "6" : "");
	memset(t, 0, sizeof(*t));
	t->af = af;
	t->fd = open(path, O_RDONLY | O_CLOEXEC);
	return t->fd >= 0;
}

void procnet_close(struct conn_table *t)
{
	close(t->fd);
	free(t->row);
	memset(t, 0, sizeof(*t));
	t->fd = -1;
}

/* An address is printed as 32-bit words, each in the machine's byte order. */
static bool parse_address(const char *hex, int af, struct in6_addr *addr)
{
	size_t words = af == AF_INET6 ? 4 : 1;
	size_t i;

	memset(addr, 0, sizeof(*addr));
	if (strlen(hex) != words * 8)
		return false;
	for (i = 0; i < words; i++) {
		char word[9];
		uint32_t value;

		memcpy(word, hex + i * 8, 8);
		word[8] = 0;
		value = strtoul(word, NULL, 16);
		memcpy(addr->s6_addr + i * 4, &value, 4);
	}
	return true;
}

static bool parse_row(const char *line, int af, struct conn_row *r)
{
	unsigned int state, timer;
	unsigned long when;
	char la[33], ra[33];

	if (sscanf(line,
		   " %*u: %32[0-9A-Fa-f]:%X %32[0-9A-Fa-f]:%X %X %X:%X %X:%lX %X %u %*u %lu",
		   la, &r->lport, ra, &r->rport, &state, &r->txq, &r->rxq, &timer, &when,
		   &r->retransmits, &r->uid, &r->inode) != 12)
		return false;
	r->state = state == ST_NEW_SYN_RECV ? ST_SYN_RECEIVED : state;
	r->timer = timer;
	r->timer_s = when / PROC_TICKS_PER_S;
	return parse_address(la, af, &r->laddr) && parse_address(ra, af, &r->raddr);
}

static void add_row(struct conn_table *t, const struct conn_row *r)
{
	if (t->rows == t->room) {
		t->room = t->room ? t->room * 2 : 64;
		t->row = realloc(t->row, t->room * sizeof(*t->row));
		if (!t->row)
			die("out of memory");
	}
	t->row[t->rows++] = *r;
}

void procnet_read(struct conn_table *t)
{
	struct conn_row r;
	char *line = NULL;
	size_t room = 0;
	FILE *f;
	int fd;

	t->rows = 0;
	if (lseek(t->fd, 0, SEEK_SET) < 0)
		die_errno("cannot rewind the list of sockets");
	fd = dup(t->fd);
	f = fd < 0 ? NULL : fdopen(fd, "r");
	if (!f)
		die_errno("cannot read the list of sockets");
	while (getline(&line, &room, f) > 0) {
		if (parse_row(line, t->af, &r))
			add_row(t, &r);
		else if (!strstr(line, "local_address"))
			die("cannot understand this line of the list of sockets: %s", line);
	}
	free(line);
	fclose(f);
}

const struct conn_row *procnet_find(const struct conn_table *t, unsigned int lport,
				    unsigned int rport)
{
	const struct conn_row *request = NULL;
	size_t i;

	for (i = 0; i < t->rows; i++) {
		const struct conn_row *r = &t->row[i];

		if (r->lport != lport || r->rport != rport)
			continue;
		/* A full socket may be listed beside the request it grew from. */
		if (r->state != ST_SYN_RECEIVED)
			return r;
		request = r;
	}
	return request;
}

const char *state_name(enum conn_state state)
{
	static const char *const name[] = {
		[ST_CLOSED] = "CLOSED",
		[ST_ESTABLISHED] = "ESTABLISHED",
		[ST_SYN_SENT] = "SYN-SENT",
		[ST_SYN_RECEIVED] = "SYN-RECEIVED",
		[ST_FIN_WAIT_1] = "FIN-WAIT-1",
		[ST_FIN_WAIT_2] = "FIN-WAIT-2",
		[ST_TIME_WAIT] = "TIME-WAIT",
		[ST_CLOSE] = "CLOSED",
		[ST_CLOSE_WAIT] = "CLOSE-WAIT",
		[ST_LAST_ACK] = "LAST-ACK",
		[ST_LISTEN] = "LISTEN",
		[ST_CLOSING] = "CLOSING",
		[ST_NEW_SYN_RECV] = "SYN-RECEIVED",
	};

	if ((size_t)state >= sizeof(name) / sizeof(name[0]) || !name[state])
		return "?";
	return name[state];
}
