/* SPDX-License-Identifier: GPL-2.0 */
/* Printing results in KTAP, for every test written in C. */
#ifndef XTCP_SELFTESTS_KTAP_H
#define XTCP_SELFTESTS_KTAP_H

#include <stdarg.h>
#include <stdio.h>

#define KTAP_PASS	0
#define KTAP_FAIL	1
#define KTAP_SKIP	4

static int ktap_number, ktap_planned, ktap_failed, ktap_skipped;

/** ktap_begin() - print the header and the plan of @planned results */
static inline void ktap_begin(int planned)
{
	ktap_planned = planned;
	printf("KTAP version 1\n1..%d\n", planned);
	fflush(stdout);
}

/** ktap_note() - one diagnostic line; it ends with a newline of its own */
__attribute__((format(printf, 1, 2)))
static inline void ktap_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	fflush(stdout);
}

/** ktap_result() - one result line: "ok" if @passed; returns @passed */
__attribute__((format(printf, 2, 3)))
static inline int ktap_result(int passed, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("%s %d - ", passed ? "ok" : "not ok", ++ktap_number);
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	fflush(stdout);
	if (!passed)
		ktap_failed++;
	return passed;
}

/** ktap_skip() - one result that could not be had, and why */
static inline void ktap_skip(const char *name, const char *why)
{
	printf("ok %d - %s # SKIP %s\n", ++ktap_number, name, why);
	fflush(stdout);
	ktap_skipped++;
}

/** ktap_skip_all() - the whole test cannot run here; returns the exit code */
static inline int ktap_skip_all(const char *why)
{
	printf("KTAP version 1\n1..0 # SKIP %s\n", why);
	fflush(stdout);
	return KTAP_SKIP;
}

/**
 * ktap_end() - the exit code: failed if a result failed or is missing
 *
 * A test that stops early must not pass, so the plan is compared here.
 */
static inline int ktap_end(void)
{
	if (ktap_number != ktap_planned) {
		ktap_note("planned %d results, gave %d", ktap_planned, ktap_number);
		return KTAP_FAIL;
	}
	if (ktap_failed)
		return KTAP_FAIL;
	return ktap_skipped == ktap_number ? KTAP_SKIP : KTAP_PASS;
}

#endif /* XTCP_SELFTESTS_KTAP_H */
