// SPDX-License-Identifier: GPL-2.0
/* The harness itself: whatever should fail a comparison does fail it. */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/ktap.h"
#include "../lib/oracle.h"

/* With --self the right side's label ends in "again". */
static bool right_side(const struct xport *t)
{
	return strstr(t->label, "again");
}

static void equal(const struct xport *t)
{
	(void)t;
	IS(1 + 1, 2);
	SAW((errno = EAGAIN, -1));
	oracle_text("text", "%s", "same");
}

static void other_value(const struct xport *t)
{
	SAW(right_side(t) ? 5 : 6);
}

static void other_errno(const struct xport *t)
{
	SAW((errno = right_side(t) ? EPIPE : ECONNRESET, -1));
}

static void other_events(const struct xport *t)
{
	EV(right_side(t) ? 1 : 5);
}

static void other_text(const struct xport *t)
{
	oracle_text("text", "%s", t->label);
}

static void fact_missing(const struct xport *t)
{
	SAW(1);
	if (!right_side(t))
		SAW(2);
}

static void other_order(const struct xport *t)
{
	oracle_text(right_side(t) ? "b" : "a", "x");
	oracle_text(right_side(t) ? "a" : "b", "x");
}

static void both_wrong(const struct xport *t)
{
	(void)t;
	IS(2 + 2, 5);
}

static void both_wrong_errno(const struct xport *t)
{
	(void)t;
	IS((errno = EPERM, -1), -EACCES);
}

static void preparation_fails(const struct xport *t)
{
	(void)t;
	SAW(1);
	NEED((errno = ENOMEM, -1));
}

static void nothing_at_all(const struct xport *t)
{
	(void)t;
}

static void too_little(const struct xport *t)
{
	(void)t;
	SAW(1);
}

static void dies(const struct xport *t)
{
	SAW(1);
	if (right_side(t))
		raise(SIGSEGV);
}

static void hangs(const struct xport *t)
{
	SAW(1);
	if (right_side(t))
		pause();
}

static void not_by_design(const struct xport *t)
{
	BY_DESIGN(t, right_side(t) ? 2 : 1, 1, 2);
}

/* Shared with the runs: how many each side has had. */
static struct turns {
	int left, right;
} *turns;

static int turn(const struct xport *t)
{
	return __atomic_add_fetch(right_side(t) ? &turns->right : &turns->left, 1,
				  __ATOMIC_SEQ_CST);
}

static void tcp_wrong_twice(const struct xport *t)
{
	int nr = turn(t);

	IS(right_side(t) || nr > 2, 1);
}

static void xtcp_wrong_once(const struct xport *t)
{
	int nr = turn(t);

	IS(!right_side(t) || nr > 1, 1);
}

static const struct {
	struct oracle_case c;
	bool passes;
	const char *says;
} checks[] = {
	{ CASE("equal facts", equal, ON_V4, 3), true, "3 facts" },
	{ CASE("another value", other_value, ON_V4, 1), false, "gives 6, tcp4 again gives 5" },
	{ CASE("another errno", other_errno, ON_V4, 1), false, "gives -EPIPE" },
	{ CASE("other events", other_events, ON_V4, 1), false, "gives IN|OUT" },
	{ CASE("another text", other_text, ON_V4, 1), false, "gives tcp4 again" },
	{ CASE("a missing fact", fact_missing, ON_V4, 1), false, "its end" },
	{ CASE("another order", other_order, ON_V4, 1), false, "went on with: a" },
	{ CASE("wrong on both sides", both_wrong, ON_V4, 1), false, "got 4, expected 5" },
	{ CASE("wrong errno on both sides", both_wrong_errno, ON_V4, 1), false,
	  "got -EPERM, expected -EACCES" },
	{ CASE("a preparation that fails", preparation_fails, ON_V4, 1), false, "-ENOMEM" },
	{ CASE("nothing at all", nothing_at_all, ON_V4, 0), false, "only 0 facts" },
	{ CASE("too few facts", too_little, ON_V4, 2), false, "only 1 facts" },
	{ CASE("a crash", dies, ON_V4, 1), false, "died of signal 11" },
	{ CASE_SECONDS("a hang", hangs, ON_V4, 1, 1), false, "no end within " },
	{ CASE("a difference that is not the meant one", not_by_design, ON_V4, 1), false,
	  "got 2, expected 1" },
	{ CASE("TCP that contradicts itself", tcp_wrong_twice, ON_V4, 1), true,
	  "once more, for TCP" },
	{ CASE("XTCP that does, once", xtcp_wrong_once, ON_V4, 1), false, "gives 1, tcp4 again" },
};

#define CHECKS (sizeof(checks) / sizeof(checks[0]))

/* Runs one case and gives what it printed; returns its exit status. */
static int printed(const struct oracle_case *c, char *out, size_t size)
{
	char program[] = "oracle", option[] = "--self", *argv[] = { program, option, NULL };
	size_t have = 0;
	int fds[2], status, pid;
	ssize_t n;

	if (pipe(fds))
		return -1;
	pid = fork();
	if (!pid) {
		dup2(fds[1], 1);
		close(fds[0]);
		_exit(oracle_main(2, argv, "a check of the harness", c, 1));
	}
	close(fds[1]);
	while (have < size - 1 && (n = read(fds[0], out + have, size - 1 - have)) > 0)
		have += n;
	out[have] = '\0';
	close(fds[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(int argc, char **argv)
{
	static char out[65536];
	size_t i;

	if (argc > 1) {
		printf("usage: %s\n\nChecks that the harness of the API tests reports every kind of\n"
		       "difference. Needs root, but not the xtcp module.\n", argv[0]);
		return strcmp(argv[1], "--help") && strcmp(argv[1], "-h") ? KTAP_FAIL : 0;
	}
	if (geteuid())
		return ktap_skip_all("needs root: run it with sudo or inside `make shell`");
	turns = mmap(NULL, sizeof(*turns), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (turns == MAP_FAILED) {
		perror("mmap");
		return KTAP_FAIL;
	}
	ktap_begin(CHECKS);
	for (i = 0; i < CHECKS; i++) {
		int status;
		bool good;

		*turns = (struct turns) { 0 };
		status = printed(&checks[i].c, out, sizeof(out));
		good = status == (checks[i].passes ? KTAP_PASS : KTAP_FAIL) &&
		       strstr(out, checks[i].passes ? "\nok 1 " : "\nnot ok 1 ") &&
		       strstr(out, checks[i].says);

		if (!good) {
			char *line = strtok(out, "\n");

			ktap_note("status %d, wanted \"%s\" in:", status, checks[i].says);
			for (; line; line = strtok(NULL, "\n"))
				ktap_note("  %s", line);
		}
		ktap_result(good, "%s %s", checks[i].c.name,
			    checks[i].passes ? "passes" : "fails");
	}
	return ktap_end();
}
