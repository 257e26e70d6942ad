// SPDX-License-Identifier: GPL-2.0
/* Receive time stamps as control messages. */
#include <linux/socket.h>
#include <linux/time64.h>
#include <net/sock.h>

#include "compat/compat.h"
#include "rxstamp.h"

/* SO_TIMESTAMP and SO_TIMESTAMPNS, each in the layout of before and after 2038. */
static void rxstamp_plain(struct sock *sk, struct msghdr *msg, ktime_t stamp)
{
	struct timespec64 ts = ktime_to_timespec64(stamp);
	bool wide = sock_flag(sk, SOCK_TSTAMP_NEW);

	if (sock_flag(sk, SOCK_RCVTSTAMPNS)) {
		if (wide) {
			struct __kernel_timespec out = { ts.tv_sec, ts.tv_nsec };

			put_cmsg(msg, SOL_SOCKET, SO_TIMESTAMPNS_NEW, sizeof(out), &out);
		} else {
			struct __kernel_old_timespec out = { ts.tv_sec, ts.tv_nsec };

			put_cmsg(msg, SOL_SOCKET, SO_TIMESTAMPNS_OLD, sizeof(out), &out);
		}
	} else if (wide) {
		struct __kernel_sock_timeval out = { ts.tv_sec, ts.tv_nsec / NSEC_PER_USEC };

		put_cmsg(msg, SOL_SOCKET, SO_TIMESTAMP_NEW, sizeof(out), &out);
	} else {
		struct __kernel_old_timeval out = { ts.tv_sec, ts.tv_nsec / NSEC_PER_USEC };

		put_cmsg(msg, SOL_SOCKET, SO_TIMESTAMP_OLD, sizeof(out), &out);
	}
}

/*
 * Does SO_TIMESTAMPING ask for stamps of the kind @report? A stamp may be there because
 * another socket asked for the making; with the filter only who asked for both is told.
 */
static bool rxstamp_wanted(u32 tsflags, u32 report, u32 make)
{
	return (tsflags & report) && ((tsflags & make) || !(tsflags & XTCP_TSFLAG_RX_FILTER));
}

void xtcp_rxstamp_tell(struct sock *sk, struct msghdr *msg, const struct xtcp_rxstamp *stamp)
{
	u32 tsflags = READ_ONCE(sk->sk_tsflags);
	struct scm_timestamping_internal out;
	ktime_t soft = 0, hard = 0;

	if (stamp->soft && sock_flag(sk, SOCK_RCVTSTAMP))
		rxstamp_plain(sk, msg, stamp->soft);
	if (rxstamp_wanted(tsflags, SOF_TIMESTAMPING_SOFTWARE, SOF_TIMESTAMPING_RX_SOFTWARE))
		soft = stamp->soft;
	if (rxstamp_wanted(tsflags, SOF_TIMESTAMPING_RAW_HARDWARE, SOF_TIMESTAMPING_RX_HARDWARE))
		hard = stamp->hard;
	if (!soft && !hard)
		return;
	xtcp_scm_timestamps(&out, soft, hard);
	if (sock_flag(sk, SOCK_TSTAMP_NEW))
		put_cmsg_scm_timestamping64(msg, &out);
	else
		put_cmsg_scm_timestamping(msg, &out);
}
