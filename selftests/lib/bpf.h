/* SPDX-License-Identifier: GPL-2.0 */
/* Programs of the kernel's that are attached to sockets and control groups. */
#ifndef XTCP_SELFTESTS_BPF_H
#define XTCP_SELFTESTS_BPF_H

#include <linux/bpf.h>
#include <linux/filter.h>

/* A classic one; @option: SO_ATTACH_FILTER or SO_ATTACH_REUSEPORT_CBPF. As setsockopt(). */
int filter_attach(int fd, int option, const struct sock_filter *code, int len);
/* One that always gives @verdict. */
int filter_verdict(int fd, int option, unsigned int verdict);

/* An extended one of @len instructions; @attach: 0 where its type has but one place. Needs it. */
int bpf_load(enum bpf_prog_type type, enum bpf_attach_type attach, const struct bpf_insn *code,
	     int len);

#endif /* XTCP_SELFTESTS_BPF_H */
