/* SPDX-License-Identifier: GPL-2.0 */
/* What TCP_INFO says of a connection, every few milliseconds, into a file. */
#ifndef DEMO_TRACE_H
#define DEMO_TRACE_H

/* Start to write lines about @fd to the file @name, one in @period_ms. */
void trace_start(int fd, const char *name, unsigned int period_ms);
/* A last line, and the file is complete. Before close(@fd). Nothing if none was started. */
void trace_stop(void);

#endif
