// SPDX-License-Identifier: GPL-2.0
/*
 * xtcpize: run a program with its TCP sockets created as XTCP.
 *
 * The work is done by libxtcpize.so, which the dynamic linker loads into the program and
 * all that it starts; what it is to do it finds in the environment.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <linux/xtcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIBRARY		"libxtcpize.so"
/* Where `make install` puts it, seen from the directory of this program. */
#define INSTALLED	"../lib/xtcp/" LIBRARY

/* What a shell says of commands that it cannot run. */
enum { FAILED = 1, MISUSED = 2, NOT_RUN = 126, NOT_FOUND = 127 };

static const char help[] =
	"usage: xtcpize [OPTION...] PROGRAM [ARGUMENT...]\n"
	"\n"
	"Run PROGRAM with its TCP sockets created as XTCP, and those of all that it starts.\n"
	"\n"
	"  -v, --verbose      say on stderr which sockets were turned\n"
	"  -4                 only IPv4 sockets\n"
	"  -6                 only IPv6 sockets\n"
	"      --only ROLE    only sockets that connect (client) or that listen (server)\n"
	"      --fallback     without the module run PROGRAM over TCP\n"
	"  -h, --help         this text\n"
	"\n"
	"PROGRAM must be linked dynamically. Its exit status is xtcpize's; 126 and 127 if it\n"
	"cannot be run. Both ends of a connection have to be XTCP.\n"
	"\n"
	"  xtcpize -v nginx -g 'daemon off;'\n"
	"  xtcpize curl http://server/\n";

static void __attribute__((noreturn, format(printf, 2, 3))) die(int status, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("xtcpize: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(status);
}

/* Can the kernel make an XTCP socket? An installed module is loaded by this. */
static void need_module(bool fallback)
{
	int fd = socket(AF_XTCP, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		close(fd);
		return;
	}
	if (errno == EPERM || errno == EACCES)
		die(FAILED, "XTCP sockets are not permitted here: %s", strerror(errno));
	if (!fallback)
		die(FAILED, "the kernel knows no XTCP (%s): load it with `insmod xtcp.ko`, or run over\n"
			    "xtcpize: TCP with --fallback", strerror(errno));
	fprintf(stderr, "xtcpize: the kernel knows no XTCP (%s): this runs over TCP\n", strerror(errno));
	unsetenv("XTCPIZE");
}

/* The library lies beside this program, or where it was installed. */
static void find_library(char *path, size_t size)
{
	static const char *const places[] = { LIBRARY, INSTALLED };
	char self[PATH_MAX];
	const char *dir;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t i;

	if (n < 0)
		die(FAILED, "/proc/self/exe: %s", strerror(errno));
	self[n] = '\0';
	dir = dirname(self);
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (snprintf(path, size, "%s/%s", dir, places[i]) < (int)size && !access(path, R_OK))
			return;
	}
	die(FAILED, "no %s beside me: build it with `make`", LIBRARY);
}

/* Our library goes in front of what the caller preloads already. */
static void preload(const char *path)
{
	const char *old = getenv("LD_PRELOAD");
	char *all = NULL;

	/* The dynamic linker takes blanks and colons for the end of a name. */
	if (strpbrk(path, " :"))
		die(FAILED, "%s: the dynamic linker cannot take a name with blanks or colons", path);
	if (asprintf(&all, "%s%s%s", path, old && *old ? ":" : "", old ? old : "") < 0 ||
	    setenv("LD_PRELOAD", all, 1))
		die(FAILED, "%s", strerror(ENOMEM));
	free(all);
}

/* The file that execvp() would run, or NULL. */
static char *find_program(const char *name)
{
	const char *path = getenv("PATH") ?: "/usr/bin:/bin", *end;
	char *file = NULL;

	if (strchr(name, '/'))
		return strdup(name);
	for (;; path = end + 1) {
		end = strchrnul(path, ':');
		if (asprintf(&file, "%.*s/%s", (int)(end - path) ?: 1, end > path ? path : ".", name) < 0)
			die(FAILED, "%s", strerror(ENOMEM));
		if (!access(file, X_OK))
			return file;
		free(file);
		if (!*end)
			return NULL;
	}
}

/* A program without a dynamic linker, or one that may not be told what to load. */
static const char *why_not(const char *file)
{
	const char *why = NULL;
	Elf64_Ehdr head;
	Elf64_Phdr part;
	int i, fd = open(file, O_RDONLY | O_CLOEXEC);

	/* What cannot be read may still be run. */
	if (fd < 0)
		return NULL;
	if (read(fd, &head, sizeof(head)) == sizeof(head) && !memcmp(head.e_ident, ELFMAG, SELFMAG) &&
	    head.e_ident[EI_CLASS] == ELFCLASS64 && head.e_phentsize == sizeof(part)) {
		why = "it is linked statically";
		for (i = 0; i < head.e_phnum; i++) {
			if (pread(fd, &part, sizeof(part), head.e_phoff + i * sizeof(part)) == sizeof(part) &&
			    part.p_type == PT_INTERP)
				why = NULL;
		}
	}
	close(fd);
	return why;
}

static void need_dynamic(const char *name)
{
	char *file = find_program(name);
	const char *why = file ? why_not(file) : NULL;

	if (why)
		die(NOT_RUN, "%s: no socket of it can be turned: %s", file, why);
	free(file);
}

int main(int argc, char **argv)
{
	enum { ONLY = 256, FALLBACK };
	static const struct option options[] = {
		{ "verbose", no_argument, NULL, 'v' },
		{ "only", required_argument, NULL, ONLY },
		{ "fallback", no_argument, NULL, FALLBACK },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	bool verbose = false, v4 = false, v6 = false, fallback = false;
	const char *only = "";
	char library[PATH_MAX], how[64];
	int c;

	/* The program's options are its own. */
	while ((c = getopt_long(argc, argv, "+v46h", options, NULL)) != -1) {
		switch (c) {
		case 'v':
			verbose = true;
			break;
		case '4':
			v4 = true;
			break;
		case '6':
			v6 = true;
			break;
		case ONLY:
			only = optarg;
			if (strcmp(only, "client") && strcmp(only, "server"))
				die(MISUSED, "--only takes client or server, not %s", only);
			break;
		case FALLBACK:
			fallback = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			fputs("xtcpize: try --help\n", stderr);
			return MISUSED;
		}
	}
	if (optind == argc)
		die(MISUSED, "which program? Try --help");
	snprintf(how, sizeof(how), "%s%s%s%s", verbose ? "v" : "", v4 || !v6 ? "4" : "",
		 v6 || !v4 ? "6" : "", *only == 'c' ? "c" : *only == 's' ? "s" : "");
	setenv("XTCPIZE", how, 1);
	need_module(fallback);
	if (getenv("XTCPIZE")) {
		need_dynamic(argv[optind]);
		find_library(library, sizeof(library));
		preload(library);
	}
	execvp(argv[optind], argv + optind);
	die(errno == ENOENT ? NOT_FOUND : NOT_RUN, "cannot run %s: %s", argv[optind], strerror(errno));
}
