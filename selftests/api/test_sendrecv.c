// SPDX-License-Identifier: GPL-2.0
/* The send and recv families: buffers, flags, messages, time limits; like TCP. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

/* Wrong on purpose; volatile, so that the compiler does not warn of each use. */
static void *volatile bad = (void *)8, *volatile nothing;
static volatile int minus_one = -1, too_many = IOV_MAX + 1;

/* Two pages of which only the first is there: faults in mid-buffer. */
static char *half_there(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(p + 4096, 4096);
	memset(p, 'h', 4096);
	return p;
}

static void basic_calls(const struct xport *t)
{
	struct pair p = pair_open(t);
	char buf[64] = "";
	struct iovec iov[3] = { { "one ", 4 }, { "", 0 }, { "two", 3 } };

	IS(write(p.c, "write", 5), 5);
	IS(read(p.s, buf, sizeof(buf)), 5);
	IS(send(p.s, "send", 4, 0), 4);
	IS(recv(p.c, buf, sizeof(buf), 0), 4);
	IS(writev(p.c, iov, 3), 7);
	memset(buf, 0, sizeof(buf));
	IS(recv(p.s, buf, 7, MSG_WAITALL), 7);
	TEXT_IS(buf, "one two");
	iov[0].iov_base = buf;
	iov[0].iov_len = 2;
	iov[1].iov_base = buf + 10;
	iov[1].iov_len = 0;
	iov[2].iov_base = buf + 20;
	iov[2].iov_len = 20;
	IS(send(p.s, "scattered", 9, 0), 9);
	IS(readv(p.c, iov, 3), 9);
	TRUE(!memcmp(buf, "sc", 2) && !memcmp(buf + 20, "attered", 7));
	IS(writev(p.c, iov, minus_one), -EINVAL);
	IS(writev(p.c, iov, too_many), -EINVAL);
	IS(writev(p.c, nothing, 1), -EFAULT);

	/* sendfile() and the like are elsewhere; seeking is nowhere. */
	IS(lseek(p.c, 0, SEEK_CUR), -ESPIPE);
	IS(pread(p.c, buf, 1, 0), -ESPIPE);
	IS(send(-1, "x", 1, 0), -EBADF);
	IS(recv(-1, buf, 1, 0), -EBADF);
	IS(send(0, "x", 1, 0), -ENOTSOCK);
	pair_close(&p);
}

static void zero_length(const struct xport *t)
{
	struct pair p = pair_open(t);
	char x = 0;

	IS(send(p.c, "", 0, 0), 0);
	IS(write(p.c, "", 0), 0);
	IS(send(p.c, NULL, 0, 0), 0);
	EV_IS(ready_within(p.s, POLLIN, 50), 0);
	/* recv() waits even when it wants nothing; read() never comes so far. */
	IS(recv(p.s, &x, 0, MSG_DONTWAIT), -EAGAIN);
	IS(read(p.s, &x, 0), 0);
	IS(send(p.c, "x", 1, 0), 1);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	IS(recv(p.s, &x, 0, 0), 0);
	IS(recv(p.s, &x, 1, 0), 1);
	pair_close(&p);
}

static void not_connected(const struct xport *t)
{
	struct addr a = addr_loopback(t, 1);
	int s = NEED(sock(t));
	char x;

	signal(SIGPIPE, SIG_IGN);
	IS(recv(s, &x, 1, 0), -ENOTCONN);
	IS(recv(s, &x, 1, MSG_DONTWAIT), -ENOTCONN);
	SAW(recv(s, &x, 0, 0));
	SAW(recv(s, &x, 1, MSG_PEEK));
	SAW(recv(s, &x, 1, MSG_OOB));
	SAW(recv(s, &x, 1, MSG_ERRQUEUE));
	IS(send(s, "x", 1, 0), -EPIPE);
	IS(send(s, "x", 1, MSG_DONTWAIT), -EPIPE);
	SAW(send(s, "", 0, 0));
	SAW(send(s, "x", 1, MSG_OOB));
	SAW(sendto(s, "x", 1, 0, &a.sa, a.len));
	close(s);
}

