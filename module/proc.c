// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/net/xtcp and xtcp6 in the columns of /proc/net/tcp and tcp6, and xtcp_stat.
 *
 * A file is walked in two parts: first the listeners, port by port, then the connection
 * table with its sockets, requests and TIME-WAIT minisocks. A socket that is only bound
 * is in neither: TCP does not list it. Lines are written inside RCU, which
 * everything shown outlives, and without a lock: what is shown is a collection of
 * moments, as in /proc/net/tcp. The place in the walk survives from one read() to the
 * next, so a file of a hundred thousand lines takes linear time. When the connection
 * table is resized in between, the walk goes through the new table from its start: a
 * line may appear twice, none that stays is missing.
 */
#include <linux/jiffies.h>
#include <linux/proc_fs.h>
#include <linux/rhashtable.h>
#include <linux/seq_file.h>
#include <linux/xarray.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/tcp_states.h>

#include "compat/compat.h"
#include "cong.h"
#include "family.h"
#include "lookup.h"
#include "mib.h"
#include "output.h"
#include "ports.h"
#include "proc.h"
#include "request.h"
#include "rtt.h"
#include "socket.h"
#include "timer.h"
#include "timewait.h"
#include "xtcp_sock.h"

#define XTCP_PROC_WIDTH4	149	/* of a line of /proc/net/tcp, without its end */

/* Column "tr": what "tm->when" is the time of. */
enum xtcp_proc_timer {
	XTCP_PROC_TIMER_NONE = 0,
	XTCP_PROC_TIMER_RETRANS = 1,
	XTCP_PROC_TIMER_KEEPALIVE = 2,	/* or an orphan's FIN-WAIT-2 */
	XTCP_PROC_TIMER_TIMEWAIT = 3,
	XTCP_PROC_TIMER_PROBE = 4,
};

enum xtcp_proc_part {
	XTCP_PROC_LISTENERS,
	XTCP_PROC_CONNS,
	XTCP_PROC_END,
};

/**
 * struct xtcp_proc_iter - one open file's place in the walk
 * @xn: the namespace whose file it is
 * @family: AF_INET or AF_INET6
 * @part: enum xtcp_proc_part
 * @port: LISTENERS: number of the port at which the walk is
 * @skip: LISTENERS: entries of its list that are behind us
 * @conns: CONNS: place in the connection table
 */
struct xtcp_proc_iter {
	struct xtcp_net *xn;
	u8 family;
	u8 part;
	unsigned long port;
	unsigned int skip;
	struct rhashtable_iter conns;
};

static struct sock *xtcp_proc_sk(const struct xtcp_node *node)
{
	return (struct sock *)container_of(node, struct xtcp_sock, node);
}

/* LISTENERS: the one at the place or the first behind it; NULL if @port has no more. */
static struct xtcp_node *xtcp_proc_port_listener(struct xtcp_proc_iter *it,
						 struct xtcp_port *port)
{
	unsigned int pos = 0;
	struct xtcp_sock *xs;

	hlist_for_each_entry_rcu(xs, &port->listeners, listed.port_link) {
		if (pos++ < it->skip)
			continue;
		it->skip = pos - 1;
		if (xtcp_to_sk(xs)->sk_family == it->family)
			return &xs->node;
	}
	return NULL;
}

/* LISTENERS: the one at the place or the first behind it; NULL at the end. */
static struct xtcp_node *xtcp_proc_listener(struct xtcp_proc_iter *it)
{
	struct xtcp_node *node;
	struct xtcp_port *port;
	unsigned long num = it->port;

	while ((port = xa_find(&it->xn->ports, &num, U16_MAX, XA_PRESENT))) {
		if (num != it->port) {
			it->port = num;
			it->skip = 0;
		}
		node = xtcp_proc_port_listener(it, port);
		if (node)
			return node;
		num++;
	}
	return NULL;
}

static int xtcp_proc_family(const struct xtcp_node *node)
{
	switch (node->kind) {
	case XTCP_NODE_SOCK:
		return xtcp_proc_sk(node)->sk_family;
	case XTCP_NODE_REQUEST:
		return container_of(node, struct xtcp_request, node)->listener->sk_family;
	default:
		return container_of(node, struct xtcp_timewait, node)->family;
	}
}

