// SPDX-License-Identifier: GPL-2.0
/*
 * Socket options and TCP_INFO.
 *
 * SOL_XTCP and SOL_TCP mean the same options with the same numbers. A program
 * written for TCP must not notice the difference, so lengths, ranges, units and errno
 * follow TCP to the letter; every other level goes where TCP sends it, to IP or IPv6,
 * which know what they do not know (ENOPROTOOPT).
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/tcp.h>
#include <linux/uaccess.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <linux/inet_diag.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include <linux/xtcp.h>

#include "compat/compat.h"
#include "cong.h"
#include "delack.h"
#include "family.h"
#include "output.h"
#include "rtt.h"
#include "rtxq.h"
#include "seq.h"
#include "skb_cb.h"
#include "socket.h"
#include "sockopt.h"
#include "timer.h"
#include "xtcp_sock.h"

/* Ranges of the options, as TCP documents and enforces them. */
#define XTCP_OPT_MSS_MIN	88
#define XTCP_OPT_MSS_MAX	32767
#define XTCP_OPT_KEEP_MAX	32767		/* s */
#define XTCP_OPT_COUNT_MAX	127
#define XTCP_OPT_LINGER2_MAX	120		/* s: above it counts as this */
#define XTCP_OPT_STEP_MAX	120		/* s: longest time between two SYN-ACKs */

static bool xtcp_sockopt_is_ours(int level)
{
	return level == SOL_TCP || level == SOL_XTCP;
}

/* Nothing to keep alive, nothing to measure: no peer yet or no peer any more. */
static bool xtcp_sockopt_idle(const struct sock *sk)
{
	return (1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN);
}

static void xtcp_sockopt_set_nodelay(struct sock *sk, bool on)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	xs->snd.nodelay = on;
	if (on) {
		/* What Nagle held back goes now, even if corked. */
		xs->snd.push_once = true;
		xtcp_clock_refresh(xs);
		xtcp_output_push(sk);
	}
}

static void xtcp_sockopt_set_cork(struct sock *sk, bool on)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	xs->snd.cork = on;
	if (!on) {
		/* With Nagle on, a small segment still waits for its ACK. */
		if (xs->snd.nodelay)
			xs->snd.push_once = true;
		xtcp_clock_refresh(xs);
		xtcp_output_push(sk);
	}
}

static void xtcp_sockopt_set_quickack(struct sock *sk, int val)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (!val) {
		xs->rcv.pingpong = true;
		return;
	}
	xtcp_delack_enter_quick(xs);
	if (!xs->rcv.ack || !((1 << sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)))
		return;
	xtcp_delack_flush(sk);
	/* An even value asks for the one ACK that is owed, and no more. */
	if (!(val & 1))
		xs->rcv.pingpong = true;
}

static int xtcp_sockopt_set_linger2(int val)
{
	if (val < 0)
		return -1;
	return min(val, XTCP_OPT_LINGER2_MAX) * HZ;
}

/* When, in seconds after the first, a SYN-ACK has been due @expiries times. */
static int xtcp_sockopt_defer_secs(u8 expiries)
{
	int at = 0, step = 1;

	for (; expiries; expiries--) {
		at += step;
		step = min(2 * step, XTCP_OPT_STEP_MAX);
	}
	return at;
}

/* TCP_DEFER_ACCEPT counts in them: as many as take @secs or longer. */
static u8 xtcp_sockopt_defer_expiries(int secs)
{
	u8 expiries = 0;

	while (expiries < U8_MAX && xtcp_sockopt_defer_secs(expiries) < secs)
		expiries++;
	return expiries;
}

static int xtcp_sockopt_set_clamp(struct sock *sk, int val)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	/* Once there is a window it cannot be unbound again. */
	if (!val && sk->sk_state != TCP_CLOSE)
		return -EINVAL;
	WRITE_ONCE(xs->window_clamp, val ? max_t(u32, val, SOCK_MIN_RCVBUF / 2) : 0);
	xtcp_delack_clamp(xs);
	return 0;
}