static void bad_pointers(const struct xport *t)
{
	struct pair p = pair_open(t);
	char *half = half_there(), buf[8200];
	struct iovec iov[2] = { { "good", 4 }, { bad, 4 } };
	long got;

	IS(send(p.c, bad, 1, 0), -EFAULT);
	IS(send(p.c, nothing, 1, 0), -EFAULT);
	IS(write(p.c, bad, 100000), -EFAULT);
	SAW(send(p.c, (void *)-4096, 8192, 0));
	EV_IS(ready_within(p.s, POLLIN, 50), 0);

	/* What could be copied goes out; a short count tells how much. */
	SAW(send(p.c, half + 4096 - 100, 200, 0));
	SAW(got = drain(p.s));
	SAW(writev(p.c, iov, 2));
	SAW(got = drain(p.s));
	IS(send(p.c, half, 4096, 0), 4096);
	IS(drain(p.s), 4096);

	/* Reading into nowhere loses nothing. */
	IS(send(p.c, "kept", 4, 0), 4);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	IS(recv(p.s, bad, 4, 0), -EFAULT);
	IS(recv(p.s, nothing, 4, 0), -EFAULT);
	IS(recv(p.s, bad, 4, MSG_PEEK), -EFAULT);
	IS(recv(p.s, buf, 8, 0), 4);
	TRUE(!memcmp(buf, "kept", 4));

	memset(buf, 'b', 200);
	IS(send(p.c, buf, 200, 0), 200);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	SAW(got = recv(p.s, half + 4096 - 100, 200, 0));
	SAW(recv(p.s, buf, 200, MSG_DONTWAIT));

	IS(sendmsg(p.c, bad, 0), -EFAULT);
	IS(recvmsg(p.c, bad, 0), -EFAULT);
	pair_close(&p);
}

