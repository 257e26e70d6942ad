// SPDX-License-Identifier: GPL-2.0
/*
 * Counts what each call in xtcp.ko allocates, in any context, and fails chosen ones.
 *
 * failslab knows processes and rates, but not who asks. So the three functions that all
 * memory of XTCP goes through are probed: the innermost return address inside xtcp.ko is
 * the site. Load this before xtcp.ko, whose coming begins a new table.
 */
#include <linux/debugfs.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/stacktrace.h>
#include <linux/uaccess.h>

#define FAILSITE_MOST	512	/* a power of two */
#define FAILSITE_DEPTH	96

/* Addresses of xtcp.ko: [0] what stays, [1] what goes after init; 0: not loaded. */
static struct {
	unsigned long base;
	unsigned long size;
} ranges[2];

/* Allocations number @from to @from + @times - 1 of @addr in @context from now on fail. */
static struct {
	unsigned long addr;
	int context;
	int from;
	int times;
	atomic_t count;
} armed;

/* The site that is to fail, wherever xtcp.ko is loaded. */
static struct {
	unsigned long offset;
	bool init;
	bool on;
} wanted;

static void failsite_aim(void)
{
	atomic_set(&armed.count, 0);
	/* The address comes last, and is looked at first. */
	smp_store_release(&armed.addr, ranges[wanted.init].base + wanted.offset);
}

static bool failsite_is_ours(unsigned long addr)
{
	int i;

	for (i = 0; i < 2; i++)
		if (addr - READ_ONCE(ranges[i].base) < READ_ONCE(ranges[i].size))
			return true;
	return false;
}

enum { IN_PROCESS, IN_BACKLOG, IN_SEGMENT, IN_TIMER, CONTEXTS };

/*
 * Functions of the kernel that say what goes on where they are on the stack: in which context
 * a site is, or (-1) that it is not XTCP that asks: kmemleak and debugobjects need memory for
 * each allocation, and switch themselves off when they get none.
 */
static struct {
	const char *name;
	int says;
	unsigned long base;
	unsigned long size;
} marks[] = {
	{ .name = "__create_object", .says = -1 },
	{ .name = "fill_pool", .says = -1 },
	{ .name = "__release_sock", .says = IN_BACKLOG },
	{ .name = "ip_protocol_deliver_rcu", .says = IN_SEGMENT },
	{ .name = "ip6_protocol_deliver_rcu", .says = IN_SEGMENT },
	{ .name = "call_timer_fn", .says = IN_TIMER },
};

/* IN_PROCESS: says nothing. */
static int failsite_mark(unsigned long addr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(marks); i++)
		if (addr - marks[i].base < marks[i].size)
			return marks[i].says;
	return IN_PROCESS;
}

/* The kernel tells no module where its functions are, but kprobes and kallsyms do. */
static int failsite_locate_marks(void)
{
	char text[KSYM_SYMBOL_LEN], *slash;
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(marks); i++) {
		struct kprobe probe = { .symbol_name = marks[i].name,
					.flags = KPROBE_FLAG_DISABLED };

		err = register_kprobe(&probe);
		if (err) {
			pr_err("failsite: %s has another name here: %d\n", marks[i].name, err);
			return err;
		}
		marks[i].base = (unsigned long)probe.addr;
		unregister_kprobe(&probe);
		sprint_symbol(text, marks[i].base);
		slash = strchr(text, '/');
		if (!slash || kstrtoul(slash + 1, 16, &marks[i].size))
			return -ENOENT;
	}
	return 0;
}

struct failsite {
	unsigned long addr;
	atomic_t seen[CONTEXTS];
	atomic_t failed[CONTEXTS];
};

static struct failsite sites[FAILSITE_MOST];
static atomic_t lost;		/* sites that found no room: must stay 0 */

/* Called with interrupts off and from any context: no locks. */
static struct failsite *failsite_find(unsigned long addr)
{
	unsigned int i, at = (addr >> 2) * 0x9e3779b1u;

