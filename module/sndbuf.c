// SPDX-License-Identifier: GPL-2.0
/* A send buffer that keeps the congestion window filled. */
#include <linux/math.h>
#include <linux/skbuff.h>
#include <net/sock.h>

#include "compat/compat.h"
#include "cong.h"
#include "output.h"
#include "sndbuf.h"
#include "xmit.h"
#include "xtcp_sock.h"

u64 xtcp_sndbuf_want(const struct xtcp_cong *c)
{
	u32 cwnd = max(c->cwnd, xtcp_cong_initial_window(c->mss));
	u64 segs = DIV_ROUND_UP((u64)cwnd, c->mss);
	u64 window = segs * (c->mss + SKB_TRUESIZE(XTCP_HEADROOM));

	return (xtcp_cong_in_slow_start(c) ? 2 : 1) * c->sndbuf_cwnds * window;
}

void xtcp_sndbuf_grow(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	int max = READ_ONCE(xs->xn->sysctl.wmem[2]);
	u64 want;

	sock_owned_by_me(sk);
	if ((sk->sk_userlocks & SOCK_SNDBUF_LOCK) || sk->sk_sndbuf >= max)
		return;
	if (sk_under_memory_pressure(sk) ||
	    sk_memory_allocated(sk) >= sk_prot_mem_limits(sk, 0))
		return;
	want = min_t(u64, xtcp_sndbuf_want(&xs->cong), max);
	if (want > sk->sk_sndbuf)
		WRITE_ONCE(sk->sk_sndbuf, want);
}

bool xtcp_sndbuf_below_lowat(const struct sock *sk, int wake)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);
	u32 lowat = READ_ONCE(xs->notsent_lowat);

	return !lowat || (u64)xtcp_output_queued(xs, true) << wake < lowat;
}

bool xtcp_sndbuf_writable(const struct sock *sk)
{
	int part = READ_ONCE(sk->sk_sndbuf) >> 3;
	s32 unsent = xtcp_output_queued(xtcp_sk(sk), true);

	return sk_stream_is_writeable(sk) ||
	       (sk_stream_wspace(sk) >= part && unsent <= part && xtcp_sndbuf_below_lowat(sk, 1));
}

bool xtcp_sndbuf_force(struct sock *sk, u32 size)
{
	int sndbuf = sk->sk_sndbuf, want = size - sk->sk_forward_alloc;
	bool got;

	sock_owned_by_me(sk);
	if (want <= 0)
		return true;
	/*
	 * The kernel grants, and charges to the memory cgroup, what a full send buffer asks for, for
	 * its writer waits; that is the only way in for a module. It takes none for smaller.
	 */
	WRITE_ONCE(sk->sk_sndbuf, SOCK_MIN_SNDBUF);
	got = __sk_mem_schedule(sk, max_t(int, want, SOCK_MIN_SNDBUF), SK_MEM_SEND);
	WRITE_ONCE(sk->sk_sndbuf, sndbuf);
	return got;
}

bool xtcp_sndbuf_charge(struct sock *sk, u32 size)
{
	if (likely(sk_wmem_schedule(sk, size)))
		return true;
	return xtcp_sk(sk)->snd.write_seq == xtcp_sk(sk)->snd.una && xtcp_sndbuf_force(sk, size);
}

void xtcp_sndbuf_wake(struct sock *sk)
{
	if (likely(!sk->sk_socket || !test_bit(SOCK_NOSPACE, &sk->sk_socket->flags)))
		return;
	/* Who never lacked room needs no more of it. */
	xtcp_sndbuf_grow(sk);
	sk->sk_write_space(sk);
}

void xtcp_sndbuf_shrink(struct sock *sk)
{
	sock_owned_by_me(sk);
	sk->sk_prot->enter_memory_pressure(sk);
	sk_stream_moderate_sndbuf(sk);
}
