// SPDX-License-Identifier: GPL-2.0
/* Opening a connection from a full socket (RFC 9293 3.5, 3.10.1, 3.10.7.3). */
#include <linux/security.h>
#include <linux/tcp.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "ack.h"
#include "close.h"
#include "delack.h"
#include "handshake.h"
#include "isn.h"
#include "listen.h"
#include "lower.h"
#include "options.h"
#include "output.h"
#include "plpmtud.h"
#include "ports.h"
#include "recovery.h"
#include "request.h"
#include "rtxq.h"
#include "seq.h"
#include "skb_cb.h"
#include "sndbuf.h"
#include "socket.h"
#include "state.h"
#include "timer.h"
#include "xmit.h"
#include "xtcp_sock.h"

#define XTCP_MSS_DEFAULT_V4	536
#define XTCP_MSS_DEFAULT_V6	1220

u16 xtcp_handshake_peer_mss(const struct xtcp_options *opt, bool v4, u16 user_mss)
{
	u16 mss = v4 ? XTCP_MSS_DEFAULT_V4 : XTCP_MSS_DEFAULT_V6;

	if ((opt->seen & XTCP_SEEN_MSS) && opt->mss)
		mss = opt->mss;
	if (user_mss && user_mss < mss)
		mss = user_mss;
	return mss;
}

/* Send sequence space of a connection that starts with @iss. */
static void xtcp_handshake_init_snd(struct xtcp_sock *xs, u32 iss)
{
	xs->snd.iss = iss;
	WRITE_ONCE(xs->snd.una, iss);
	WRITE_ONCE(xs->snd.nxt, iss);
	WRITE_ONCE(xs->snd.write_seq, iss);
	xs->snd.up = iss;
	xs->snd.sml = iss;
	xs->snd.urgent = false;
	xtcp_recovery_init(xs);
}

static void xtcp_handshake_init_rcv(struct xtcp_sock *xs, u32 irs)
{
	xs->rcv.irs = irs;
	xs->rcv.again = irs;
	WRITE_ONCE(xs->rcv.nxt, irs + 1);
	WRITE_ONCE(xs->rcv.wup, irs + 1);
	WRITE_ONCE(xs->rcv.copied, irs + 1);
	xs->rcv.keep_stamp = jiffies;
	xs->rcv.last = jiffies;
}

/* What the peer's SYN settled. */
static void xtcp_handshake_scales(struct xtcp_sock *xs, const struct xtcp_options *opt)
{
	if (xs->rcv.wscale_ok && (opt->seen & XTCP_SEEN_WSCALE)) {
		xs->snd.wscale = opt->wscale;
		return;
	}
	xs->rcv.wscale_ok = false;
	xs->snd.wscale = 0;
	xs->rcv.wscale = 0;
	xtcp_delack_clamp(xs);
	WRITE_ONCE(xs->rcv.wnd, min_t(u32, xs->rcv.wnd, U16_MAX));
}

/* SACK and timestamps: what both want. */
static void xtcp_handshake_agree(struct xtcp_sock *xs, const struct xtcp_options *opt)
{
	if (!(opt->seen & XTCP_SEEN_SACK_OK))
		xs->sack.ok = false;
	if (!(opt->seen & XTCP_SEEN_TS))
		xs->stamp.ok = false;
	else if (xs->stamp.ok)
		xtcp_stamp_update(&xs->stamp, opt->tsval, ktime_get_seconds());
}

/* Both SYNs are acknowledged, or about to be. */
static void xtcp_handshake_done(struct sock *sk, enum xtcp_event ev)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	xtcp_output_current_mss(sk);
	xtcp_plpmtud_established(sk);
	xs->cong.srtt_us = xs->rtt.srtt_us >> 3;
	xs->cong.ecn = xs->ecn.ect;
	xtcp_cong_start(&xs->cong, xs->snd.mss);
	if (xs->total_retrans) {
		/* RFC 5681 3.1: a lost SYN is a loss. */
		xs->cong.cwnd = xs->snd.mss;
		xtcp_rtt_handshake_lost(&xs->rtt);
	}
	xs->rtt.backoff = 0;
	xtcp_recovery_set_state(xs, XTCP_CA_OPEN);
	xs->recovery.retransmits = 0;
	xs->recovery.start = 0;
	xtcp_delack_enter_quick(xs);
	xs->rcv.ato = 0;
	xtcp_rcvspace_start(sk);
	xtcp_sndbuf_grow(sk);
	xtcp_state_move(sk, ev);
	xtcp_timer_keepalive_changed(sk);
	xs->snd.last_sent = jiffies;
	xtcp_pace_update(sk);
}

