// SPDX-License-Identifier: GPL-2.0
/*
 * struct proto and the life of a struct xtcp_sock.
 *
 * References: a socket is born with one, which its connection's life stands for;
 * xtcp_close_destroy() drops it. The kernel timer has one while it is pending. The
 * connection table has none: the node leaves it before the first one is dropped,
 * and SOCK_RCU_FREE keeps the memory for lookups that are still under way.
 */
#include <asm/ioctls.h>
#include <linux/tcp.h>
#include <net/inet_common.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <uapi/linux/xtcp.h>

#include "close.h"
#include "compat/compat.h"
#include "delack.h"
#include "handshake.h"
#include "icmp.h"
#include "listen.h"
#include "output.h"
#include "pace.h"
#include "ports.h"
#include "recv.h"
#include "rtxq.h"
#include "send.h"
#include "sndbuf.h"
#include "socket.h"
#include "sockopt.h"
#include "state.h"
#include "sysctl.h"
#include "timer.h"
#include "txstamp.h"
#include "window.h"
#include "xtcp_sock.h"

/* -- memory of the whole machine ---------------------------------------------- */

static atomic_long_t xtcp_memory_allocated;
static DEFINE_PER_CPU(int, xtcp_memory_per_cpu_fw_alloc);
DEFINE_PER_CPU(unsigned int, xtcp_orphan_count);
static struct percpu_counter xtcp_sockets_allocated;
static unsigned long xtcp_memory_pressure;

/* Many may find at once that memory is short, or no longer: one counts. */
static void xtcp_enter_memory_pressure(struct sock *sk)
{
	if (READ_ONCE(xtcp_memory_pressure))
		return;
	if (!cmpxchg(&xtcp_memory_pressure, 0, jiffies ?: 1))
		XTCP_INC(xtcp_sk(sk)->xn, MEMORYPRESSURES);
}

static void xtcp_leave_memory_pressure(struct sock *sk)
{
	unsigned long since;

	if (!READ_ONCE(xtcp_memory_pressure))
		return;
	since = xchg(&xtcp_memory_pressure, 0);
	if (since)
		XTCP_ADD(xtcp_sk(sk)->xn, MEMORYPRESSURESCHRONO, jiffies_to_msecs(jiffies - since));
}

bool xtcp_socket_out_of_memory(const struct sock *sk)
{
	return sk->sk_wmem_queued > SOCK_MIN_SNDBUF &&
	       sk_memory_allocated(sk) > sk_prot_mem_limits(sk, 2);
}

int xtcp_socket_orphans(void)
{
	static unsigned long stamp;
	static int cached;
	int cpu, sum = 0;

	if (time_before(jiffies, READ_ONCE(stamp) + HZ / 10))
		return READ_ONCE(cached);
	WRITE_ONCE(stamp, jiffies);
	for_each_possible_cpu(cpu)
		sum += (int)READ_ONCE(per_cpu(xtcp_orphan_count, cpu));
	sum = max(sum, 0);
	WRITE_ONCE(cached, sum);
	return sum;
}

/* -- birth and death ---------------------------------------------------------- */

