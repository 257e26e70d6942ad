/* SPDX-License-Identifier: GPL-2.0 */
/* One HTTP response on its way into a non-blocking socket. */
#ifndef DEMO_HTTPRSP_H
#define DEMO_HTTPRSP_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "httpreq.h"

#define RESPONSE_ROOM	16384

struct response {
	bool active;
	bool close_after;	/* the connection ends with this response */
	char out[RESPONSE_ROOM];	/* bytes ready for the socket */
	size_t out_at, out_len;
	/* Where the rest of the body comes from: a file, a directory, or nothing. */
	int file;
	uint64_t file_left;
	DIR *dir;
	bool chunked;
	bool last_chunk_due;
	bool start_failed;	/* the source broke before the first byte */
};

enum response_result { RESPONSE_DONE, RESPONSE_STUCK, RESPONSE_BROKEN };

void response_init(struct response *r);
/* status 200: look the request's path up below root_fd; else answer that error. */
void response_start(struct response *r, int root_fd, const struct http_request *req,
		    int status);
enum response_result response_send(struct response *r, int fd);
void response_end(struct response *r);	/* frees what it holds */

#endif
