// SPDX-License-Identifier: GPL-2.0
/*
 * Every flag bit of send() and recv(), compared with TCP: what a call with it returns, what
 * then arrives, and what is left. What the flags mean in detail is test_sendrecv's.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

static const char *call(char *text, size_t size, long ret)
{
	if (ret < 0)
		snprintf(text, size, "%s", strerrorname_np(errno));
	else
		snprintf(text, size, "%ld", ret);
	return text;
}

/* One octet with each flag, on a connection of its own. */
static void of_send(const struct xport *t)
{
	char what[32], sent[32], got[32], x;
	int bit;

	for (bit = 0; bit < 31; bit++) {
		int flag = 1 << bit;
		struct pair p = pair_open(t);

		if (flag == MSG_FASTOPEN) {
			/* XTCP has no fast open; TCP has it, but is connected here. */
			BY_DESIGN(t, send(p.c, "x", 1, flag | MSG_NOSIGNAL), -EISCONN, -EOPNOTSUPP);
			pair_close(&p);
			continue;
		}
		snprintf(what, sizeof(what), "send with 0x%x", flag);
		call(sent, sizeof(sent), send(p.c, "x", 1, flag | MSG_NOSIGNAL));
		/* Octets that are held back, MSG_MORE, go after 200 ms. */
		ready_within(p.s, POLLIN | POLLPRI, 1000);
		call(got, sizeof(got), recv(p.s, &x, 1, MSG_DONTWAIT));
		oracle_text(what, "%s, then %s", sent, got);
		/* Nothing has been put on the error queue, whatever was asked for. */
		IS(recv(p.c, &x, 1, MSG_ERRQUEUE | MSG_DONTWAIT), -EAGAIN);
		pair_close(&p);
	}
}

/* A message of three octets is there when recv() asks for two with each flag. */
static void of_recv(const struct xport *t)
{
	char what[32], got[32], then[32], buf[4];
	int bit;

	for (bit = 0; bit < 31; bit++) {
		int flag = 1 << bit;
		struct pair p = pair_open(t);

		NEED(send(p.c, "abc", 3, 0));
		ready_within(p.s, POLLIN, 2000);
		snprintf(what, sizeof(what), "recv with 0x%x", flag);
		memset(buf, '-', sizeof(buf));
		call(got, sizeof(got), recv(p.s, buf, 2, flag));
		call(then, sizeof(then), recv(p.s, buf + 2, 2, MSG_DONTWAIT));
		oracle_text(what, "%s, then %s: %.4s", got, then, buf);
		pair_close(&p);
	}
}

/* Flags that only recvmsg() gives back. */
static void given_back(const struct xport *t)
{
	struct pair p = pair_open(t);
	char buf[4];
	struct iovec iov = { buf, 2 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int bit;

	NEED(send(p.c, "0123456789012345678901234567890123456789", 40, 0));
	for (bit = 0; bit < 31; bit++) {
		char what[32];

		/* These have nothing to give here and would wait or fail. */
		if (1 << bit == MSG_OOB || 1 << bit == MSG_ERRQUEUE)
			continue;
		m.msg_flags = -1;
		iov.iov_len = 1;
		NEED(recvmsg(p.s, &m, 1 << bit));
		snprintf(what, sizeof(what), "recvmsg with 0x%x", 1 << bit);
		oracle_text(what, "0x%x", m.msg_flags);
	}
	pair_close(&p);
}

static const struct oracle_case cases[] = {
	CASE_SECONDS("flags of send", of_send, ON_BOTH, 61, 60),
	CASE("flags of recv", of_recv, ON_BOTH, 31),
	CASE("msg_flags of recvmsg", given_back, ON_BOTH, 29),
};

ORACLE_MAIN("Flags of send() and recv() compared with TCP", cases)