void xtcp_socket_start(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	bool nodelay = xs->snd.nodelay, cork = xs->snd.cork;

	/*
	 * Poll or an ioctl may look on while connect() or disconnect() is here: what it
	 * says about a connection that begins or ends at that moment has no meaning anyway.
	 */
	data_race(memset(&xs->snd, 0, sizeof(xs->snd)));
	/* Likewise. */
	data_race(memset(&xs->rcv, 0, sizeof(xs->rcv)));
	xtcp_rtxq_init(&xs->rtxq);
	memset(&xs->recovery, 0, sizeof(xs->recovery));
	memset(&xs->plpmtud, 0, sizeof(xs->plpmtud));
	memset(&xs->stamp, 0, sizeof(xs->stamp));
	memset(&xs->sack, 0, sizeof(xs->sack));
	xtcp_ecn_begin(&xs->ecn, 0, false);
	xs->snd.nodelay = nodelay;
	xs->snd.cork = cork;
	WRITE_ONCE(xs->snd.mss, 536);
	/* Half of the buffer is payload until measured otherwise. */
	xs->rcv.ratio = XTCP_WIN_RATIO_ONE / 2;
	xtcp_reasm_init(&xs->reasm);
	xtcp_rtt_init(&xs->rtt);
	memset(&xs->rate, 0, sizeof(xs->rate));
	/* Nothing that was measured so far was bound by the network. */
	xs->rate.limited = true;
	xtcp_pace_forget(sk);
	xtcp_cong_forget(&xs->cong);
	xtcp_cong_start(&xs->cong, xs->snd.mss);
	xtcp_rcvspace_init(&xs->rcvspace, 0, 0, 0, 0);
	xtcp_chrono_init(&xs->chrono);
	/* Segments of the connection before may still be under way. */
	WRITE_ONCE(xs->smallq.resume, 0);
	xs->timer.armed = 0;
	xs->timer.probes = 0;
	/* A timer or an ICMP message may set a bit now: it was for what ends here. */
	WRITE_ONCE(xs->deferred, 0);
	xs->bytes_sent = 0;
	xs->bytes_retrans = 0;
	xs->bytes_acked = 0;
	xs->bytes_received = 0;
	xs->segs_in = 0;
	xs->segs_out = 0;
	xs->data_segs_in = 0;
	xs->data_segs_out = 0;
	xs->total_retrans = 0;
	xs->rehash = 0;
	xs->delivered = 0;
	xs->delivered_ce = 0;
	xs->received_ce = 0;
	xs->ooo_segs_in = 0;
	xs->dsack_dups = 0;
	xs->dsack_repairs = 0;
	WRITE_ONCE(sk->sk_err_soft, 0);
	xtcp_txstamp_forget(sk);
	/* Flow label and multipath choice; advice to IP draws another one. */
	sk_set_txhash(sk);
}

void xtcp_socket_reset(struct sock *sk)
{
	xtcp_socket_start(sk);
	/* A listener's clones must not share it. */
	if (sk->sk_frag.page) {
		put_page(sk->sk_frag.page);
		sk->sk_frag.page = NULL;
		sk->sk_frag.offset = 0;
	}
}

