/* SPDX-License-Identifier: GPL-2.0 */
/* Parses HTTP request heads. Takes bytes, knows no sockets. */
#ifndef DEMO_HTTPREQ_H
#define DEMO_HTTPREQ_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_PATH_MAX	1024

struct http_request {
	bool head;			/* HEAD, not GET */
	bool http11;
	bool keep_alive;		/* what the client wishes, by version and header */
	bool chunked;			/* "?chunked" was asked for */
	char path[HTTP_PATH_MAX];	/* decoded, without the leading slashes */
};

/*
 * Looks at the start of buf. Returns 0 if a whole head is not there yet, 200 for a
 * request to answer, or the status of the error to answer; used is the number of
 * bytes it took, *req is filled in as far as it was understood. After an error
 * nothing behind it can be trusted, so keep_alive is false.
 */
int http_request_parse(const char *buf, size_t len, struct http_request *req, size_t *used);

#endif