/* -- active open -------------------------------------------------------------- */

/* Queue our SYN and send it; memory for it is certain when the state changes. */
static int xtcp_handshake_send_syn(struct sock *sk, struct sk_buff *skb)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_skb_cb *cb = xtcp_cb(skb);
	int err;

	cb->seq = xs->snd.nxt;
	cb->end_seq = xs->snd.nxt + 1;
	cb->flags = XTCP_SYN | xtcp_ecn_syn_flags(&xs->ecn);
	sk_wmem_queued_add(sk, skb->truesize);
	sk_mem_charge(sk, skb->truesize);
	WRITE_ONCE(xs->snd.write_seq, cb->end_seq);
	WRITE_ONCE(xs->snd.nxt, cb->end_seq);
	xtcp_rtxq_append(&xs->rtxq, skb);
	err = xtcp_xmit_skb(sk, skb);
	/* Lost on the way out is lost like anywhere; a full machine says so. */
	if (err == -ECONNREFUSED)
		return err;
	XTCP_INC(xs->xn, ACTIVEOPENS);
	xtcp_timer_data_sent(xs);
	return 0;
}

int xtcp_handshake_pre_connect(struct sock *sk, xtcp_sockaddr *uaddr, int len)
{
	bool v4 = sk->sk_family == AF_INET;

	sock_owned_by_me(sk);
	/* A program may not look behind the end of what the user gave. */
	if (len < (v4 ? sizeof(struct sockaddr_in) : SIN6_LEN_RFC2133))
		return -EINVAL;
	return v4 ? xtcp_bpf_connect4(sk, uaddr, &len) : xtcp_bpf_connect6(sk, uaddr, &len);
}

int xtcp_handshake_connect(struct sock *sk, xtcp_sockaddr *uaddr, int len)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct dst_entry *dst;
	struct sk_buff *skb;
	int err;

	sock_owned_by_me(sk);
	xtcp_clock_refresh(xs);
	err = xtcp_lower_connect(sk, uaddr, len);
	if (err)
		goto unroute;
	skb = xtcp_xmit_alloc(sk, sk->sk_allocation);
	if (!skb) {
		err = -ENOBUFS;
		goto unroute;
	}
	xtcp_state_move(sk, XTCP_EV_ACTIVE_OPEN);
	err = xtcp_ports_connect(sk);
	if (err)
		goto abort;
	/* Once more with the ports: IPsec and policy routing may look at them. */
	err = xtcp_lower_route(sk);
	if (err)
		goto abort;

	xtcp_socket_start(sk);
	xtcp_handshake_init_snd(xs, xtcp_isn_next(&xs->node.key));
	dst = __sk_dst_get(sk);
	xs->snd.peer_mss = U16_MAX;
	xtcp_output_sync_mss(sk, dst_mtu(dst));
	/* The handshake sets it anew: it may be lost, and the peer's MSS smaller. */
	xs->cong.cwnd = xtcp_cong_initial_window(xs->snd.mss);
	xs->snd.peer_mss = xtcp_lower_is_v4(sk) ? XTCP_MSS_DEFAULT_V4 : XTCP_MSS_DEFAULT_V6;
	xs->rcv.advmss = xtcp_lower_advmss(sk);
	if (xs->user_mss && xs->user_mss < xs->rcv.advmss)
		xs->rcv.advmss = xs->user_mss;
	xs->rcv.mss = min_t(u16, xs->rcv.advmss, XTCP_MSS_DEFAULT_V4);
	xtcp_delack_initial_window(sk, &xs->rcv.wnd, &xs->rcv.wscale);
	xs->rcv.wscale_ok = READ_ONCE(xs->xn->sysctl.window_scaling);
	xs->sack.ok = READ_ONCE(xs->xn->sysctl.sack);
	xtcp_stamp_init(&xs->stamp, xs->xn, &xs->node.key);
	xtcp_ecn_begin(&xs->ecn, xs->snd.iss,
		       READ_ONCE(xs->xn->sysctl.ecn) == 1 || xs->ecn.exact ||
		       xtcp_lower_route_ecn(sk));
	xtcp_delack_clamp(xs);
	WRITE_ONCE(sk->sk_err, 0);
	sock_reset_flag(sk, SOCK_DONE);

	err = xtcp_handshake_send_syn(sk, skb);
	if (!err)
		return 0;
	xtcp_rtxq_purge(sk);
	skb = NULL;