/* CONNS: from @node on, the first that belongs into this file; NULL at the end. */
static struct xtcp_node *xtcp_proc_conn_node(struct xtcp_proc_iter *it,
					     struct xtcp_node *node)
{
	/* An error only says that the table was resized and the walk begins anew. */
	while (node && (IS_ERR(node) || xtcp_proc_family(node) != it->family))
		node = rhashtable_walk_next(&it->conns);
	if (!node)
		it->part = XTCP_PROC_END;
	return node;
}

/* What is at the place, going on to the connections behind the last listener. */
static struct xtcp_node *xtcp_proc_here(struct xtcp_proc_iter *it)
{
	struct xtcp_node *node;

	switch (it->part) {
	case XTCP_PROC_LISTENERS:
		node = xtcp_proc_listener(it);
		if (node)
			return node;
		it->part = XTCP_PROC_CONNS;
		fallthrough;
	case XTCP_PROC_CONNS:
		return xtcp_proc_conn_node(it, rhashtable_walk_peek(&it->conns));
	default:
		return NULL;
	}
}

static void *xtcp_proc_start(struct seq_file *seq, loff_t *pos)
	__acquires(RCU)
{
	struct xtcp_proc_iter *it = seq->private;

	if (!*pos) {
		rhashtable_walk_exit(&it->conns);
		rhashtable_walk_enter(&it->xn->conns, &it->conns);
		it->part = XTCP_PROC_LISTENERS;
		it->port = 0;
		it->skip = 0;
	}
	/* This enters RCU, which the first part needs too. */
	rhashtable_walk_start(&it->conns);
	return *pos ? (void *)xtcp_proc_here(it) : SEQ_START_TOKEN;
}

static void *xtcp_proc_next(struct seq_file *seq, void *v, loff_t *pos)
{
	struct xtcp_proc_iter *it = seq->private;

	++*pos;
	if (v == SEQ_START_TOKEN)
		return xtcp_proc_here(it);
	if (it->part == XTCP_PROC_LISTENERS) {
		it->skip++;
		return xtcp_proc_here(it);
	}
	return xtcp_proc_conn_node(it, rhashtable_walk_next(&it->conns));
}

static void xtcp_proc_stop(struct seq_file *seq, void *v)
	__releases(RCU)
{
	struct xtcp_proc_iter *it = seq->private;

	rhashtable_walk_stop(&it->conns);
}

/**
 * struct xtcp_proc_line - the columns that every kind of entry has
 * @laddr: local address
 * @raddr: remote address, any if there is none
 * @lport: local port
 * @rport: remote port
 * @state: TCP_ESTABLISHED and so on
 * @timer: enum xtcp_proc_timer
 * @when: jiffies until it expires
 * @tx: octets queued and not acknowledged
 * @rx: octets not read; a listener's children not accepted
 * @retrans: expiries without progress
 * @uid: owner
 * @probes: unanswered window or keepalive probes
 * @ino: inode of the socket
 * @ref: reference count
 * @who: the object, shown hashed
 */
struct xtcp_proc_line {
	const struct in6_addr *laddr;
	const struct in6_addr *raddr;
	__be16 lport;
	__be16 rport;
	int state;
	enum xtcp_proc_timer timer;
	long when;
	u32 tx;
	u32 rx;
	unsigned int retrans;
	kuid_t uid;
	unsigned int probes;
	unsigned long ino;
	int ref;
	const void *who;
};

/*
 * A word that is shown and nothing else: who holds the socket's lock may write it at this
 * moment, and a number that is old or new or never was does no harm.
 */
#define XTCP_SHOWN(word)	data_race(READ_ONCE(word))

static void xtcp_proc_addr(struct seq_file *seq, int family, const struct in6_addr *addr,
			   __be16 port)
{
	const __be32 *w = addr->s6_addr32;

	/* Words as the machine reads them: part of the format since ever. */
	if (family == AF_INET)
		seq_printf(seq, " %08X:%04X", (__force u32)XTCP_SHOWN(w[3]), ntohs(port));
	else
		seq_printf(seq, " %08X%08X%08X%08X:%04X", (__force u32)XTCP_SHOWN(w[0]),
			   (__force u32)XTCP_SHOWN(w[1]), (__force u32)XTCP_SHOWN(w[2]),
			   (__force u32)XTCP_SHOWN(w[3]), ntohs(port));
}

