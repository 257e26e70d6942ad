// SPDX-License-Identifier: GPL-2.0
/* ioctl(), splice(), sendfile() and zero-copy sends, compared with TCP. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

static void *volatile bad = (void *)8;

static int asked(int fd, unsigned long what)
{
	int value = -7;

	if (ioctl(fd, what, &value))
		return -1;
	return value;
}

/* asked() once it gives @want, or what it gives after two seconds. */
static int asked_until(int fd, unsigned long what, int want)
{
	int i, value = asked(fd, what);

	for (i = 0; i < 200 && value != want; i++) {
		nap_ms(10);
		value = asked(fd, what);
	}
	return value;
}

static void queue_sizes(const struct xport *t)
{
	struct pair p = pair_open(t);
	int l = NEED(sock_listener(t, 0, 1)), s = NEED(sock(t)), in, out, unsent;
	char buf[64];
	long sent, end;

	IS(asked(p.s, FIONREAD), 0);
	IS(asked(p.c, SIOCOUTQ), 0);
	IS(asked(p.c, SIOCOUTQNSD), 0);
	IS(send(p.c, "0123456789", 10, 0), 10);
	IS(asked_until(p.s, FIONREAD, 10), 10);
	IS(recv(p.s, buf, 4, 0), 4);
	IS(asked(p.s, SIOCINQ), 6);
	IS(asked_until(p.c, SIOCOUTQ, 0), 0);
	IS(recv(p.s, buf, 6, 0), 6);
	IS(asked(p.s, FIONREAD), 0);

	/* Three queues hold all that was sent. */
	sent = fill_send(p.c);
	end = now_ms() + 10000;
	do {
		/* What arrived counts on both sides until it is acknowledged. */
		nap_ms(5);
		in = asked(p.s, FIONREAD);
		out = asked(p.c, SIOCOUTQ);
		unsent = asked(p.c, SIOCOUTQNSD);
	} while (in + out != sent && now_ms() < end);
	TRUE(in > 0);
	TRUE(out > 0 && unsent > 0 && unsent <= out);
	IS(in + out - sent, 0);
	IS(drain(p.s) - sent, 0);
	IS(asked_until(p.c, SIOCOUTQ, 0), 0);

	/* The end of the stream counts as nothing. */
	IS(send(p.c, "end", 3, 0), 3);
	IS(shutdown(p.c, SHUT_WR), 0);
	EV_IS(ready_within(p.s, POLLRDHUP, 2000), POLLRDHUP);
	IS(asked(p.s, FIONREAD), 3);
	IS(recv(p.s, buf, 3, 0), 3);
	IS(asked(p.s, FIONREAD), 0);

	/* An urgent byte is not counted where it is not read. */
	IS(send(p.s, "ab", 2, 0), 2);
	IS(send(p.s, "U", 1, MSG_OOB), 1);
	EV_IS(ready_within(p.c, POLLPRI, 2000), POLLPRI);
	SAW(asked(p.c, FIONREAD));
	IS(recv(p.c, buf, 8, 0), 2);
	SAW(asked(p.c, FIONREAD));

	IS(asked(s, FIONREAD), 0);
	SAW(asked(s, SIOCOUTQ));
	SAW(asked(s, SIOCATMARK));
	IS(asked(l, FIONREAD), -EINVAL);
	IS(asked(l, SIOCOUTQ), -EINVAL);
	IS(asked(l, SIOCOUTQNSD), -EINVAL);
	SAW(asked(l, SIOCATMARK));
	close(l);
	close(s);
	pair_close(&p);
}

static void other_ioctls(const struct xport *t)
{
	struct pair p = pair_open(t);
	struct ifreq_like { char name[16]; char data[24]; } ifr = { .name = "lo" };
	int on = 1;

	IS(ioctl(p.c, FIONREAD, bad), -EFAULT);
	IS(ioctl(p.c, SIOCOUTQ, bad), -EFAULT);
	IS(ioctl(p.c, SIOCATMARK, bad), -EFAULT);
	SAW(ioctl(p.c, 0x12345, &on));
	SAW(ioctl(p.c, TIOCGWINSZ, ifr.data));
	SAW(ioctl(p.c, TCGETS, ifr.data));
	SAW(ioctl(p.c, SIOCPROTOPRIVATE, &ifr));
	SAW(ioctl(p.c, SIOCDEVPRIVATE, &ifr));
	IS(ioctl(p.c, SIOCGIFFLAGS, &ifr), 0);
	IS(ioctl(p.c, SIOCGIFINDEX, &ifr), 0);
	SAW(ioctl(p.c, SIOCGIFADDR, &ifr));
	memcpy(ifr.name, "nodev", 6);
	IS(ioctl(p.c, SIOCGIFFLAGS, &ifr), -ENODEV);
	SAW(ioctl(p.c, SIOCADDRT, &ifr));
	IS(ioctl(p.c, FIONBIO, &on), 0);
	IS(recv(p.c, &on, 1, 0), -EAGAIN);
	IS(ioctl(p.c, FIOASYNC, &on), 0);
	/* The time of the last packet needs one that was stamped. */
	SAW(ioctl(p.c, SIOCGSTAMP, ifr.data));
	pair_close(&p);
}

