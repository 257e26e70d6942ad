// SPDX-License-Identifier: GPL-2.0
/* Congestion control: the registry of algorithms and what all of them share. */
#include <linux/capability.h>
#include <linux/ctype.h>
#include <linux/kmod.h>
#include <linux/minmax.h>
#include <linux/rculist.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include "cong.h"

/* What an algorithm that says nothing else gets. */
#define XTCP_BURST_SEGS		2
#define XTCP_SNDBUF_CWNDS	2

/*
 * Readers walk the list under RCU and keep what they find by a reference to its
 * module; writers are serialised by the lock. xtcp_cong_unregister() waits for
 * the readers, so an algorithm's module may free its ops afterwards.
 */
static LIST_HEAD(cong_list);
static DEFINE_SPINLOCK(cong_lock);

/* Context: RCU read side, or cong_lock held. */
static struct xtcp_cong_ops *cong_find(const char *name)
{
	struct xtcp_cong_ops *ops;

	list_for_each_entry_rcu(ops, &cong_list, list, lockdep_is_held(&cong_lock)) {
		if (!strcmp(ops->name, name))
			return ops;
	}
	return NULL;
}

/* A name must survive the space-separated list and the sysctl that reads it back. */
static bool cong_name_valid(const char *name)
{
	size_t i, len = strnlen(name, XTCP_CONG_NAME_MAX);

	if (!len || len == XTCP_CONG_NAME_MAX)
		return false;
	for (i = 0; i < len; i++) {
		if (!isgraph(name[i]))
			return false;
	}
	return true;
}

int xtcp_cong_register(struct xtcp_cong_ops *ops)
{
	int err = 0;

	if (!cong_name_valid(ops->name) || !ops->ssthresh || (!ops->avoid && !ops->control))
		return -EINVAL;
	spin_lock(&cong_lock);
	if (cong_find(ops->name))
		err = -EEXIST;
	else
		list_add_tail_rcu(&ops->list, &cong_list);
	spin_unlock(&cong_lock);
	return err;
}
EXPORT_SYMBOL_GPL(xtcp_cong_register);

void xtcp_cong_unregister(struct xtcp_cong_ops *ops)
{
	spin_lock(&cong_lock);
	list_del_rcu(&ops->list);
	spin_unlock(&cong_lock);
	synchronize_rcu();
}
EXPORT_SYMBOL_GPL(xtcp_cong_unregister);

static bool cong_is_there(const char *name)
{
	bool known;

	rcu_read_lock();
	known = cong_find(name);
	rcu_read_unlock();
	return known;
}

bool xtcp_cong_known(const char *name)
{
	if (cong_is_there(name))
		return true;
	/* In the initial namespace, as for TCP: loading a module concerns the whole machine. */
	if (!cong_name_valid(name) || !capable(CAP_NET_ADMIN))
		return false;
	request_module("xtcp_%s", name);
	return cong_is_there(name);
}

void xtcp_cong_names(char *buf, size_t size)
{
	const struct xtcp_cong_ops *ops;
	size_t at = 0;

	if (!size)
		return;
	*buf = '\0';
	rcu_read_lock();
	list_for_each_entry_rcu(ops, &cong_list, list)
		at += scnprintf(buf + at, size - at, "%s%s", at ? " " : "", ops->name);
	rcu_read_unlock();
}

/* Return: the algorithm @name with its module held, or NULL. */
static const struct xtcp_cong_ops *cong_get(const char *name)
{
	const struct xtcp_cong_ops *ops;

	if (!name)
		return &xtcp_reno;
	rcu_read_lock();
	ops = cong_find(name);
	if (ops && !try_module_get(ops->owner))
		ops = NULL;
	rcu_read_unlock();
	return ops;
}

/* @c owns a reference to @ops' module from here on. */
static void cong_adopt(struct xtcp_cong *c, const struct xtcp_cong_ops *ops)
{
	c->ops = ops;
	c->bytes_acked = 0;
	c->pacing_rate = 0;
	c->burst_segs = XTCP_BURST_SEGS;
	c->sndbuf_cwnds = XTCP_SNDBUF_CWNDS;
	c->drained = false;
	memset(c->priv, 0, sizeof(c->priv));
	if (ops->init)
		ops->init(c);
}

int xtcp_cong_assign(struct xtcp_cong *c, const char *name)
{
	const struct xtcp_cong_ops *ops = cong_get(name);

	if (!ops)
		return -ENOENT;
	if (ops == c->ops) {
		/* What it has learned stays; one reference is enough. */
		module_put(ops->owner);
		return 0;
	}
	xtcp_cong_release(c);
	cong_adopt(c, ops);
	return 0;
}

void xtcp_cong_inherit(struct xtcp_cong *child)
{
	const struct xtcp_cong_ops *ops = child->ops;

	/* The listener's reference keeps ops alive here; its module may be on its way out. */
	if (!ops || !try_module_get(ops->owner))
		ops = &xtcp_reno;
	cong_adopt(child, ops);
}

void xtcp_cong_release(struct xtcp_cong *c)
{
	const struct xtcp_cong_ops *ops = c->ops;

	if (!ops)
		return;
	if (ops->release)
		ops->release(c);
	c->ops = NULL;
	module_put(ops->owner);
}

u32 xtcp_cong_initial_window(u32 mss)
{
	return XTCP_INIT_CWND_SEGS * mss;
}
EXPORT_SYMBOL_GPL(xtcp_cong_initial_window);

void xtcp_cong_forget(struct xtcp_cong *c)
{
	c->cwnd = 0;
	c->srtt_us = 0;
	c->state = XTCP_CA_OPEN;
	c->ecn = false;
	c->ce = false;
	if (!c->ops)
		return;
	if (c->ops->release)
		c->ops->release(c);
	cong_adopt(c, c->ops);
}

void xtcp_cong_start(struct xtcp_cong *c, u32 mss)
{
	c->mss = mss;
	c->cwnd = xtcp_cong_initial_window(mss);
	c->ssthresh = XTCP_SSTHRESH_INF;
	c->cwnd_clamp = XTCP_SSTHRESH_INF;
	c->bytes_acked = 0;
	xtcp_cong_event(c, XTCP_CONG_START);
}

u32 xtcp_cong_slow_start(struct xtcp_cong *c, u32 acked)
{
	u32 grow = 0;

	if (xtcp_cong_in_slow_start(c))
		grow = min(acked, c->ssthresh - c->cwnd);
	c->cwnd = min(c->cwnd + grow, c->cwnd_clamp);
	return acked - grow;
}
EXPORT_SYMBOL_GPL(xtcp_cong_slow_start);
