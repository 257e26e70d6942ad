/* SPDX-License-Identifier: GPL-2.0 */
/* A send buffer that keeps the congestion window filled. */
#ifndef _XTCP_SNDBUF_H
#define _XTCP_SNDBUF_H

#include <linux/types.h>

struct sock;
struct xtcp_cong;

/*
 * Memory that a writer may use so that @c is never short of data: as many windows as the
 * algorithm asks for, mostly what is in flight and as much again for what an acknowledgment lets
 * go before the writer runs; in slow start, where it lets go twice what it covers, twice
 * that. Counted as if each segment were a buffer of its own: after a loss they are. Pure.
 */
u64 xtcp_sndbuf_want(const struct xtcp_cong *c);

/*
 * Is there room that is worth waking a writer for? A third of the buffer, as with TCP; an
 * eighth where no more than that waits to be sent, or a paced sender would run dry each
 * round trip. Any context: what it reads without the lock is a guess, as poll()'s is.
 */
bool xtcp_sndbuf_writable(const struct sock *sk);

/*
 * struct proto.stream_memory_free, beside the room in the buffer: less is unsent than
 * TCP_NOTSENT_LOWAT; half of that to be worth waking a writer for (@wake 1). Any context.
 */
bool xtcp_sndbuf_below_lowat(const struct sock *sk, int wake);

/*
 * The congestion window may have grown: so does the buffer, up to wmem[2], unless SO_SNDBUF fixed
 * it or memory is short. Socket lock held.
 */
void xtcp_sndbuf_grow(struct sock *sk);

/* Is there memory for @size octets more? For the first ones of all there is. Socket lock held. */
bool xtcp_sndbuf_charge(struct sock *sk, u32 size);

/* Wake who waits for room to write, if there is some. Socket lock held. */
void xtcp_sndbuf_wake(struct sock *sk);

/*
 * The kernel has no memory for a buffer: tell the others, and let no more than half of
 * what is queued now be queued again. Socket lock held.
 */
void xtcp_sndbuf_shrink(struct sock *sk);

/*
 * Memory for @size octets of a queue that is empty, above net.xtcp.mem's third number too: without
 * it nothing would ever be sent or read, and so nothing given back. Return: false in
 * vain, and then it is only later. Socket lock held; what it charges is either direction's.
 */
bool xtcp_sndbuf_force(struct sock *sk, u32 size);

#endif /* _XTCP_SNDBUF_H */
