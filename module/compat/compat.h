/* SPDX-License-Identifier: GPL-2.0 */
/* Every difference between the kernels that XTCP builds for: 6.1, 6.12, 7.2. */
#ifndef _XTCP_COMPAT_H
#define _XTCP_COMPAT_H

#include <linux/bpf-cgroup.h>
#include <linux/bvec.h>
#include <linux/filter.h>
#include <linux/hrtimer.h>
#include <linux/ipv6.h>
#include <linux/net.h>
#include <linux/net_tstamp.h>
#include <linux/netfilter_bridge.h>
#include <linux/socket.h>
#include <linux/sysctl.h>
#include <linux/tcp.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <net/flow.h>
#include <net/inet_common.h>
#include <net/inet_dscp.h>
#include <net/inet_sock.h>
#include <net/net_namespace.h>
#include <net/route.h>
#include <net/sock.h>

/* Parts of sock.h, skbuff.h and netdevice.h that moved out (6.5, 6.9, 6.10). */
#ifdef XTCP_HAVE_GSO_H
#include <net/gso.h>
#endif
#ifdef XTCP_HAVE_PROTO_MEMORY_H
#include <net/proto_memory.h>
#endif
#ifdef XTCP_HAVE_SKBUFF_REF_H
#include <linux/skbuff_ref.h>
#endif

/*
 * XTCP_HAVE_* come from Kbuild.probe. The code outside this directory is written
 * for the newest kernel's idea of each interface, under a name of our own
 * where the old one cannot be given the new shape.
 */

/* Address argument of bind and connect: "xtcp_sockaddr *uaddr" (6.19). */
#ifdef XTCP_HAVE_SOCKADDR_UNSIZED
#define xtcp_sockaddr	struct sockaddr_unsized
#else
#define xtcp_sockaddr	struct sockaddr
#endif

/* What the cgroup's BPF programs say of a connect(); they may change @uaddr (6.7: and *@len). */
#ifdef XTCP_HAVE_BPF_CONNECT_LEN
#define xtcp_bpf_connect4(sk, uaddr, len)	BPF_CGROUP_RUN_PROG_INET4_CONNECT(sk, uaddr, len)
#define xtcp_bpf_connect6(sk, uaddr, len)	BPF_CGROUP_RUN_PROG_INET6_CONNECT(sk, uaddr, len)
#else
#define xtcp_bpf_connect4(sk, uaddr, len)	BPF_CGROUP_RUN_PROG_INET4_CONNECT(sk, uaddr)
#define xtcp_bpf_connect6(sk, uaddr, len)	BPF_CGROUP_RUN_PROG_INET6_CONNECT(sk, uaddr)
#endif

/*
 * proto.ioctl: "static int f(struct sock *sk, int cmd, xtcp_ioctl_arg arg)", which
 * answers with "return xtcp_ioctl_answer(value, arg)" (6.5: the caller copies).
 */
#ifdef XTCP_HAVE_IOCTL_KARG
#define xtcp_ioctl_arg	int *

static inline int xtcp_ioctl_answer(int value, int *arg)
{
	*arg = value;
	return 0;
}
#else
#define xtcp_ioctl_arg	unsigned long

static inline int xtcp_ioctl_answer(int value, unsigned long arg)
{
	return put_user(value, (int __user *)arg);
}
#endif

/*
 * sendfile() and splice(): until 6.5 page by page through sendpage, which has a flag of its own
 * for "not the last one"; later sendmsg() with MSG_SPLICE_PAGES and as many as there are. Some of
 * the kernels before know the name, but no socket hears it. XTCP_DEFINE_PROTO_SENDPAGE() defines
 * @name on top of int impl(struct sock *sk, struct msghdr *msg), whose message consists of pages.
 * The others are lines of their own, without comma, in proto_ops and proto.
 */
