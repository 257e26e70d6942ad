// SPDX-License-Identifier: GPL-2.0
/*
 * xhttpd: an HTTP/1.0 and HTTP/1.1 server for the files of one directory.
 *
 * One thread, one epoll, any number of connections. Requests on a connection are
 * answered in their order; those that arrive early (pipelined) wait in its buffer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common.h"
#include "httpreq.h"
#include "httprsp.h"

static const char help[] =
	"Usage: xhttpd [options] PORT DIRECTORY\n"
	"Serves the regular files below DIRECTORY (GET and HEAD). A directory is answered\n"
	"with the list of its files; that list, and any file asked for as NAME?chunked, is\n"
	"sent in chunks to an HTTP/1.1 client. Nothing outside of DIRECTORY can be reached.\n"
	"Ends on SIGTERM or SIGINT and prints what it did.\n"
	"\n"
	"  -b, --bind ADDR    listen on this address only\n"
	"  -i, --idle S       close a connection that is idle for S seconds (default 30)\n"
	TRANSPORT_HELP;

#define IN_ROOM		16384		/* a request head must fit */
#define BACKLOG		512
#define EVENTS		64

struct conn {
	struct conn *prev, *next;
	int fd;
	char in[IN_ROOM];
	size_t in_len;
	struct response rsp;
	bool peer_finished;		/* its FIN is here: answer what came, then finish */
	bool draining;			/* we have finished; waiting for its FIN */
	bool wants_out;			/* EPOLLOUT is armed */
	double last;			/* now_s() when it last moved */
};

static struct {
	unsigned long connections, requests, now, most;
} count;

static struct conn conns = { .prev = &conns, .next = &conns };
static int epoll_fd, root_fd;
static unsigned int idle_s = 30;

/* ---- connections ---- */

static void conn_new(int fd)
{
	struct conn *c = calloc(1, sizeof(*c));
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	int one = 1;

	if (!c) {
		close(fd);
		return;
	}
	/* Answers are whole when they are written: nothing is gained by waiting. */
	if (setsockopt(fd, SOL_TCP, TCP_NODELAY, &one, sizeof(one)))
		die_errno("cannot set TCP_NODELAY");
	c->fd = fd;
	c->last = now_s();
	response_init(&c->rsp);
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev))
		die_errno("epoll_ctl");
	c->next = conns.next;
	c->prev = &conns;
	conns.next->prev = c;
	conns.next = c;
	count.connections++;
	if (++count.now > count.most)
		count.most = count.now;
}

static void conn_free(struct conn *c)
{
	response_end(&c->rsp);
	close(c->fd);
	c->prev->next = c->next;
	c->next->prev = c->prev;
	count.now--;
	free(c);
}

static void arm(struct conn *c, bool out)
{
	/* While an answer is stuck, more requests would only fill our buffer. */
	struct epoll_event ev = { .events = out ? EPOLLOUT : EPOLLIN, .data.ptr = c };

	if (c->wants_out == out)
		return;
	c->wants_out = out;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &ev))
		die_errno("epoll_ctl");
}

/* ---- one connection's work ---- */