/* The options that are one int. Socket lock held. */
static int xtcp_sockopt_set_int(struct sock *sk, int optname, int val)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	sock_owned_by_me(sk);
	switch (optname) {
	case XTCP_NODELAY:
		xtcp_sockopt_set_nodelay(sk, val);
		return 0;
	case XTCP_MAXSEG:
		/* 0 takes the bound away. */
		if (val && (val < XTCP_OPT_MSS_MIN || val > XTCP_OPT_MSS_MAX))
			return -EINVAL;
		WRITE_ONCE(xs->user_mss, val);
		return 0;
	case XTCP_CORK:
		xtcp_sockopt_set_cork(sk, val);
		return 0;
	case XTCP_KEEPIDLE:
		if (val < 1 || val > XTCP_OPT_KEEP_MAX)
			return -EINVAL;
		xs->keep_idle = val * HZ;
		if (sock_flag(sk, SOCK_KEEPOPEN) && !xtcp_sockopt_idle(sk))
			xtcp_timer_keepalive_changed(sk);
		return 0;
	case XTCP_KEEPINTVL:
		if (val < 1 || val > XTCP_OPT_KEEP_MAX)
			return -EINVAL;
		xs->keep_intvl = val * HZ;
		return 0;
	case XTCP_KEEPCNT:
		if (val < 1 || val > XTCP_OPT_COUNT_MAX)
			return -EINVAL;
		xs->keep_cnt = val;
		return 0;
	case XTCP_SYNCNT:
		if (val < 1 || val > XTCP_OPT_COUNT_MAX)
			return -EINVAL;
		WRITE_ONCE(xs->syn_cnt, val);
		return 0;
	case XTCP_LINGER2:
		xs->linger2 = xtcp_sockopt_set_linger2(val);
		return 0;
	case XTCP_QUICKACK:
		xtcp_sockopt_set_quickack(sk, val);
		return 0;
	case XTCP_USER_TIMEOUT:
		if (val < 0)
			return -EINVAL;
		xs->user_timeout = val;
		return 0;
	case XTCP_DEFER_ACCEPT:
		WRITE_ONCE(xs->defer_accept, xtcp_sockopt_defer_expiries(val));
		return 0;
	case XTCP_WINDOW_CLAMP:
		return xtcp_sockopt_set_clamp(sk, val);
	case XTCP_NOTSENT_LOWAT:
		WRITE_ONCE(xs->notsent_lowat, val);
		sk->sk_write_space(sk);
		return 0;
	case XTCP_INQ:
		if (val < 0 || val > 1)
			return -EINVAL;
		xs->tell_inq = val;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int xtcp_sockopt_set_congestion(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	char name[XTCP_CONG_NAME_MAX];
	long len;
	int err;

	if (optlen < 1)
		return -EINVAL;
	len = strncpy_from_sockptr(name, optval, min_t(size_t, sizeof(name) - 1, optlen));
	if (len < 0)
		return -EFAULT;
	name[len] = '\0';

	if (!xtcp_cong_known(name))
		return -ENOENT;
	lock_sock(sk);
	err = xtcp_cong_assign(&xtcp_sk(sk)->cong, name);
	xtcp_socket_follow_cong(xtcp_sk(sk));
	release_sock(sk);
	return err;
}

/*
 * The memberships that have no meaning for a stream. IP would take them: it knows the
 * sockets to refuse by a mark that says that they are made as TCP's are.
 */
static bool xtcp_sockopt_is_membership(const struct sock *sk, int level, int optname,
				       unsigned int optlen)
{
	if (level == SOL_IP)
		return optname == IP_ADD_MEMBERSHIP || optname == IP_DROP_MEMBERSHIP;
	return level == SOL_IPV6 && sk->sk_family == AF_INET6 &&
	       (optname == IPV6_ADD_MEMBERSHIP || optname == IPV6_DROP_MEMBERSHIP) &&
	       optlen >= sizeof(struct ipv6_mreq);
}

int xtcp_setsockopt(struct sock *sk, int level, int optname, sockptr_t optval,
		    unsigned int optlen)
{
	int val, err;

	if (!xtcp_sockopt_is_ours(level)) {
		if (xtcp_sockopt_is_membership(sk, level, optname, optlen))
			return -EPROTO;
		if (sk->sk_family == AF_INET6)
			return ipv6_setsockopt(sk, level, optname, optval, optlen);
		return ip_setsockopt(sk, level, optname, optval, optlen);
	}
	if (optname == XTCP_CONGESTION)
		return xtcp_sockopt_set_congestion(sk, optval, optlen);

	/* The length and the value come before the name: TCP's order of errors. */
	if (optlen < sizeof(int))
		return -EINVAL;
	if (copy_from_sockptr(&val, optval, sizeof(val)))
		return -EFAULT;

	lock_sock(sk);
	err = xtcp_sockopt_set_int(sk, optname, val);
	release_sock(sk);
	return err;
}

/* What is out, in segments as they were sent: of buffers that hold several, and small ones. */
static void xtcp_info_count(const struct xtcp_sock *xs, struct tcp_info *info)
{
	const struct sk_buff *skb;

	for (skb = xtcp_rtxq_first(&xs->rtxq); skb; skb = skb_rb_next(skb)) {
		const struct xtcp_skb_cb *cb = xtcp_cb(skb);
		u32 segs = DIV_ROUND_UP(cb->end_seq - xtcp_seq_max(cb->seq, xs->snd.una),
					xs->snd.mss);

		info->tcpi_unacked += segs;
		if (cb->mark & XTCP_MARK_SACKED)
			info->tcpi_sacked += segs;
		if (cb->mark & XTCP_MARK_LOST)
			info->tcpi_lost += segs;
		if (cb->mark & XTCP_MARK_RETRANS)
			info->tcpi_retrans += segs;
	}
	/* Duplicate ACKs say how many arrived, not which. */
	if (!xs->sack.ok)
		info->tcpi_sacked = DIV_ROUND_UP(xs->rtxq.sacked, xs->snd.mss);
}

static u32 xtcp_info_age_ms(unsigned long stamp)
{
	return jiffies_to_msecs(jiffies - stamp);
}

/* What both ends agreed on; before the answer nothing is. */
static u8 xtcp_info_options(const struct xtcp_sock *xs)
{
	u8 options = 0;

	if (xs->ecn.accept)
		options |= TCPI_OPT_ECN;
	if (xs->ecn.seen)
		options |= TCPI_OPT_ECN_SEEN;
	if (xs->inet.sk.sk_state == TCP_SYN_SENT)
		return options;
	if (xs->stamp.ok)
		options |= TCPI_OPT_TIMESTAMPS;
	if (xs->sack.ok)
		options |= TCPI_OPT_SACK;
	if (xs->rcv.wscale_ok)
		options |= TCPI_OPT_WSCALE;
	return options;
}

/* As in TCP: busy is all the time in which there was something to do. */
static void xtcp_info_times(const struct xtcp_sock *xs, struct tcp_info *info)
{
	u32 now = xtcp_clock_us();

	info->tcpi_rwnd_limited = xtcp_chrono_read(&xs->chrono, XTCP_CHRONO_RWND, now);
	info->tcpi_sndbuf_limited = xtcp_chrono_read(&xs->chrono, XTCP_CHRONO_SNDBUF, now);
	info->tcpi_busy_time = xtcp_chrono_read(&xs->chrono, XTCP_CHRONO_BUSY, now) +
			       info->tcpi_rwnd_limited + info->tcpi_sndbuf_limited;
}

void xtcp_sockopt_info(struct sock *sk, struct tcp_info *info)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);
	const struct xtcp_rto_count *rto = &xs->recovery.rto;
	unsigned long rate;
	u32 mss = max_t(u32, xs->snd.mss, 1);

	sock_owned_by_me(sk);
	memset(info, 0, sizeof(*info));
	info->tcpi_state = sk->sk_state;

	rate = READ_ONCE(sk->sk_pacing_rate);
	info->tcpi_pacing_rate = rate == ~0UL ? ~0ULL : rate;
	rate = READ_ONCE(sk->sk_max_pacing_rate);
	info->tcpi_max_pacing_rate = rate == ~0UL ? ~0ULL : rate;

	if (sk->sk_state == TCP_LISTEN) {
		/* TCP reuses two fields for the accept queue and its bound; ss -l shows them. */
		info->tcpi_unacked = READ_ONCE(sk->sk_ack_backlog);
		info->tcpi_sacked = READ_ONCE(sk->sk_max_ack_backlog);
		return;
	}

	info->tcpi_ca_state = xs->cong.state;
	info->tcpi_retransmits = xs->recovery.retransmits;
	info->tcpi_probes = xs->timer.probes;
	info->tcpi_backoff = xs->rtt.backoff;
	info->tcpi_options = xtcp_info_options(xs);
	if (info->tcpi_options & TCPI_OPT_WSCALE) {
		info->tcpi_snd_wscale = xs->snd.wscale;
		info->tcpi_rcv_wscale = xs->rcv.wscale;
	}

	info->tcpi_rto = xtcp_rtt_rto(&xs->rtt);
	info->tcpi_ato = jiffies_to_usecs(xs->rcv.ato);
	info->tcpi_snd_mss = xs->snd.mss;
	info->tcpi_rcv_mss = xs->rcv.mss;
	info->tcpi_pmtu = xs->plpmtud.on ? xs->plpmtud.low : xs->snd.pmtu;

	xtcp_info_count(xs, info);

	if (xs->snd.last_sent)
		info->tcpi_last_data_sent = xtcp_info_age_ms(xs->snd.last_sent);
	if (xs->rcv.last)
		info->tcpi_last_data_recv = xtcp_info_age_ms(xs->rcv.last);
	if (xs->rcv.keep_stamp)
		info->tcpi_last_ack_recv = xtcp_info_age_ms(xs->rcv.keep_stamp);

	info->tcpi_rtt = xs->rtt.srtt_us >> 3;
	info->tcpi_rttvar = xs->rtt.rttvar_us >> 2;
	info->tcpi_min_rtt = xs->rtt.min_us;

	info->tcpi_snd_cwnd = xs->cong.cwnd / mss;
	info->tcpi_snd_ssthresh = xs->cong.ssthresh >= XTCP_SSTHRESH_INF ?
				  XTCP_SSTHRESH_INF : xs->cong.ssthresh / mss;
	info->tcpi_snd_wnd = xs->snd.wnd;

	if (xs->rate.interval_us)
		info->tcpi_delivery_rate = div_u64((u64)xs->rate.bytes * USEC_PER_SEC,
						   xs->rate.interval_us);
	info->tcpi_delivery_rate_app_limited = xs->rate.limited;
	info->tcpi_delivered = xs->delivered;

	info->tcpi_total_retrans = xs->total_retrans;
	info->tcpi_bytes_sent = xs->bytes_sent;
	info->tcpi_bytes_retrans = xs->bytes_retrans;
	info->tcpi_bytes_acked = xs->bytes_acked;
	info->tcpi_bytes_received = xs->bytes_received;
	info->tcpi_segs_in = xs->segs_in;
	info->tcpi_segs_out = xs->segs_out;
	info->tcpi_data_segs_in = xs->data_segs_in;
	info->tcpi_data_segs_out = xs->data_segs_out;
	info->tcpi_delivered_ce = xs->delivered_ce;
	info->tcpi_advmss = xs->rcv.advmss - (xs->stamp.ok ? XTCP_STAMP_SPACE : 0);
	info->tcpi_reordering = xtcp_rack_reordering(&xs->rack, mss);
	info->tcpi_dsack_dups = xs->dsack_dups;
	info->tcpi_reord_seen = xs->rack.reord_seen;
	info->tcpi_rcv_rtt = xs->rcvspace.rtt_us;
	info->tcpi_rcv_space = xs->rcvspace.best;
	info->tcpi_rcv_ssthresh = xtcp_delack_full_window(sk);
	info->tcpi_rcv_ooopack = xs->ooo_segs_in;
	xtcp_info_times(xs, info);
	info->tcpi_notsent_bytes = max_t(s32, 0, xs->snd.write_seq - xs->snd.nxt);

	xtcp_info_set_rcv_wnd(info, xs->rcv.wnd);
	xtcp_info_set_rehash(info, xs->rehash);
	xtcp_info_set_rto(info, rto->expiries, rto->recoveries,
			  xtcp_recovery_rto_time_ms(rto, xtcp_stamp_clock()));
	xtcp_info_set_ecn(info, xs->ecn.accept, xs->received_ce);
}

