// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring on stream sockets, compared with TCP: requests that finish at once, that wait,
 * and that are cancelled while they wait. The ring is used by its three system calls alone.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

#define ENTRIES 16
/* What wait_for() says where nothing completed. */
#define NOTHING (-ETIME)

struct ring {
	int fd;
	struct io_uring_params params;
	unsigned char *sq, *cq;
	struct io_uring_sqe *sqes;
	bool done[ENTRIES];		/* by the name of the request */
	int result[ENTRIES];
};

static unsigned int *word(unsigned char *base, unsigned int offset)
{
	return (unsigned int *)(base + offset);
}

static struct ring ring_open(void)
{
	struct ring r = { .fd = -1 };
	size_t size;

	r.fd = NEED(syscall(SYS_io_uring_setup, ENTRIES, &r.params));
	size = r.params.sq_off.array + r.params.sq_entries * sizeof(unsigned int);
	r.sq = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, IORING_OFF_SQ_RING);
	size = r.params.cq_off.cqes + r.params.cq_entries * sizeof(struct io_uring_cqe);
	r.cq = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, IORING_OFF_CQ_RING);
	size = r.params.sq_entries * sizeof(struct io_uring_sqe);
	r.sqes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, IORING_OFF_SQES);
	NEED(r.sq == MAP_FAILED || r.cq == MAP_FAILED || r.sqes == MAP_FAILED ? -1 : 0);
	return r;
}

