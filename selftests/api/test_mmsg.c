// SPDX-License-Identifier: GPL-2.0
/*
 * Several messages in one call, and splice() that finds less than it was asked for, compared
 * with TCP. Their plain uses are in test_sendrecv and test_ioctl.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

#define MESSAGES 4
#define PART 8

static void *volatile bad = (void *)8;

struct batch {
	struct mmsghdr m[MESSAGES];
	struct iovec iov[MESSAGES];
	char buf[MESSAGES][PART];
};

static struct mmsghdr *batch_init(struct batch *b)
{
	int i;

	memset(b, 0, sizeof(*b));
	for (i = 0; i < MESSAGES; i++) {
		memset(b->buf[i], 'a' + i, PART);
		b->iov[i] = (struct iovec){ b->buf[i], PART };
		b->m[i].msg_hdr.msg_iov = &b->iov[i];
		b->m[i].msg_hdr.msg_iovlen = 1;
	}
	return b->m;
}

static void show_lengths(const struct batch *b)
{
	oracle_text("lengths", "%u %u %u %u", b->m[0].msg_len, b->m[1].msg_len, b->m[2].msg_len,
		    b->m[3].msg_len);
}

static void send_many(const struct xport *t)
{
	struct pair p = pair_open(t);
	struct batch b;
	char buf[64];

	IS(sendmmsg(p.c, batch_init(&b), MESSAGES, 0), MESSAGES);
	show_lengths(&b);
	IS(recv(p.s, buf, MESSAGES * PART, MSG_WAITALL), MESSAGES * PART);
	TRUE(buf[0] == 'a' && buf[PART] == 'b' && buf[MESSAGES * PART - 1] == 'd');
	IS(sendmmsg(p.c, b.m, 0, 0), 0);
	IS(sendmmsg(p.c, bad, 2, 0), -EFAULT);
	/* One that fails behind others ends the call, and is told by the next one. */
	batch_init(&b);
	b.iov[2].iov_base = bad;
	IS(sendmmsg(p.c, b.m, MESSAGES, 0), 2);
	show_lengths(&b);
	IS(sendmmsg(p.c, b.m + 2, 2, 0), -EFAULT);
	IS(recv(p.s, buf, 2 * PART, MSG_WAITALL), 2 * PART);
	/* As many as find room. */
	NEED(set_nonblock(p.c, true));
	TRUE(fill_send(p.c) > 0);
	IS(sendmmsg(p.c, batch_init(&b), MESSAGES, MSG_DONTWAIT), -EAGAIN);
	TRUE(drain(p.s) > 0);
	IS(sendmmsg(p.c, batch_init(&b), MESSAGES, MSG_DONTWAIT), MESSAGES);
	IS(shutdown(p.c, SHUT_WR), 0);
	IS(sendmmsg(p.c, batch_init(&b), MESSAGES, MSG_NOSIGNAL), -EPIPE);
	pair_close(&p);
}

static void receive_many(const struct xport *t)
{
	struct timespec limit = { .tv_nsec = 200000000 };
	struct pair p = pair_open(t);
	struct batch b;
	long start;

	IS(recvmmsg(p.s, batch_init(&b), MESSAGES, MSG_DONTWAIT, NULL), -EAGAIN);
	IS(send(p.c, "0123456789abcdefghijklmnopqrstuvwxyz", 36, 0), 36);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	IS(recvmmsg(p.s, batch_init(&b), MESSAGES, 0, NULL), MESSAGES);
	show_lengths(&b);
	TRUE(!memcmp(b.buf[1], "89abcdef", PART));
	/* The rest in the first one; the next would have to wait. */
	IS(recvmmsg(p.s, batch_init(&b), MESSAGES, MSG_WAITFORONE, NULL), 1);
	show_lengths(&b);
	IS(send(p.c, "xyz", 3, 0), 3);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	IS(recvmmsg(p.s, batch_init(&b), MESSAGES, MSG_DONTWAIT, NULL), 1);
	IS(recvmmsg(p.s, b.m, MESSAGES, 0, bad), -EFAULT);
	limit.tv_nsec = 1000000000;
	IS(recvmmsg(p.s, b.m, MESSAGES, 0, &limit), -EINVAL);
	/* The limit is looked at between messages: the second one comes after it. */
	limit.tv_nsec = 1000000;
	if (!fork()) {
		send(p.c, "1", 1, 0);
		nap_ms(300);
		send(p.c, "2", 1, 0);
		nap_ms(300);
		send(p.c, "3", 1, 0);
		_exit(0);
	}
	start = now_ms();
	TRUE(recvmmsg(p.s, batch_init(&b), MESSAGES, 0, &limit) < 3);
	TRUE(now_ms() - start < 5000);
	drain(p.s);
	IS(send(p.c, "end", 3, 0), 3);
	IS(shutdown(p.c, SHUT_WR), 0);
	EV_IS(ready_within(p.s, POLLRDHUP, 2000), POLLRDHUP);
	/* The end of the stream is as many messages of nothing as are asked for. */
	IS(recvmmsg(p.s, batch_init(&b), MESSAGES, 0, NULL), MESSAGES);
	show_lengths(&b);
	pair_close(&p);
}

