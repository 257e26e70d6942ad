// SPDX-License-Identifier: GPL-2.0
/* Signal-driven input and output, compared with TCP: what is signalled, to whom, and why. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

/* A queued signal, so that none is lost and each says why it came. */
#define SIG (SIGRTMIN + 3)

/* Signals wait until they are asked for. */
static void hold(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	NEED(sigprocmask(SIG_BLOCK, &set, NULL));
}

/* The next signal @sig within @ms: its si_code, or 0 if none came. */
static int next_code(int sig, siginfo_t *info, int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	if (sigtimedwait(&set, info, &ts) < 0)
		return 0;
	return info->si_code;
}

/* Forget what has come, until nothing came for a while. */
static void forget(int sig)
{
	siginfo_t info;

	while (next_code(sig, &info, 60))
		;
}

/* True when a signal with @code came within two seconds, whatever came before it. */
static bool comes(int sig, int code, siginfo_t *info)
{
	long end = now_ms() + 2000;
	int got;

	do {
		got = next_code(sig, info, 500);
	} while (got != code && now_ms() < end);
	return got == code;
}

static int async(int fd, int sig)
{
	NEED(fcntl(fd, F_SETOWN, getpid()));
	NEED(fcntl(fd, F_SETSIG, sig));
	return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC);
}

static void reasons(const struct xport *t)
{
	struct pair p = pair_open(t);
	siginfo_t info;

	hold(SIG);
	IS(async(p.s, SIG), 0);
	IS(fcntl(p.s, F_GETSIG), SIG);
	IS(fcntl(p.s, F_GETFL) & O_ASYNC, O_ASYNC);
	IS(send(p.c, "a", 1, 0), 1);
	TRUE(comes(SIG, POLL_IN, &info));
	IS(info.si_fd - p.s, 0);
	EV_IS(info.si_band, POLLIN | POLLRDNORM);
	forget(SIG);
	IS(send(p.c, "b", 1, MSG_OOB), 1);
	TRUE(comes(SIG, POLL_PRI, &info));
	EV_IS(info.si_band, POLLPRI | POLLRDBAND);
	forget(SIG);
	IS(shutdown(p.c, SHUT_WR), 0);
	/* The end of the stream is told as a hang-up of one direction or as input. */
	IS(next_code(SIG, &info, 2000) > 0, 1);
	SAW(info.si_code);
	EV(info.si_band);
	forget(SIG);
	pair_close(&p);
}

static void full_buffer(const struct xport *t)
{
	struct pair p = pair_open(t);
	siginfo_t info;

	hold(SIG);
	NEED(set_nonblock(p.c, true));
	IS(async(p.c, SIG), 0);
	TRUE(fill_send(p.c) > 0);
	forget(SIG);
	IS(send(p.c, "x", 1, 0), -EAGAIN);
	IS(next_code(SIG, &info, 150), 0);
	/* Room is told once there is enough. */
	TRUE(drain(p.s) > 0);
	TRUE(comes(SIG, POLL_OUT, &info));
	EV_IS(info.si_band, POLLOUT | POLLWRNORM | POLLWRBAND);
	IS(send(p.c, "x", 1, 0), 1);
	forget(SIG);
	/* A writer that never was refused is told nothing when its octets arrive. */
	IS(send(p.c, "y", 1, 0), 1);
	IS(next_code(SIG, &info, 150), 0);
	pair_close(&p);
}

static void end_by_reset(const struct xport *t)
{
	struct pair p = pair_open(t);
	siginfo_t info;
	bool err = false, hup = false, in = false, out = false;
	int code;

	hold(SIG);
	IS(async(p.s, SIG), 0);
	set_linger(p.c, 1, 0);
	close(p.c);
	while ((code = next_code(SIG, &info, 300))) {
		err |= code == POLL_ERR;
		hup |= code == POLL_HUP;
		in |= code == POLL_IN;
		out |= code == POLL_OUT;
	}
	oracle_text("a reset", "%s%s%s%s", err ? "ERR " : "", hup ? "HUP " : "", in ? "IN " : "",
		    out ? "OUT " : "");
	TRUE(err || hup || in);
	close(p.s);
	close(p.l);
}

/* The listener hears of a connection, a connecting socket of its success and failure. */
static void connections(const struct xport *t)
{
	int l = NEED(sock_listener(t, 7800, 4)), c = NEED(sock(t)), d = NEED(sock(t));
	siginfo_t info;

	hold(SIG);
	IS(async(l, SIG), 0);
	IS(sock_connect(c, addr_loopback(t, 7800)), 0);
	TRUE(comes(SIG, POLL_IN, &info));
	IS(info.si_fd - l, 0);
	forget(SIG);
	close(c);
	close(l);

	l = NEED(sock_listener(t, 7801, 4));
	c = NEED(sock_flags(t, SOCK_NONBLOCK));
	IS(async(c, SIG), 0);
	IS(sock_connect(c, addr_loopback(t, 7801)), -EINPROGRESS);
	TRUE(comes(SIG, POLL_OUT, &info));
	IS(info.si_fd - c, 0);
	EV_IS(info.si_band, POLLOUT | POLLWRNORM | POLLWRBAND);
	forget(SIG);
	close(c);
	close(l);

	NEED(set_nonblock(d, true));
	IS(async(d, SIG), 0);
	sock_connect(d, addr_loopback(t, 7802));
	TRUE(comes(SIG, POLL_ERR, &info));
	EV(info.si_band);
	forget(SIG);
	close(d);
}

