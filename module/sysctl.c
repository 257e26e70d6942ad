// SPDX-License-Identifier: GPL-2.0
/*
 * The knobs net.xtcp.*: one table of names, ranges and defaults, one copy of the
 * values for each network namespace.
 *
 * A new namespace starts with the defaults, not with its parent's values: what an
 * administrator tuned for the host says nothing about a container. Every write is
 * checked as a whole before anything changes, so a refused one leaves no trace.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/sysctl.h>
#include <net/net_namespace.h>

#include "compat/compat.h"
#include "cong.h"
#include "family.h"
#include "sysctl.h"

#define XTCP_SYSCTL_PATH	"net/xtcp"

/* The smallest socket buffer that still takes one full segment of an Ethernet. */
#define XTCP_SYSCTL_BUF_MIN	4096

/* Room for the names of every algorithm there may be. */
#define XTCP_SYSCTL_NAMES_MAX	(XTCP_CONG_NAME_MAX * 32)

long xtcp_sysctl_mem[3] __read_mostly;
int xtcp_sysctl_floor_rmem __read_mostly;
int xtcp_sysctl_floor_wmem __read_mostly;

/*
 * Serialises what consists of several words, so that two writers cannot leave a
 * mixture in which the minimum is above the maximum. Process context.
 */
static DEFINE_MUTEX(xtcp_sysctl_mutex);

/* Guards every namespace's congestion_control. Any context, BH off; innermost. */
static DEFINE_SPINLOCK(xtcp_sysctl_cong_lock);

enum xtcp_knob_unit {
	XTCP_KNOB_PLAIN,	/* shown as it is kept */
	XTCP_KNOB_SECONDS,	/* shown in seconds, kept in jiffies */
	XTCP_KNOB_MSECS,	/* shown in milliseconds, kept in jiffies */
};

/**
 * struct xtcp_knob - one number of struct xtcp_sysctl
 * @name: below net.xtcp
 * @offset: of its int in struct xtcp_sysctl
 * @unit: what @min, @max and @def count, and what the user sees
 * @min: smallest value accepted
 * @max: largest value accepted
 * @def: value of a new namespace
 */
struct xtcp_knob {
	const char *name;
	unsigned int offset;
	enum xtcp_knob_unit unit;
	int min;
	int max;
	int def;
};

#define XTCP_KNOB(field, unit_, min_, max_, def_) {			\
	.name	= #field,						\
	.offset	= offsetof(struct xtcp_sysctl, field),			\
	.unit	= XTCP_KNOB_##unit_,					\
	.min	= (min_),						\
	.max	= (max_),						\
	.def	= (def_),						\
}

static const struct xtcp_knob xtcp_knobs[] = {
	XTCP_KNOB(msl,			PLAIN,	1, 600000, 30000),
	XTCP_KNOB(syn_retries,		PLAIN,	1, 127, 7),
	XTCP_KNOB(synack_retries,	PLAIN,	0, 255, 5),
	XTCP_KNOB(retries1,		PLAIN,	1, 255, 3),
	XTCP_KNOB(retries2,		PLAIN,	1, 255, 15),
	XTCP_KNOB(orphan_retries,	PLAIN,	0, 255, 0),
	XTCP_KNOB(fin_timeout,		SECONDS, 1, 3600, 60),
	XTCP_KNOB(keepalive_time,	SECONDS, 1, 32767, 7200),
	XTCP_KNOB(keepalive_intvl,	SECONDS, 1, 32767, 75),
	XTCP_KNOB(keepalive_probes,	PLAIN,	1, 127, 9),
	XTCP_KNOB(max_syn_backlog,	PLAIN,	1, INT_MAX / 2, 1024),
	XTCP_KNOB(max_tw_buckets,	PLAIN,	0, INT_MAX, 262144),
	XTCP_KNOB(max_orphans,		PLAIN,	0, INT_MAX, 65536),
	XTCP_KNOB(abort_on_overflow,	PLAIN,	0, 1, 0),
	XTCP_KNOB(rfc1337,		PLAIN,	0, 1, 1),
	XTCP_KNOB(window_scaling,	PLAIN,	0, 1, 1),
	XTCP_KNOB(min_snd_mss,		PLAIN,	48, 65495, 48),
	XTCP_KNOB(mtu_probing,		PLAIN,	0, 2, 0),
	XTCP_KNOB(base_mss,		PLAIN,	48, 65495, 1024),
	XTCP_KNOB(mtu_probe_floor,	PLAIN,	48, 65495, 48),
	XTCP_KNOB(probe_interval,	SECONDS, 0, 32767, 600),
	XTCP_KNOB(probe_threshold,	PLAIN,	0, 65535, 8),
	XTCP_KNOB(stdurg,		PLAIN,	0, 1, 0),
	XTCP_KNOB(challenge_ack_limit,	PLAIN,	0, INT_MAX, 1000),
	XTCP_KNOB(invalid_ratelimit,	MSECS,	0, INT_MAX, 500),
	XTCP_KNOB(timestamps,		PLAIN,	0, 2, 1),
	XTCP_KNOB(sack,			PLAIN,	0, 1, 1),
	XTCP_KNOB(dsack,		PLAIN,	0, 1, 1),
	XTCP_KNOB(ecn,			PLAIN,	0, 2, 2),
	XTCP_KNOB(ecn_fallback,		PLAIN,	0, 1, 1),
	XTCP_KNOB(early_retrans,	PLAIN,	0, 4, 3),
	XTCP_KNOB(autocorking,		PLAIN,	0, 1, 1),
	XTCP_KNOB(limit_output_bytes,	PLAIN,	0, INT_MAX, 1048576),
	XTCP_KNOB(slow_start_after_idle, PLAIN,	0, 1, 1),
	XTCP_KNOB(pacing,		PLAIN,	0, 1, 1),
	XTCP_KNOB(pacing_ss_ratio,	PLAIN,	0, 1000, 200),
	XTCP_KNOB(pacing_ca_ratio,	PLAIN,	0, 1000, 120),
	XTCP_KNOB(early_demux,		PLAIN,	0, 1, 1),
	XTCP_KNOB(moderate_rcvbuf,	PLAIN,	0, 1, 1),
};

