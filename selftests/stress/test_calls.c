// SPDX-License-Identifier: GPL-2.0
/*
 * A socket-call fuzzer: threads make random calls with random arguments on descriptors
 * that they share, IPv4 and IPv6, each process in a network namespace of its own.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "stress.h"

enum { PROCESSES = 2, THREADS = 4, SLOTS = 24, PORTS = 6, PORT_BASE = 42000 };

/* What the threads of one process share. */
static _Atomic int slots[SLOTS];
static int epoll_fd, memory_fd, lo_fd;
static pthread_t threads[THREADS];
static _Atomic int running;
static uint8_t *guard;		/* a page; nothing is behind it */
static uint8_t *read_only;

/* What all processes share: results. */
struct tally {
	_Atomic long calls, good, connected, accepted, pairs, octets, odd_errno, odd_value;
	_Atomic int odd_call;
};

static struct tally *tally;

/* What one thread has. */
struct thread {
	struct rng rng;
	long calls;
	int pipe[2];
	uint8_t buf[70000];
};

/* -- arguments ------------------------------------------------------------------------ */

static int any_fd(struct thread *t)
{
	return slots[below(&t->rng, SLOTS)];
}

/* Put @fd into a slot; what was there is closed, whoever uses it. */
static long keep(struct thread *t, int fd)
{
	if (fd >= 0) {
		int old = atomic_exchange(&slots[below(&t->rng, SLOTS)], fd);

		if (old >= 0)
			close(old);
	}
	return fd;
}

/* Mostly good memory; else the edge of a page, read-only memory, and wild addresses. */
static void *pointer(struct thread *t, size_t len)
{
	switch (below(&t->rng, 24)) {
	case 0:
		return NULL;
	case 1:
		return (void *)1;
	case 2:
		return (void *)0xffff888000000000UL;
	case 3:
		return guard + 4096 - below(&t->rng, 64);
	case 4:
		return read_only;
	case 5:
		return (void *)rng_next(&t->rng);
	default:
		return t->buf + below(&t->rng, 64);
	}
}

static int random_int(struct thread *t)
{
	static const int values[] = { 0, 1, 2, -1, 3, 10, 100, 1000, 4096, 65535, 65536, 1 << 20,
				      0x7fffffff, -0x7fffffff - 1 };

	return one_in(&t->rng, 4) ? (int)rng_next(&t->rng) : PICK(&t->rng, values);
}

static socklen_t random_len(struct thread *t, socklen_t right)
{
	static const socklen_t lens[] = { 0, 1, 2, 3, 4, 7, 8, 12, 15, 16, 24, 28, 64, 128, 256,
					  1024, 0x7fffffff, 0xffffffff };

	return one_in(&t->rng, 4) ? PICK(&t->rng, lens) : right;
}

static int random_flags(struct thread *t)
{
	static const int flags[] = { 0, MSG_DONTWAIT, MSG_PEEK, MSG_OOB, MSG_WAITALL, MSG_TRUNC,
				     MSG_MORE, MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC, MSG_ERRQUEUE,
				     MSG_DONTROUTE, MSG_EOR, MSG_CONFIRM, MSG_ZEROCOPY,
				     MSG_CMSG_CLOEXEC, MSG_FASTOPEN, MSG_OOB | MSG_PEEK };
	int f = PICK(&t->rng, flags) | PICK(&t->rng, flags);

	return MSG_NOSIGNAL | (one_in(&t->rng, 20) ? (int)rng_next(&t->rng) : f);
}

static struct addr random_addr(struct thread *t)
{
	const struct xport *x = one_in(&t->rng, 2) ? &stress_v4 : &stress_v6;
	struct xport mapped = stress_v6;
	int port = PORT_BASE + below(&t->rng, PORTS);
	struct addr a = { .len = 0 };

	mapped.on = ON_MAPPED;
	switch (below(&t->rng, 16)) {
	case 0:
		a.sa.sa_family = AF_UNSPEC;
		a.len = random_len(t, 16);
		break;
	case 1:
		rng_fill(&t->rng, &a.ss, sizeof(a.ss));
		a.len = random_len(t, 28);
		break;
	case 2:
		a = addr_any(x, one_in(&t->rng, 2) ? 0 : port);
		break;
	case 3:
		a = addr_loopback(x, port);
		a.sa.sa_family = AF_XTCP;
		break;
	case 4:
		a = addr_loopback(x, port);
		a.len = random_len(t, a.len);
		break;
	case 5:
		/* Where nobody is, or nobody may be. */
		a = addr_text(x, "224.0.0.1", "ff02::1", port);
		break;
	case 6: case 7:
		a = addr_loopback(&mapped, port);
		break;
	default:
		a = addr_loopback(x, port);
		break;
	}
	return a;
}

