/* SPDX-License-Identifier: GPL-2.0 */
/* The knobs net.xtcp.*, one set per network namespace. */
#ifndef _XTCP_SYSCTL_H
#define _XTCP_SYSCTL_H

#include <linux/types.h>

struct ctl_table_header;
struct xtcp_net;

/**
 * struct xtcp_sysctl - values in force; readers use READ_ONCE()
 *
 * Names are those of net.ipv4.tcp_*. Unit and range stand beside each; a value
 * outside the range is refused with EINVAL. Times that TCP shows in seconds are
 * shown in seconds and kept in jiffies.
 */
struct xtcp_sysctl {
	int msl;			/* ms, 1..600000, default 30000; 2MSL = TIME-WAIT */
	int syn_retries;		/* 1..127, default 7: R2 of a SYN >= 3 min */
	int synack_retries;		/* 0..255, default 5 */
	int retries1;			/* 1..255, default 3 */
	int retries2;			/* 1..255, default 15 */
	int orphan_retries;		/* 0..255, default 0 (which means 8) */
	int fin_timeout;		/* s, 1..3600, default 60; kept in jiffies */
	int keepalive_time;		/* s, 1..32767, default 7200; jiffies */
	int keepalive_intvl;		/* s, 1..32767, default 75; jiffies */
	int keepalive_probes;		/* 1..127, default 9 */
	int max_syn_backlog;		/* 1..INT_MAX/2, default 1024 */
	int max_tw_buckets;		/* 0..INT_MAX, default 262144 */
	int max_orphans;		/* 0..INT_MAX, default 65536 */
	int abort_on_overflow;		/* 0..1, default 0 */
	int rfc1337;			/* 0..1, default 1: RST does not end TIME-WAIT */
	int window_scaling;		/* 0..1, default 1 */
	int min_snd_mss;		/* 48..65495, default 48 */
	int mtu_probing;		/* 0..2, default 0 (RFC 4821): 1 behind a black hole, 2 always */
	int base_mss;			/* 48..65495, default 1024 */
	int mtu_probe_floor;		/* 48..65495, default 48 */
	int probe_interval;		/* s, 0..32767, default 600; jiffies */
	int probe_threshold;		/* 0..65535, default 8 */
	int stdurg;			/* 0..1, default 0: RFC 1122's idea of the pointer */
	int challenge_ack_limit;	/* per second, 0..INT_MAX, default 1000 */
	int invalid_ratelimit;		/* ms, 0..INT_MAX, default 500; jiffies */
	int timestamps;			/* 0..2, default 1: 2 without random offsets (RFC 7323) */
	int sack;			/* 0..1, default 1 (RFC 2018) */
	int dsack;			/* 0..1, default 1 (RFC 2883) */
	int ecn;			/* 0..2, default 2: 1 asks, 2 only agrees (RFC 3168) */
	int ecn_fallback;		/* 0..1, default 1: a SYN sent again asks no more (6.1.1.1) */
	int early_retrans;		/* 0..4, default 3: but for 0, tail loss probes (RFC 8985 7) */
	int autocorking;		/* 0..1, default 1: collect the small writes of a burst */
	int limit_output_bytes;		/* octets, default 1048576: most that waits in devices */
	int slow_start_after_idle;	/* 0..1, default 1 (RFC 2861) */
	int pacing;			/* 0..1, default 1: pace without fq and unasked, too */
	int pacing_ss_ratio;		/* percent of cwnd / srtt, 0..1000, default 200: slow start */
	int pacing_ca_ratio;		/* the same, default 120: congestion avoidance */
	int early_demux;		/* 0..1, default 1: a segment's socket before its route */
	int moderate_rcvbuf;		/* 0..1, default 1: receive buffers grow by themselves */
	int rmem[3];			/* bytes, 4096.., in order: 4096 131072 6291456 */
	int wmem[3];			/* the same: 4096 16384 4194304 */
	char congestion_control[16];	/* a registered name; default "cubic" */
};

int xtcp_sysctl_init(struct xtcp_net *xn);
void xtcp_sysctl_exit(struct xtcp_net *xn);

/*
 * Copy the namespace's default congestion control to @name (XTCP_CONG_NAME_MAX octets).
 * The only way to read it: a write may be changing it octet by octet. Any context.
 */
void xtcp_sysctl_cong_name(struct xtcp_net *xn, char name[16]);

/*
 * net.xtcp.mem: pages, one set for the whole machine (read-only outside the
 * initial namespace, as TCP's). The array is what struct proto.sysctl_mem points to.
 */
extern long xtcp_sysctl_mem[3];

/*
 * What a socket may have under memory pressure, octets: the first numbers of the initial
 * namespace's rmem and wmem. struct proto.sysctl_rmem and sysctl_wmem point to them, for
 * the kernel looks there, and finds a namespace's own only inside struct net.
 */
extern int xtcp_sysctl_floor_rmem;
extern int xtcp_sysctl_floor_wmem;

/* Module start: net.xtcp.mem's defaults from the machine's memory. */
void xtcp_sysctl_mem_init(void);

#endif /* _XTCP_SYSCTL_H */
