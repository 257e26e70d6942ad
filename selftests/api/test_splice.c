// SPDX-License-Identifier: GPL-2.0
/* sendfile(), splice() and vmsplice() into and out of a stream; like TCP. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

enum { PAGE = 4096, SEED = 7 };

static char buf[1 << 20];

/* Write @size octets of the pattern; false if not all were taken. */
static bool write_pattern(int fd, long size)
{
	long at, n;

	for (at = 0; at < size; at += n) {
		n = size - at < (long)sizeof(buf) ? size - at : (long)sizeof(buf);
		pattern_fill(buf, n, at, SEED);
		if (write(fd, buf, n) != n)
			return false;
	}
	return true;
}

/* A file in memory with @size octets of the pattern. */
static int file_open(long size)
{
	int fd = NEED(memfd_create("splice", 0));

	NEED(write_pattern(fd, size) ? 0 : -1);
	return fd;
}

/* Read @n octets of @fd; 0 if they are the pattern from @at on, else a wrong one's number. */
static long read_pattern(int fd, long n, long at)
{
	long got, all;

	for (all = 0; all < n; all += got) {
		long want = n - all < (long)sizeof(buf) ? n - all : (long)sizeof(buf), bad;

		got = recv(fd, buf, want, 0);
		if (got <= 0)
			return at + all + 1;
		bad = pattern_check(buf, got, at + all, SEED);
		if (bad)
			return bad;
	}
	return 0;
}

static void odd_pieces(const struct xport *t)
{
	static const struct { long off, len; } pieces[] = {
		{ 0, 1 }, { 1, 1 }, { PAGE - 1, 1 }, { PAGE - 1, 2 }, { 0, PAGE }, { 1, PAGE },
		{ 17, 3 * PAGE }, { 2 * PAGE, PAGE + 1 }, { 5, 40000 }, { 4095, 65536 },
		{ 0, 100000 }, { 12345, 54321 },
	};
	struct pair p = pair_open(t);
	int file = file_open(200000);
	unsigned int i;

	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		off_t at = pieces[i].off;

		IS(sendfile(p.c, file, &at, pieces[i].len), pieces[i].len);
		IS(at - pieces[i].off, pieces[i].len);
		IS(read_pattern(p.s, pieces[i].len, pieces[i].off), 0);
	}
	close(file);
	pair_close(&p);
}

/* The reader of a transfer, in a process of its own: its exit status is 0 if all was right. */
static pid_t reader_start(const struct pair *p, long n, long at)
{
	pid_t pid = fork();

	if (pid)
		return NEED(pid);
	_exit(read_pattern(p->s, n, at) != 0);
}

