/* SPDX-License-Identifier: GPL-2.0 */
/* Congestion control: the interface, its registry, Reno and CUBIC behind it. */
#ifndef _XTCP_CONG_H
#define _XTCP_CONG_H

#include <linux/list.h>
#include <linux/module.h>
#include <linux/types.h>

#define XTCP_CONG_NAME_MAX	16
#define XTCP_CONG_PRIV_WORDS	13	/* u64 words of private state */
#define XTCP_INIT_CWND_SEGS	10	/* RFC 6928 */
#define XTCP_SSTHRESH_INF	0x7fffffffU

struct xtcp_cong;

/**
 * struct xtcp_cong_ack - what one acknowledgment tells an algorithm
 * @acked: octets newly acknowledged
 * @inflight: octets outstanding before this acknowledgment
 * @rtt_us: RTT sample of this acknowledgment, 0 if none
 * @srtt_us: smoothed round-trip time, 0 if there was no sample yet
 * @una: SND.UNA after this acknowledgment
 * @nxt: SND.NXT
 * @now_us: the caller's clock
 * @cwnd_limited: the window was what held the sender back (RFC 7661's question)
 */
struct xtcp_cong_ack {
	u32 acked;
	u32 inflight;
	u32 rtt_us;
	u32 srtt_us;
	u32 una;
	u32 nxt;
	u32 now_us;
	bool cwnd_limited;
};

/**
 * struct xtcp_cong_ops - one algorithm
 * @name: as TCP_CONGESTION and net.xtcp.congestion_control have it
 * @owner: module, held while a connection uses it
 * @list: the registry's
 * @init: optional; a connection starts to use it; priv is zeroed
 * @release: optional; the connection ends or changes its algorithm
 * @ssthresh: mandatory; the new ssthresh in octets after a loss, from cwnd and
 *	      the octets in flight (RFC 5681 equation 4)
 * @avoid: mandatory; grow cwnd on a new acknowledgment outside recovery
 * @undo_cwnd: optional; the loss was none: the cwnd to go on with, by default the larger one
 *
 * All callbacks: socket lock held, softirq or process context, no sleeping.
 */
struct xtcp_cong_ops {
	char name[XTCP_CONG_NAME_MAX];
	struct module *owner;
	struct list_head list;
	void (*init)(struct xtcp_cong *c);
	void (*release)(struct xtcp_cong *c);
	u32 (*ssthresh)(struct xtcp_cong *c, u32 inflight);
	void (*avoid)(struct xtcp_cong *c, const struct xtcp_cong_ack *ack);
	u32 (*undo_cwnd)(struct xtcp_cong *c, u32 prior_cwnd);
};

/**
 * struct xtcp_cong - congestion state of one connection; everything in octets
 * @ops: the algorithm; NULL before xtcp_cong_assign() and after xtcp_cong_release()
 * @cwnd: congestion window
 * @ssthresh: slow-start threshold
 * @mss: octets of a full segment, kept up to date by the owner
 * @bytes_acked: octets acknowledged since cwnd last grew (RFC 3465); ssthresh()
 *		 voids them
 * @cwnd_clamp: upper bound of cwnd
 * @priv: the algorithm's own
 *
 * Octets, not segments: the queues hold 64 KB buffers, and RFC 5681 counts octets.
 */
struct xtcp_cong {
	const struct xtcp_cong_ops *ops;
	u32 cwnd;
	u32 ssthresh;
	u32 mss;
	u32 bytes_acked;
	u32 cwnd_clamp;
	u64 priv[XTCP_CONG_PRIV_WORDS];
};

static inline bool xtcp_cong_in_slow_start(const struct xtcp_cong *c)
{
	return c->cwnd < c->ssthresh;
}

/*
 * Ten segments, octets (RFC 6928), as in Linux: the RFC's bound of 14600 octets is for
 * segments of jumbo frames, which no Internet path carries.
 */
u32 xtcp_cong_initial_window(u32 mss);

/* Start of a connection: initial window, no threshold, no clamp. ops must be assigned. */
void xtcp_cong_start(struct xtcp_cong *c, u32 mss);

/*
 * Slow start (RFC 5681 3.1): cwnd grows by what was acknowledged, up to ssthresh.
 * RFC 3465's bound of two segments for each acknowledgment does not apply: one that
 * answers a super-segment stands for many. Return: octets of @acked not used up.
 */
u32 xtcp_cong_slow_start(struct xtcp_cong *c, u32 acked);

/*
 * Registry. Context: process; unregister may sleep, and no connection may use the
 * algorithm by then (its module's references see to that). Return: 0, -EEXIST (name
 * taken) or -EINVAL (a callback is missing, or the name is empty, too long or has spaces).
 */
int xtcp_cong_register(struct xtcp_cong_ops *ops);
void xtcp_cong_unregister(struct xtcp_cong_ops *ops);

/*
 * Give @c the algorithm @name (or Reno if NULL, which cannot fail) and a reference to
 * its module; release the one it had. Nothing happens if it has @name already.
 * Context: any. Return: 0 or -ENOENT, then nothing changed.
 */
int xtcp_cong_assign(struct xtcp_cong *c, const char *name);

/*
 * @child is a copy of a listener's state: take a reference of its own (or fall back
 * to Reno) and start the algorithm's private state anew.
 */
void xtcp_cong_inherit(struct xtcp_cong *child);

/* Give the algorithm back. Idempotent. */
void xtcp_cong_release(struct xtcp_cong *c);

/* True if @name is registered (sysctl check). */
bool xtcp_cong_known(const char *name);

/*
 * Names of all in order of registration, space separated, NUL-terminated, cut off at
 * @size, for available_congestion_control.
 */
void xtcp_cong_names(char *buf, size_t size);

/* reno.c: registered first at module load; what is left where nothing else is. */
extern struct xtcp_cong_ops xtcp_reno;

/* cubic.c: net.xtcp.congestion_control's default. */
extern struct xtcp_cong_ops xtcp_cubic;

#endif /* _XTCP_CONG_H */
