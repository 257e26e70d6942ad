// SPDX-License-Identifier: GPL-2.0
/* BPF programs of a cgroup: what they say of bind() and connect(); like TCP. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/bpf.h"
#include "../lib/cgroup.h"
#include "../lib/net.h"
#include "../lib/oracle.h"

enum { OPEN = 8500, CLOSED = 8501 };

#define MOV(reg, value)	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (reg), .imm = (value) }
/* Register 1 is the address that the program may change. */
#define STORE(field, reg)						\
	{ .code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = 1, .src_reg = (reg), \
	  .off = offsetof(struct bpf_sock_addr, field) }
#define EXIT		{ .code = BPF_JMP | BPF_EXIT }
#define REFUSE		{ MOV(0, 0), EXIT }
#define TURN_TO(port)	{ MOV(2, htons(port)), STORE(user_port, 2), MOV(0, 1), EXIT }

/* A control group for this process alone, open. */
struct group {
	const char *path;
	int fd;
};

static struct group group_enter(const struct xport *t)
{
	struct group g = { .path = cgroup_open(t) };

	g.fd = NEED(open(g.path, O_RDONLY | O_DIRECTORY));
	return g;
}

static void group_leave(struct group *g)
{
	close(g->fd);
	IS(cgroup_close(g->path), 0);
}

static void attach(int cgroup, enum bpf_attach_type type, const struct bpf_insn *code, int count)
{
	union bpf_attr attr = {
		.target_fd = cgroup,
		.attach_bpf_fd = bpf_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, type, code, count),
		.attach_type = type,
	};

	NEED(syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr)));
	close(attr.attach_bpf_fd);
}

static void detach(int cgroup, enum bpf_attach_type type)
{
	union bpf_attr attr = { .target_fd = cgroup, .attach_type = type };

	NEED(syscall(SYS_bpf, BPF_PROG_DETACH, &attr, sizeof(attr)));
}

static void connect_hook(const struct xport *t)
{
	const enum bpf_attach_type type = t->on == ON_V6 ? BPF_CGROUP_INET6_CONNECT :
							   BPF_CGROUP_INET4_CONNECT;
	const struct bpf_insn refuse[] = REFUSE;
	const struct bpf_insn turn[] = TURN_TO(OPEN);
	struct group g = group_enter(t);
	int l = NEED(sock_listener(t, OPEN, 8)), c = NEED(sock(t));
	struct addr a, open_at = addr_loopback(t, OPEN), closed = addr_loopback(t, CLOSED);

	attach(g.fd, type, refuse, 2);
	IS(sock_connect(c, open_at), -EPERM);
	/* The socket is as before, and a length too short is seen first. */
	a = open_at;
	a.len = 8;
	IS(sock_connect(c, a), -EINVAL);
	detach(g.fd, type);
	IS(sock_connect(c, closed), -ECONNREFUSED);
	close(c);

	attach(g.fd, type, turn, 4);
	c = NEED(sock(t));
	IS(sock_connect(c, closed), 0);
	a = addr_peer(c);
	IS(addr_port(&a), OPEN);
	EV_IS(ready_within(l, POLLIN, 1000), POLLIN);
	close(c);
	detach(g.fd, type);
	close(l);
	group_leave(&g);
}

static void bind_hook(const struct xport *t)
{
	const enum bpf_attach_type type = t->on == ON_V6 ? BPF_CGROUP_INET6_BIND :
							   BPF_CGROUP_INET4_BIND;
	const struct bpf_insn refuse[] = REFUSE;
	const struct bpf_insn turn[] = TURN_TO(OPEN);
	struct group g = group_enter(t);
	int s = NEED(sock(t));
	struct addr a;

	attach(g.fd, type, refuse, 2);
	IS(sock_bind(s, addr_loopback(t, CLOSED)), -EPERM);
	detach(g.fd, type);
	attach(g.fd, type, turn, 4);
	IS(sock_bind(s, addr_loopback(t, CLOSED)), 0);
	a = addr_local(s);
	IS(addr_port(&a), OPEN);
	detach(g.fd, type);
	close(s);
	group_leave(&g);
}

static const struct oracle_case cases[] = {
	CASE("programs that see connect()", connect_hook, ON_BOTH, 7),
	CASE("programs that see bind()", bind_hook, ON_BOTH, 4),
};

ORACLE_MAIN("BPF programs of a cgroup: XTCP compared with TCP", cases)
