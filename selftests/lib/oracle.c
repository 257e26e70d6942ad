// SPDX-License-Identifier: GPL-2.0
/* Runs each case over TCP and over XTCP and compares what they wrote down. */
#define _GNU_SOURCE
#include <linux/xtcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ktap.h"
#include "net.h"
#include "oracle.h"

#define MAX_FACTS	1024
#define FACT_NAME	120
#define FACT_VALUE	160
#define DEFAULT_SECONDS	30
#define TRANSPORTS	3
/* Of TCP alone: it has races of its own that one run in thousands meets. */
#define MOST_TCP_RUNS	3
/* Of one result; a wrong rule differs in hundreds of facts. */
#define MOST_NOTES	16

struct fact {
	char name[FACT_NAME];
	char value[FACT_VALUE];
	char want[FACT_VALUE];		/* empty: no expectation of its own */
	bool bad;
};

/* Shared with the children: they write, the parent reads when they are gone. */
struct record {
	unsigned int count;		/* facts begun; may pass MAX_FACTS */
	struct fact fact[MAX_FACTS];
};

/* One run of a case, as the parent sees it. */
struct run {
	const struct xport *t;
	struct record *rec;
	pid_t pid;
	bool done;
	bool late;
	int status;
};

static const struct xport tcp_side[TRANSPORTS] = {
	{ "tcp4", false, ON_V4, AF_INET, 0, AF_INET },
	{ "tcp6", false, ON_V6, AF_INET6, 0, AF_INET6 },
	{ "tcp-mapped", false, ON_MAPPED, AF_INET6, 0, AF_INET6 },
};

static const struct xport xtcp_side[TRANSPORTS] = {
	{ "xtcp4", true, ON_V4, AF_XTCP, 0, AF_INET },
	{ "xtcp6", true, ON_V6, AF_XTCP, XTCPPROTO_XTCP6, AF_INET6 },
	{ "xtcp-mapped", true, ON_MAPPED, AF_XTCP, XTCPPROTO_XTCP6, AF_INET6 },
};

static const struct xport other_tcp_side[TRANSPORTS] = {
	{ "tcp4 again", false, ON_V4, AF_INET, IPPROTO_TCP, AF_INET },
	{ "tcp6 again", false, ON_V6, AF_INET6, IPPROTO_TCP, AF_INET6 },
	{ "tcp-mapped again", false, ON_MAPPED, AF_INET6, IPPROTO_TCP, AF_INET6 },
};

static struct record *mine;	/* in a child: where its facts go */

static struct fact *next_fact(const char *name, int line)
{
	unsigned int i = __atomic_fetch_add(&mine->count, 1, __ATOMIC_SEQ_CST);
	struct fact *f;

	if (i >= MAX_FACTS)
		_exit(3);
	f = &mine->fact[i];
	if (line)
		snprintf(f->name, sizeof(f->name), "line %d: %s", line, name);
	else
		snprintf(f->name, sizeof(f->name), "%s", name);
	return f;
}

static void show_ret(char *to, long ret, int err)
{
	const char *name = ret < 0 ? strerrorname_np(err) : NULL;

	if (ret < 0)
		snprintf(to, FACT_VALUE, "-%s", name ? name : "?");
	else
		snprintf(to, FACT_VALUE, "%ld", ret);
}

static void show_events(char *to, unsigned int ev)
{
	static const struct { unsigned int bit; const char *name; } names[] = {
		{ POLLIN, "IN" }, { POLLPRI, "PRI" }, { POLLOUT, "OUT" },
		{ POLLERR, "ERR" }, { POLLHUP, "HUP" }, { POLLNVAL, "NVAL" },
		{ POLLRDNORM, "RDNORM" }, { POLLRDBAND, "RDBAND" },
		{ POLLWRNORM, "WRNORM" }, { POLLWRBAND, "WRBAND" },
		{ POLLMSG, "MSG" }, { POLLRDHUP, "RDHUP" },
	};
	size_t i;

	to[0] = '\0';
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(ev & names[i].bit))
			continue;
		if (to[0])
			strcat(to, "|");
		strcat(to, names[i].name);
		ev &= ~names[i].bit;
	}
	if (ev)
		sprintf(to + strlen(to), "%s0x%x", to[0] ? "|" : "", ev);
	if (!to[0])
		strcpy(to, "none");
}

/** oracle_text() - record a fact in words of the case's own */
void oracle_text(const char *name, const char *fmt, ...)
{
	struct fact *f = next_fact(name, 0);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->value, sizeof(f->value), fmt, ap);
	va_end(ap);
}

void oracle_text_is(int line, const char *name, const char *got, const char *want)
{
	struct fact *f = next_fact(name, line);

	snprintf(f->value, sizeof(f->value), "%s", got);
	snprintf(f->want, sizeof(f->want), "%s", want);
	f->bad = strcmp(got, want);
}

void oracle_ret(int line, const char *what, long ret, int err)
{
	show_ret(next_fact(what, line)->value, ret, err);
}

