/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel TCP as the oracle: a case runs once over TCP and once over XTCP and
 * writes down what it saw; whatever differs is a failure that shows both.
 *
 * A case calls IS() for what it knows must happen, SAW() for what it only
 * wants to be the same, and NEED() for its own preparations. IS() keeps a case
 * honest where both transports do nothing at all. Where TCP itself contradicts
 * it, TCP runs again: it has races of its own, and a run that met one says nothing
 * about XTCP.
 */
#ifndef XTCP_SELFTESTS_ORACLE_H
#define XTCP_SELFTESTS_ORACLE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

/* Which addresses a case runs with. */
#define ON_V4		1	/* AF_INET, 127.0.0.1 */
#define ON_V6		2	/* AF_INET6, ::1 */
#define ON_MAPPED	4	/* AF_INET6, ::ffff:127.0.0.1 */
#define ON_BOTH		(ON_V4 | ON_V6)
#define ON_ALL		(ON_V4 | ON_V6 | ON_MAPPED)

/**
 * struct xport - one transport a case runs over
 * @label:	"tcp4", "xtcp6", ...
 * @xtcp:	true for AF_XTCP
 * @on:		ON_V4, ON_V6 or ON_MAPPED
 * @domain:	first argument of socket()
 * @protocol:	third argument of socket()
 * @family:	address family: AF_INET or AF_INET6
 */
struct xport {
	const char *label;
	bool xtcp;
	int on;
	int domain;
	int protocol;
	int family;
};

/**
 * struct oracle_case - one case
 * @name:	what it is about
 * @run:	records what it saw; runs in a process and a network namespace
 *		of its own, as root, with the loopback device up
 * @on:		the ON_ values to run with
 * @min_facts:	fewer facts than this mean that the case did not do its work
 * @seconds:	time limit of one run; 0 means 30
 */
struct oracle_case {
	const char *name;
	void (*run)(const struct xport *t);
	int on;
	int min_facts;
	int seconds;
};

#define CASE(name, run, on, min_facts)		{ name, run, on, min_facts, 0 }
#define CASE_SECONDS(name, run, on, min, seconds) { name, run, on, min, seconds }

int oracle_main(int argc, char **argv, const char *purpose,
		const struct oracle_case *cases, size_t count);
#define ORACLE_MAIN(purpose, cases)					\
int main(int argc, char **argv)						\
{									\
	return oracle_main(argc, argv, purpose, cases,			\
			   sizeof(cases) / sizeof((cases)[0]));		\
}

__attribute__((format(printf, 2, 3)))
void oracle_text(const char *name, const char *fmt, ...);
void oracle_text_is(int line, const char *name, const char *got, const char *want);
void oracle_ret(int line, const char *what, long ret, int err);
void oracle_ret_is(int line, const char *what, long ret, int err, long want);
void oracle_events(int line, const char *what, unsigned int got);
void oracle_events_is(int line, const char *what, unsigned int got, unsigned int want);
void oracle_need(int line, const char *what, long ret, int err);
void oracle_design(int line, const char *what, long got, long want);

#define ORACLE_EVAL_(expr) ({ errno = 0; (long)(expr); })

/* The value of a call; a negative one is taken for -1 and shown as its errno. */
#define SAW(expr) ({							\
	long saw_ = ORACLE_EVAL_(expr);					\
	int err_ = errno;						\
	oracle_ret(__LINE__, #expr, saw_, err_);			\
	errno = err_;							\
	saw_; })

/* The same, and it must be @want: a value, or an errno with a minus sign. */
#define IS(expr, want) ({						\
	long saw_ = ORACLE_EVAL_(expr);					\
	int err_ = errno;						\
	oracle_ret_is(__LINE__, #expr, saw_, err_, want);		\
	errno = err_;							\
	saw_; })

/* A preparation: the case ends here, failed, if it does not work. */
#define NEED(expr) ({							\
	long saw_ = ORACLE_EVAL_(expr);					\
	if (saw_ < 0)							\
		oracle_need(__LINE__, #expr, saw_, errno);		\
	saw_; })

/* A truth about this run; false fails it. */
#define TRUE(expr)	IS(!!(expr), 1)

/* poll or epoll events. */
#define EV(expr)	oracle_events(__LINE__, #expr, expr)
#define EV_IS(expr, want) oracle_events_is(__LINE__, #expr, expr, want)

/* A text. */
#define TEXT_IS(expr, want) oracle_text_is(__LINE__, #expr, expr, want)

/*
 * A difference that is meant: TCP gives @tcp and XTCP gives @xtcp. Every use
 * stands beside a comment with the reason.
 */
#define BY_DESIGN(t, expr, tcp, xtcp_want) do {				\
	long saw_ = ORACLE_EVAL_(expr);					\
	if (saw_ < 0)							\
		saw_ = -errno;						\
	oracle_design(__LINE__, #expr, saw_, (t)->xtcp ? (xtcp_want) : (tcp)); \
} while (0)

#endif /* XTCP_SELFTESTS_ORACLE_H */