/* From the socket: less than asked, nothing, the end, an error. */
static void splice_out(const struct xport *t)
{
	struct pair p = pair_open(t);
	int to[2], tiny[2], room, left;
	static char page[4096];
	char buf[64];

	NEED(pipe(to));
	NEED(pipe2(tiny, O_NONBLOCK));
	/* SPLICE_F_NONBLOCK is about the pipe alone. */
	NEED(set_nonblock(p.s, true));
	IS(splice(p.s, NULL, to[1], NULL, 100, 0), -EAGAIN);
	IS(send(p.c, "0123456789", 10, 0), 10);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	IS(splice(p.s, NULL, to[1], NULL, 4, 0), 4);
	IS(splice(p.s, NULL, to[1], NULL, 0, 0), 0);
	IS(splice(p.s, NULL, to[1], NULL, 100, 0), 6);
	IS(read(to[0], buf, 64), 10);
	TRUE(!memcmp(buf, "0123456789", 10));
	/* A pipe without room takes none of it, and the stream keeps all. */
	room = NEED(fcntl(tiny[1], F_SETPIPE_SZ, 4096));
	while (write(tiny[1], page, sizeof(page)) > 0)
		;
	IS(send(p.c, "abc", 3, 0), 3);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	IS(splice(p.s, NULL, tiny[1], NULL, 100, SPLICE_F_NONBLOCK), -EAGAIN);
	IS(recv(p.s, buf, 64, MSG_PEEK), 3);
	NEED(read(tiny[0], page, sizeof(page)));
	IS(splice(p.s, NULL, tiny[1], NULL, 100, SPLICE_F_NONBLOCK), 3);
	SAW(room);
	/* In front of an urgent octet it stops. */
	IS(send(p.c, "xyU", 3, MSG_OOB), 3);
	IS(send(p.c, "z", 1, 0), 1);
	EV_IS(ready_within(p.s, POLLPRI, 2000), POLLPRI);
	/* All of it is there when all is acknowledged. */
	while (!NEED(ioctl(p.c, SIOCOUTQ, &left)) && left)
		nap_ms(10);
	IS(splice(p.s, NULL, to[1], NULL, 100, 0), 2);
	/* TCP's splice() never comes past it; XTCP's steps over it as recv() does. */
	BY_DESIGN(t, splice(p.s, NULL, to[1], NULL, 100, 0), -EAGAIN, 1);
	IS(splice(p.s, NULL, to[1], NULL, 100, 0), -EAGAIN);
	IS(shutdown(p.c, SHUT_WR), 0);
	EV_IS(ready_within(p.s, POLLRDHUP, 2000), POLLRDHUP);
	IS(splice(p.s, NULL, to[1], NULL, 100, 0), 0);
	SAW(splice(p.l, NULL, to[1], NULL, 100, 0));
	set_linger(p.c, 1, 0);
	close(p.c);
	nap_ms(100);
	SAW(splice(p.s, NULL, to[1], NULL, 100, 0));
	close(p.s);
	close(p.l);
}

/* Into the socket: as much as finds room, MSG_MORE by SPLICE_F_MORE, no reader any more. */
static void splice_in(const struct xport *t)
{
	struct pair p = pair_open(t);
	int from[2], file = NEED(memfd_create("file", 0));
	static char page[65536];
	long sent = 0, n, got;
	off_t at = 0;

	signal(SIGPIPE, SIG_IGN);
	NEED(pipe(from));
	pattern_fill(page, sizeof(page), 0, 5);
	NEED(write(file, page, sizeof(page)));
	/* Held back until more comes. */
	IS(write(from[1], page, 3), 3);
	IS(splice(from[0], NULL, p.c, NULL, 3, SPLICE_F_MORE), 3);
	EV_IS(ready_within(p.s, POLLIN, 60), 0);
	IS(write(from[1], page + 3, 3), 3);
	IS(splice(from[0], NULL, p.c, NULL, 3, 0), 3);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	IS(recv(p.s, page + 100, 6, MSG_WAITALL), 6);
	IS(memcmp(page, page + 100, 6), 0);
	pattern_fill(page, sizeof(page), 0, 5);

	NEED(set_nonblock(p.c, true));
	NEED(set_int(p.c, SOL_SOCKET, SO_SNDBUF, 65536));
	NEED(fcntl(from[1], F_SETPIPE_SZ, 65536));
	for (;;) {
		n = NEED(write(from[1], page, sizeof(page)));
		n = splice(from[0], NULL, p.c, NULL, n, SPLICE_F_NONBLOCK);
		if (n < (long)sizeof(page))
			break;
		sent += n;
		if (sent > 64 << 20)
			break;
	}
	/* Full: a part or nothing was taken; what was not is in the pipe still. */
	if (n > 0)
		sent += n;
	NEED(ioctl(from[0], FIONREAD, &n));
	while (splice(from[0], NULL, p.c, NULL, 65536, SPLICE_F_NONBLOCK) > 0)
		;
	n = splice(from[0], NULL, p.c, NULL, 65536, SPLICE_F_NONBLOCK);
	oracle_text("full", "%s", n < 0 ? strerrorname_np(errno) : "room");
	/* The reader makes room for the rest. */
	for (got = 0; (n = drain(p.s)) > 0; got += n)
		splice(from[0], NULL, p.c, NULL, 65536, SPLICE_F_NONBLOCK);
	TRUE(got >= sent && got % sizeof(page) == 0);

	NEED(set_nonblock(p.c, true));
	TRUE(fill_send(p.c) > 0);
	IS(sendfile(p.c, file, &at, 65536), -EAGAIN);
	IS(at, 0);
	TRUE(drain(p.s) > 0);
	IS(shutdown(p.c, SHUT_WR), 0);
	IS(write(from[1], page, 3), 3);
	IS(splice(from[0], NULL, p.c, NULL, 3, 0), -EPIPE);
	pair_close(&p);
}

static const struct oracle_case cases[] = {
	CASE("sendmmsg", send_many, ON_BOTH, 16),
	CASE("recvmmsg", receive_many, ON_BOTH, 20),
	CASE("splice out of a socket", splice_out, ON_BOTH, 25),
	CASE("splice into a socket", splice_in, ON_BOTH, 17),
};

ORACLE_MAIN("sendmmsg(), recvmmsg() and partial splice() compared with TCP", cases)