/* Beside the numbers: rmem, wmem, mem and the two about congestion control. */
#define XTCP_SYSCTL_EXTRA	5
#define XTCP_SYSCTL_ENTRIES	(ARRAY_SIZE(xtcp_knobs) + XTCP_SYSCTL_EXTRA)

static int xtcp_knob_keep(enum xtcp_knob_unit unit, int shown)
{
	switch (unit) {
	case XTCP_KNOB_SECONDS:
		return shown * HZ;
	case XTCP_KNOB_MSECS:
		return min_t(unsigned long, msecs_to_jiffies(shown), INT_MAX);
	default:
		return shown;
	}
}

static int xtcp_knob_show(enum xtcp_knob_unit unit, int kept)
{
	switch (unit) {
	case XTCP_KNOB_SECONDS:
		return kept / HZ;
	case XTCP_KNOB_MSECS:
		return min_t(unsigned int, jiffies_to_msecs(kept), INT_MAX);
	default:
		return kept;
	}
}

/* One number in a unit of @unit; the range is in the entry's extra1 and extra2. */
static int xtcp_sysctl_number(xtcp_ctl_table *ctl, int write, void *buffer,
			      size_t *lenp, loff_t *ppos, enum xtcp_knob_unit unit)
{
	int kept = READ_ONCE(*(int *)ctl->data);
	int shown = xtcp_knob_show(unit, kept);
	struct ctl_table tmp = *ctl;
	int err;

	tmp.data = &shown;
	err = proc_dointvec_minmax(&tmp, write, buffer, lenp, ppos);
	/* What reads back the same is the same: no rounding by a write of nothing. */
	if (write && !err && shown != xtcp_knob_show(unit, kept))
		WRITE_ONCE(*(int *)ctl->data, xtcp_knob_keep(unit, shown));
	return err;
}

static int xtcp_sysctl_plain(xtcp_ctl_table *ctl, int write, void *buffer,
			     size_t *lenp, loff_t *ppos)
{
	return xtcp_sysctl_number(ctl, write, buffer, lenp, ppos, XTCP_KNOB_PLAIN);
}

static int xtcp_sysctl_seconds(xtcp_ctl_table *ctl, int write, void *buffer,
			       size_t *lenp, loff_t *ppos)
{
	return xtcp_sysctl_number(ctl, write, buffer, lenp, ppos, XTCP_KNOB_SECONDS);
}

static int xtcp_sysctl_msecs(xtcp_ctl_table *ctl, int write, void *buffer,
			     size_t *lenp, loff_t *ppos)
{
	return xtcp_sysctl_number(ctl, write, buffer, lenp, ppos, XTCP_KNOB_MSECS);
}

static proc_handler *const xtcp_knob_handler[] = {
	[XTCP_KNOB_PLAIN]	= xtcp_sysctl_plain,
	[XTCP_KNOB_SECONDS]	= xtcp_sysctl_seconds,
	[XTCP_KNOB_MSECS]	= xtcp_sysctl_msecs,
};