	for (i = 0; i < FAILSITE_MOST; i++) {
		struct failsite *s = &sites[(at + i) % FAILSITE_MOST];
		unsigned long there = READ_ONCE(s->addr);

		if (!there)
			there = cmpxchg(&s->addr, 0, addr) ?: addr;
		if (there == addr)
			return s;
	}
	atomic_inc(&lost);
	return NULL;
}

/* The innermost return address in xtcp.ko, and the innermost context outside of it. */
static unsigned long failsite_caller(struct pt_regs *regs, int *context)
{
	unsigned long entries[FAILSITE_DEPTH], found = 0;
	unsigned int i, n;

	/* At its first instruction a function has no frame that the unwinder could see. */
	if (failsite_is_ours(*(unsigned long *)regs->sp))
		found = *(unsigned long *)regs->sp;
	*context = IN_PROCESS;
	n = stack_trace_save(entries, FAILSITE_DEPTH, 0);
	for (i = 0; i < n && *context == IN_PROCESS; i++) {
		*context = failsite_mark(entries[i]);
		if (!found && failsite_is_ours(entries[i]))
			found = entries[i];
	}
	return *context < 0 ? 0 : found;
}

static bool failsite_hit(struct pt_regs *regs)
{
	struct failsite *s;
	unsigned long addr;
	int n, context;

	if (!READ_ONCE(ranges[0].size))
		return false;
	addr = failsite_caller(regs, &context);
	s = addr ? failsite_find(addr) : NULL;
	if (!s)
		return false;
	atomic_inc(&s->seen[context]);
	/* Pairs with failsite_aim(). */
	if (smp_load_acquire(&armed.addr) != addr || armed.context != context)
		return false;
	n = atomic_inc_return(&armed.count);
	if (n < armed.from || n - armed.from >= armed.times)
		return false;
	atomic_inc(&s->failed[context]);
	return true;
}
NOKPROBE_SYMBOL(failsite_hit);

/* The probed function returns @value at once. */
static int failsite_return(struct pt_regs *regs, unsigned long value)
{
	regs_set_return_value(regs, value);
	regs->ip = *(unsigned long *)regs->sp;
	regs->sp += sizeof(unsigned long);
	return 1;
}
NOKPROBE_SYMBOL(failsite_return);

/* int should_failslab(struct kmem_cache *s, gfp_t gfpflags) */
static int failsite_slab(struct kprobe *p, struct pt_regs *regs)
{
	if (regs_get_kernel_argument(regs, 1) & (__force unsigned long)__GFP_NOFAIL)
		return 0;
	return failsite_hit(regs) ? failsite_return(regs, -ENOMEM) : 0;
}
NOKPROBE_SYMBOL(failsite_slab);

/* bool skb_page_frag_refill(), void __percpu *pcpu_alloc(): 0 is failure for both. */
static int failsite_zero(struct kprobe *p, struct pt_regs *regs)
{
	return failsite_hit(regs) ? failsite_return(regs, 0) : 0;
}
NOKPROBE_SYMBOL(failsite_zero);

/* Its being there keeps the probe from being a jump, which could not return for others. */
static void failsite_post(struct kprobe *p, struct pt_regs *regs, unsigned long flags)
{
}
NOKPROBE_SYMBOL(failsite_post);

static struct kprobe probes[] = {
	{ .symbol_name = "should_failslab", .pre_handler = failsite_slab,
	  .post_handler = failsite_post },
	{ .symbol_name = "skb_page_frag_refill", .pre_handler = failsite_zero,
	  .post_handler = failsite_post },
	{ .symbol_name = "pcpu_alloc", .pre_handler = failsite_zero,
	  .post_handler = failsite_post },
};

/* -- xtcp.ko comes and goes --------------------------------------------------- */

