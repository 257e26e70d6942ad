// SPDX-License-Identifier: GPL-2.0
/*
 * Every call in xtcp.ko that asks for memory gets none, one after the other, wherever it runs:
 * in processes, segments and timers. Streams stay whole, and a table says how often each failed.
 */
#define _GNU_SOURCE
#include "faults.h"
#include "lives.h"
#include "sites.h"

enum { TRIES = 3, AGAIN = 25, RARE = 20 };

/* -- each site in turn ---------------------------------------------------------------------- */

/* A life over one of the protocols. */
enum { LIVES = SCENARIOS * 2 };

/* How often each site asked in each context of each life, with nothing failing. */
static long asked[SITES_MOST][CONTEXTS][LIVES];

static bool live(int life)
{
	bool good = scenarios[life / 2].run(life & 1 ? &stress_v6 : &stress_v4);

	site_disarm();
	sites_count();
	if (!good)
		ktap_note("\"%s\" over IPv%d", scenarios[life / 2].name, life & 1 ? 6 : 4);
	return good;
}

static bool learn(void)
{
	static struct site before[SITES_MOST];
	int life, n, context;
	bool good = true;

	sites_count();
	for (life = 0; life < LIVES; life++) {
		memcpy(before, site_list, sizeof(before));
		good &= live(life);
		for (n = 0; n < site_count; n++)
			for (context = 0; context < CONTEXTS; context++)
				asked[n][context][life] = site_list[n].seen[context] -
							  before[n].seen[context];
	}
	return good;
}

/* Some failures in one life. Return: false if something was wrong. */
static bool fail_once(struct site *s, int context, int life, int from, int times)
{
	long before = s->failed[context];
	int try;

	for (try = 0; try < TRIES && s->failed[context] == before; try++) {
		site_arm(s, context, from, times);
		if (!live(life)) {
			ktap_note("with failures %d to %d of %s (%s) in a %s", from,
				  from + times - 1, s->function,
				  s->callee ?: "a call into the kernel", site_contexts[context]);
			return false;
		}
		/* It asks less often than when we counted. */
		from = 1;
	}
	return true;
}

/* How often site @n fails in a life, at another place each time. */
static bool fail_in(int n, int context, int life, const struct stress *st, struct rng *r)
{
	long most = asked[n][context][life];
	bool good = true;
	int k;

	/* Later ones in insmod fail in the kernel, which leaks names of slab caches. */
	if (life / 2 == INSMOD)
		most = 1;
	for (k = 0; good && k < st->count && k < most; k++)
		good = fail_once(&site_list[n], context, life, 1 + below(r, most),
				 1 + below(r, 3));
	return good;
}

/* In all lives where the site asks, or in one of them: where it asks often sooner. */
static bool fail_site(int n, int context, const struct stress *st, struct rng *r)
{
	const long *here = asked[n][context];
	bool good = true;
	long all = 0, at;
	int life;

	for (life = 0; life < LIVES; life++)
		all += here[life];
	at = all ? below(r, all) : 0;
	for (life = 0; good && life < LIVES; life++) {
		if (here[life] && (st->long_run || (at >= 0 && at < here[life])))
			good = fail_in(n, context, life, st, r);
		at -= here[life];
	}
	return good;
}

/* Sites that no life here reaches, and why. */
static const struct {
	const char *function, *callee, *why;
} unreached[] = {
	{ "xtcp_offload_segment+", "__pskb_pull_tail",
	  "the headers that xmit.c makes are never in fragments" },
	{ "xtcp_xmit_cut+", "skb_clone",
	  "what alloc_skb_fclone() made has room for one clone" },
	{ "xtcp_lookup_insert+", "rht_bucket_nested_insert",
	  "only between two passes of the table's worker that had no memory either" },
};

static const char *excuse(const struct site *s)
{
	unsigned int i;

	for (i = 0; i < sizeof(unreached) / sizeof(unreached[0]); i++)
		if (s->callee && !strcmp(s->callee, unreached[i].callee) &&
		    !strncmp(s->function, unreached[i].function, strlen(unreached[i].function)))
			return unreached[i].why;
	return NULL;
}