abort:
	kfree_skb(skb);
	xtcp_timer_stop(sk);
	xtcp_state_move(sk, XTCP_EV_ABORT);
unroute:
	xtcp_lower_disconnect(sk);
	return err;
}

/* Our SYN is acknowledged and theirs is here. */
static void xtcp_handshake_established(struct sock *sk, struct sk_buff *skb,
				       const struct xtcp_options *opt)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	const struct xtcp_skb_cb *cb = xtcp_cb(skb);
	struct xtcp_rtxq_acked res = { 0 };

	/* The window of a SYN is not scaled. */
	xs->snd.wnd = cb->wnd;
	xs->snd.max_wnd = cb->wnd;
	xs->snd.wl1 = cb->seq;
	xtcp_rtxq_clean(sk, xs->snd.una, cb->ack, &res);
	WRITE_ONCE(xs->snd.una, cb->ack);
	xtcp_ack_sample_rtt(xs, &res, opt);
	xtcp_timer_acked(xs);
	xtcp_ecn_answered(&xs->ecn, cb->flags);
	xtcp_handshake_done(sk, XTCP_EV_RCV_SYN_ACK);
	/* A security module learns the peer's label here. */
	security_inet_conn_established(sk, skb);
	if (!sock_flag(sk, SOCK_DEAD)) {
		sk->sk_state_change(sk);
		sk_wake_async(sk, SOCK_WAKE_IO, POLL_OUT);
	}
	/* TCP_DEFER_ACCEPT on this side: data is to follow, and can say it. */
	if (xs->defer_accept) {
		xs->rcv.ack |= XTCP_ACK_DELAYED;
		xtcp_timer_ack_owed(xs, jiffies + XTCP_ATO_MAX);
		xtcp_output_push(sk);
		return;
	}
	xs->rcv.ack |= XTCP_ACK_NOW;
	xtcp_output_push(sk);
	xtcp_delack_check(sk);
}

/* Simultaneous open: both SYNs crossed (RFC 9293 figure 7). */
static void xtcp_handshake_crossed(struct sock *sk, struct sk_buff *skb)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	const struct xtcp_skb_cb *cb = xtcp_cb(skb);
	struct sk_buff *syn = xtcp_rtxq_first(&xs->rtxq);

	xs->snd.wnd = cb->wnd;
	xs->snd.max_wnd = cb->wnd;
	xs->snd.wl1 = cb->seq;
	xtcp_output_sync_mss(sk, xs->snd.pmtu);
	xtcp_state_move(sk, XTCP_EV_RCV_SYN);
	/* The SYN in the queue is from now on a SYN-ACK, also when it is sent again. */
	xtcp_cb(syn)->flags = XTCP_SYN | XTCP_ACK | xtcp_ecn_crossed(&xs->ecn, cb->flags);
	xtcp_cb(syn)->mark |= XTCP_MARK_EVER_RETRANS;
	xtcp_xmit_skb(sk, syn);
}

void xtcp_handshake_syn_sent(struct sock *sk, struct sk_buff *skb,
			     const struct xtcp_options *opt)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	const struct xtcp_skb_cb *cb = xtcp_cb(skb);
	bool acks = cb->flags & XTCP_ACK;

	sock_owned_by_me(sk);
	/* First: ACK */
	if (acks && !xtcp_seq_between(cb->ack, xs->snd.una + 1, xs->snd.nxt)) {
		if (!(cb->flags & XTCP_RST))
			xtcp_xmit_rst_seq(sk, cb->ack);
		goto out;
	}
	/* Second: RST; without ACK anybody could have sent it. */
	if (cb->flags & XTCP_RST) {
		if (acks)
			xtcp_close_reset(sk, ECONNREFUSED);
		goto out;
	}
	/* Fourth: SYN */
	if (!(cb->flags & XTCP_SYN))
		goto out;
	xtcp_handshake_init_rcv(xs, cb->seq);
	xtcp_handshake_agree(xs, opt);
	xs->snd.peer_mss = xtcp_handshake_peer_mss(opt, xtcp_lower_is_v4(sk), xs->user_mss);
	xtcp_handshake_scales(xs, opt);
	xtcp_output_sync_mss(sk, xs->snd.pmtu);
	if (acks)
		xtcp_handshake_established(sk, skb, opt);
	else
		xtcp_handshake_crossed(sk, skb);
out:
	/* Data or FIN beside the SYN is not acknowledged, so it comes again. */
	kfree_skb(skb);
}