static int failsite_module(struct notifier_block *nb, unsigned long what, void *data)
{
	struct module *mod = data;

	if (strcmp(mod->name, "xtcp"))
		return NOTIFY_DONE;
	if (what == MODULE_STATE_COMING) {
		memset(sites, 0, sizeof(sites));
		ranges[0].base = (unsigned long)mod->core_layout.base;
		ranges[1].base = (unsigned long)mod->init_layout.base;
		WRITE_ONCE(ranges[1].size, mod->init_layout.size);
		WRITE_ONCE(ranges[0].size, mod->core_layout.size);
		if (wanted.on)
			failsite_aim();
	} else if (what == MODULE_STATE_LIVE) {
		/* The pages of init are freed, and may become anything. */
		WRITE_ONCE(ranges[1].size, 0);
	} else if (what == MODULE_STATE_GOING) {
		WRITE_ONCE(ranges[0].size, 0);
		WRITE_ONCE(ranges[1].size, 0);
	}
	return NOTIFY_DONE;
}

static struct notifier_block failsite_notifier = { .notifier_call = failsite_module };

/* -- files ---------------------------------------------------------------------- */

/* Addresses as offsets: what xtcp.ko was loaded at before says nothing about the next time. */
static int failsite_show(struct seq_file *seq, void *v)
{
	unsigned int i, context;

	seq_printf(seq, "base %lx %lx lost %d\n", ranges[0].base, ranges[1].base,
		   atomic_read(&lost));
	for (i = 0; i < FAILSITE_MOST; i++) {
		struct failsite *s = &sites[i];
		unsigned long at = s->addr - ranges[0].base;
		int init = 0;

		if (!s->addr)
			continue;
		/* The sizes are 0 again after an init that failed. */
		if (s->addr - ranges[1].base < at) {
			at = s->addr - ranges[1].base;
			init = 1;
		}
		seq_printf(seq, "%d %lx", init, at);
		for (context = 0; context < CONTEXTS; context++)
			seq_printf(seq, " %d %d", atomic_read(&s->seen[context]),
				   atomic_read(&s->failed[context]));
		seq_putc(seq, '\n');
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(failsite);

/* "INIT OFFSET CONTEXT FROM TIMES" fails there, also if xtcp.ko comes only later; "off". */
static ssize_t failsite_arm(struct file *file, const char __user *ubuf, size_t len, loff_t *pos)
{
	unsigned long offset;
	char buf[64] = "";
	int init;

	if (len >= sizeof(buf))
		return -EINVAL;
	if (copy_from_user(buf, ubuf, len))
		return -EFAULT;
	wanted.on = false;
	WRITE_ONCE(armed.addr, 0);
	if (!strncmp(buf, "off", 3))
		return len;
	if (sscanf(buf, "%d %lx %d %d %d", &init, &offset, &armed.context, &armed.from,
		   &armed.times) != 5)
		return -EINVAL;
	wanted.init = init;
	wanted.offset = offset;
	wanted.on = true;
	if (ranges[0].size)
		failsite_aim();
	return len;
}

static const struct file_operations failsite_arm_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = failsite_arm,
};

static struct dentry *failsite_dir;

static int __init failsite_init(void)
{
	unsigned int i;
	int err = failsite_locate_marks();

	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		err = register_kprobe(&probes[i]);
		if (err) {
			pr_err("failsite: no probe on %s: %d\n", probes[i].symbol_name, err);
			while (i--)
				unregister_kprobe(&probes[i]);
			return err;
		}
	}
	register_module_notifier(&failsite_notifier);
	failsite_dir = debugfs_create_dir("failsite", NULL);
	debugfs_create_file("sites", 0400, failsite_dir, NULL, &failsite_fops);
	debugfs_create_file("arm", 0200, failsite_dir, NULL, &failsite_arm_fops);
	return 0;
}

static void __exit failsite_exit(void)
{
	unsigned int i;

	debugfs_remove_recursive(failsite_dir);
	unregister_module_notifier(&failsite_notifier);
	for (i = 0; i < ARRAY_SIZE(probes); i++)
		unregister_kprobe(&probes[i]);
}

module_init(failsite_init);
module_exit(failsite_exit);
MODULE_DESCRIPTION("Fails allocations of xtcp.ko by the place that asks for them");
MODULE_LICENSE("GPL");
