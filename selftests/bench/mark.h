/* SPDX-License-Identifier: GPL-2.0 */
/* Instructions that do nothing, and tell a counting emulator (insns.c) where to begin and to end. */
#ifndef XTCP_BENCH_MARK_H
#define XTCP_BENCH_MARK_H

/* nopl 0xNNNNNNNN(%rax,%rax,1); no compiler chooses such numbers. */
#define MARK_SIZE	8
#define MARK_BEGIN	"\x0f\x1f\x84\x00XTb1"
#define MARK_END	"\x0f\x1f\x84\x00XTb2"

#ifdef __x86_64__
#define mark_begin()	asm volatile(".ascii \"\\x0f\\x1f\\x84\\x00XTb1\"" ::: "memory")
#define mark_end()	asm volatile(".ascii \"\\x0f\\x1f\\x84\\x00XTb2\"" ::: "memory")
#else
#define mark_begin()
#define mark_end()
#endif

#endif /* XTCP_BENCH_MARK_H */
