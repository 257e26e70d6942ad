// SPDX-License-Identifier: GPL-2.0
/* Every knob below net.xtcp: default, range, refusal without a trace, namespaces. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/ktap.h"

#define DIRECTORY "/proc/sys/net/xtcp"

/* The promise of docs/sysctls.md: a number with a range and a default. */
static const struct knob {
	const char *name;
	long min, max, def;
} knobs[] = {
	{ "msl", 1, 600000, 30000 },
	{ "syn_retries", 1, 127, 7 },
	{ "synack_retries", 0, 255, 5 },
	{ "retries1", 1, 255, 3 },
	{ "retries2", 1, 255, 15 },
	{ "orphan_retries", 0, 255, 0 },
	{ "fin_timeout", 1, 3600, 60 },
	{ "keepalive_time", 1, 32767, 7200 },
	{ "keepalive_intvl", 1, 32767, 75 },
	{ "keepalive_probes", 1, 127, 9 },
	{ "max_syn_backlog", 1, INT_MAX / 2, 1024 },
	{ "max_tw_buckets", 0, INT_MAX, 262144 },
	{ "max_orphans", 0, INT_MAX, 65536 },
	{ "abort_on_overflow", 0, 1, 0 },
	{ "rfc1337", 0, 1, 1 },
	{ "window_scaling", 0, 1, 1 },
	{ "min_snd_mss", 48, 65495, 48 },
	{ "mtu_probing", 0, 2, 0 },
	{ "base_mss", 48, 65495, 1024 },
	{ "mtu_probe_floor", 48, 65495, 48 },
	{ "probe_interval", 0, 32767, 600 },
	{ "probe_threshold", 0, 65535, 8 },
	{ "stdurg", 0, 1, 0 },
	{ "challenge_ack_limit", 0, INT_MAX, 1000 },
	{ "invalid_ratelimit", 0, INT_MAX, 500 },
	{ "timestamps", 0, 2, 1 },
	{ "sack", 0, 1, 1 },
	{ "dsack", 0, 1, 1 },
	{ "ecn", 0, 2, 2 },
	{ "ecn_fallback", 0, 1, 1 },
	{ "early_retrans", 0, 4, 3 },
	{ "autocorking", 0, 1, 1 },
	{ "limit_output_bytes", 0, INT_MAX, 1048576 },
	{ "slow_start_after_idle", 0, 1, 1 },
	{ "pacing", 0, 1, 1 },
	{ "pacing_ss_ratio", 0, 1000, 200 },
	{ "pacing_ca_ratio", 0, 1000, 120 },
	{ "early_demux", 0, 1, 1 },
	{ "moderate_rcvbuf", 0, 1, 1 },
};

/* What is no single number; each has a test of its own. */
static const char *const others[] = {
	"rmem", "wmem", "mem", "congestion_control", "available_congestion_control",
};

#define KNOBS (sizeof(knobs) / sizeof(knobs[0]))
#define OTHERS (sizeof(others) / sizeof(others[0]))

static int faults;

__attribute__((format(printf, 2, 3)))
static void expect(bool holds, const char *fmt, ...)
{
	va_list ap;

	if (holds)
		return;
	faults++;
	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
}

/* Prints the result of what was expected since the last one. */
static void result(const char *name)
{
	ktap_result(!faults, "%s", name);
	faults = 0;
}

/* The text in the file, without its newline; NULL if it cannot be read. */
static const char *get(const char *name)
{
	static char text[4][256];
	static unsigned int turn;
	char path[128], *to = text[turn++ % 4];
	FILE *f;

	snprintf(path, sizeof(path), DIRECTORY "/%s", name);
	f = fopen(path, "r");
	if (!f)
		return "(unreadable)";
	if (!fgets(to, sizeof(text[0]), f))
		to[0] = '\0';
	fclose(f);
	to[strcspn(to, "\n")] = '\0';
	return to;
}