/* The int that @optname shows; false if there is no such option. Socket lock held. */
static bool xtcp_sockopt_get_int(struct sock *sk, int optname, int *val)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);
	const struct xtcp_sysctl *sysctl = &xs->xn->sysctl;

	sock_owned_by_me(sk);
	switch (optname) {
	case XTCP_NODELAY:
		*val = xs->snd.nodelay;
		return true;
	case XTCP_MAXSEG:
		if (xs->user_mss && xtcp_sockopt_idle(sk))
			*val = xs->user_mss;
		else
			*val = xs->snd.mss;
		return true;
	case XTCP_CORK:
		*val = xs->snd.cork;
		return true;
	case XTCP_KEEPIDLE:
		*val = (xs->keep_idle ?: READ_ONCE(sysctl->keepalive_time)) / HZ;
		return true;
	case XTCP_KEEPINTVL:
		*val = (xs->keep_intvl ?: READ_ONCE(sysctl->keepalive_intvl)) / HZ;
		return true;
	case XTCP_KEEPCNT:
		*val = xs->keep_cnt ?: READ_ONCE(sysctl->keepalive_probes);
		return true;
	case XTCP_SYNCNT:
		*val = xs->syn_cnt ?: READ_ONCE(sysctl->syn_retries);
		return true;
	case XTCP_LINGER2:
		*val = xs->linger2;
		if (*val >= 0)
			*val = (*val ?: READ_ONCE(sysctl->fin_timeout)) / HZ;
		return true;
	case XTCP_QUICKACK:
		*val = !xs->rcv.pingpong;
		return true;
	case XTCP_USER_TIMEOUT:
		*val = xs->user_timeout;
		return true;
	case XTCP_DEFER_ACCEPT:
		*val = xtcp_sockopt_defer_secs(xs->defer_accept);
		return true;
	case XTCP_WINDOW_CLAMP:
		*val = xs->window_clamp ?: xtcp_sockopt_idle(sk) ? 0 : xs->rcv.clamp;
		return true;
	case XTCP_NOTSENT_LOWAT:
		*val = xs->notsent_lowat;
		return true;
	case XTCP_INQ:
		*val = xs->tell_inq;
		return true;
	default:
		return false;
	}
}

