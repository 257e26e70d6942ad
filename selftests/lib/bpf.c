// SPDX-License-Identifier: GPL-2.0
/* Attaches and loads programs of the kernel's. */
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf.h"
#include "oracle.h"

int filter_attach(int fd, int option, const struct sock_filter *code, int len)
{
	struct sock_fprog prog = { len, (struct sock_filter *)code };

	return setsockopt(fd, SOL_SOCKET, option, &prog, sizeof(prog));
}

int filter_verdict(int fd, int option, unsigned int verdict)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, verdict) };

	return filter_attach(fd, option, code, 1);
}

int bpf_load(enum bpf_prog_type type, enum bpf_attach_type attach, const struct bpf_insn *code,
	     int len)
{
	union bpf_attr attr = {
		.prog_type = type,
		.expected_attach_type = attach,
		.insn_cnt = len,
		.insns = (uintptr_t)code,
		.license = (uintptr_t)"GPL",
	};

	return NEED(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)));
}