/* Room in the send buffer: wake writers if it is enough to be worth it. */
static void xtcp_socket_write_space(struct sock *sk)
{
	struct socket *sock = sk->sk_socket;
	struct socket_wq *wq;

	if (!xtcp_sndbuf_writable(sk) || !sock)
		return;
	clear_bit(SOCK_NOSPACE, &sock->flags);
	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_poll(&wq->wait, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
	if (wq && wq->fasync_list && !(sk->sk_shutdown & SEND_SHUTDOWN))
		sock_wake_async(wq, SOCK_WAKE_SPACE, POLL_OUT);
	rcu_read_unlock();
}

static void xtcp_socket_born(struct sock *sk)
{
	sock_set_flag(sk, SOCK_USE_WRITE_QUEUE);
	/* Lookups and /proc read sockets without a lock. */
	sock_set_flag(sk, SOCK_RCU_FREE);
	sock_prot_inuse_add(sock_net(sk), sk->sk_prot, 1);
	XTCP_INC(xtcp_sk(sk)->xn, SOCKCREATED);
}

void xtcp_socket_follow_cong(struct xtcp_sock *xs)
{
	xtcp_ecn_follow(&xs->ecn, xs->cong.ops->flags & XTCP_CONG_NEEDS_ECN);
}

/* struct proto.init: a new socket, zeroed but for struct sock. */
static int xtcp_socket_init(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	char name[XTCP_CONG_NAME_MAX];

	xs->xn = xtcp_net(sock_net(sk));
	xs->node.kind = XTCP_NODE_SOCK;
	INIT_HLIST_NODE(&xs->node.bind);
	xtcp_listen_init(&xs->listed);
	xtcp_timer_init(sk);
	xtcp_pace_init(sk);
	/* The sysctl names an algorithm whose module may have gone since. */
	xtcp_sysctl_cong_name(xs->xn, name);
	if (xtcp_cong_assign(&xs->cong, name))
		xtcp_cong_assign(&xs->cong, NULL);
	xtcp_socket_follow_cong(xs);
	xtcp_socket_start(sk);
	sk->sk_write_space = xtcp_socket_write_space;
	WRITE_ONCE(sk->sk_sndbuf, READ_ONCE(xs->xn->sysctl.wmem[1]));
	WRITE_ONCE(sk->sk_rcvbuf, READ_ONCE(xs->xn->sysctl.rmem[1]));
	sk_sockets_allocated_inc(sk);
	xtcp_socket_born(sk);
	return 0;
}

/* Own copies of what the IPv6 part of a listener points to. */
static void xtcp_socket_clone_inet6(struct sock *sk)
{
	struct xtcp6_sock *xs6 = container_of(xtcp_sk(sk), struct xtcp6_sock, xtcp);
	struct ipv6_pinfo *np = &xs6->inet6;
	struct ipv6_txoptions *opt;

	inet_sk(sk)->pinet6 = np;
	np->ipv6_mc_list = NULL;
	np->ipv6_ac_list = NULL;
	xtcp_inet6_clear_flowlabels(sk);
	np->pktoptions = NULL;
	np->mcast_oif = 0;
	np->rcv_flowinfo = 0;
	rcu_read_lock();
	opt = rcu_dereference(np->opt);
	if (opt)
		opt = ipv6_dup_options(sk, opt);
	RCU_INIT_POINTER(np->opt, opt);
	rcu_read_unlock();
}

void xtcp_socket_init_clone(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct inet_sock *inet = inet_sk(sk);

	memset(&xs->node, 0, sizeof(xs->node));
	xs->node.kind = XTCP_NODE_SOCK;
	INIT_HLIST_NODE(&xs->node.bind);
	xtcp_listen_init(&xs->listed);
	memset(&xs->ackq, 0, sizeof(xs->ackq));
	xs->defer_accept = 0;
	xtcp_timer_init(sk);
	xtcp_pace_init(sk);
	xtcp_cong_inherit(&xs->cong);
	xtcp_socket_follow_cong(xs);
	sk->sk_ack_backlog = 0;
	inet->mc_list = NULL;
	RCU_INIT_POINTER(inet->inet_opt, NULL);
	if (sk->sk_family == AF_INET6)
		xtcp_socket_clone_inet6(sk);
	xtcp_socket_born(sk);
}

/* struct proto.destroy: the socket is in CLOSED and in no table. */
static void xtcp_socket_destroy(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	xtcp_timer_stop(sk);
	xtcp_rtxq_purge(sk);
	xtcp_reasm_purge(&xs->reasm);
	xtcp_ports_release(xs->xn, &xs->node);
	xtcp_cong_release(&xs->cong);
	sk_sockets_allocated_dec(sk);
	sock_prot_inuse_add(sock_net(sk), sk->sk_prot, -1);
	XTCP_INC(xs->xn, SOCKDESTROYED);
}

/* struct proto.unhash: no segment finds the socket any more. */
static void xtcp_socket_unhash(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (sk->sk_state == TCP_LISTEN)
		xtcp_ports_unlisten(sk);
	else
		xtcp_lookup_remove(xs->xn, &xs->node);
}

/* What found the socket busy. Called with the spinlock, before the user lets go. */
static void xtcp_socket_release_cb(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (likely(!READ_ONCE(xs->deferred)))
		return;
	if (test_and_clear_bit(XTCP_DEFER_PMTU, &xs->deferred))
		xtcp_icmp_deferred_pmtu(sk);
	if (test_and_clear_bit(XTCP_DEFER_TIMER, &xs->deferred))
		xtcp_timer_deferred(sk);
	if (test_and_clear_bit(XTCP_DEFER_PACE, &xs->deferred))
		xtcp_pace_push(sk);
	if (test_and_clear_bit(XTCP_DEFER_ACK, &xs->deferred))
		xtcp_delack_batch_end(sk);
	if (test_and_clear_bit(XTCP_DEFER_SEND, &xs->deferred))
		xtcp_smallq_resume(sk);
}

/* -- poll and ioctl ----------------------------------------------------------- */

static __poll_t xtcp_poll_writable(struct sock *sk)
{
	if (READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN)
		return EPOLLOUT | EPOLLWRNORM;
	if (xtcp_sndbuf_writable(sk))
		return EPOLLOUT | EPOLLWRNORM;
	/* Ask for the wake-up first, then look again: room may have come in between. */
	sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	/* Pairs with the one that sock_wake_async() and skwq_has_sleeper() imply. */
	smp_mb__after_atomic();
	return xtcp_sndbuf_writable(sk) ? EPOLLOUT | EPOLLWRNORM : 0;
}

__poll_t xtcp_socket_poll(struct file *file, struct socket *sock, poll_table *wait)
{
	struct sock *sk = sock->sk;
	const struct xtcp_sock *xs = xtcp_sk(sk);
	u8 shutdown;
	__poll_t mask = 0;
	int state;

	sock_poll_wait(file, sock, wait);
	state = inet_sk_state_load(sk);
	if (state == TCP_LISTEN)
		return xtcp_listen_ready(sk) ? EPOLLIN | EPOLLRDNORM : 0;

	shutdown = READ_ONCE(sk->sk_shutdown);
	if (shutdown == SHUTDOWN_MASK || state == TCP_CLOSE)
		mask |= EPOLLHUP;
	if (shutdown & RCV_SHUTDOWN)
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	if (state != TCP_SYN_SENT && state != TCP_SYN_RECV) {
		int target = sock_rcvlowat(sk, 0, INT_MAX);
		u16 urg = READ_ONCE(xs->rcv.urg);
		/* Other flags in its word may be set now; this one is the caller's affair. */
		bool inlined = data_race(sock_flag(sk, SOCK_URGINLINE));

		/* An urgent octet in front is nothing to read. */
		if (unlikely(urg) && READ_ONCE(xs->rcv.up) == READ_ONCE(xs->rcv.copied) && !inlined)
			target++;
		if (xtcp_recv_readable(sk, target))
			mask |= EPOLLIN | EPOLLRDNORM;
		mask |= xtcp_poll_writable(sk);
		if (urg & XTCP_URG_VALID)
			mask |= EPOLLPRI;
	}
	/* Pairs with the barrier in xtcp_close_reset(). */
	smp_rmb();
	if (READ_ONCE(sk->sk_err) || !skb_queue_empty_lockless(&sk->sk_error_queue))
		mask |= EPOLLERR;
	return mask;
}

static int xtcp_socket_ioctl(struct sock *sk, int cmd, xtcp_ioctl_arg arg)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);
	int answer, state;

	switch (cmd) {
	case SIOCINQ:
		if (inet_sk_state_load(sk) == TCP_LISTEN)
			return -EINVAL;
		lock_sock(sk);
		answer = xtcp_recv_inq(sk);
		release_sock(sk);
		break;
	case SIOCATMARK:
		answer = READ_ONCE(xs->rcv.urg) &&
			 READ_ONCE(xs->rcv.up) == READ_ONCE(xs->rcv.copied);
		break;
	case SIOCOUTQ:
	case SIOCOUTQNSD:
		state = inet_sk_state_load(sk);
		if (state == TCP_LISTEN)
			return -EINVAL;
		if ((1 << state) & (TCPF_SYN_SENT | TCPF_SYN_RECV))
			answer = 0;
		else
			answer = xtcp_output_queued(xs, cmd == SIOCOUTQNSD);
		break;
	default:
		return -ENOIOCTLCMD;
	}
	return xtcp_ioctl_answer(answer, arg);
}