/* Sites that happened not to ask again, in each life where they did, until they have failed. */
static bool fail_missing(void)
{
	struct site *s;
	bool good = true;
	int life, round, context;

	for (s = site_list; s < site_list + site_count; s++) {
		for (round = 0; round < LIVES * CONTEXTS * AGAIN && !site_failed(s); round++) {
			life = round % LIVES;
			context = round / LIVES % CONTEXTS;
			if (s->wanted && !excuse(s) && asked[s - site_list][context][life])
				good &= fail_once(s, context, life, 1, 1);
		}
	}
	return good;
}

/* Each site in each context. */
static bool fail_all(const struct stress *st, struct rng *r)
{
	int n, context, count = site_count;
	bool good = true;

	for (n = 0; n < count; n++)
		for (context = 0; context < CONTEXTS; context++)
			good &= fail_site(n, context, st, r);
	return fail_missing() && good;
}

/* The table. Return: how many sites were not failed though they should have been. */
static int show(void)
{
	struct site *s;
	int missing = 0;

	ktap_note("         failed in a");
	ktap_note("  asked  process backlog segment timer  site");
	for (s = site_list; s < site_list + site_count; s++)
		if (s->wanted || site_failed(s))
			ktap_note("%7ld  %7ld %7ld %7ld %5ld  %s: %s", site_seen(s),
				  s->failed[IN_PROCESS], s->failed[IN_BACKLOG],
				  s->failed[IN_SEGMENT], s->failed[IN_TIMER], s->function,
				  s->callee ?: "(below)");
	for (s = site_list; s < site_list + site_count; s++) {
		if (!s->wanted || site_failed(s))
			continue;
		ktap_note("never failed: %s: %s%s%s", s->function, s->callee,
			  excuse(s) ? ", because " : "", excuse(s) ?: "");
		/* A site that asked once or twice by chance, or not at all, may not do so again. */
		missing += !excuse(s) && site_seen(s) > RARE;
	}
	return missing;
}

static bool prepare(const char *self)
{
	const char *helper = sites_helper(self);
	bool good;

	if (!helper || ko_unload("xtcp", 60) || ko_load(helper)) {
		ktap_note("failsite.ko: %s", helper ? strerror(errno) : "does not build");
		/* The tests after this one need it. */
		ko_load(ko);
		return false;
	}
	good = !ko_load(ko);
	if (!good || sites_read(ko) || relay_open()) {
		ktap_note("%s: %s", ko, strerror(errno));
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct stress s;
	struct rng r;
	int ret, n, side, wanted = 0, hit = 0;
	bool help, good = true;
	long failures = 0;

	help = argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
	ko = getenv("XTCP_KO");
	if (!help && !geteuid() && !faults_possible())
		return ktap_skip_all("no fault injection in this kernel: use the sanitizer kernel");
	if (!help && (!ko || !ko[0]))
		return ktap_skip_all("XTCP_KO does not say what to load");
	ret = stress_begin(&s, argc, argv,
			   "Fails every call in xtcp.ko that allocates, one after the other.",
			   "failures of each site in each context", 1, 3, 5);
	if (ret >= 0)
		return ret;
	r.state = s.seed;
	if (!ktap_result(prepare(argv[0]), "the module with its sites watched"))
		return KTAP_FAIL;
	patience();
	ktap_result(learn(), "the lives without failures");
	ktap_result(fail_all(&s, &r), "the lives with each site failing in each context");
	for (side = 0, good = true; side < 2; side++) {
		relay_enter(side);
		good &= stat_pair_up(60);
	}
	ktap_result(good, "everything created is destroyed");
	n = show();
	for (side = 0; side < site_count; side++) {
		wanted += site_list[side].wanted;
		hit += site_list[side].wanted && site_failed(&site_list[side]);
		failures += site_failed(&site_list[side]);
	}
	ktap_note("%ld failures, %ld calls refused", failures, refused);
	ktap_result(!n, "%d of %d sites failed at least once", hit, wanted);
	ko_delete("failsite");
	return ktap_end();
}
