/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Congestion control: the interface, its registry, Reno, CUBIC and DCTCP behind it.
 *
 * Needs no other header of XTCP: an algorithm may be a module of its own.
 */
#ifndef _XTCP_CONG_H
#define _XTCP_CONG_H

#include <linux/list.h>
#include <linux/module.h>
#include <linux/types.h>

#define XTCP_CONG_NAME_MAX	16
#define XTCP_CONG_PRIV_WORDS	8	/* u64 words of private state: every connection has them */
#define XTCP_INIT_CWND_SEGS	10	/* RFC 6928 */
#define XTCP_SSTHRESH_INF	0x7fffffffU

struct xtcp_cong;
union tcp_cc_info;

/* Loss recovery's states; numbers as in tcp_info.tcpi_ca_state. */
enum xtcp_ca_state {
	XTCP_CA_OPEN = 0,
	XTCP_CA_DISORDER = 1,	/* something is late or reported out of order */
	XTCP_CA_CWR = 2,	/* cwnd comes down for a reason that is no loss */
	XTCP_CA_RECOVERY = 3,
	XTCP_CA_LOSS = 4,	/* after a time-out */
};

/* What an algorithm is told beside acknowledgments (xtcp_cong_ops.event). */
enum xtcp_cong_event {
	XTCP_CONG_START,	/* the connection is established: cwnd, mss and srtt_us are set */
	XTCP_CONG_TX_START,	/* something leaves while nothing is on its way */
	XTCP_CONG_RTO,		/* the retransmission timer expired */
};

/* xtcp_cong_ops.flags */
#define XTCP_CONG_PACED		0x01	/* wants pacing, by fq or by XTCP itself */
/*
 * ECN as in RFC 8257: asked for and agreed to whatever net.xtcp.ecn says, every segment
 * ECT(0), and the receiver's echo says of each segment whether it was marked.
 */
#define XTCP_CONG_NEEDS_ECN	0x02

/**
 * struct xtcp_cong_ack - what one acknowledgment tells an algorithm
 * @acked: octets newly acknowledged
 * @inflight: octets outstanding before this acknowledgment
 * @rtt_us: RTT sample of this acknowledgment, 0 if none
 * @srtt_us: smoothed round-trip time, 0 if there was no sample yet
 * @una: SND.UNA after this acknowledgment
 * @nxt: SND.NXT
 * @now_us: the caller's clock
 * @delivered: octets that newly arrived, whether acknowledged or reported by SACK
 * @lost: octets newly believed lost
 * @inflight_now: octets outstanding after this acknowledgment
 * @total: octets that have arrived since the connection began, low 32 bits
 * @prior: @total when the newest segment that it reports was sent: a round trip has
 *	   passed when this reaches what @total was at the last one
 * @rate_bytes: octets of the delivery-rate sample (rate.h)
 * @rate_us: the time they took, 0: no sample
 * @rate_limited: the application did not fill the path when it was taken
 * @sampled: @prior, and @rate_limited, count
 * @cwnd_limited: the window was what held the sender back (RFC 7661's question)
 * @ece: it says that what it reports met congestion (RFC 3168)
 */
struct xtcp_cong_ack {
	u32 acked;
	u32 inflight;
	u32 rtt_us;
	u32 srtt_us;
	u32 una;
	u32 nxt;
	u32 now_us;
	u32 delivered;
	u32 lost;
	u32 inflight_now;
	u32 total;
	u32 prior;
	u32 rate_bytes;
	u32 rate_us;
	bool rate_limited;
	bool sampled;
	bool cwnd_limited;
	bool ece;
};

/**
 * struct xtcp_cong_ops - one algorithm
 * @name: as TCP_CONGESTION and net.xtcp.congestion_control have it
 * @owner: module, held while a connection uses it
 * @list: the registry's
 * @flags: XTCP_CONG_PACED and the like
 * @init: optional; a connection starts to use it; priv is zeroed
 * @release: optional; the connection ends or changes its algorithm
 * @ssthresh: mandatory; the new ssthresh in octets after a loss, from cwnd and
 *	      the octets in flight (RFC 5681 equation 4). In XTCP_CA_CWR it is for a mark
 *	      (RFC 3168), after @acked
 * @avoid: grow cwnd on a new acknowledgment outside recovery
 * @control: in the place of @avoid, of proportional rate reduction and of the end of a
 *	     recovery: it alone sets cwnd, and pacing_rate, on every acknowledgment. One of
 *	     the two is mandatory.
 * @acked: optional; every acknowledgment that reports something, before @avoid
 * @event: optional; enum xtcp_cong_event
 * @state: optional; recovery moves to @state, c->state is still the old one
 * @info: optional; fill @info, which is zeroed, for TCP_CC_INFO; return: octets of it
 * @undo_cwnd: optional; the loss was none: the cwnd to go on with, by default the larger one
 *
 * All callbacks: socket lock held, softirq or process context, no sleeping.
 */
struct xtcp_cong_ops {
	char name[XTCP_CONG_NAME_MAX];
	struct module *owner;
	struct list_head list;
	u32 flags;
	void (*init)(struct xtcp_cong *c);
	void (*release)(struct xtcp_cong *c);
	u32 (*ssthresh)(struct xtcp_cong *c, u32 inflight);
	void (*avoid)(struct xtcp_cong *c, const struct xtcp_cong_ack *ack);
	void (*control)(struct xtcp_cong *c, const struct xtcp_cong_ack *ack);
	void (*acked)(struct xtcp_cong *c, const struct xtcp_cong_ack *ack);
	void (*event)(struct xtcp_cong *c, enum xtcp_cong_event ev);
	void (*state)(struct xtcp_cong *c, enum xtcp_ca_state state);
	u32 (*undo_cwnd)(struct xtcp_cong *c, u32 prior_cwnd);
	size_t (*info)(const struct xtcp_cong *c, union tcp_cc_info *info);
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
 * @srtt_us: smoothed round-trip time, 0 if there was no sample yet; kept up to date by the owner
 * @pacing_rate: octets a second, 0: XTCP derives it from cwnd and srtt_us
 * @state: enum xtcp_ca_state, where loss recovery stands: xtcp_recovery_set_state() moves it
 * @ecn: our data may be marked, set when the connection is established
 * @ce: the peer's newest data was marked
 * @burst_segs: full segments that may leave at once however low the rate is
 * @drained: the algorithm keeps less on its way than the path takes: what it delivers
 *	     meanwhile is no measure of its rate
 * @sndbuf_cwnds: windows of data that the send buffer should hold
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
	u32 srtt_us;
	u64 pacing_rate;
	u8 state;
	bool ecn;
	bool ce;
	u8 burst_segs;
	u8 sndbuf_cwnds;
	bool drained;
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

/* What an earlier connection of the socket left is void; the algorithm stays. */
void xtcp_cong_forget(struct xtcp_cong *c);

/* The connection is established: initial window, no threshold, no clamp. ops must be assigned. */
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

/* Tell the algorithm, if it wants to know. */
static inline void xtcp_cong_event(struct xtcp_cong *c, enum xtcp_cong_event ev)
{
	if (c->ops->event)
		c->ops->event(c, ev);
}

/* Give the algorithm back. Idempotent. */
void xtcp_cong_release(struct xtcp_cong *c);

/*
 * True if @name is registered. If not, and the caller may administer the network, its module
 * xtcp_@name is asked for first. Context: process, no lock.
 */
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

/* dctcp.c */
extern struct xtcp_cong_ops xtcp_dctcp;

#endif /* _XTCP_CONG_H */