static void xtcp_proc_put_line(struct seq_file *seq, const struct xtcp_proc_line *l)
{
	const struct xtcp_proc_iter *it = seq->private;

	/* The header is line 0 for the walk, the first entry is called 0. */
	seq_printf(seq, "%4lld:", seq->index - 1);
	xtcp_proc_addr(seq, it->family, l->laddr, l->lport);
	xtcp_proc_addr(seq, it->family, l->raddr, l->rport);
	seq_printf(seq, " %02X %08X:%08X %02X:%08llX %08X %5u %8u %lu %d %pK",
		   l->state, l->tx, l->rx, l->timer,
		   (u64)jiffies_to_clock_t(max(l->when, 0L)), l->retrans,
		   from_kuid_munged(seq_user_ns(seq), l->uid), l->probes, l->ino,
		   l->ref, l->who);
}

/* Which deadline comes next, as TCP ranks them: data, window, idleness. */
static void xtcp_proc_sock_timer(const struct xtcp_sock *xs, struct xtcp_proc_line *l)
{
	static const struct {
		enum xtcp_deadline due;
		enum xtcp_proc_timer shown;
	} rank[] = {
		{ XTCP_DUE_RETRANS,	XTCP_PROC_TIMER_RETRANS },
		{ XTCP_DUE_PROBE,	XTCP_PROC_TIMER_PROBE },
		{ XTCP_DUE_FIN_WAIT2,	XTCP_PROC_TIMER_KEEPALIVE },
		{ XTCP_DUE_KEEPALIVE,	XTCP_PROC_TIMER_KEEPALIVE },
	};
	u8 armed = XTCP_SHOWN(xs->timer.armed);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rank); i++) {
		if (!(armed & (1 << rank[i].due)))
			continue;
		l->timer = rank[i].shown;
		l->when = (s32)(XTCP_SHOWN(xs->timer.due[rank[i].due]) - (u32)jiffies);
		return;
	}
}

static void xtcp_proc_show_sock(struct seq_file *seq, const struct xtcp_node *node)
{
	const struct xtcp_sock *xs = container_of(node, struct xtcp_sock, node);
	struct sock *sk = xtcp_proc_sk(node);
	struct xtcp_proc_line l = {
		.laddr		= &node->key.laddr,
		.raddr		= &node->key.raddr,
		.lport		= XTCP_SHOWN(node->key.lport),
		.rport		= XTCP_SHOWN(node->key.rport),
		.state		= inet_sk_state_load(sk),
		.retrans	= XTCP_SHOWN(xs->recovery.retransmits),
		.uid		= xtcp_sk_uid(sk),
		.probes		= XTCP_SHOWN(xs->timer.probes),
		.ino		= sock_i_ino(sk),
		.ref		= refcount_read(&sk->sk_refcnt),
		.who		= sk,
	};
	u32 mss = READ_ONCE(xs->snd.mss) ?: 1;
	u32 ssthresh = XTCP_SHOWN(xs->cong.ssthresh);
	/* Only shown, as the words are. */
	u32 rto = data_race(xtcp_rtt_rto(&xs->rtt));
	int threshold;

	if (l.state == TCP_LISTEN) {
		l.rx = READ_ONCE(sk->sk_ack_backlog);
		/* A threshold of a listener is its fast open queue: none. */
		threshold = 0;
	} else {
		/* A FIN received counts in nxt; racing reads must not show 4 GB. */
		l.rx = max_t(s32, READ_ONCE(xs->rcv.nxt) - READ_ONCE(xs->rcv.copied), 0);
		l.tx = xtcp_output_queued(xs, false);
		threshold = ssthresh >= XTCP_SSTHRESH_INF ? -1 : (int)(ssthresh / mss);
	}
	xtcp_proc_sock_timer(xs, &l);
	xtcp_proc_put_line(seq, &l);
	seq_printf(seq, " %llu %llu %u %u %d",
		   (u64)jiffies_to_clock_t(usecs_to_jiffies(rto)),
		   (u64)jiffies_to_clock_t(XTCP_SHOWN(xs->rcv.ato)),
		   (XTCP_SHOWN(xs->rcv.quick) << 1) | XTCP_SHOWN(xs->rcv.pingpong),
		   XTCP_SHOWN(xs->cong.cwnd) / mss, threshold);
}