/* Take what has arrived. False if the connection is broken. */
static bool receive(struct conn *c)
{
	ssize_t n;

	if (c->draining) {
		char waste[4096];

		/* Requests after our last answer are not ours to answer any more. */
		n = recv(c->fd, waste, sizeof(waste), 0);
		return n > 0 || (n < 0 && errno == EAGAIN);
	}
	if (c->in_len == IN_ROOM || c->peer_finished)
		return true;
	n = recv(c->fd, c->in + c->in_len, IN_ROOM - c->in_len, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (!n)
		c->peer_finished = true;
	c->in_len += n;
	return true;
}

/* Start the answer to the first request in the buffer, if a whole one is there. */
static bool next_request(struct conn *c)
{
	struct http_request req;
	size_t used = 0;
	int status;

	status = http_request_parse(c->in, c->in_len, &req, &used);
	if (!status && c->in_len == IN_ROOM)
		status = 431;
	if (!status)
		return false;
	count.requests++;
	response_start(&c->rsp, root_fd, &req, status);
	c->in_len -= used;
	memmove(c->in, c->in + used, c->in_len);
	return true;
}

/* Answer as much as the socket takes. False when the connection is over. */
static bool advance(struct conn *c)
{
	for (;;) {
		if (!c->rsp.active) {
			if (!next_request(c))
				break;
		}
		switch (response_send(&c->rsp, c->fd)) {
		case RESPONSE_STUCK:
			arm(c, true);
			return true;
		case RESPONSE_BROKEN:
			return false;
		case RESPONSE_DONE:
			break;
		}
		if (c->rsp.close_after) {
			/*
			 * A close() with requests unread would reset the connection and
			 * take the answer away: finish, and wait for the peer to do so.
			 */
			if (shutdown(c->fd, SHUT_WR))
				return false;
			c->draining = true;
			arm(c, false);
			return !c->peer_finished;
		}
	}
	arm(c, false);
	return !c->peer_finished;
}

static void conn_event(struct conn *c, uint32_t events)
{
	c->last = now_s();
	if ((events & EPOLLERR) ||
	    ((events & (EPOLLIN | EPOLLHUP)) && !receive(c)) ||
	    (!c->draining && !advance(c)))
		conn_free(c);
}

static void sweep_idle(void)
{
	double limit = now_s() - idle_s;
	struct conn *c, *next;

	for (c = conns.next; c != &conns; c = next) {
		next = c->next;
		if (c->last < limit)
			conn_free(c);
	}
}

/* ---- the server ---- */

static void accept_all(int lfd)
{
	for (;;) {
		int fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			conn_new(fd);
			continue;
		}
		if (errno == EAGAIN)
			return;
		if (errno == EMFILE || errno == ENFILE) {
			/* Level-triggered: the rest stays in the queue; idle ones make room. */
			sweep_idle();
			return;
		}
		if (errno != EINTR && errno != ECONNABORTED)
			die_errno("accept");
	}
}

static void watch(int fd, void *tag)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = tag };

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev))
		die_errno("epoll_ctl");
}

static int watch_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		die_errno("sigprocmask");
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		die_errno("signalfd");
	return fd;
}

static void raise_fd_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl))
		return;
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
}

static void serve(int lfd)
{
	static char listener_tag, signal_tag;
	double next_sweep = now_s() + 1;
	struct epoll_event ev[EVENTS];

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die_errno("epoll_create1");
	watch(lfd, &listener_tag);
	watch(watch_signals(), &signal_tag);

	for (;;) {
		bool incoming = false;
		int i, n = epoll_wait(epoll_fd, ev, EVENTS, 1000);

		if (n < 0 && errno != EINTR)
			die_errno("epoll_wait");
		for (i = 0; i < n; i++) {
			if (ev[i].data.ptr == &signal_tag)
				return;
			if (ev[i].data.ptr == &listener_tag)
				incoming = true;
			else
				conn_event(ev[i].data.ptr, ev[i].events);
		}
		/* After the others: sweeping frees connections that ev[] may still name. */
		if (incoming)
			accept_all(lfd);
		if (now_s() >= next_sweep) {
			sweep_idle();
			next_sweep = now_s() + 1;
		}
	}
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "bind", required_argument, NULL, 'b' },
		{ "idle", required_argument, NULL, 'i' },
		TRANSPORT_LONG, { NULL, 0, NULL, 0 }
	};
	const char *addr = NULL;
	int c, lfd;

	die_init(argv[0]);
	while ((c = getopt_long(argc, argv, "b:i:" TRANSPORT_SHORT, longs, NULL)) != -1) {
		if (transport_option(c, help))
			continue;
		if (c == 'b')
			addr = optarg;
		else if (c == 'i')
			idle_s = parse_number("the idle time", optarg, 86400);
	}
	if (argc - optind != 2)
		die_usage("PORT and DIRECTORY are needed");
	parse_port(argv[optind]);
	root_fd = open(argv[optind + 1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		die_errno("cannot open the directory %s", argv[optind + 1]);
	raise_fd_limit();
	lfd = demo_listen(addr, argv[optind], BACKLOG);
	if (fcntl(lfd, F_SETFL, O_NONBLOCK))
		die_errno("fcntl");
	serve(lfd);
	printf("xhttpd: %lu requests on %lu connections, at most %lu of them at once\n",
	       count.requests, count.connections, count.most);
	return 0;
}