static long child_end(pid_t pid)
{
	int status = -1;

	NEED(waitpid(pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

static long sendfile_all(int fd, int file, long size)
{
	off_t at = 0;

	while (at < size)
		if (sendfile(fd, file, &at, size - at) <= 0)
			return at;
	return at;
}

static void large_file(const struct xport *t)
{
	enum { SIZE = (8 << 20) + 333 };
	struct pair p = pair_open(t);
	int file = file_open(SIZE);
	pid_t reader = reader_start(&p, SIZE, 0);

	IS(sendfile_all(p.c, file, SIZE), SIZE);
	IS(child_end(reader), 0);
	close(file);
	pair_close(&p);
}

/* Segments that are lost are sent again from the same pages; short ones, for some to be lost. */
static void lossy_path(const struct xport *t)
{
	enum { SIZE = 3 << 20 };
	struct pair p;
	int file = file_open(SIZE);
	pid_t reader;

	NEED(net_run("ip link set lo mtu 1500 gso_max_size 6000 && "
		     "tc qdisc add dev lo root netem delay 1ms loss 4%%") ? 0 : -1);
	p = pair_open(t);
	reader = reader_start(&p, SIZE, 0);
	IS(sendfile_all(p.c, file, SIZE), SIZE);
	IS(child_end(reader), 0);
	TRUE(counter(t, "RetransSegs") > 0);
	close(file);
	pair_close(&p);
}

/* What a page holds when the peer reads it is what arrives: nothing was copied. */
static void nothing_is_copied(const struct xport *t)
{
	struct pair p = pair_open(t);
	int file = file_open(3 * PAGE), pipes[2];
	char *mine = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	struct iovec iov = { mine, 2 * PAGE };
	off_t at = 0;

	IS(sendfile(p.c, file, &at, 3 * PAGE), 3 * PAGE);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	memset(buf, 'n', PAGE);
	IS(pwrite(file, buf, PAGE, PAGE), PAGE);
	IS(recv(p.s, buf, 3 * PAGE, MSG_WAITALL), 3 * PAGE);
	IS(pattern_check(buf, PAGE, 0, SEED), 0);
	IS(buf[PAGE], 'n');
	IS(buf[2 * PAGE - 1], 'n');
	IS(pattern_check(buf + 2 * PAGE, PAGE, 2 * PAGE, SEED), 0);

	NEED(pipe(pipes));
	memset(mine, 'a', 2 * PAGE);
	IS(vmsplice(pipes[1], &iov, 1, 0), 2 * PAGE);
	IS(splice(pipes[0], NULL, p.c, NULL, 2 * PAGE, 0), 2 * PAGE);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	memset(mine, 'b', PAGE);
	IS(recv(p.s, buf, 2 * PAGE, MSG_WAITALL), 2 * PAGE);
	IS(buf[0], 'b');
	IS(buf[PAGE - 1], 'b');
	IS(buf[PAGE], 'a');
	close(file);
	pair_close(&p);
}

/* Pieces of several kinds, one behind the other in the same segment. */
static void mixed(const struct xport *t)
{
	struct pair p = pair_open(t);
	int file = file_open(20000), pipes[2];
	off_t at = 0;

	NEED(pipe(pipes));
	pattern_fill(buf, 20000, 0, SEED);
	set_int(p.c, IPPROTO_TCP, TCP_CORK, 1);
	IS(send(p.c, buf, 100, 0), 100);
	at = 100;
	IS(sendfile(p.c, file, &at, 5000), 5000);
	IS(send(p.c, buf + 5100, 33, MSG_MORE), 33);
	IS(write(pipes[1], buf + 5133, 3000), 3000);
	IS(splice(pipes[0], NULL, p.c, NULL, 1000, SPLICE_F_MORE), 1000);
	IS(splice(pipes[0], NULL, p.c, NULL, 2000, 0), 2000);
	at = 8133;
	IS(sendfile(p.c, file, &at, 11866), 11866);
	IS(send(p.c, buf + 19999, 1, 0), 1);
	set_int(p.c, IPPROTO_TCP, TCP_CORK, 0);
	IS(read_pattern(p.s, 20000, 0), 0);
	close(file);
	pair_close(&p);
}

/* SPLICE_F_MORE keeps a short segment back, and the next piece lets it go. */
static void more_follows(const struct xport *t)
{
	struct pair p = pair_open(t);
	int pipes[2];

	NEED(pipe(pipes));
	pattern_fill(buf, 1000, 0, SEED);
	IS(write(pipes[1], buf, 1000), 1000);
	IS(splice(pipes[0], NULL, p.c, NULL, 300, SPLICE_F_MORE), 300);
	EV_IS(ready_within(p.s, POLLIN, 50), 0);
	IS(splice(pipes[0], NULL, p.c, NULL, 700, 0), 700);
	IS(read_pattern(p.s, 1000, 0), 0);
	/* Nobody who announces more and never comes makes it wait for ever. */
	IS(write(pipes[1], buf, 200), 200);
	IS(splice(pipes[0], NULL, p.c, NULL, 200, SPLICE_F_MORE), 200);
	EV_IS(ready_within(p.s, POLLIN, 5000), POLLIN);
	IS(read_pattern(p.s, 200, 0), 0);
	pair_close(&p);
}

/* More is asked for than the file has. */
static void end_of_file(const struct xport *t)
{
	struct pair p = pair_open(t);
	int file = file_open(10001);
	off_t at = 0;
	long then;

	then = now_ms();
	IS(sendfile(p.c, file, &at, 1 << 20), 10001);
	IS(read_pattern(p.s, 10001, 0), 0);
	TRUE(slow_kernel() || now_ms() - then < 150);
	IS(sendfile(p.c, file, &at, 1), 0);
	IS(sendfile(p.c, file, &at, 0), 0);
	close(file);
	pair_close(&p);
}

static void truncated_meanwhile(const struct xport *t)
{
	enum { SIZE = 40000, LEFT = 3 * PAGE + 5 };
	struct pair p = pair_open(t);
	int file = file_open(SIZE);
	long i, bad = 0;
	off_t at = 0;

	IS(sendfile(p.c, file, &at, SIZE), SIZE);
	IS(ftruncate(file, LEFT), 0);
	at = 0;
	IS(sendfile(p.c, file, &at, SIZE), LEFT);
	IS(recv(p.s, buf, SIZE, MSG_WAITALL), SIZE);
	IS(pattern_check(buf, LEFT, 0, SEED), 0);
	/* Its last page is cleared behind the new end; pages behind that are ours alone. */
	for (i = LEFT; i < SIZE; i++) {
		char was;

		pattern_fill(&was, 1, i, SEED);
		bad += buf[i] && buf[i] != was;
	}
	IS(bad, 0);
	IS(read_pattern(p.s, LEFT, 0), 0);
	IS(close(file), 0);
	pair_close(&p);
}

/* A writer that must not wait gets as far as the buffer goes, and goes on from there. */
static void full_buffers(const struct xport *t)
{
	enum { SIZE = 16 << 20 };
	struct pair p = pair_open(t);
	int file = file_open(SIZE), full = 0, why;
	long sent = 0, got = 0, n;
	off_t at = 0;

	set_nonblock(p.c, true);
	while (got < SIZE) {
		n = at < SIZE ? sendfile(p.c, file, &at, SIZE - at) : 0;
		why = errno;
		if (n > 0) {
			sent += n;
			continue;
		}
		if (n < 0 && !full++)
			IS(why, EAGAIN);
		n = sent - got < 300000 ? sent - got : 300000;
		if (read_pattern(p.s, n, got))
			break;
		got += n;
	}
	IS(sent, SIZE);
	IS(got, SIZE);
	TRUE(full > 0);
	EV_IS(ready_within(p.c, POLLOUT, 2000), POLLOUT);
	close(file);
	pair_close(&p);
}

static void errors(const struct xport *t)
{
	int file = file_open(PAGE), s, pipes[2];
	struct pair p;
	off_t at = 0;

	signal(SIGPIPE, SIG_IGN);
	NEED(pipe(pipes));
	NEED(write(pipes[1], "xyz", 3));
	s = NEED(sock(t));
	IS(sendfile(s, file, &at, 10), -EPIPE);
	IS(splice(pipes[0], NULL, s, NULL, 1, 0), -EPIPE);
	SAW(splice(s, NULL, pipes[1], NULL, 1, SPLICE_F_NONBLOCK));
	close(s);
	s = NEED(sock_listener(t, 0, 1));
	SAW(sendfile(s, file, &at, 10));
	close(s);
	p = pair_open(t);
	IS(sendfile(p.c, p.s, NULL, 10), -EINVAL);
	IS(splice(pipes[0], NULL, p.c, &at, 1, 0), -EINVAL);
	IS(shutdown(p.c, SHUT_WR), 0);
	IS(sendfile(p.c, file, &at, 10), -EPIPE);
	IS(splice(pipes[0], NULL, p.c, NULL, 1, 0), -EPIPE);
	pair_close(&p);
	p = pair_open(t);
	set_linger(p.s, 1, 0);
	IS(close(p.s), 0);
	p.s = -1;
	nap_ms(50);
	IS(sendfile(p.c, file, &at, 10), -ECONNRESET);
	IS(sendfile(p.c, file, &at, 10), -EPIPE);
	close(p.c);
	close(p.l);
	close(file);
}

/* Out of a stream into a pipe. */
static void out_of_a_stream(const struct xport *t)
{
	struct pair p = pair_open(t);
	int pipes[2];

	NEED(pipe(pipes));
	pattern_fill(buf, 60000, 0, SEED);
	IS(send(p.c, buf, 1000, 0), 1000);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	IS(splice(p.s, NULL, pipes[1], NULL, 400, 0), 400);
	IS(splice(p.s, NULL, pipes[1], NULL, 60000, 0), 600);
	IS(read(pipes[0], buf, 2000), 1000);
	IS(pattern_check(buf, 1000, 0, SEED), 0);
	set_nonblock(p.s, true);
	IS(splice(p.s, NULL, pipes[1], NULL, 10, 0), -EAGAIN);
	IS(splice(p.s, NULL, pipes[1], NULL, 10, SPLICE_F_NONBLOCK), -EAGAIN);
	IS(splice(p.s, NULL, pipes[1], NULL, 0, 0), 0);
	pattern_fill(buf, 60000, 0, SEED);
	IS(send(p.c, buf, 20000, 0), 20000);
	nap_ms(20);
	IS(splice(p.s, NULL, pipes[1], NULL, 20000, 0), 20000);
	/* And at once into another: pages of one connection are those of the next. */
	IS(splice(pipes[0], NULL, p.s, NULL, 20000, 0), 20000);
	IS(read_pattern(p.c, 20000, 0), 0);
	IS(send(p.c, "end", 3, 0), 3);
	IS(shutdown(p.c, SHUT_WR), 0);
	nap_ms(20);
	IS(splice(p.s, NULL, pipes[1], NULL, 100, 0), 3);
	IS(splice(p.s, NULL, pipes[1], NULL, 100, 0), 0);
	pair_close(&p);
}

/* A writer in a process of its own: its exit status is 0 if all was taken. */
static pid_t writer_start(const struct pair *p, long size)
{
	pid_t pid = fork();

	if (pid)
		return NEED(pid);
	_exit(!write_pattern(p->c, size));
}

/*
 * As a proxy does it: out of a stream of TCP in odd pieces. TCP's buffers lie in pages that belong
 * together, and what is spliced begins in any of them.
 */
static void from_stream_to_stream(const struct xport *t)
{
	static const struct xport tcp = { "tcp4", false, ON_V4, AF_INET, 0, AF_INET };
	enum { SIZE = 3000003 };
	struct pair from = pair_open(&tcp), to = pair_open(t);
	pid_t writer = writer_start(&from, SIZE), reader = reader_start(&to, SIZE, 0);
	long all = 0, piece = 1;
	int pipes[2];

	NEED(pipe(pipes));
	NEED(fcntl(pipes[1], F_SETPIPE_SZ, 1 << 20));
	while (all < SIZE) {
		ssize_t got = splice(from.s, NULL, pipes[1], NULL, piece, 0), n;

		if (got <= 0)
			break;
		while (got > 0 && (n = splice(pipes[0], NULL, to.c, NULL, got, 0)) > 0) {
			got -= n;
			all += n;
		}
		if (got)
			break;
		piece = (piece * 5 + 1) % 100003;
	}
	IS(all, SIZE);
	IS(child_end(writer), 0);
	IS(child_end(reader), 0);
	close(pipes[0]);
	close(pipes[1]);
	pair_close(&from);
	pair_close(&to);
}

/* MSG_EOR and the like have no place in splice(); a record's end before one holds. */
static void behind_a_record(const struct xport *t)
{
	struct pair p = pair_open(t);
	int file = file_open(PAGE);
	off_t at = 10;

	pattern_fill(buf, 10, 0, SEED);
	IS(send(p.c, buf, 10, MSG_EOR), 10);
	IS(sendfile(p.c, file, &at, 1000), 1000);
	IS(read_pattern(p.s, 1010, 0), 0);
	close(file);
	pair_close(&p);
}

static const struct oracle_case cases[] = {
	CASE("odd sizes and offsets", odd_pieces, ON_ALL, 36),
	CASE_SECONDS("a large file to a reader", large_file, ON_BOTH, 2, 60),
	CASE_SECONDS("segments are lost and sent again", lossy_path, ON_BOTH, 3, 120),
	CASE("no octet is copied", nothing_is_copied, ON_BOTH, 14),
	CASE("copied and spliced octets in one segment", mixed, ON_ALL, 9),
	CASE("SPLICE_F_MORE", more_follows, ON_BOTH, 9),
	CASE("more is asked for than the file has", end_of_file, ON_BOTH, 5),
	CASE("the file is truncated meanwhile", truncated_meanwhile, ON_BOTH, 8),
	CASE_SECONDS("full buffers, not waiting", full_buffers, ON_BOTH, 5, 60),
	CASE("errors", errors, ON_BOTH, 12),
	CASE("splice() out of a stream", out_of_a_stream, ON_BOTH, 15),
	CASE_SECONDS("splice() from a stream of TCP", from_stream_to_stream, ON_BOTH, 3, 60),
	CASE("behind a record's end", behind_a_record, ON_BOTH, 3),
};

ORACLE_MAIN("sendfile() and splice()", cases)