#ifdef XTCP_HAVE_SENDPAGE
#define XTCP_MSG_NOTLAST		MSG_SENDPAGE_NOTLAST
#define XTCP_PROTO_OPS_SENDPAGE		.sendpage = inet_sendpage,
#define XTCP_PROTO_SENDPAGE(name)	.sendpage = name,
#define XTCP_DEFINE_PROTO_SENDPAGE(name, impl)				\
static int name(struct sock *sk, struct page *page, int offset,	\
		size_t size, int flags)					\
{									\
	struct bio_vec bv = {						\
		.bv_page = page, .bv_offset = offset, .bv_len = size,	\
	};								\
	struct msghdr msg = { .msg_flags = flags };			\
									\
	iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, &bv, 1, size);	\
	return impl(sk, &msg);						\
}
#else
#define XTCP_MSG_NOTLAST		0
#define XTCP_PROTO_OPS_SENDPAGE
#define XTCP_PROTO_SENDPAGE(name)
#define XTCP_DEFINE_PROTO_SENDPAGE(name, impl)
#endif

/* Does a call of sendmsg() hand over pages? Who makes one of other memory has it copied. */
static inline bool xtcp_msg_splices(const struct msghdr *msg)
{
#ifdef XTCP_HAVE_SENDPAGE
	return false;
#else
	return unlikely(msg->msg_flags & MSG_SPLICE_PAGES) && iov_iter_is_bvec(&msg->msg_iter);
#endif
}

/*
 * The file that sendfile() announced more of has ended (6.5, and backported). The kernel's own for
 * proto_ops is not for modules.
 */
#ifdef XTCP_HAVE_SPLICE_EOF
#define XTCP_PROTO_OPS_SPLICE_EOF(name)	.splice_eof = name,
#else
#define XTCP_PROTO_OPS_SPLICE_EOF(name)
#endif

/*
 * Define @name, a proto.accept callback, on top of
 * struct sock *impl(struct sock *sk, int flags, int *err, bool kern) (6.10).
 */
#ifdef XTCP_HAVE_PROTO_ACCEPT_ARG
#define XTCP_DEFINE_PROTO_ACCEPT(name, impl)				\
static struct sock *name(struct sock *sk, struct proto_accept_arg *arg)	\
{									\
	return impl(sk, arg->flags, &arg->err, arg->kern);		\
}
#else
#define XTCP_DEFINE_PROTO_ACCEPT(name, impl)				\
static struct sock *name(struct sock *sk, int flags, int *err, bool kern) \
{									\
	return impl(sk, flags, err, kern);				\
}
#endif

/*
 * Define @name, a proto.recvmsg callback, on top of
 * int impl(struct sock *sk, struct msghdr *msg, size_t len, int flags): a stream
 * never names the sender, but its error queue names who was not reached (7.1).
 */
#ifdef XTCP_HAVE_RECVMSG_ADDR_LEN
#define XTCP_DEFINE_PROTO_RECVMSG(name, impl)				\
static int name(struct sock *sk, struct msghdr *msg, size_t len,	\
		int flags, int *addr_len)				\
{									\
	int ret = impl(sk, msg, len, flags);				\
									\
	if (unlikely(flags & MSG_ERRQUEUE) && ret >= 0)			\
		*addr_len = msg->msg_namelen;				\
	return ret;							\
}
#else
#define XTCP_DEFINE_PROTO_RECVMSG(name, impl)				\
static int name(struct sock *sk, struct msghdr *msg, size_t len, int flags) \
{									\
	return impl(sk, msg, len, flags);				\
}
#endif

/* MSG_ERRQUEUE (7.1). */
static inline int xtcp_inet_recv_error(struct sock *sk, struct msghdr *msg, int len)
{
#ifdef XTCP_HAVE_RECV_ERROR_ADDR_LEN
	int addr_len = 0;
	int err = inet_recv_error(sk, msg, len, &addr_len);

	if (err >= 0)
		msg->msg_namelen = addr_len;
	return err;
#else
	return inet_recv_error(sk, msg, len);
#endif
}

/* What SO_TIMESTAMPING tells: the software's and the device's stamp (7.2: in ktime_t). */
static inline void xtcp_scm_timestamps(struct scm_timestamping_internal *tss, ktime_t soft,
				       ktime_t hard)
{
	memset(tss, 0, sizeof(*tss));
#ifdef XTCP_HAVE_SCM_KTIME
	tss->ts[0] = soft;
	tss->ts[2] = hard;
#else
	if (soft)
		tss->ts[0] = ktime_to_timespec64(soft);
	if (hard)
		tss->ts[2] = ktime_to_timespec64(hard);
#endif
}

