// SPDX-License-Identifier: GPL-2.0
/* Clients and servers, a process each. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mark.h"
#include "team.h"

/* A process says one octet for: it listens, it has warmed up, it has done. Or is told to go on. */
enum signal_name { UP, WARM, DONE, GO, SIGNALS };
static int pipes[SIGNALS][2];

static void say(enum signal_name what, int times)
{
	while (times--)
		if (write(pipes[what][1], "", 1) != 1)
			fail("pipe");
}

static void hear(enum signal_name what, int times)
{
	char c;

	while (times--)
		if (read(pipes[what][0], &c, 1) != 1)
			fail("pipe");
}

static void member_open(const struct work *w, struct member *m, bool client)
{
	if (w->open)
		w->open(m, client);
	else if (client)
		m->fd = place_connect(m->place, m->number);
	else
		m->fd = place_accept(m->listener);
}

static void serve(const struct work *w, struct member *m, long warm, long n)
{
	enter(m->place->peer);
	m->listener = place_listen(m->place, m->number);
	say(UP, 1);
	member_open(w, m, false);
	w->server(m, warm);
	if (w->server_ends)
		say(WARM, 1);
	w->server(m, n);
	if (w->server_ends)
		say(DONE, 1);
}

static void ask(const struct work *w, struct member *m, long warm, long n)
{
	member_open(w, m, true);
	w->client(m, warm);
	if (!w->server_ends)
		say(WARM, 1);
	hear(GO, 1);
	w->client(m, n);
	if (!w->server_ends)
		say(DONE, 1);
}

static void start(const struct work *w, const struct member *like, int number, bool client,
		  long warm, long n)
{
	struct member m = *like;
	pid_t child = fork();

	if (child < 0)
		fail("fork");
	if (child)
		return;
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	m.number = number;
	m.buf = malloc(m.size);
	if (!m.buf)
		fail("no memory for %zu octets", m.size);
	memset(m.buf, 'x', m.size);
	(client ? ask : serve)(w, &m, warm, n);
	/* Who closes first is the work's affair: until all is measured nobody does. */
	pause();
}

/* A process never ends by itself, but where it failed; those left must not be waited for. */
static void child_ended(int sig)
{
	_exit(1);
}

long long team_run(const struct work *w, const struct member *like, int pairs, long warm, long n)
{
	long long begin, end;
	int i;

	for (i = 0; i < SIGNALS; i++)
		if (pipe(pipes[i]))
			fail("pipe");
	signal(SIGCHLD, child_ended);
	for (i = 0; i < pairs; i++)
		start(w, like, i, false, warm, n);
	hear(UP, pairs);
	for (i = 0; i < pairs; i++)
		start(w, like, i, true, warm, n);
	hear(WARM, pairs);
	begin = now_ns();
	mark_begin();
	say(GO, pairs);
	hear(DONE, pairs);
	mark_end();
	end = now_ns();
	/* They go with us (PR_SET_PDEATHSIG). */
	signal(SIGCHLD, SIG_DFL);
	return end - begin;
}