/* -- passive open ------------------------------------------------------------- */

bool xtcp_handshake_syn_recv(struct sock *sk, struct sk_buff *skb)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	const struct xtcp_skb_cb *cb = xtcp_cb(skb);

	if (!xtcp_seq_between(cb->ack, xs->snd.una + 1, xs->snd.nxt)) {
		xtcp_xmit_rst_seq(sk, cb->ack);
		return false;
	}
	xtcp_handshake_done(sk, XTCP_EV_RCV_ACK_OF_SYN);
	xs->snd.wnd = (u32)cb->wnd << (cb->flags & XTCP_SYN ? 0 : xs->snd.wscale);
	xs->snd.max_wnd = xs->snd.wnd;
	xs->snd.wl1 = cb->seq;
	sk->sk_state_change(sk);
	if (sk->sk_socket)
		sk_wake_async(sk, SOCK_WAKE_IO, POLL_OUT);
	return true;
}

/* Undo what a clone has from its listener, and fill in what @req knows. */
static void xtcp_handshake_init_child(struct sock *sk, const struct xtcp_request *req)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	u8 expiries;
	u32 sent_us;

	xtcp_handshake_init_snd(xs, req->iss);
	xs->snd.nxt = req->iss + 1;
	xs->snd.write_seq = req->iss + 1;
	xs->snd.wscale = req->snd_wscale;
	xs->snd.peer_mss = req->mss;
	xtcp_handshake_init_rcv(xs, req->irs);
	xs->rcv.wnd = req->rcv_wnd;
	xs->rcv.wscale = req->rcv_wscale;
	xs->rcv.wscale_ok = req->wscale_ok;
	xs->sack.ok = req->sack_ok;
	xs->stamp = req->stamp;
	xtcp_ecn_begin(&xs->ecn, req->iss, req->ecn.accept);
	if (!READ_ONCE(req->ecn.ect))
		xtcp_ecn_fall_back(&xs->ecn);
	xtcp_delack_clamp(xs);
	/* In this order: the time of a SYN-ACK sent again comes with its count (Karn). */
	sent_us = smp_load_acquire(&req->sent_us);
	xs->total_retrans = READ_ONCE(req->retrans);
	/* Pairs with the timer's release: the time of the first comes with the count. */
	expiries = smp_load_acquire(&req->timeouts);
	xtcp_recovery_inherit(xs, expiries, req->late_ms);
	/* Nor is the time a round trip in which the peer had nothing to say. */
	if (!xs->total_retrans && !READ_ONCE(req->acked))
		xtcp_rtt_sample(&xs->rtt, xs->now_us - sent_us);
}

struct sock *xtcp_handshake_child(struct xtcp_request *req, struct sk_buff *skb)
{
	struct xtcp_sock *xs;
	struct sock *sk;

	/*
	 * Nobody holds the listener's lock: the copy may catch its queues in motion, which
	 * are made anew below, and of an option that changes the old value or the new.
	 */
	sk = data_race(sk_clone_lock(req->listener, GFP_ATOMIC | __GFP_NOWARN));
	if (!sk)
		return NULL;
	xs = xtcp_sk(sk);
	/* Before the first charge: what is charged to nobody must not be given back to a group. */
	xtcp_memcg_inherit(req->listener, sk);
	xtcp_socket_init_clone(sk);
	xtcp_clock_refresh(xs);
	xtcp_socket_start(sk);
	/* A listener that closes meanwhile lends its new state; the caller finds out later. */
	sk->sk_state = TCP_LISTEN;
	xtcp_state_move(sk, XTCP_EV_RCV_SYN);
	xtcp_handshake_init_child(sk, req);
	if (xtcp_lower_adopt(sk, req, skb)) {
		xtcp_handshake_abandon(sk);
		return NULL;
	}
	xtcp_output_sync_mss(sk, dst_mtu(__sk_dst_get(sk)));
	xs->rcv.advmss = xtcp_lower_advmss(sk);
	xs->rcv.mss = min_t(u16, xs->rcv.advmss, XTCP_MSS_DEFAULT_V4);
	return sk;
}

void xtcp_handshake_abandon(struct sock *child)
{
	/* sk_clone_lock() took it, out of sparse's sight. */
	__acquire(&child->sk_lock.slock);
	sock_set_flag(child, SOCK_DEAD);
	this_cpu_inc(xtcp_orphan_count);
	xtcp_close_done(child);
	bh_unlock_sock(child);
	sock_put(child);
}