/* Hand in one request, named @id. */
static void submit(struct ring *r, struct io_uring_sqe sqe, int id)
{
	unsigned int tail = *word(r->sq, r->params.sq_off.tail);
	unsigned int at = tail & *word(r->sq, r->params.sq_off.ring_mask);

	sqe.user_data = id;
	r->sqes[at] = sqe;
	word(r->sq, r->params.sq_off.array)[at] = at;
	__atomic_store_n(word(r->sq, r->params.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	NEED(syscall(SYS_io_uring_enter, r->fd, 1, 0, 0, NULL, 0));
}

/* Take what has completed off the ring. */
static void collect(struct ring *r)
{
	unsigned int *head = word(r->cq, r->params.cq_off.head);
	const struct io_uring_cqe *cqes = (void *)(r->cq + r->params.cq_off.cqes);

	/* Work that the kernel left to this task is done on its way in. */
	NEED(syscall(SYS_io_uring_enter, r->fd, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0));
	while (*head != __atomic_load_n(word(r->cq, r->params.cq_off.tail), __ATOMIC_ACQUIRE)) {
		const struct io_uring_cqe *cqe = &cqes[*head &
						       *word(r->cq, r->params.cq_off.ring_mask)];

		r->done[cqe->user_data] = true;
		r->result[cqe->user_data] = cqe->res;
		__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	}
}

/* The result of request @id as a system call gives it, or -1 and ETIME. */
static long wait_for(struct ring *r, int id, int ms)
{
	long end = now_ms() + ms;

	collect(r);
	while (!r->done[id] && now_ms() < end) {
		nap_ms(2);
		collect(r);
	}
	errno = r->done[id] ? -r->result[id] : ETIME;
	return r->done[id] && r->result[id] >= 0 ? r->result[id] : -1;
}

static struct io_uring_sqe io(int op, int fd, const void *buf, unsigned int len, int flags)
{
	return (struct io_uring_sqe){
		.opcode = op, .fd = fd, .addr = (unsigned long)buf, .len = len,
		.msg_flags = flags,
	};
}

static struct io_uring_sqe cancel(int id)
{
	return (struct io_uring_sqe){ .opcode = IORING_OP_ASYNC_CANCEL, .fd = -1, .addr = id };
}

static void at_once(const struct xport *t)
{
	struct pair p = pair_open(t);
	struct ring r = ring_open();
	char buf[64] = "";
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	submit(&r, io(IORING_OP_SEND, p.c, "send", 4, 0), 1);
	IS(wait_for(&r, 1, 2000), 4);
	submit(&r, io(IORING_OP_RECV, p.s, buf, 64, 0), 2);
	IS(wait_for(&r, 2, 2000), 4);
	TEXT_IS(buf, "send");
	submit(&r, io(IORING_OP_WRITE, p.c, "write", 5, 0), 3);
	IS(wait_for(&r, 3, 2000), 5);
	submit(&r, io(IORING_OP_READ, p.s, buf, 64, 0), 4);
	IS(wait_for(&r, 4, 2000), 5);
	TRUE(!memcmp(buf, "write", 5));
	strcpy(buf, "message");
	iov.iov_len = 7;
	submit(&r, io(IORING_OP_SENDMSG, p.s, &msg, 1, 0), 5);
	IS(wait_for(&r, 5, 2000), 7);
	iov.iov_len = sizeof(buf);
	submit(&r, io(IORING_OP_RECVMSG, p.c, &msg, 1, 0), 6);
	IS(wait_for(&r, 6, 2000), 7);
	SAW(msg.msg_flags);
	submit(&r, io(IORING_OP_RECV, p.s, buf, 64, MSG_DONTWAIT), 7);
	IS(wait_for(&r, 7, 2000), -EAGAIN);
	submit(&r, io(IORING_OP_SEND, p.c, (void *)8, 4, 0), 8);
	IS(wait_for(&r, 8, 2000), -EFAULT);
	submit(&r, (struct io_uring_sqe){ .opcode = IORING_OP_SHUTDOWN, .fd = p.c,
					  .len = SHUT_WR }, 9);
	IS(wait_for(&r, 9, 2000), 0);
	submit(&r, io(IORING_OP_RECV, p.s, buf, 64, 0), 10);
	IS(wait_for(&r, 10, 2000), 0);
	submit(&r, io(IORING_OP_SEND, p.c, "x", 1, MSG_NOSIGNAL), 11);
	IS(wait_for(&r, 11, 2000), -EPIPE);
	submit(&r, (struct io_uring_sqe){ .opcode = IORING_OP_CLOSE, .fd = p.c }, 12);
	IS(wait_for(&r, 12, 2000), 0);
	IS(send(p.s, "x", 1, MSG_NOSIGNAL), 1);
	close(r.fd);
	close(p.s);
	close(p.l);
}

static void waiting(const struct xport *t)
{
	static char big[4 << 20];
	struct pair p = pair_open(t);
	struct ring r = ring_open();
	char buf[64] = "";
	long n;

	submit(&r, io(IORING_OP_RECV, p.s, buf, 64, 0), 1);
	IS(wait_for(&r, 1, 100), NOTHING);
	IS(send(p.c, "late", 4, 0), 4);
	IS(wait_for(&r, 1, 2000), 4);
	TEXT_IS(buf, "late");
	/* All of it, in several pieces. */
	submit(&r, io(IORING_OP_RECV, p.s, buf, 6, MSG_WAITALL), 2);
	IS(send(p.c, "abc", 3, 0), 3);
	IS(wait_for(&r, 2, 100), NOTHING);
	IS(send(p.c, "def", 3, 0), 3);
	IS(wait_for(&r, 2, 2000), 6);
	TRUE(!memcmp(buf, "abcdef", 6));
	/* Waiting for an event, and its removal. */
	submit(&r, (struct io_uring_sqe){ .opcode = IORING_OP_POLL_ADD, .fd = p.s,
					  .poll32_events = POLLIN }, 3);
	IS(wait_for(&r, 3, 100), NOTHING);
	IS(send(p.c, "p", 1, 0), 1);
	EV_IS(wait_for(&r, 3, 2000), POLLIN);
	IS(recv(p.s, buf, 1, 0), 1);
	/* A writer that finds no room goes on when there is. */
	TRUE(fill_send(p.c) > 0);
	pattern_fill(big, sizeof(big), 0, 3);
	submit(&r, io(IORING_OP_SEND, p.c, big, sizeof(big), MSG_WAITALL), 4);
	IS(wait_for(&r, 4, 100), NOTHING);
	for (n = 0; n >= 0 && n < (long)sizeof(big);) {
		long got = drain(p.s);

		if (!got)
			break;
		n += got;
	}
	IS(wait_for(&r, 4, 5000), sizeof(big));
	TRUE(n > (long)sizeof(big));
	/* The peer's reset ends a wait. */
	submit(&r, io(IORING_OP_RECV, p.s, buf, 64, 0), 5);
	IS(wait_for(&r, 5, 50), NOTHING);
	set_linger(p.c, 1, 0);
	close(p.c);
	IS(wait_for(&r, 5, 2000), -ECONNRESET);
	close(r.fd);
	close(p.s);
	close(p.l);
}

static void opening(const struct xport *t)
{
	int l = NEED(sock_listener(t, 7810, 4)), c = NEED(sock(t)), d = NEED(sock(t));
	struct addr to = addr_loopback(t, 7810), none = addr_loopback(t, 7811);
	struct addr peer = { .len = sizeof(peer.ss) };
	struct ring r = ring_open();
	int a;

	submit(&r, (struct io_uring_sqe){ .opcode = IORING_OP_ACCEPT, .fd = l,
					  .addr = (unsigned long)&peer.ss,
					  .addr2 = (unsigned long)&peer.len,
					  .accept_flags = SOCK_CLOEXEC | SOCK_NONBLOCK }, 1);
	IS(wait_for(&r, 1, 100), NOTHING);
	submit(&r, (struct io_uring_sqe){ .opcode = IORING_OP_CONNECT, .fd = c,
					  .addr = (unsigned long)&to.ss, .off = to.len }, 2);
	IS(wait_for(&r, 2, 2000), 0);
	a = NEED(wait_for(&r, 1, 2000));
	IS(fcntl(a, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	IS(fcntl(a, F_GETFD), FD_CLOEXEC);
	oracle_text("peer", "%s", addr_show(&peer));
	IS(addr_port(&peer) - ({ struct addr own = addr_local(c); addr_port(&own); }), 0);
	IS(send(c, "x", 1, 0), 1);
	EV_IS(ready_within(a, POLLIN, 2000), POLLIN);
	submit(&r, (struct io_uring_sqe){ .opcode = IORING_OP_CONNECT, .fd = d,
					  .addr = (unsigned long)&none.ss, .off = none.len }, 3);
	IS(wait_for(&r, 3, 2000), -ECONNREFUSED);
	submit(&r, (struct io_uring_sqe){ .opcode = IORING_OP_CONNECT, .fd = c,
					  .addr = (unsigned long)&to.ss, .off = to.len }, 4);
	IS(wait_for(&r, 4, 2000), -EISCONN);
	close(a);
	close(c);
	close(d);
	close(l);
	close(r.fd);
}

/* A request that waits is cancelled, and the socket is as it was. */
static void cancelled(const struct xport *t)
{
	struct addr nobody = addr_text(t, "192.0.2.9", "2001:db8::9", 7812);
	struct pair p = pair_open(t);
	struct ring r = ring_open();
	int c = NEED(sock(t)), a;
	char buf[8] = "";

	submit(&r, io(IORING_OP_RECV, p.s, buf, 8, 0), 1);
	submit(&r, cancel(1), 2);
	IS(wait_for(&r, 1, 2000), -ECANCELED);
	IS(send(p.c, "kept", 4, 0), 4);
	IS(recv(p.s, buf, 4, MSG_WAITALL), 4);
	TEXT_IS(buf, "kept");

	submit(&r, (struct io_uring_sqe){ .opcode = IORING_OP_ACCEPT, .fd = p.l }, 3);
	submit(&r, cancel(3), 4);
	IS(wait_for(&r, 3, 2000), -ECANCELED);
	IS(sock_connect(c, p.at), 0);
	EV_IS(ready_within(p.l, POLLIN, 2000), POLLIN);
	a = NEED(accept(p.l, NULL, NULL));
	close(a);
	close(c);

	IS(fill_send(p.c) > 0, 1);
	submit(&r, io(IORING_OP_SEND, p.c, "x", 1, 0), 5);
	submit(&r, cancel(5), 6);
	IS(wait_for(&r, 5, 2000), -ECANCELED);
	IS(drain(p.s) > 0, 1);

	/* Nobody answers there, so that connecting lasts; a socket of its own for each end. */
	if (!net_run("ip link add dummy0 type dummy && ip link set dummy0 up && "
		     "ip addr add 192.0.2.1/24 dev dummy0 && "
		     "ip -6 addr add 2001:db8::1/64 dev dummy0 nodad"))
		NEED(-1);
	if (!net_run("ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev dummy0 && "
		     "ip neigh add 2001:db8::9 lladdr 02:00:00:00:00:09 dev dummy0"))
		NEED(-1);
	c = NEED(sock(t));
	submit(&r, (struct io_uring_sqe){ .opcode = IORING_OP_CONNECT, .fd = c,
					  .addr = (unsigned long)&nobody.ss,
					  .off = nobody.len }, 7);
	IS(wait_for(&r, 7, 100), NOTHING);
	submit(&r, cancel(7), 8);
	IS(wait_for(&r, 7, 2000), -ECANCELED);
	/* It goes on connecting all the same. */
	NEED(set_nonblock(c, true));
	IS(sock_connect(c, nobody), -EALREADY);
	close(c);
	close(r.fd);
	pair_close(&p);
}

static const struct oracle_case cases[] = {
	CASE("what can be done at once", at_once, ON_BOTH, 16),
	CASE("what has to wait", waiting, ON_BOTH, 17),
	CASE("connect and accept", opening, ON_BOTH, 10),
	CASE("cancellation", cancelled, ON_BOTH, 13),
};

ORACLE_MAIN("io_uring on stream sockets compared with TCP", cases)