static void peek_and_waitall(const struct xport *t)
{
	struct timeval tv = { .tv_usec = 200000 };
	struct pair p = pair_open(t);
	char buf[64] = "";
	long start;

	IS(send(p.c, "abcdef", 6, 0), 6);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	IS(recv(p.s, buf, 3, MSG_PEEK), 3);
	IS(recv(p.s, buf, 64, MSG_PEEK), 6);
	IS(recv(p.s, buf, 64, MSG_PEEK | MSG_DONTWAIT), 6);
	TEXT_IS(buf, "abcdef");
	IS(recv(p.s, buf, 2, 0), 2);
	memset(buf, 0, sizeof(buf));
	IS(recv(p.s, buf, 64, MSG_PEEK), 4);
	TEXT_IS(buf, "cdef");
	/* MSG_TRUNC throws the bytes away and still counts them. */
	IS(recv(p.s, NULL, 2, MSG_TRUNC), 2);
	memset(buf, 0, sizeof(buf));
	IS(recv(p.s, buf, 64, 0), 2);
	TEXT_IS(buf, "ef");
	IS(recv(p.s, buf, 1, MSG_DONTWAIT), -EAGAIN);
	IS(recv(p.s, buf, 1, MSG_DONTWAIT | MSG_PEEK), -EAGAIN);

	IS(setsockopt(p.s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	IS(send(p.c, "part", 4, 0), 4);
	start = now_ms();
	IS(recv(p.s, buf, 10, MSG_WAITALL), 4);
	TRUE(now_ms() - start >= 30);
	IS(send(p.c, "part", 4, 0), 4);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	IS(recv(p.s, buf, 10, MSG_WAITALL | MSG_DONTWAIT), 4);
	IS(send(p.c, "part", 4, 0), 4);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	SAW(recv(p.s, buf, 10, MSG_WAITALL | MSG_PEEK));
	IS(shutdown(p.c, SHUT_WR), 0);
	/* The end of the stream ends the waiting. */
	IS(recv(p.s, buf, 10, MSG_WAITALL), 4);
	IS(recv(p.s, buf, 10, MSG_WAITALL), 0);
	IS(recv(p.s, buf, 10, MSG_PEEK), 0);
	pair_close(&p);
}

static void messages(const struct xport *t)
{
	struct pair p = pair_open(t);
	char buf[16], control[64];
	struct iovec iov = { buf, sizeof(buf) };
	struct addr from = { .len = sizeof(from.ss) };
	struct msghdr m = {
		.msg_name = &from.ss, .msg_namelen = sizeof(from.ss),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
		.msg_flags = -1,
	};
	socklen_t len;

	/* A stream has no sender in its messages. */
	IS(send(p.c, "0123456789", 10, 0), 10);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	memset(&from.ss, 0x55, sizeof(from.ss));
	iov.iov_len = 4;
	IS(recvmsg(p.s, &m, 0), 4);
	IS(m.msg_namelen, 0);
	IS(m.msg_flags, 0);
	IS(m.msg_controllen, 0);
	IS(from.sa.sa_family, 0x5555);
	len = sizeof(from.ss);
	IS(recvfrom(p.s, buf, 2, 0, &from.sa, &len), 2);
	IS(len, 0);
	m.msg_controllen = sizeof(control);
	IS(recvmsg(p.s, &m, MSG_TRUNC), 4);
	IS(m.msg_flags, 0);

	/* An address in send is ignored, even a wrong one. */
	from = addr_loopback(t, 9);
	IS(sendto(p.c, "to", 2, 0, &from.sa, from.len), 2);
	from.sa.sa_family = AF_UNIX;
	SAW(sendto(p.c, "to", 2, 0, &from.sa, from.len));
	SAW(sendto(p.c, "to", 2, 0, bad, from.len));
	SAW(sendto(p.c, "to", 2, 0, &from.sa, -1));
	SAW(sendto(p.c, "to", 2, 0, &from.sa, 200));
	SAW(drain(p.s));

	/* Control messages that nobody knows. */
	{
		struct cmsghdr *c = (void *)control;

		memset(control, 0, sizeof(control));
		m.msg_name = NULL;
		m.msg_namelen = 0;
		strcpy(buf, "cm");
		iov.iov_len = 2;
		m.msg_controllen = CMSG_SPACE(4);
		c->cmsg_len = CMSG_LEN(4);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = 9999;
		SAW(sendmsg(p.c, &m, 0));
		c->cmsg_level = IPPROTO_TCP;
		SAW(sendmsg(p.c, &m, 0));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_len = 3;
		SAW(sendmsg(p.c, &m, 0));
		m.msg_control = bad;
		SAW(sendmsg(p.c, &m, 0));
		m.msg_controllen = 0;
		IS(sendmsg(p.c, &m, 0), 2);
	}
	SAW(drain(p.s));
	m.msg_iovlen = IOV_MAX + 1;
	IS(sendmsg(p.c, &m, 0), -EMSGSIZE);
	m.msg_iovlen = 0;
	IS(sendmsg(p.c, &m, 0), 0);
	SAW(recvmsg(p.s, &m, MSG_DONTWAIT));
	IS(recv(p.s, buf, 1, MSG_ERRQUEUE), -EAGAIN);

	/* Several messages in one call. */
	{
		struct iovec v[3] = { { "a", 1 }, { "bb", 2 }, { "ccc", 3 } };
		struct mmsghdr mm[3];
		int i;

		memset(mm, 0, sizeof(mm));
		for (i = 0; i < 3; i++) {
			mm[i].msg_hdr.msg_iov = &v[i];
			mm[i].msg_hdr.msg_iovlen = 1;
		}
		IS(sendmmsg(p.c, mm, 3, 0), 3);
		IS(mm[2].msg_len, 3);
		IS(drain(p.s), 6);
		IS(recvmmsg(p.s, mm, 3, MSG_DONTWAIT, NULL), -EAGAIN);
	}
	pair_close(&p);
}

static void send_flags(const struct xport *t)
{
	struct pair p = pair_open(t);
	char buf[16] = "";

	IS(send(p.c, "a", 1, MSG_MORE), 1);
	/* Held back for the next bytes; they may come alone after 200 ms. */
	EV_IS(ready_within(p.s, POLLIN, 60), 0);
	IS(send(p.c, "b", 1, 0), 1);
	IS(recv(p.s, buf, 2, MSG_WAITALL), 2);
	TEXT_IS(buf, "ab");
	IS(send(p.c, "c", 1, MSG_EOR), 1);
	IS(recv(p.s, buf, 2, 0), 1);
	IS(send(p.c, "d", 1, MSG_DONTROUTE), 1);
	SAW(recv(p.s, buf, 2, 0));
	SAW(send(p.c, "e", 1, MSG_CONFIRM));
	SAW(recv(p.s, buf, 2, 0));
	SAW(send(p.c, "f", 1, 0x8000));
	SAW(send(p.c, "h", 1, MSG_PROXY));
	SAW(drain(p.s));
	IS(set_int(p.c, IPPROTO_TCP, TCP_CORK, 1), 0);
	IS(send(p.c, "i", 1, 0), 1);
	EV_IS(ready_within(p.s, POLLIN, 60), 0);
	IS(set_int(p.c, IPPROTO_TCP, TCP_CORK, 0), 0);
	EV_IS(ready_within(p.s, POLLIN, 100), POLLIN);
	IS(recv(p.s, buf, 2, 0), 1);
	/* Setting NODELAY pushes what CORK holds. */
	IS(set_int(p.c, IPPROTO_TCP, TCP_CORK, 1), 0);
	IS(send(p.c, "j", 1, 0), 1);
	IS(set_int(p.c, IPPROTO_TCP, TCP_NODELAY, 1), 0);
	EV_IS(ready_within(p.s, POLLIN, 100), POLLIN);
	pair_close(&p);
}

static void nonblocking_fill(const struct xport *t)
{
	static char big[1 << 20];
	struct pair p = pair_open(t);
	long sent, n;

	NEED(set_nonblock(p.c, true));
	IS(set_int(p.c, SOL_SOCKET, SO_SNDBUF, 65536), 0);
	memset(big, 'b', sizeof(big));
	/* More than fits: a part is taken, and how much is reported. */
	sent = send(p.c, big, sizeof(big), 0);
	TRUE(sent > 0 && sent < (long)sizeof(big));
	n = fill_send(p.c);
	TRUE(n >= 0);
	sent += n;
	IS(send(p.c, "x", 1, 0), -EAGAIN);
	IS(send(p.c, "", 0, 0), 0);
	IS(write(p.c, big, sizeof(big)), -EAGAIN);
	EV_IS(ready(p.c, POLLOUT), 0);
	n = drain(p.s);
	IS(n - sent, 0);
	EV_IS(ready_within(p.c, POLLOUT, 2000), POLLOUT);
	IS(send(p.c, "x", 1, 0), 1);
	pair_close(&p);
}

static void time_limits(const struct xport *t)
{
	struct timeval tv = { .tv_usec = 150000 };
	struct pair p = pair_open(t);
	static char big[1 << 20];
	char x;
	long start, n;

	IS(setsockopt(p.c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	start = now_ms();
	IS(recv(p.c, &x, 1, 0), -EAGAIN);
	TRUE(now_ms() - start >= 30 && now_ms() - start < 10000);
	start = now_ms();
	IS(recv(p.c, &x, 1, MSG_DONTWAIT), -EAGAIN);

	IS(setsockopt(p.c, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	IS(set_int(p.c, SOL_SOCKET, SO_SNDBUF, 65536), 0);
	TRUE(fill_send(p.c) > 0);
	start = now_ms();
	IS(send(p.c, &x, 1, 0), -EAGAIN);
	TRUE(now_ms() - start >= 30 && now_ms() - start < 10000);
	TRUE(drain(p.s) > 0);
	/* A part sent before the time is up is a success. */
	n = send(p.c, big, sizeof(big), 0);
	TRUE(n > 0);
	pair_close(&p);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void interrupted(const struct xport *t)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { .it_value.tv_usec = 100000 };
	struct pair p = pair_open(t);
	static char big[8 << 20];
	char x;
	long n;

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	IS(recv(p.c, &x, 1, 0), -EINTR);
	IS(send(p.s, "ab", 2, 0), 2);
	setitimer(ITIMER_REAL, &it, NULL);
	/* What was received before the signal is not lost. */
	IS(recv(p.c, big, 10, MSG_WAITALL), 2);
	it.it_value.tv_usec = 300000;
	setitimer(ITIMER_REAL, &it, NULL);
	n = send(p.c, big, sizeof(big), 0);
	TRUE(n > 0 && n < (long)sizeof(big));
	n += fill_send(p.c);
	setitimer(ITIMER_REAL, &it, NULL);
	IS(send(p.c, big, sizeof(big), 0), -EINTR);
	IS(drain(p.s) - n, 0);
	/* With SA_RESTART the call goes on, unless it has a time limit. */
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	it.it_value.tv_usec = 100000;
	setitimer(ITIMER_REAL, &it, NULL);
	if (!fork()) {
		nap_ms(300);
		send(p.s, "z", 1, 0);
		_exit(0);
	}
	IS(recv(p.c, &x, 1, 0), 1);
	{
		struct timeval tv = { .tv_sec = 2 };

		NEED(setsockopt(p.c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	}
	setitimer(ITIMER_REAL, &it, NULL);
	IS(recv(p.c, &x, 1, 0), -EINTR);
	pair_close(&p);
}

static void low_water(const struct xport *t)
{
	struct pair p = pair_open(t);
	char buf[64];
	int i;

	IS(get_int(p.s, SOL_SOCKET, SO_RCVLOWAT), 1);
	IS(set_int(p.s, SOL_SOCKET, SO_RCVLOWAT, 5), 0);
	IS(get_int(p.s, SOL_SOCKET, SO_RCVLOWAT), 5);
	IS(send(p.c, "1234", 4, 0), 4);
	EV_IS(ready_within(p.s, POLLIN, 100), 0);
	IS(recv(p.s, buf, 10, MSG_DONTWAIT), 4);
	IS(send(p.c, "1234", 4, 0), 4);
	EV_IS(ready_within(p.s, POLLIN, 50), 0);
	IS(send(p.c, "5", 1, 0), 1);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	IS(recv(p.s, buf, 10, 0), 5);
	/*
	 * recv() waits for the mark as well, but not longer than for its size. TCP does not
	 * wake a reader for less than the mark, so the two bytes must be there before it.
	 */
	IS(send(p.c, "ab", 2, 0), 2);
	for (i = 0; i < 200 && recv(p.s, buf, 2, MSG_PEEK | MSG_DONTWAIT) < 2; i++)
		nap_ms(10);
	IS(recv(p.s, buf, 2, 0), 2);
	IS(send(p.c, "ab", 2, 0), 2);
	IS(shutdown(p.c, SHUT_WR), 0);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	IS(recv(p.s, buf, 10, 0), 2);
	IS(set_int(p.s, SOL_SOCKET, SO_RCVLOWAT, 0), 0);
	IS(get_int(p.s, SOL_SOCKET, SO_RCVLOWAT), 1);
	SAW(set_int(p.s, SOL_SOCKET, SO_RCVLOWAT, -1));
	pair_close(&p);
}

/* Every size around the edges of segments, every byte compared. */
static void sizes(const struct xport *t)
{
	static const int size[] = { 1, 2, 3, 535, 536, 537, 1447, 1448, 1449, 1460, 4095,
				    4096, 4097, 32767, 32768, 65482, 65483, 65484,
				    65535, 65536, 65537, 131072, 200001, 1000003 };
	static char out[1000003], in[1000003];
	struct pair p = pair_open(t);
	unsigned long offset = 0;
	size_t i;

	for (i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		pattern_fill(out, size[i], offset, 1);
		if (!fork()) {
			long n = send(p.c, out, size[i], 0);

			_exit(n != size[i]);
		}
		oracle_text("size", "%d", size[i]);
		IS(recv(p.s, in, size[i], MSG_WAITALL), size[i]);
		IS(pattern_check(in, size[i], offset, 1), 0);
		offset += size[i];
	}
	IS(recv(p.s, in, 1, MSG_DONTWAIT), -EAGAIN);
	pair_close(&p);
}

static const struct oracle_case cases[] = {
	CASE("read, write, readv, writev", basic_calls, ON_ALL, 18),
	CASE("nothing to send, nothing to receive", zero_length, ON_BOTH, 10),
	CASE("without a connection", not_connected, ON_BOTH, 11),
	CASE("bad pointers", bad_pointers, ON_BOTH, 22),
	CASE("MSG_PEEK, MSG_WAITALL, MSG_TRUNC, MSG_DONTWAIT", peek_and_waitall, ON_BOTH, 25),
	CASE("sendmsg and recvmsg", messages, ON_ALL, 30),
	CASE("MSG_MORE and other flags of send", send_flags, ON_BOTH, 22),
	CASE("a full send buffer", nonblocking_fill, ON_ALL, 10),
	CASE("SO_RCVTIMEO and SO_SNDTIMEO", time_limits, ON_BOTH, 11),
	CASE("interrupted by signals", interrupted, ON_BOTH, 8),
	CASE("SO_RCVLOWAT", low_water, ON_BOTH, 18),
	CASE("sizes around every edge", sizes, ON_ALL, 70),
};

ORACLE_MAIN("The send and recv families compared with TCP", cases)
