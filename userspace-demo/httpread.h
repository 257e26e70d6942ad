/* SPDX-License-Identifier: GPL-2.0 */
/* Reads HTTP responses from a blocking socket and compares their bodies with files. */
#ifndef DEMO_HTTPREAD_H
#define DEMO_HTTPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes received and not yet used; one per connection, so pipelined answers wait here. */
struct http_reader {
	int fd;
	char buf[16384];
	size_t at, len;
};

struct http_answer {
	int status;
	bool chunked;
	bool keep_alive;
	bool same;			/* the body is the file it was compared with */
	uint64_t body;			/* bytes */
	const char *error;		/* NULL, or why the answer could not be read */
};

void http_reader_init(struct http_reader *r, int fd);
/* compare: a file open for reading, or -1. The answer may be left half read after an error. */
void http_read_answer(struct http_reader *r, int compare, struct http_answer *a);
/* True if the peer's FIN follows at once: no byte too many. */
bool http_read_end(struct http_reader *r);

#endif