/* -- calls: each makes one and returns what it returned ----------------------------------- */

static long call_socket(struct thread *t)
{
	static const int protocols[] = { 0, 0, 1, 1, 1, IPPROTO_XTCP, 2, 6, -1, 1000 };
	int type = SOCK_STREAM | (one_in(&t->rng, 4) ? 0 : SOCK_NONBLOCK);
	int fd;

	if (one_in(&t->rng, 20))
		type = below(&t->rng, 12);
	fd = socket(AF_XTCP, type, PICK(&t->rng, protocols));
	if (fd >= 0) {
		struct timeval soon = { 0, 5000 };

		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
		set_int(fd, SOL_SOCKET, SO_REUSEADDR, one_in(&t->rng, 3));
	}
	return keep(t, fd);
}

/* A listener where others connect to, so that chance need not find bind and listen. */
static long call_listener(struct thread *t)
{
	const struct xport *x = one_in(&t->rng, 2) ? &stress_v4 : &stress_v6;
	int fd = sock_flags(x, SOCK_NONBLOCK);

	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	sock_bind(fd, addr_any(x, PORT_BASE + below(&t->rng, PORTS)));
	listen(fd, 8);
	return keep(t, fd);
}

/* A whole connection, whose ends the calls then find. */
static long call_connection(struct thread *t)
{
	const struct xport *x = one_in(&t->rng, 2) ? &stress_v4 : &stress_v6;
	int l = sock_listener(x, 0, 4), c = sock_flags(x, SOCK_NONBLOCK), s = -1;

	sock_connect(c, addr_local(l));
	if (ready_within(l, POLLIN, 100) & POLLIN)
		s = accept4(l, NULL, NULL, SOCK_NONBLOCK);
	if (s >= 0)
		tally->pairs++;
	keep(t, c);
	keep(t, s);
	close(l);
	return 0;
}

static long call_bind(struct thread *t)
{
	return sock_bind(any_fd(t), random_addr(t));
}

static long call_listen(struct thread *t)
{
	return listen(any_fd(t), one_in(&t->rng, 3) ? random_int(t) : 4);
}

static long call_connect(struct thread *t)
{
	long ret = sock_connect(any_fd(t), random_addr(t));

	if (!ret || errno == EINPROGRESS)
		tally->connected++;
	return ret;
}

static long call_accept(struct thread *t)
{
	socklen_t len = random_len(t, sizeof(struct sockaddr_storage));
	bool named = one_in(&t->rng, 2);
	int fd = accept4(any_fd(t), named ? pointer(t, 128) : NULL, named ? &len : NULL,
			 one_in(&t->rng, 30) ? random_int(t) : SOCK_NONBLOCK);

	if (fd >= 0)
		tally->accepted++;
	return keep(t, fd);
}

/* A message of a few pieces, perhaps with a name and control data. */
static void random_msg(struct thread *t, struct msghdr *m, struct iovec *iov, struct addr *name)
{
	int i;

	memset(m, 0, sizeof(*m));
	m->msg_iov = one_in(&t->rng, 30) ? pointer(t, 16) : iov;
	m->msg_iovlen = one_in(&t->rng, 30) ? below(&t->rng, 2000) : 1 + below(&t->rng, 4);
	for (i = 0; i < 4; i++) {
		iov[i].iov_base = pointer(t, 0);
		iov[i].iov_len = below(&t->rng, one_in(&t->rng, 4) ? 16000 : 200);
	}
	/* The pieces that an odd count would take from behind the four. */
	if (m->msg_iov == iov && m->msg_iovlen > 4)
		m->msg_iovlen = 4;
	if (one_in(&t->rng, 4)) {
		*name = random_addr(t);
		m->msg_name = name;
		m->msg_namelen = name->len;
	}
	if (one_in(&t->rng, 6)) {
		m->msg_control = pointer(t, 0);
		m->msg_controllen = random_len(t, 24);
	}
}

static long moved(long n)
{
	if (n > 0)
		tally->octets += n;
	return n;
}