static void xtcp_proc_show_request(struct seq_file *seq, const struct xtcp_node *node)
{
	const struct xtcp_request *req = container_of(node, struct xtcp_request, node);
	struct xtcp_proc_line l = {
		.laddr		= &node->key.laddr,
		.raddr		= &node->key.raddr,
		.lport		= node->key.lport,
		.rport		= node->key.rport,
		.state		= TCP_SYN_RECV,
		.timer		= XTCP_PROC_TIMER_RETRANS,
		.when		= XTCP_SHOWN(req->timer.expires) - jiffies,
		.retrans	= XTCP_SHOWN(req->timeouts),
		.uid		= xtcp_sk_uid(req->listener),
		.who		= req,
	};

	xtcp_proc_put_line(seq, &l);
}

static void xtcp_proc_show_timewait(struct seq_file *seq, const struct xtcp_node *node)
{
	const struct xtcp_timewait *tw = container_of(node, struct xtcp_timewait, node);
	struct xtcp_proc_line l = {
		.laddr		= &node->key.laddr,
		.raddr		= &node->key.raddr,
		.lport		= node->key.lport,
		.rport		= node->key.rport,
		.state		= TCP_TIME_WAIT,
		.timer		= XTCP_PROC_TIMER_TIMEWAIT,
		.when		= XTCP_SHOWN(tw->timer.expires) - jiffies,
		.uid		= tw->uid,
		.ref		= refcount_read(&tw->ref),
		.who		= tw,
	};

	xtcp_proc_put_line(seq, &l);
}