void oracle_ret_is(int line, const char *what, long ret, int err, long want)
{
	struct fact *f = next_fact(what, line);

	show_ret(f->value, ret, err);
	show_ret(f->want, want, -want);
	f->bad = strcmp(f->value, f->want);
}

void oracle_events(int line, const char *what, unsigned int got)
{
	show_events(next_fact(what, line)->value, got);
}

void oracle_events_is(int line, const char *what, unsigned int got, unsigned int want)
{
	struct fact *f = next_fact(what, line);

	show_events(f->value, got);
	show_events(f->want, want);
	f->bad = got != want;
}

/* What a meant difference is worth is compared with the plan, not with TCP. */
void oracle_design(int line, const char *what, long got, long want)
{
	struct fact *f = next_fact(what, line);

	if (got == want) {
		strcpy(f->value, "as designed");
		return;
	}
	show_ret(f->value, got, -got);
	show_ret(f->want, want, -want);
	f->bad = true;
}

void oracle_need(int line, const char *what, long ret, int err)
{
	struct fact *f;

	/* The helpers serve tests without cases as well. */
	if (!mine) {
		ktap_note("line %d: %s: %s", line, what, strerrorname_np(err));
		_exit(2);
	}
	f = next_fact(what, line);
	show_ret(f->value, ret, err);
	strcpy(f->want, "success: the case needs it and ends here");
	f->bad = true;
	_exit(2);
}

static double seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void start_run(struct run *r, const struct oracle_case *c, const struct xport *t)
{
	*r = (struct run) { .t = t };
	r->rec = mmap(NULL, sizeof(*r->rec), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r->rec == MAP_FAILED) {
		perror("mmap");
		exit(KTAP_FAIL);
	}
	r->pid = fork();
	if (r->pid < 0) {
		perror("fork");
		exit(KTAP_FAIL);
	}
	if (r->pid)
		return;

	/* A group of its own, so that the parent can end what it forked. */
	setpgid(0, 0);
	mine = r->rec;
	NEED(unshare(CLONE_NEWNET));
	NEED(net_loopback_up());
	c->run(t);
	_exit(0);
}

/* Waits for all of them; the slow ones are killed, with all their children. */
static void finish_runs(struct run *runs, int count, int limit)
{
	double end = seconds_now() + limit;
	int left = count, i;

	while (left) {
		bool late = seconds_now() > end;

		for (i = 0; i < count; i++) {
			struct run *r = &runs[i];

			if (r->done)
				continue;
			if (late) {
				kill(r->pid, SIGKILL);
				r->late = true;
			}
			if (waitpid(r->pid, &r->status, late ? 0 : WNOHANG) != r->pid)
				continue;
			kill(-r->pid, SIGKILL);
			r->done = true;
			left--;
		}
		if (left)
			usleep(2000);
	}
}

static void end_run(struct run *r)
{
	munmap(r->rec, sizeof(*r->rec));
}

/* The faults of one run alone; returns how many. */
static int judge_run(const struct run *r, int min_facts, int limit)
{
	unsigned int count = r->rec->count, i;
	int faults = 0;

	if (count > MAX_FACTS)
		count = MAX_FACTS;
	for (i = 0; i < count; i++) {
		const struct fact *f = &r->rec->fact[i];

		if (!f->bad)
			continue;
		ktap_note("%s: %s: got %s, expected %s", r->t->label, f->name,
			  f->value, f->want);
		faults++;
	}
	if (r->late) {
		ktap_note("%s: no end within %d s, after: %s", r->t->label, limit,
			  count ? r->rec->fact[count - 1].name : "nothing");
		faults++;
	} else if (WIFSIGNALED(r->status)) {
		ktap_note("%s: died of signal %d after: %s", r->t->label,
			  WTERMSIG(r->status),
			  count ? r->rec->fact[count - 1].name : "nothing");
		faults++;
	} else if (WEXITSTATUS(r->status)) {
		ktap_note("%s: ended with %d after: %s", r->t->label,
			  WEXITSTATUS(r->status),
			  count ? r->rec->fact[count - 1].name : "nothing");
		faults++;
	} else if (count < (unsigned int)min_facts || !count) {
		ktap_note("%s: only %u facts, at least %d expected", r->t->label,
			  count, min_facts);
		faults++;
	}
	return faults;
}

static int compare_runs(const struct run *a, const struct run *b)
{
	unsigned int i, count = a->rec->count;
	int faults = 0;

	if (b->rec->count > count)
		count = b->rec->count;
	for (i = 0; i < count && i < MAX_FACTS; i++) {
		const struct fact *fa = &a->rec->fact[i], *fb = &b->rec->fact[i];

		if (strcmp(fa->name, fb->name)) {
			ktap_note("%s went on with: %s = %s", a->t->label,
				  fa->name[0] ? fa->name : "its end", fa->value);
			ktap_note("%s went on with: %s = %s", b->t->label,
				  fb->name[0] ? fb->name : "its end", fb->value);
			return faults + 1;
		}
		if (!strcmp(fa->value, fb->value))
			continue;
		if (faults++ < MOST_NOTES)
			ktap_note("%s: %s gives %s, %s gives %s", fa->name, a->t->label,
				  fa->value, b->t->label, fb->value);
	}
	if (faults > MOST_NOTES)
		ktap_note("and %d more", faults - MOST_NOTES);
	return faults;
}