static long call_send(struct thread *t)
{
	struct iovec iov[4];
	struct msghdr m;
	struct addr name;
	int fd = any_fd(t);

	switch (below(&t->rng, 4)) {
	case 0:
		random_msg(t, &m, iov, &name);
		return moved(sendmsg(fd, &m, random_flags(t)));
	case 1:
		name = random_addr(t);
		return moved(sendto(fd, pointer(t, 0), below(&t->rng, 60000), random_flags(t),
				    &name.sa, name.len));
	case 2:
		return moved(write(fd, pointer(t, 0), below(&t->rng, 4000)));
	default:
		return moved(send(fd, t->buf, below(&t->rng, 60000), random_flags(t)));
	}
}

static long call_recv(struct thread *t)
{
	struct iovec iov[4];
	struct msghdr m;
	struct addr name;
	socklen_t len = random_len(t, 28);
	int fd = any_fd(t);

	switch (below(&t->rng, 4)) {
	case 0:
		random_msg(t, &m, iov, &name);
		return moved(recvmsg(fd, &m, random_flags(t)));
	case 1:
		return moved(recvfrom(fd, pointer(t, 0), below(&t->rng, 60000), random_flags(t),
				      pointer(t, 0), &len));
	case 2:
		return moved(read(fd, pointer(t, 0), below(&t->rng, 60000)));
	default:
		return moved(recv(fd, t->buf, below(&t->rng, 60000), random_flags(t)));
	}
}

static long call_shutdown(struct thread *t)
{
	return shutdown(any_fd(t), one_in(&t->rng, 8) ? random_int(t) : (int)below(&t->rng, 3));
}

static long call_close(struct thread *t)
{
	int fd = atomic_exchange(&slots[below(&t->rng, SLOTS)], -1);

	return fd < 0 ? 0 : close(fd);
}

static void random_option(struct thread *t, int *level, int *name)
{
	static const int levels[] = { SOL_SOCKET, SOL_SOCKET, SOL_TCP, SOL_TCP, SOL_XTCP, SOL_XTCP,
				      SOL_IP, SOL_IPV6 };

	*level = one_in(&t->rng, 30) ? random_int(t) : PICK(&t->rng, levels);
	*name = one_in(&t->rng, 20) ? random_int(t) : (int)below(&t->rng, 80);
}

static long call_setsockopt(struct thread *t)
{
	int level, name, value = random_int(t);
	struct linger l = { 1, below(&t->rng, 3) };

	random_option(t, &level, &name);
	switch (below(&t->rng, 4)) {
	case 0:
		return setsockopt(any_fd(t), level, name, pointer(t, 0), random_len(t, 4));
	case 1:
		return setsockopt(any_fd(t), SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	default:
		return setsockopt(any_fd(t), level, name, &value, random_len(t, sizeof(value)) & 7);
	}
}

static long call_getsockopt(struct thread *t)
{
	socklen_t len = random_len(t, sizeof(int));
	int level, name;

	random_option(t, &level, &name);
	return getsockopt(any_fd(t), level, name, pointer(t, 0),
			  one_in(&t->rng, 20) ? pointer(t, 4) : &len);
}

static long call_name(struct thread *t)
{
	socklen_t len = random_len(t, sizeof(struct sockaddr_storage));

	if (one_in(&t->rng, 2))
		return getsockname(any_fd(t), pointer(t, 0), &len);
	return getpeername(any_fd(t), pointer(t, 0), &len);
}

static long call_ioctl(struct thread *t)
{
	/* SIOCATMARK, FIONREAD, SIOCOUTQ, SIOCOUTQNSD, FIONBIO, FIOASYNC, stamps, and odd ones */
	static const unsigned int commands[] = { 0x8905, 0x541b, 0x5411, 0x894b, 0x5421, 0x5452,
						 0x8906, 0x8907, 0x8912, 0x8915, 0x5401, 0xffff };

	return ioctl(any_fd(t), PICK(&t->rng, commands), pointer(t, 0));
}

static long call_poll(struct thread *t)
{
	struct pollfd p[4];
	int i;

	for (i = 0; i < 4; i++) {
		p[i].fd = any_fd(t);
		p[i].events = rng_next(&t->rng);
	}
	return poll(p, 4, below(&t->rng, 3));
}

static long call_epoll(struct thread *t)
{
	struct epoll_event e[8] = { { .events = rng_next(&t->rng) } };

	/* Exclusive wake-ups and one-shot are among the random bits. */
	switch (below(&t->rng, 4)) {
	case 0:
		return epoll_wait(epoll_fd, e, 8, 0);
	case 1:
		return epoll_ctl(epoll_fd, EPOLL_CTL_DEL, any_fd(t), e);
	case 2:
		return epoll_ctl(epoll_fd, EPOLL_CTL_MOD, any_fd(t), e);
	default:
		return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, any_fd(t), e);
	}
}

