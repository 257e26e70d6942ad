// SPDX-License-Identifier: GPL-2.0
/* What a sender spends its time on: sending, or waiting for the peer or the writer. */
#include <linux/net.h>
#include <linux/string.h>
#include <net/sock.h>

#include "chrono.h"
#include "output.h"
#include "seq.h"
#include "skb_cb.h"
#include "xtcp_sock.h"

void xtcp_chrono_init(struct xtcp_chrono *c)
{
	memset(c, 0, sizeof(*c));
	c->kind = XTCP_CHRONO_IDLE;
}

void xtcp_chrono_set(struct xtcp_chrono *c, enum xtcp_chrono_kind kind, u32 now_us)
{
	if (c->kind != XTCP_CHRONO_IDLE)
		c->total_us[c->kind] += now_us - c->since_us;
	c->since_us = now_us;
	c->kind = kind;
}

u64 xtcp_chrono_read(const struct xtcp_chrono *c, enum xtcp_chrono_kind kind, u32 now_us)
{
	return c->total_us[kind] + (c->kind == kind ? now_us - c->since_us : 0);
}

static enum xtcp_chrono_kind chrono_kind(const struct sock *sk)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);
	const struct sk_buff *skb;

	if (xs->snd.write_seq == xs->snd.una)
		return XTCP_CHRONO_IDLE;
	/* cwnd is what it waits for. */
	if (xtcp_output_inflight(xs) + xs->snd.mss > xs->cong.cwnd)
		return XTCP_CHRONO_BUSY;
	skb = skb_peek(&sk->sk_write_queue);
	if (skb) {
		const struct xtcp_skb_cb *cb = xtcp_cb(skb);
		u32 end = cb->seq + min_t(u32, skb->len, xs->snd.mss);

		return xtcp_seq_after(end, xs->snd.una + xs->snd.wnd) ? XTCP_CHRONO_RWND :
									XTCP_CHRONO_BUSY;
	}
	if (sk->sk_socket && test_bit(SOCK_NOSPACE, &sk->sk_socket->flags) &&
	    ((1 << sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)))
		return XTCP_CHRONO_SNDBUF;
	return XTCP_CHRONO_BUSY;
}

void xtcp_chrono_update(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	sock_owned_by_me(sk);
	if (xs->chrono.kind == XTCP_CHRONO_IDLE && xs->snd.write_seq == xs->snd.una)
		return;
	xtcp_chrono_set(&xs->chrono, chrono_kind(sk), xs->now_us);
}