/* A file with the pattern; unlinked already. */
static int pattern_file(size_t size)
{
	int fd = memfd_create("pattern", 0);
	char *buf = malloc(size);

	NEED(fd);
	pattern_fill(buf, size, 0, 3);
	if (write(fd, buf, size) != (ssize_t)size)
		NEED(-1);
	lseek(fd, 0, SEEK_SET);
	free(buf);
	return fd;
}

static void send_file(const struct xport *t)
{
	enum { SIZE = 500001 };
	static char in[SIZE];
	struct pair p = pair_open(t);
	int fd = pattern_file(SIZE), status;
	off_t at = 0;

	IS(sendfile(p.c, fd, &at, 1000), 1000);
	IS(at, 1000);
	IS(recv(p.s, in, 1000, MSG_WAITALL), 1000);
	if (!fork()) {
		while (at < SIZE)
			if (sendfile(p.c, fd, &at, SIZE - at) <= 0)
				_exit(1);
		_exit(0);
	}
	IS(recv(p.s, in + 1000, SIZE - 1000, MSG_WAITALL), SIZE - 1000);
	IS(wait(&status) > 0 && !status, 1);
	IS(pattern_check(in, SIZE, 0, 3), 0);
	at = SIZE;
	IS(sendfile(p.c, fd, &at, 10), 0);
	SAW(sendfile(fd, p.c, NULL, 10));
	NEED(shutdown(p.c, SHUT_WR));
	at = 0;
	IS(sendfile(p.s, fd, &at, 10), 10);
	signal(SIGPIPE, SIG_IGN);
	SAW(sendfile(p.c, fd, &at, 10));
	pair_close(&p);
}

/* File -> pipe -> socket -> pipe -> file, all by splice(). */
static void splices(const struct xport *t)
{
	enum { SIZE = 300007 };
	static char in[SIZE];
	struct pair p = pair_open(t);
	int fd = pattern_file(SIZE), out = NEED(memfd_create("out", 0)), status;
	int to[2], from[2];
	long got = 0, n;

	NEED(pipe(to));
	NEED(pipe(from));
	NEED(set_nonblock(p.s, true));
	IS(splice(p.s, NULL, from[1], NULL, 100, 0), -EAGAIN);
	NEED(set_nonblock(p.s, false));
	IS(write(to[1], "hello", 5), 5);
	IS(splice(to[0], NULL, p.c, NULL, 5, 0), 5);
	IS(splice(p.s, NULL, from[1], NULL, 100, 0), 5);
	IS(read(from[0], in, 10), 5);
	TRUE(!memcmp(in, "hello", 5));

	if (!fork()) {
		long left = SIZE;

		while (left > 0) {
			long k = splice(fd, NULL, to[1], NULL, left, SPLICE_F_MORE);

			if (k <= 0)
				_exit(1);
			left -= k;
			while (k > 0) {
				long w = splice(to[0], NULL, p.c, NULL, k,
						left ? SPLICE_F_MORE : 0);

				if (w <= 0)
					_exit(2);
				k -= w;
			}
		}
		shutdown(p.c, SHUT_WR);
		_exit(0);
	}
	while ((n = splice(p.s, NULL, from[1], NULL, 65536, 0)) > 0) {
		while (n > 0) {
			long w = splice(from[0], NULL, out, NULL, n, 0);

			if (w <= 0)
				break;
			n -= w;
			got += w;
		}
	}
	IS(n, 0);
	IS(got, SIZE);
	IS(wait(&status) > 0 && !status, 1);
	IS(pread(out, in, SIZE, 0), SIZE);
	IS(pattern_check(in, SIZE, 0, 3), 0);
	IS(splice(p.s, NULL, from[1], NULL, 100, 0), 0);
	SAW(splice(p.s, &(off_t){ 0 }, from[1], NULL, 100, 0));
	pair_close(&p);
}

/* vmsplice() gives the kernel our pages; they must arrive as they were. */
static void gift_pages(const struct xport *t)
{
	enum { SIZE = 65536 };
	static char in[SIZE];
	struct pair p = pair_open(t);
	char *pages = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov = { pages, SIZE };
	int to[2];
	long n;

	NEED(pipe(to));
	pattern_fill(pages, SIZE, 0, 4);
	n = NEED(vmsplice(to[1], &iov, 1, 0));
	IS(n, SIZE);
	IS(splice(to[0], NULL, p.c, NULL, SIZE, 0), SIZE);
	IS(recv(p.s, in, SIZE, MSG_WAITALL), SIZE);
	IS(pattern_check(in, SIZE, 0, 4), 0);
	pair_close(&p);
}

static const struct oracle_case cases[] = {
	CASE("FIONREAD, SIOCOUTQ, SIOCOUTQNSD", queue_sizes, ON_ALL, 34),
	CASE("other ioctls", other_ioctls, ON_BOTH, 17),
	CASE("sendfile", send_file, ON_BOTH, 9),
	CASE("splice", splices, ON_BOTH, 11),
	CASE("vmsplice", gift_pages, ON_BOTH, 4),
};

ORACLE_MAIN("ioctl(), splice() and sendfile() compared with TCP", cases)