/* -- struct proto ------------------------------------------------------------- */

XTCP_DEFINE_PROTO_ACCEPT(xtcp_socket_accept, xtcp_listen_accept)
XTCP_DEFINE_PROTO_RECVMSG(xtcp_socket_recvmsg, xtcp_recv_msg)
XTCP_DEFINE_PROTO_SENDPAGE(xtcp_socket_sendpage, xtcp_send_pages)

#define XTCP_PROTO_COMMON						\
	.owner			= THIS_MODULE,				\
	.close			= xtcp_close,				\
	.pre_connect		= xtcp_handshake_pre_connect,		\
	.connect		= xtcp_handshake_connect,		\
	.disconnect		= xtcp_close_disconnect,		\
	.accept			= xtcp_socket_accept,			\
	.ioctl			= xtcp_socket_ioctl,			\
	.init			= xtcp_socket_init,			\
	.destroy		= xtcp_socket_destroy,			\
	.shutdown		= xtcp_close_shutdown,			\
	.setsockopt		= xtcp_setsockopt,			\
	.getsockopt		= xtcp_getsockopt,			\
	.keepalive		= xtcp_sockopt_keepalive,		\
	.sendmsg		= xtcp_send_msg,			\
	.recvmsg		= xtcp_socket_recvmsg,			\
	XTCP_PROTO_SENDPAGE(xtcp_socket_sendpage)			\
	.backlog_rcv		= xtcp_state_backlog,			\
	.release_cb		= xtcp_socket_release_cb,		\
	.unhash			= xtcp_socket_unhash,			\
	.get_port		= xtcp_ports_get,			\
	.stream_memory_free	= xtcp_sndbuf_below_lowat,		\
	.enter_memory_pressure	= xtcp_enter_memory_pressure,		\
	.leave_memory_pressure	= xtcp_leave_memory_pressure,		\
	.memory_allocated	= &xtcp_memory_allocated,		\
	.per_cpu_fw_alloc	= &xtcp_memory_per_cpu_fw_alloc,	\
	.sockets_allocated	= &xtcp_sockets_allocated,		\
	.memory_pressure	= &xtcp_memory_pressure,		\
	.sysctl_mem		= xtcp_sysctl_mem,			\
	.sysctl_wmem		= &xtcp_sysctl_floor_wmem,		\
	.sysctl_rmem		= &xtcp_sysctl_floor_rmem,		\
	.max_header		= 128 + MAX_HEADER,			\
	.no_autobind		= true

struct proto xtcp_prot = {
	.name			= "XTCP",
	.obj_size		= sizeof(struct xtcp_sock),
	XTCP_PROTO_COMMON,
};

struct proto xtcpv6_prot = {
	.name			= "XTCPv6",
	.obj_size		= sizeof(struct xtcp6_sock),
	XTCP_PROTO_COMMON,
};

int xtcp_socket_register(void)
{
	int err = percpu_counter_init(&xtcp_sockets_allocated, 0, GFP_KERNEL);

	if (err)
		return err;
	err = proto_register(&xtcp_prot, 1);
	if (err)
		goto counter;
	err = proto_register(&xtcpv6_prot, 1);
	if (err)
		goto prot;
	return 0;
prot:
	proto_unregister(&xtcp_prot);
counter:
	percpu_counter_destroy(&xtcp_sockets_allocated);
	return err;
}

void xtcp_socket_unregister(void)
{
	proto_unregister(&xtcpv6_prot);
	proto_unregister(&xtcp_prot);
	percpu_counter_destroy(&xtcp_sockets_allocated);
}