/* rmem and wmem: three ints that must stand in order. */
static int xtcp_sysctl_buffers(xtcp_ctl_table *ctl, int write, void *buffer,
			       size_t *lenp, loff_t *ppos)
{
	static const int smallest = XTCP_SYSCTL_BUF_MIN, largest = INT_MAX;
	struct ctl_table tmp = *ctl;
	int *kept = ctl->data, *floor = ctl->extra1;
	int val[3], i, err;

	mutex_lock(&xtcp_sysctl_mutex);
	for (i = 0; i < 3; i++)
		val[i] = READ_ONCE(kept[i]);
	tmp.data = val;
	tmp.extra1 = (void *)&smallest;
	tmp.extra2 = (void *)&largest;
	err = proc_dointvec_minmax(&tmp, write, buffer, lenp, ppos);
	if (write && !err) {
		if (val[0] > val[1] || val[1] > val[2])
			err = -EINVAL;
		else
			for (i = 0; i < 3; i++)
				WRITE_ONCE(kept[i], val[i]);
	}
	if (floor)
		WRITE_ONCE(*floor, kept[0]);
	mutex_unlock(&xtcp_sysctl_mutex);
	return err;
}

/* mem: three longs in order, the same for the whole machine. */
static int xtcp_sysctl_memory(xtcp_ctl_table *ctl, int write, void *buffer,
			      size_t *lenp, loff_t *ppos)
{
	static const unsigned long smallest, largest = LONG_MAX;
	struct ctl_table tmp = *ctl;
	unsigned long val[3];
	int i, err;

	/* The handler of longs passes over negative numbers in silence. */
	if (write && memchr(buffer, '-', *lenp))
		return -EINVAL;

	mutex_lock(&xtcp_sysctl_mutex);
	for (i = 0; i < 3; i++)
		val[i] = READ_ONCE(xtcp_sysctl_mem[i]);
	tmp.data = val;
	tmp.extra1 = (void *)&smallest;
	tmp.extra2 = (void *)&largest;
	err = proc_doulongvec_minmax(&tmp, write, buffer, lenp, ppos);
	if (write && !err) {
		if (val[0] > val[1] || val[1] > val[2])
			err = -EINVAL;
		else
			for (i = 0; i < 3; i++)
				WRITE_ONCE(xtcp_sysctl_mem[i], val[i]);
	}
	mutex_unlock(&xtcp_sysctl_mutex);
	return err;
}

void xtcp_sysctl_cong_name(struct xtcp_net *xn, char name[XTCP_CONG_NAME_MAX])
{
	const struct xtcp_sysctl *sysctl = &xn->sysctl;

	spin_lock_bh(&xtcp_sysctl_cong_lock);
	strscpy(name, sysctl->congestion_control, XTCP_CONG_NAME_MAX);
	spin_unlock_bh(&xtcp_sysctl_cong_lock);
}

/* The default algorithm of new sockets; ENOENT for a name that nobody registered. */
static int xtcp_sysctl_cong(xtcp_ctl_table *ctl, int write, void *buffer,
			    size_t *lenp, loff_t *ppos)
{
	struct xtcp_net *xn = ctl->data;
	struct xtcp_sysctl *sysctl = &xn->sysctl;
	struct ctl_table tmp = *ctl;
	char name[XTCP_CONG_NAME_MAX];
	int err;

	xtcp_sysctl_cong_name(xn, name);
	tmp.data = name;
	tmp.maxlen = sizeof(name);
	err = proc_dostring(&tmp, write, buffer, lenp, ppos);
	if (!write || err)
		return err;
	if (!xtcp_cong_known(name))
		return -ENOENT;
	spin_lock_bh(&xtcp_sysctl_cong_lock);
	strscpy(sysctl->congestion_control, name, XTCP_CONG_NAME_MAX);
	spin_unlock_bh(&xtcp_sysctl_cong_lock);
	return 0;
}

static int xtcp_sysctl_cong_available(xtcp_ctl_table *ctl, int write, void *buffer,
				      size_t *lenp, loff_t *ppos)
{
	struct ctl_table tmp = *ctl;
	int err;

	tmp.data = kzalloc(XTCP_SYSCTL_NAMES_MAX, GFP_KERNEL);
	if (!tmp.data)
		return -ENOMEM;
	tmp.maxlen = XTCP_SYSCTL_NAMES_MAX;
	xtcp_cong_names(tmp.data, XTCP_SYSCTL_NAMES_MAX);
	err = proc_dostring(&tmp, write, buffer, lenp, ppos);
	kfree(tmp.data);
	return err;
}