static void show_facts(const struct run *r)
{
	unsigned int i;

	for (i = 0; i < r->rec->count && i < MAX_FACTS; i++)
		ktap_note("%s: %s = %s", r->t->label, r->rec->fact[i].name,
			  r->rec->fact[i].value);
}

static int limit_of(const struct oracle_case *c)
{
	int seconds = c->seconds ? c->seconds : DEFAULT_SECONDS;

	return slow_kernel() ? 4 * seconds : seconds;
}

static int wanted(const struct oracle_case *c, const char *only)
{
	return !only || strstr(c->name, only);
}

/*
 * A run of TCP that contradicts what the case knows of TCP is no oracle: it is shown and taken
 * again. XTCP has its one run, and TCP's must be right in the end.
 */
static int judge_tcp(struct run *r, const struct oracle_case *c, int limit)
{
	int runs, faults = judge_run(r, c->min_facts, limit);

	for (runs = 1; faults && runs < MOST_TCP_RUNS; runs++) {
		ktap_note("%s: once more, for TCP itself is not as expected", r->t->label);
		end_run(r);
		start_run(r, c, r->t);
		finish_runs(r, 1, limit);
		faults = judge_run(r, c->min_facts, limit);
	}
	return faults;
}

/* All address kinds of a case at once: most of its time is waiting. */
static void run_case(const struct oracle_case *c, const struct xport *right, bool verbose)
{
	int limit = limit_of(c);
	struct run runs[2 * TRANSPORTS];
	int n = 0, i;

	for (i = 0; i < TRANSPORTS; i++) {
		if (!(c->on & tcp_side[i].on))
			continue;
		start_run(&runs[n++], c, &tcp_side[i]);
		start_run(&runs[n++], c, &right[i]);
	}
	finish_runs(runs, n, limit);
	for (i = 0; i < n; i += 2) {
		int faults = judge_tcp(&runs[i], c, limit);

		faults += judge_run(&runs[i + 1], c->min_facts, limit);
		faults += compare_runs(&runs[i], &runs[i + 1]);
		if (verbose) {
			show_facts(&runs[i]);
			show_facts(&runs[i + 1]);
		}
		ktap_result(!faults, "%s: %s like %s, %u facts", c->name,
			    runs[i + 1].t->label, runs[i].t->label,
			    runs[i].rec->count);
		end_run(&runs[i]);
		end_run(&runs[i + 1]);
	}
}

static void usage(const char *prog, const char *purpose)
{
	printf("usage: %s [--self] [--verbose] [--list] [CASE]\n\n"
	       "%s.\n\n"
	       "Each case runs over kernel TCP and over XTCP; every difference is a\n"
	       "failure. Needs root (network namespaces) and the xtcp module.\n\n"
	       "  CASE       only the cases whose name contains this text\n"
	       "  --self     TCP against TCP: checks the test itself, needs no module\n"
	       "  --verbose  show every fact\n"
	       "  --list     the names of the cases\n\n"
	       "exit status: 0 all equal, 1 a difference, 4 cannot run here\n",
	       prog, purpose);
}

/** oracle_main() - the main() of a test made of cases */
int oracle_main(int argc, char **argv, const char *purpose,
		const struct oracle_case *cases, size_t count)
{
	const struct xport *right = xtcp_side;
	bool verbose = false, list = false;
	const char *only = NULL;
	int results = 0, fd;
	size_t i;

	for (i = 1; i < (size_t)argc; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			usage(argv[0], purpose);
			return 0;
		} else if (!strcmp(argv[i], "--self")) {
			right = other_tcp_side;
		} else if (!strcmp(argv[i], "--verbose")) {
			verbose = true;
		} else if (!strcmp(argv[i], "--list")) {
			list = true;
		} else if (argv[i][0] == '-') {
			fprintf(stderr, "%s: no option %s; see --help\n", argv[0], argv[i]);
			return KTAP_FAIL;
		} else {
			only = argv[i];
		}
	}
	for (i = 0; i < count; i++) {
		if (!wanted(&cases[i], only))
			continue;
		if (list)
			printf("%s\n", cases[i].name);
		results += __builtin_popcount(cases[i].on);
	}
	if (list)
		return 0;
	if (!results) {
		fprintf(stderr, "%s: no case is called %s; see --list\n", argv[0], only);
		return KTAP_FAIL;
	}
	if (geteuid())
		return ktap_skip_all("needs root: run it with sudo or inside `make shell`");
	fd = socket(right[0].domain, SOCK_STREAM, right[0].protocol);
	if (fd < 0)
		return ktap_skip_all("no XTCP sockets here: insmod xtcp.ko first");
	close(fd);

	ktap_begin(results);
	for (i = 0; i < count; i++)
		if (wanted(&cases[i], only))
			run_case(&cases[i], right, verbose);
	return ktap_end();
}