/* Accepted sockets begin without an owner; dup() shares it; 0 takes it away. */
static void owners(const struct xport *t)
{
	int l = NEED(sock(t)), c = NEED(sock(t)), a, d, on = 1, pid = 0;
	siginfo_t info;

	hold(SIGIO);
	hold(SIG);
	IS(async(l, SIG), 0);
	IS(sock_bind(l, addr_loopback(t, 7803)), 0);
	IS(listen(l, 1), 0);
	IS(sock_connect(c, addr_loopback(t, 7803)), 0);
	a = NEED(accept(l, NULL, NULL));
	forget(SIG);
	IS(fcntl(a, F_GETOWN), 0);
	IS(fcntl(a, F_GETSIG), 0);
	IS(fcntl(a, F_GETFL) & (O_ASYNC | O_NONBLOCK), 0);
	/* FIOASYNC alone has nobody to tell. */
	IS(ioctl(a, FIOASYNC, &on), 0);
	IS(fcntl(a, F_GETFL) & O_ASYNC, O_ASYNC);
	IS(send(c, "a", 1, 0), 1);
	IS(next_code(SIGIO, &info, 150), 0);
	pid = getpid();
	IS(ioctl(a, FIOSETOWN, &pid), 0);
	pid = 0;
	IS(ioctl(a, FIOGETOWN, &pid), 0);
	IS(pid - getpid(), 0);
	IS(send(c, "b", 1, 0), 1);
	TRUE(next_code(SIGIO, &info, 2000) > 0);
	SAW(info.si_code);
	forget(SIGIO);
	d = NEED(dup(a));
	close(a);
	IS(send(c, "c", 1, 0), 1);
	TRUE(next_code(SIGIO, &info, 2000) > 0);
	forget(SIGIO);
	on = 0;
	IS(ioctl(d, FIOASYNC, &on), 0);
	IS(send(c, "d", 1, 0), 1);
	IS(next_code(SIGIO, &info, 150), 0);
	IS(fcntl(d, F_SETOWN, -getpgrp()), 0);
	SAW(fcntl(d, F_GETOWN) == -getpgrp());
	SAW(fcntl(d, F_SETOWN, 0x7ffffff0));
	IS(ioctl(d, SIOCSPGRP, (void *)8), -EFAULT);
	close(d);
	close(c);
	close(l);
}

/* A process group, and one thread of many. */
static void to_whom(const struct xport *t)
{
	struct pair p = pair_open(t);
	struct f_owner_ex owner = { .type = F_OWNER_PGRP };
	siginfo_t info;
	int child, status;

	hold(SIG);
	NEED(setpgid(0, 0));
	child = fork();
	if (!child)
		_exit(next_code(SIG, &info, 5000) != POLL_IN);
	owner.pid = getpgrp();
	NEED(fcntl(p.s, F_SETOWN_EX, &owner));
	NEED(fcntl(p.s, F_SETSIG, SIG));
	IS(fcntl(p.s, F_SETFL, O_ASYNC), 0);
	IS(send(p.c, "a", 1, 0), 1);
	TRUE(comes(SIG, POLL_IN, &info));
	NEED(waitpid(child, &status, 0));
	IS(status, 0);
	forget(SIG);
	owner.type = F_OWNER_TID;
	owner.pid = syscall(SYS_gettid);
	IS(fcntl(p.s, F_SETOWN_EX, &owner), 0);
	memset(&owner, 0, sizeof(owner));
	IS(fcntl(p.s, F_GETOWN_EX, &owner), 0);
	IS(owner.type, F_OWNER_TID);
	IS(send(p.c, "b", 1, 0), 1);
	TRUE(comes(SIG, POLL_IN, &info));
	pair_close(&p);
}

static const struct oracle_case cases[] = {
	CASE("F_SETSIG says why", reasons, ON_BOTH, 14),
	CASE("room in the send buffer", full_buffer, ON_BOTH, 9),
	CASE("a reset", end_by_reset, ON_BOTH, 3),
	CASE("connections", connections, ON_BOTH, 12),
	CASE("FIOASYNC, FIOSETOWN, SIOCSPGRP", owners, ON_BOTH, 26),
	CASE("F_SETOWN_EX: groups and threads", to_whom, ON_BOTH, 9),
};

ORACLE_MAIN("Signal-driven input and output compared with TCP", cases)