static long call_dup(struct thread *t)
{
	return keep(t, dup(any_fd(t)));
}

/* A child that holds all descriptors for a moment and uses one. */
static long call_fork(struct thread *t)
{
	int fd = any_fd(t);
	pid_t pid;

	if (!one_in(&t->rng, 20))
		return 0;
	pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!pid) {
		write(fd, t->buf, 100);
		shutdown(fd, SHUT_WR);
		syscall(SYS_exit_group, 0);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

static long call_splice(struct thread *t)
{
	loff_t zero = 0;
	int fd = any_fd(t), flags = SPLICE_F_NONBLOCK | below(&t->rng, 16);

	switch (below(&t->rng, 4)) {
	case 0:
		return moved(splice(fd, NULL, t->pipe[1], NULL, below(&t->rng, 70000), flags));
	case 1:
		return moved(splice(t->pipe[0], NULL, fd, NULL, below(&t->rng, 70000), flags));
	case 2:
		return moved(sendfile(fd, memory_fd, &zero, below(&t->rng, 70000)));
	default:
		return moved(splice(memory_fd, &zero, t->pipe[1], NULL, below(&t->rng, 70000),
				    flags));
	}
}

/* What a reader of /proc or an administrator does. */
static long call_admin(struct thread *t)
{
	static const char *const tables[] = { "/proc/thread-self/net/xtcp",
					      "/proc/thread-self/net/xtcp6",
					      "/proc/thread-self/net/xtcp_stat" };
	int fd;

	if (!one_in(&t->rng, 4))
		return 0;
	if (one_in(&t->rng, 10)) {
		struct ifreq {
			char name[16];
			short flags;
			char rest[22];
		} lo = { .name = "lo", .flags = one_in(&t->rng, 2) ? 1 : 0 };

		/* The only wire goes away for a moment. */
		ioctl(lo_fd, 0x8914, &lo);
		lo.flags = 1;
		return ioctl(lo_fd, 0x8914, &lo);
	}
	fd = open(PICK(&t->rng, tables), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fd;
	while (read(fd, t->buf, 1 + below(&t->rng, 4096)) > 0 && !one_in(&t->rng, 8))
		;
	lseek(fd, below(&t->rng, 2000), SEEK_SET);
	read(fd, t->buf, 500);
	return close(fd);
}

static long call_filter(struct thread *t)
{
	struct sock_filter trim[] = { { BPF_RET | BPF_K, 0, 0, below(&t->rng, 200) } };
	struct sock_fprog prog = { 1, trim };

	if (one_in(&t->rng, 2))
		return setsockopt(any_fd(t), SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
	return set_int(any_fd(t), SOL_SOCKET, SO_DETACH_FILTER, 0);
}

static const struct {
	const char *name;
	long (*make)(struct thread *t);
	int weight;
} calls[] = {
	{ "socket", call_socket, 6 },		{ "bind", call_bind, 4 },
	{ "a listener", call_listener, 2 },	{ "a connection", call_connection, 3 },
	{ "listen", call_listen, 4 },		{ "connect", call_connect, 8 },
	{ "accept4", call_accept, 8 },		{ "send*", call_send, 14 },
	{ "recv*", call_recv, 14 },		{ "shutdown", call_shutdown, 2 },
	{ "close", call_close, 3 },		{ "setsockopt", call_setsockopt, 10 },
	{ "getsockopt", call_getsockopt, 10 },	{ "get*name", call_name, 3 },
	{ "ioctl", call_ioctl, 4 },		{ "poll", call_poll, 4 },
	{ "epoll_*", call_epoll, 6 },		{ "dup", call_dup, 2 },
	{ "fork", call_fork, 2 },		{ "splice", call_splice, 4 },
	{ "/proc and lo", call_admin, 2 },	{ "filters", call_filter, 1 },
};

enum { CALLS = sizeof(calls) / sizeof(calls[0]) };

/* -- one process ---------------------------------------------------------------------------- */

static void judge(int call, long ret)
{
	tally->calls++;
	if (ret >= 0) {
		tally->good++;
	} else if (errno <= 0 || errno > 133) {
		/* ERESTARTSYS and its like are the kernel's own and must not come out. */
		tally->odd_errno++;
		tally->odd_value = errno;
		tally->odd_call = call;
	}
}

static void *thread_run(void *arg)
{
	struct thread *t = arg;
	int total = 0, i;

	for (i = 0; i < CALLS; i++)
		total += calls[i].weight;
	while (t->calls--) {
		int n = below(&t->rng, total);

		for (i = 0; n >= calls[i].weight; i++)
			n -= calls[i].weight;
		errno = 0;
		judge(i, calls[i].make(t));
	}
	running--;
	return NULL;
}

static void interrupt(int sig)
{
}

/* One in its own namespace; what it opened is closed and must be destroyed at the end. */
static int process_run(uint64_t seed, long count)
{
	struct sigaction act = { .sa_handler = interrupt };
	struct thread *t[THREADS];
	int i, good;

	alarm(3000);
	signal(SIGIO, SIG_IGN);
	sigaction(SIGUSR1, &act, NULL);
	if (stress_netns())
		return 1;
	epoll_fd = epoll_create1(0);
	memory_fd = memfd_create("data", 0);
	lo_fd = socket(AF_INET, SOCK_DGRAM, 0);
	guard = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	read_only = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (epoll_fd < 0 || memory_fd < 0 || guard == MAP_FAILED || read_only == MAP_FAILED ||
	    munmap(guard + 4096, 4096) || ftruncate(memory_fd, 100000))
		return 1;
	for (i = 0; i < SLOTS; i++)
		slots[i] = -1;
	running = THREADS;
	for (i = 0; i < THREADS; i++) {
		t[i] = calloc(1, sizeof(*t[i]));
		t[i]->rng.state = seed + i;
		t[i]->calls = count / THREADS;
		if (pipe(t[i]->pipe) || pthread_create(&threads[i], NULL, thread_run, t[i]))
			return 1;
	}
	/* Whoever sleeps for longer than it should (a fuzzed timeout) is woken by a signal. */
	while (running) {
		nap_ms(20);
		for (i = 0; i < THREADS; i++)
			if (running)
				pthread_kill(threads[i], SIGUSR1);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	net_loopback_up();
	/* Pipes may hold pages of sockets' buffers; lingering closes wait at most 2 s each. */
	for (i = 0; i < THREADS; i++) {
		close(t[i]->pipe[0]);
		close(t[i]->pipe[1]);
	}
	close(epoll_fd);
	for (i = 3; i < 1000; i++)
		if (i != lo_fd)
			close(i);
	good = stat_pair_up(60);
	return !good;
}

int main(int argc, char **argv)
{
	int i, ret, status, good = 0;
	pid_t pid[PROCESSES];
	struct stress s;

	ret = stress_begin(&s, argc, argv,
			   "Makes random socket calls with random arguments from several threads.",
			   "calls", 24000, 1000000, 5);
	if (ret >= 0)
		return ret;
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (tally == MAP_FAILED)
		return KTAP_FAIL;
	for (i = 0; i < PROCESSES; i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(process_run(s.seed + 1000 * i, s.count / PROCESSES));
	}
	for (i = 0; i < PROCESSES; i++) {
		waitpid(pid[i], &status, 0);
		if (status)
			ktap_note("process %d ended with status %#x", i, status);
		good += !status;
	}
	ktap_result(good == PROCESSES, "all threads come back, everything created is destroyed");
	ktap_result(tally->calls >= s.count / PROCESSES / THREADS * PROCESSES * THREADS,
		    "%ld calls, %ld without an error", tally->calls, tally->good);
	/* Not by chance alone: without connections the rest would prove little. */
	ktap_result(tally->connected > s.count / 200 && tally->accepted &&
		    tally->pairs > s.count / 200,
		    "connections: %ld begun, %ld accepted, %ld whole", tally->connected,
		    tally->accepted, tally->pairs);
	ktap_result(tally->octets > 10000, "%ld octets were sent, received or spliced",
		    tally->octets);
	if (tally->odd_errno)
		ktap_note("%s gave errno %ld", calls[tally->odd_call].name, tally->odd_value);
	ktap_result(!tally->odd_errno, "no call gave an errno that programs do not know");
	return ktap_end();
}