static int xtcp_proc_show(struct seq_file *seq, void *v)
{
	const struct xtcp_proc_iter *it = seq->private;
	const struct xtcp_node *node = v;

	/* tcp pads its lines, tcp6 does not. */
	if (it->family == AF_INET)
		seq_setwidth(seq, XTCP_PROC_WIDTH4);

	if (v == SEQ_START_TOKEN) {
		if (it->family == AF_INET)
			seq_puts(seq, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode");
		else
			seq_puts(seq, "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode");
	} else {
		switch (node->kind) {
		case XTCP_NODE_SOCK:
			xtcp_proc_show_sock(seq, node);
			break;
		case XTCP_NODE_REQUEST:
			xtcp_proc_show_request(seq, node);
			break;
		default:
			xtcp_proc_show_timewait(seq, node);
			break;
		}
	}

	if (it->family == AF_INET)
		seq_pad(seq, '\n');
	else
		seq_putc(seq, '\n');
	return 0;
}

static const struct seq_operations xtcp_proc_seq_ops = {
	.start	= xtcp_proc_start,
	.next	= xtcp_proc_next,
	.stop	= xtcp_proc_stop,
	.show	= xtcp_proc_show,
};

/*
 * An open file holds no reference to its namespace: taking the entry away waits for
 * reads that run, releases the files still open, and lets no other begin.
 */
static int xtcp_proc_open(struct inode *inode, struct file *file, int family)
{
	struct xtcp_proc_iter *it;

	it = __seq_open_private(file, &xtcp_proc_seq_ops, sizeof(*it));
	if (!it)
		return -ENOMEM;
	it->xn = pde_data(inode);
	it->family = family;
	rhashtable_walk_enter(&it->xn->conns, &it->conns);
	return 0;
}

static int xtcp_proc_open4(struct inode *inode, struct file *file)
{
	return xtcp_proc_open(inode, file, AF_INET);
}

static int xtcp_proc_open6(struct inode *inode, struct file *file)
{
	return xtcp_proc_open(inode, file, AF_INET6);
}

static int xtcp_proc_release(struct inode *inode, struct file *file)
{
	struct seq_file *seq = file->private_data;
	struct xtcp_proc_iter *it = seq->private;

	rhashtable_walk_exit(&it->conns);
	return seq_release_private(inode, file);
}

static const struct proc_ops xtcp_proc_ops4 = {
	.proc_open	= xtcp_proc_open4,
	.proc_read	= seq_read,
	.proc_lseek	= seq_lseek,
	.proc_release	= xtcp_proc_release,
};

static const struct proc_ops xtcp_proc_ops6 = {
	.proc_open	= xtcp_proc_open6,
	.proc_read	= seq_read,
	.proc_lseek	= seq_lseek,
	.proc_release	= xtcp_proc_release,
};

static const char *const xtcp_proc_mib_names[XTCP_MIB_MAX] = {
#define XTCP_MIB(item, name)	\
	[XTCP_MIB_##item] = name,
#include "mib_items.h"
#undef XTCP_MIB
};

/* What is alive of something whose creations and destructions are counted. */
static unsigned long xtcp_proc_alive(const struct xtcp_net *xn, enum xtcp_mib_item created,
				     enum xtcp_mib_item destroyed)
{
	/* Destroyed first: read in this order the difference is never negative. */
	unsigned long gone = xtcp_mib_read(xn, destroyed);

	return xtcp_mib_read(xn, created) - gone;
}

static int xtcp_proc_show_stat(struct seq_file *seq, void *v)
{
	const struct xtcp_net *xn = seq->private;
	int i;

	for (i = 0; i < XTCP_MIB_MAX; i++)
		seq_printf(seq, "%s %lu\n", xtcp_proc_mib_names[i], xtcp_mib_read(xn, i));

	/* Gauges: what there is now. */
	seq_printf(seq, "SocketsNow %lu\n",
		   xtcp_proc_alive(xn, XTCP_MIB_SOCKCREATED, XTCP_MIB_SOCKDESTROYED));
	seq_printf(seq, "RequestsNow %lu\n",
		   xtcp_proc_alive(xn, XTCP_MIB_REQCREATED, XTCP_MIB_REQDESTROYED));
	seq_printf(seq, "TimeWaitNow %d\n", atomic_read(&xn->tw_count));
	seq_printf(seq, "TimersNow %lu\n",
		   xtcp_proc_alive(xn, XTCP_MIB_TIMERSTARTED, XTCP_MIB_TIMERENDED));

	/* Of the whole machine, as the bounds max_orphans and mem are. */
	seq_printf(seq, "Orphans %d\n", xtcp_socket_orphans());
	seq_printf(seq, "MemoryPages %ld\n",
		   max(atomic_long_read(xtcp_prot.memory_allocated), 0L));
	return 0;
}

static int xtcp_proc_open_stat(struct inode *inode, struct file *file)
{
	return single_open(file, xtcp_proc_show_stat, pde_data(inode));
}

static const struct proc_ops xtcp_proc_ops_stat = {
	.proc_open	= xtcp_proc_open_stat,
	.proc_read	= seq_read,
	.proc_lseek	= seq_lseek,
	.proc_release	= single_release,
};

static const struct {
	const char *name;
	const struct proc_ops *ops;
} xtcp_proc_files[] = {
	{ "xtcp",	&xtcp_proc_ops4 },
	{ "xtcp6",	&xtcp_proc_ops6 },
	{ "xtcp_stat",	&xtcp_proc_ops_stat },
};

int xtcp_proc_init(struct xtcp_net *xn)
{
	unsigned int i;

	if (!IS_ENABLED(CONFIG_PROC_FS))
		return 0;
	for (i = 0; i < ARRAY_SIZE(xtcp_proc_files); i++) {
		if (!proc_create_data(xtcp_proc_files[i].name, 0444, xn->net->proc_net,
				      xtcp_proc_files[i].ops, xn))
			goto undo;
	}
	return 0;
undo:
	while (i--)
		remove_proc_entry(xtcp_proc_files[i].name, xn->net->proc_net);
	return -ENOMEM;
}

void xtcp_proc_exit(struct xtcp_net *xn)
{
	unsigned int i;

	if (!IS_ENABLED(CONFIG_PROC_FS))
		return;
	for (i = ARRAY_SIZE(xtcp_proc_files); i--;)
		remove_proc_entry(xtcp_proc_files[i].name, xn->net->proc_net);
}