/* Writes; 0 or the errno. */
static int put(const char *name, const char *text)
{
	char path[128];
	int fd, err = 0;

	snprintf(path, sizeof(path), DIRECTORY "/%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

static int put_long(const char *name, long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", value);
	return put(name, text);
}

/* A write that must be refused and must not change anything. */
static void refused(const char *name, const char *text, int want)
{
	char before[256];
	int err;

	snprintf(before, sizeof(before), "%s", get(name));
	err = put(name, text);
	expect(err == want, "%s: writing \"%s\" gives %s, expected %s", name, text,
	       err ? strerrorname_np(err) : "success", strerrorname_np(want));
	expect(!strcmp(before, get(name)), "%s: the refused \"%s\" changed %s to %s", name,
	       text, before, get(name));
}

static void one_knob(const struct knob *k)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", k->def);
	expect(!strcmp(get(k->name), text), "%s: a new namespace has %s, expected %s", k->name,
	       get(k->name), text);
	expect(!put_long(k->name, k->min), "%s: the smallest value %ld is refused", k->name, k->min);
	expect(atol(get(k->name)) == k->min, "%s: wrote %ld, reads %s", k->name, k->min, get(k->name));
	expect(!put_long(k->name, k->max), "%s: the largest value %ld is refused", k->name, k->max);
	expect(atol(get(k->name)) == k->max, "%s: wrote %ld, reads %s", k->name, k->max, get(k->name));
	expect(!put_long(k->name, k->def), "%s: its default is refused", k->name);
	snprintf(text, sizeof(text), "%ld", k->min - 1);
	refused(k->name, text, EINVAL);
	snprintf(text, sizeof(text), "%ld", k->max + 1);
	refused(k->name, text, EINVAL);
	refused(k->name, "-2147483648", EINVAL);
	refused(k->name, "2147483648", EINVAL);
	refused(k->name, "4294967297", EINVAL);
	refused(k->name, "99999999999999999999", EINVAL);
	refused(k->name, "many", EINVAL);
	refused(k->name, "1x", EINVAL);
	result(k->name);
}

static void triples(const char *name)
{
	expect(!put(name, "4096 8192 16384"), "%s: an ordered triple is refused", name);
	expect(!strcmp(get(name), "4096\t8192\t16384"), "%s: reads %s", name, get(name));
	expect(!put(name, "5000 5000 5000"), "%s: equal values are refused", name);
	refused(name, "8192 4096 16384", EINVAL);
	refused(name, "4096 16384 8192", EINVAL);
	refused(name, "4095 8192 16384", EINVAL);
	refused(name, "0 8192 16384", EINVAL);
	refused(name, "-1 8192 16384", EINVAL);
	refused(name, "4096 8192 2147483648", EINVAL);
	refused(name, "a b c", EINVAL);
	result(name);
}

static void algorithms(void)
{
	expect(!strcmp(get("congestion_control"), "reno") ||
	       strstr(get("available_congestion_control"), get("congestion_control")),
	       "congestion_control is %s, available %s", get("congestion_control"),
	       get("available_congestion_control"));
	expect(strstr(get("available_congestion_control"), "reno"), "reno is not available");
	expect(!put("congestion_control", "reno"), "reno is refused");
	refused("congestion_control", "nosuch", ENOENT);
	refused("congestion_control", "ren", ENOENT);
	expect(put("available_congestion_control", "reno"), "the list can be written");
	result("congestion control");
}

/* In a namespace of its own nobody changes the memory of the machine. */
static void memory(void)
{
	long mem[3] = { 0 };
	char path[] = DIRECTORY "/mem";
	struct stat st;

	expect(sscanf(get("mem"), "%ld %ld %ld", &mem[0], &mem[1], &mem[2]) == 3,
	       "mem reads %s", get("mem"));
	expect(mem[0] > 0 && mem[0] <= mem[1] && mem[1] <= mem[2], "mem is not in order");
	expect(!stat(path, &st) && !(st.st_mode & 0222), "mem can be written here");
	result("mem");
}

/* No file without a test, and none that vanished. */
static void complete(void)
{
	DIR *d = opendir(DIRECTORY);
	unsigned int found = 0;
	struct dirent *e;

	while (d && (e = readdir(d))) {
		bool known = e->d_name[0] == '.';
		size_t i;

		for (i = 0; i < KNOBS && !known; i++)
			known = !strcmp(e->d_name, knobs[i].name);
		for (i = 0; i < OTHERS && !known; i++)
			known = !strcmp(e->d_name, others[i]);
		expect(known, "%s has no test", e->d_name);
		found += e->d_name[0] != '.';
	}
	expect(found == KNOBS + OTHERS, "%u files, expected %zu", found, KNOBS + OTHERS);
	if (d)
		closedir(d);
	result("every file is known");
}

/* Runs @check in a fork with a new namespace; its faults are ours. */
static void in_namespace(void (*check)(void))
{
	int status, pid = fork();

	if (!pid) {
		faults = 0;
		if (unshare(CLONE_NEWNET))
			_exit(99);
		check();
		fflush(stdout);
		_exit(faults > 90 ? 90 : faults);
	}
	waitpid(pid, &status, 0);
	expect(WIFEXITED(status) && WEXITSTATUS(status) != 99, "no namespace");
	if (WIFEXITED(status))
		faults += WEXITSTATUS(status);
}

static void set_all(void)
{
	size_t i;

	for (i = 0; i < KNOBS; i++) {
		long other = knobs[i].def == knobs[i].min ? knobs[i].max : knobs[i].min;

		expect(!put_long(knobs[i].name, other), "%s: refused", knobs[i].name);
	}
	expect(!put("rmem", "4096 4097 4098"), "rmem: refused");
	expect(!put("wmem", "4096 4097 4098"), "wmem: refused");
}

static void all_default(void)
{
	size_t i;

	for (i = 0; i < KNOBS; i++)
		expect(atol(get(knobs[i].name)) == knobs[i].def,
		       "%s is %s here, the default is %ld", knobs[i].name, get(knobs[i].name),
		       knobs[i].def);
	expect(strcmp(get("rmem"), "4096\t4097\t4098"), "rmem leaked");
	expect(strcmp(get("wmem"), "4096\t4097\t4098"), "wmem leaked");
}

static void independent(void)
{
	/* Another one's change is not seen here, before and after its end. */
	in_namespace(set_all);
	all_default();
	/* Nor is ours seen in one that is created now. */
	set_all();
	in_namespace(all_default);
	result("each namespace has its own");
}

static void unprivileged(void)
{
	size_t i;

	if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534)) {
		expect(false, "cannot become nobody");
		return;
	}
	for (i = 0; i < KNOBS; i++)
		refused(knobs[i].name, "1", EACCES);
	refused("rmem", "4096 8192 16384", EACCES);
	refused("congestion_control", "reno", EACCES);
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc > 1) {
		printf("usage: %s\n\nChecks every file of " DIRECTORY ": its default, its range,\n"
		       "that a refused value changes nothing, and that namespaces are apart.\n"
		       "Needs root and the xtcp module.\n", argv[0]);
		return strcmp(argv[1], "--help") && strcmp(argv[1], "-h") ? KTAP_FAIL : 0;
	}
	if (geteuid())
		return ktap_skip_all("needs root: run it with sudo or inside `make shell`");
	if (access(DIRECTORY, R_OK))
		return ktap_skip_all("no " DIRECTORY ": insmod xtcp.ko first");
	if (unshare(CLONE_NEWNET)) {
		perror("unshare");
		return KTAP_FAIL;
	}
	ktap_begin(KNOBS + 7);
	for (i = 0; i < KNOBS; i++)
		one_knob(&knobs[i]);
	triples("rmem");
	triples("wmem");
	algorithms();
	memory();
	complete();
	independent();
	in_namespace(unprivileged);
	result("others than root only read");
	return ktap_end();
}