static void xtcp_sysctl_defaults(struct xtcp_sysctl *sysctl)
{
	static const int rmem[3] = { XTCP_SYSCTL_BUF_MIN, 131072, 6291456 };
	static const int wmem[3] = { XTCP_SYSCTL_BUF_MIN, 16384, 4194304 };
	unsigned int i;

	BUILD_BUG_ON(sizeof(sysctl->congestion_control) != XTCP_CONG_NAME_MAX);

	for (i = 0; i < ARRAY_SIZE(xtcp_knobs); i++) {
		const struct xtcp_knob *knob = &xtcp_knobs[i];

		*(int *)((char *)sysctl + knob->offset) = xtcp_knob_keep(knob->unit, knob->def);
	}
	memcpy(sysctl->rmem, rmem, sizeof(rmem));
	memcpy(sysctl->wmem, wmem, sizeof(wmem));
	strscpy(sysctl->congestion_control, "cubic", XTCP_CONG_NAME_MAX);
}

/* Fill @table, XTCP_SYSCTL_ENTRIES long, for @xn. */
static void xtcp_sysctl_fill(struct ctl_table *table, struct xtcp_net *xn)
{
	struct xtcp_sysctl *sysctl = &xn->sysctl;
	bool initial = net_eq(xn->net, &init_net);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(xtcp_knobs); i++, table++) {
		const struct xtcp_knob *knob = &xtcp_knobs[i];

		table->procname = knob->name;
		table->data = (char *)sysctl + knob->offset;
		table->maxlen = sizeof(int);
		table->mode = 0644;
		table->proc_handler = xtcp_knob_handler[knob->unit];
		table->extra1 = (void *)&knob->min;
		table->extra2 = (void *)&knob->max;
	}

	/* The floors are the machine's, as mem is: its owner sets them. */
	*table++ = (struct ctl_table) {
		.procname	= "rmem",
		.extra1		= initial ? &xtcp_sysctl_floor_rmem : NULL,
		.data		= sysctl->rmem,
		.maxlen		= sizeof(sysctl->rmem),
		.mode		= 0644,
		.proc_handler	= xtcp_sysctl_buffers,
	};
	*table++ = (struct ctl_table) {
		.procname	= "wmem",
		.extra1		= initial ? &xtcp_sysctl_floor_wmem : NULL,
		.data		= sysctl->wmem,
		.maxlen		= sizeof(sysctl->wmem),
		.mode		= 0644,
		.proc_handler	= xtcp_sysctl_buffers,
	};
	*table++ = (struct ctl_table) {
		.procname	= "mem",
		.data		= xtcp_sysctl_mem,
		.maxlen		= sizeof(xtcp_sysctl_mem),
		/* The machine's memory is not for a container's root to give away. */
		.mode		= initial ? 0644 : 0444,
		.proc_handler	= xtcp_sysctl_memory,
	};
	*table++ = (struct ctl_table) {
		.procname	= "congestion_control",
		.data		= xn,
		.maxlen		= XTCP_CONG_NAME_MAX,
		.mode		= 0644,
		.proc_handler	= xtcp_sysctl_cong,
	};
	*table++ = (struct ctl_table) {
		.procname	= "available_congestion_control",
		.maxlen		= XTCP_SYSCTL_NAMES_MAX,
		.mode		= 0444,
		.proc_handler	= xtcp_sysctl_cong_available,
	};
}

int xtcp_sysctl_init(struct xtcp_net *xn)
{
	struct ctl_table *table;

	xtcp_sysctl_defaults(&xn->sysctl);
	if (!IS_ENABLED(CONFIG_SYSCTL))
		return 0;

	/* One more, zeroed, ends the table where the kernel needs an end. */
	table = kcalloc(XTCP_SYSCTL_ENTRIES + 1, sizeof(*table), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	xtcp_sysctl_fill(table, xn);
	xn->sysctl_header = xtcp_register_net_sysctl(xn->net, XTCP_SYSCTL_PATH, table,
						     XTCP_SYSCTL_ENTRIES);
	if (!xn->sysctl_header) {
		kfree(table);
		return -ENOMEM;
	}
	return 0;
}

void xtcp_sysctl_exit(struct xtcp_net *xn)
{
	const struct ctl_table *table;

	if (!xn->sysctl_header)
		return;
	table = xn->sysctl_header->ctl_table_arg;
	/* Waits for handlers that run; none can start after it. */
	unregister_net_sysctl_table(xn->sysctl_header);
	xn->sysctl_header = NULL;
	kfree(table);
}

void xtcp_sysctl_mem_init(void)
{
	/* Pressure at a sixteenth of memory, never so small that nothing works. */
	unsigned long pressure = max(nr_free_buffer_pages() / 16, 128UL);

	xtcp_sysctl_mem[0] = pressure / 4 * 3;
	xtcp_sysctl_mem[1] = pressure;
	xtcp_sysctl_mem[2] = xtcp_sysctl_mem[0] * 2;
	xtcp_sysctl_floor_rmem = XTCP_SYSCTL_BUF_MIN;
	xtcp_sysctl_floor_wmem = XTCP_SYSCTL_BUF_MIN;
}