/* Receive stamps are told only to who asked for their making, too (6.12). */
#ifdef XTCP_HAVE_RX_FILTER
#define XTCP_TSFLAG_RX_FILTER	SOF_TIMESTAMPING_OPT_RX_FILTER
#else
#define XTCP_TSFLAG_RX_FILTER	0
#endif

/* A number of the program's own for a transmit stamp (6.13): not for a stream of octets. */
static inline bool xtcp_cookie_has_opt_id(const struct sockcm_cookie *cookie)
{
#ifdef SOCKCM_FLAG_TS_OPT_ID
	return cookie->tsflags & SOCKCM_FLAG_TS_OPT_ID;
#else
	return false;
#endif
}

/* A timer and its function in one step (6.13). */
static inline void xtcp_hrtimer_setup(struct hrtimer *timer,
				      enum hrtimer_restart (*function)(struct hrtimer *),
				      clockid_t clock, enum hrtimer_mode mode)
{
#ifdef XTCP_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, function, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = function;
#endif
}

/* timer_delete(), timer_delete_sync(), timer_shutdown*() are everywhere (6.16). */
#ifndef timer_container_of
#define timer_container_of(var, timer, field)	from_timer(var, timer, field)
#endif

/* Bit-fields until 6.6; FLAG is the new kernels' name. */
#ifdef XTCP_HAVE_INET_BITS
#define xtcp_inet_test(FLAG, sk)	inet_test_bit(FLAG, sk)
#define xtcp_inet_set(FLAG, sk)		inet_set_bit(FLAG, sk)
#define xtcp_inet_clear(FLAG, sk)	inet_clear_bit(FLAG, sk)
#else
#define xtcp_inet_field_RECVERR			recverr
#define xtcp_inet_field_FREEBIND		freebind
#define xtcp_inet_field_HDRINCL			hdrincl
#define xtcp_inet_field_MC_LOOP			mc_loop
#define xtcp_inet_field_MC_ALL			mc_all
#define xtcp_inet_field_TRANSPARENT		transparent
#define xtcp_inet_field_NODEFRAG		nodefrag
#define xtcp_inet_field_BIND_ADDRESS_NO_PORT	bind_address_no_port
#define xtcp_inet_test(FLAG, sk)	(inet_sk(sk)->xtcp_inet_field_##FLAG)
#define xtcp_inet_set(FLAG, sk)		(inet_sk(sk)->xtcp_inet_field_##FLAG = 1)
#define xtcp_inet_clear(FLAG, sk)	(inet_sk(sk)->xtcp_inet_field_##FLAG = 0)
#endif

/* The same for ipv6_pinfo (6.7). */
#ifdef XTCP_HAVE_INET6_BITS
#define xtcp_inet6_test(FLAG, sk)	inet6_test_bit(FLAG, sk)
#define xtcp_inet6_set(FLAG, sk)	inet6_set_bit(FLAG, sk)
#else
#define xtcp_inet6_field_RECVERR6		recverr
#define xtcp_inet6_field_MC6_LOOP		mc_loop
#define xtcp_inet6_field_MC6_ALL		mc_all
#define xtcp_inet6_field_REPFLOW		repflow
#define xtcp_inet6_field_SNDFLOW		sndflow
#define xtcp_inet6_test(FLAG, sk)	(inet6_sk(sk)->xtcp_inet6_field_##FLAG)
#define xtcp_inet6_set(FLAG, sk)	(inet6_sk(sk)->xtcp_inet6_field_##FLAG = 1)
#endif

/* A clone does not share the flow labels of the socket it was copied from (7.0). */
static inline void xtcp_inet6_clear_flowlabels(struct sock *sk)
{
#ifdef XTCP_HAVE_FL_LIST_IN_INET
	RCU_INIT_POINTER(inet_sk(sk)->ipv6_fl_list, NULL);
#else
	RCU_INIT_POINTER(inet6_sk(sk)->ipv6_fl_list, NULL);
#endif
}

