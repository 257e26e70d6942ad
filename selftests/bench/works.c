// SPDX-License-Identifier: GPL-2.0
/* The kinds of work that are measured. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "works.h"

#define READ_SIZE	65536
#define FILE_SIZE	(4 << 20)
#define EVENTS		64
#define SPARE_FDS	32

static void send_all(int fd, const char *buf, size_t n)
{
	ssize_t sent;

	for (; n; n -= sent, buf += sent) {
		sent = send(fd, buf, n, MSG_NOSIGNAL);
		if (sent < 0)
			fail("send");
	}
}

/* Exactly @n octets. */
static void recv_all(int fd, char *buf, size_t n)
{
	ssize_t got;

	for (; n; n -= got, buf += got) {
		got = recv(fd, buf, n, 0);
		errno = got ? errno : EPIPE;
		if (got <= 0)
			fail("recv");
	}
}

static void stream_client(struct member *m, long n)
{
	for (; n > 0; n -= m->size)
		send_all(m->fd, m->buf, n < (long)m->size ? (size_t)n : m->size);
}

static void stream_server(struct member *m, long n)
{
	static char buf[READ_SIZE];
	ssize_t got;

	for (; n > 0; n -= got) {
		got = recv(m->fd, buf, n < READ_SIZE ? n : READ_SIZE, 0);
		errno = got ? errno : EPIPE;
		if (got <= 0)
			fail("recv");
	}
}

const struct work work_stream = { stream_client, stream_server, NULL, true };

static int sendfile_source(void)
{
	static int file = -1;
	int done;

	if (file >= 0)
		return file;
	file = memfd_create("bench", 0);
	if (file < 0)
		fail("memfd_create");
	for (done = 0; done < FILE_SIZE; done += READ_SIZE) {
		static char block[READ_SIZE];

		if (write(file, block, READ_SIZE) != READ_SIZE)
			fail("write");
	}
	return file;
}

static void sendfile_client(struct member *m, long n)
{
	int file = sendfile_source();
	off_t at = 0;
	ssize_t sent;

	for (; n > 0; n -= sent) {
		at %= FILE_SIZE;
		sent = sendfile(m->fd, file, &at, n < FILE_SIZE - at ? n : FILE_SIZE - at);
		errno = sent ? errno : EPIPE;
		if (sent <= 0)
			fail("sendfile");
	}
}

const struct work work_sendfile = { sendfile_client, stream_server, NULL, true };

static void rr_client(struct member *m, long n)
{
	while (n--) {
		send_all(m->fd, m->buf, m->size);
		recv_all(m->fd, m->buf, m->size);
	}
}

static void rr_server(struct member *m, long n)
{
	while (n--) {
		recv_all(m->fd, m->buf, m->size);
		send_all(m->fd, m->buf, m->size);
	}
}

const struct work work_rr = { rr_client, rr_server, NULL, false };

static void crr_open(struct member *m, bool client)
{
}

static void crr_client(struct member *m, long n)
{
	while (n--) {
		int fd = place_connect(m->place, m->number);

		send_all(fd, m->buf, 1);
		recv_all(fd, m->buf, 1);
		close(fd);
	}
}

static void crr_server(struct member *m, long n)
{
	while (n--) {
		int fd = place_accept(m->listener);

		recv_all(fd, m->buf, 1);
		send_all(fd, m->buf, 1);
		if (recv(fd, m->buf, 1, 0) < 0)
			fail("recv");
		close(fd);
	}
}

const struct work work_crr = { crr_client, crr_server, crr_open, false };

/* The client's connections; the server keeps an epoll descriptor in m->fd. */
static int *many_fds;

static void many_open(struct member *m, bool client)
{
	struct rlimit most = { m->conns + SPARE_FDS, m->conns + SPARE_FDS };
	struct epoll_event ev = { .events = EPOLLIN };
	int i;

	if (setrlimit(RLIMIT_NOFILE, &most))
		fail("no room for %d descriptors", m->conns);
	if (client) {
		many_fds = malloc(m->conns * sizeof(*many_fds));
		if (!many_fds)
			fail("no memory");
		for (i = 0; i < m->conns; i++)
			many_fds[i] = place_connect(m->place, m->number);
		return;
	}
	m->fd = epoll_create1(0);
	if (m->fd < 0)
		fail("epoll_create1");
	for (i = 0; i < m->conns; i++) {
		ev.data.fd = place_accept(m->listener);
		if (epoll_ctl(m->fd, EPOLL_CTL_ADD, ev.data.fd, &ev))
			fail("epoll_ctl");
	}
}

/* So many of them work at once. */
static int many_batch(const struct member *m)
{
	return m->conns < WORK_BATCH ? m->conns : WORK_BATCH;
}

static void many_client(struct member *m, long n)
{
	int i, batch = many_batch(m);
	static int next;

	for (; n > 0; n -= batch) {
		for (i = 0; i < batch; i++)
			send_all(many_fds[(next + i) % m->conns], m->buf, 1);
		for (i = 0; i < batch; i++)
			recv_all(many_fds[(next + i) % m->conns], m->buf, 1);
		next = (next + batch) % m->conns;
	}
}

static void many_server(struct member *m, long n)
{
	struct epoll_event events[EVENTS];
	int i, found, batch = many_batch(m);

	for (n = (n + batch - 1) / batch * batch; n > 0; n -= found) {
		found = epoll_wait(m->fd, events, EVENTS, -1);
		if (found < 0)
			fail("epoll_wait");
		for (i = 0; i < found; i++) {
			recv_all(events[i].data.fd, m->buf, 1);
			send_all(events[i].data.fd, m->buf, 1);
		}
	}
}

const struct work work_many = { many_client, many_server, many_open, false };