/* Octets of @info that the algorithm filled in. */
static int xtcp_sockopt_cc_info(const struct xtcp_cong *c, union tcp_cc_info *info)
{
	memset(info, 0, sizeof(*info));
	return c->ops && c->ops->info ? c->ops->info(c, info) : 0;
}

/* Give the user as much of @from as there is room for, and say how much that was. */
static int xtcp_sockopt_copy_out(const void *from, int size, int room, char __user *optval,
				 int __user *optlen)
{
	int len = min(room, size);

	if (put_user(len, optlen))
		return -EFAULT;
	if (copy_to_user(optval, from, len))
		return -EFAULT;
	return 0;
}

int xtcp_getsockopt(struct sock *sk, int level, int optname, char __user *optval,
		    int __user *optlen)
{
	char name[XTCP_CONG_NAME_MAX];
	union tcp_cc_info cc_info;
	struct tcp_info info;
	bool known;
	int room, val;

	if (!xtcp_sockopt_is_ours(level)) {
		if (sk->sk_family == AF_INET6)
			return ipv6_getsockopt(sk, level, optname, optval, optlen);
		return ip_getsockopt(sk, level, optname, optval, optlen);
	}
	if (get_user(room, optlen))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;

	switch (optname) {
	case XTCP_INFO:
		lock_sock(sk);
		xtcp_sockopt_info(sk, &info);
		release_sock(sk);
		return xtcp_sockopt_copy_out(&info, sizeof(info), room, optval, optlen);
	case XTCP_CC_INFO:
		lock_sock(sk);
		val = xtcp_sockopt_cc_info(&xtcp_sk(sk)->cong, &cc_info);
		release_sock(sk);
		return xtcp_sockopt_copy_out(&cc_info, val, room, optval, optlen);
	case XTCP_CONGESTION:
		lock_sock(sk);
		memcpy(name, xtcp_sk(sk)->cong.ops->name, sizeof(name));
		release_sock(sk);
		return xtcp_sockopt_copy_out(name, sizeof(name), room, optval, optlen);
	default:
		lock_sock(sk);
		known = xtcp_sockopt_get_int(sk, optname, &val);
		release_sock(sk);
		if (!known)
			return -ENOPROTOOPT;
		return xtcp_sockopt_copy_out(&val, sizeof(val), room, optval, optlen);
	}
}

void xtcp_sockopt_keepalive(struct sock *sk, int valbool)
{
	bool was = sock_flag(sk, SOCK_KEEPOPEN);

	sock_owned_by_me(sk);
	/* The caller sets the flag after this; the timer code looks at it now. */
	sock_valbool_flag(sk, SOCK_KEEPOPEN, valbool);
	if (was != !!valbool && !xtcp_sockopt_idle(sk))
		xtcp_timer_keepalive_changed(sk);
}