/*
 * A clone's memory is charged to its listener's control group. Since 6.18 inet_accept() finds
 * that of the process which accepts; what TCP has for it before is not for modules.
 */
static inline void xtcp_memcg_inherit(const struct sock *sk, struct sock *child)
{
#if IS_ENABLED(CONFIG_MEMCG) && !defined(XTCP_HAVE_MEMCG_AT_ACCEPT)
	if (!sk->sk_memcg)
		return;
	css_get(&sk->sk_memcg->css);
	child->sk_memcg = sk->sk_memcg;
#endif
}

/* The TOS octet of a route look-up, ECN bits left out. */
static inline void xtcp_flowi4_set_tos(struct flowi4 *fl4, u8 tos)
{
#ifdef XTCP_HAVE_FLOWI4_DSCP
	fl4->flowi4_dscp = inet_dsfield_to_dscp(tos);
#else
	fl4->flowi4_tos = tos & INET_DSCP_MASK;
#endif
}

/*
 * The socket filter: 0, or the segment is to be dropped. It may shorten @skb, but not
 * below @cap octets (7.1: answers with a drop reason instead of an error).
 */
static inline int xtcp_filter_trim(struct sock *sk, struct sk_buff *skb, unsigned int cap)
{
#ifdef XTCP_HAVE_FILTER_REASON
	return sk_filter_trim_cap(sk, skb, cap) ? -EPERM : 0;
#else
	return sk_filter_trim_cap(sk, skb, cap);
#endif
}

/* Owner of a socket (6.17). */
static inline kuid_t xtcp_sk_uid(struct sock *sk)
{
#ifdef XTCP_HAVE_SK_UID
	return sk_uid(sk);
#else
	return sock_i_uid(sk);
#endif
}

/* tcp_info.tcpi_rcv_wnd (6.2): older programs and kernels do without. */
static inline void xtcp_info_set_rcv_wnd(struct tcp_info *info, u32 wnd)
{
#ifdef XTCP_HAVE_INFO_RCV_WND
	info->tcpi_rcv_wnd = wnd;
#endif
}

/* The same for tcpi_rehash (6.2). */
static inline void xtcp_info_set_rehash(struct tcp_info *info, u32 rehash)
{
#ifdef XTCP_HAVE_INFO_REHASH
	info->tcpi_rehash = rehash;
#endif
}

/* tcpi_total_rto and its companions (6.7). */
static inline void xtcp_info_set_rto(struct tcp_info *info, u16 expiries, u16 recoveries,
				     u32 time_ms)
{
#ifdef XTCP_HAVE_INFO_TOTAL_RTO
	info->tcpi_total_rto = expiries;
	info->tcpi_total_rto_recoveries = recoveries;
	info->tcpi_total_rto_time = time_ms;
#endif
}

/* tcpi_ecn_mode and what goes with it (7.0): the counters of octets are for accurate ECN. */
static inline void xtcp_info_set_ecn(struct tcp_info *info, bool on, u32 received_ce)
{
#ifdef XTCP_HAVE_INFO_ECN_MODE
	info->tcpi_ecn_mode = on ? TCPI_ECN_MODE_RFC3168 : TCPI_ECN_MODE_DISABLED;
	info->tcpi_received_ce = received_ce;
#endif
}

/* A frame of a bridge that shows its packets to IP's netfilter: only where it is built. */
static inline bool xtcp_skb_bridged(const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	return nf_bridge_info_exists(skb);
#else
	return false;
#endif
}

/* A proc_handler's first argument (6.11). */
#ifdef XTCP_HAVE_CONST_CTL_TABLE
#define xtcp_ctl_table	const struct ctl_table
#else
#define xtcp_ctl_table	struct ctl_table
#endif

/*
 * Register @n entries of @table. table[n] must be there and zeroed: kernels before
 * 6.11 stop at it.
 */
static inline struct ctl_table_header *
xtcp_register_net_sysctl(struct net *net, const char *path, struct ctl_table *table, size_t n)
{
#ifdef XTCP_HAVE_SYSCTL_SZ
	return register_net_sysctl_sz(net, path, table, n);
#else
	return register_net_sysctl(net, path, table);
#endif
}

#endif /* _XTCP_COMPAT_H */
