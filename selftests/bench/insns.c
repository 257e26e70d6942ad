// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU's: how many instructions the guest's kernel executes at each address.
 *
 * The program that is measured executes a mark (mark.h) at the begin and at the end of what counts;
 * at the end this file writes a line "ADDRESS COUNT" for each block of instructions, and "user
 * COUNT" for all that user space did. Plugins see no symbols: profile.py knows them.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mark.h"
#include "plugin.h"

int qemu_plugin_version = 1;

/* A block that begins at @addr; @begun: what @count was at the mark. User space is one block. */
struct block {
	struct block *next;
	uint64_t addr, count, begun;
};

#define USER	1	/* no address of the kernel's */
#define BUCKETS	(1 << 16)
static struct block *blocks[BUCKETS];
static char *out_path;

static struct block *block_at(uint64_t addr)
{
	struct block **bucket = &blocks[(addr >> 2 ^ addr >> 18) % BUCKETS], *b;

	for (b = *bucket; b; b = b->next)
		if (b->addr == addr)
			return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	b->addr = addr;
	b->next = *bucket;
	*bucket = b;
	return b;
}

static void begin(unsigned int cpu, void *unused)
{
	struct block *b;
	size_t i;

	for (i = 0; i < BUCKETS; i++)
		for (b = blocks[i]; b; b = b->next)
			b->begun = b->count;
}

static void end(unsigned int cpu, void *unused)
{
	FILE *out = fopen(out_path, "w");
	struct block *b;
	size_t i;

	if (!out)
		return;
	for (i = 0; i < BUCKETS; i++) {
		for (b = blocks[i]; b; b = b->next) {
			if (b->count == b->begun)
				continue;
			if (b->addr == USER)
				fprintf(out, "user %" PRIu64 "\n", b->count - b->begun);
			else
				fprintf(out, "%" PRIx64 " %" PRIu64 "\n", b->addr, b->count - b->begun);
		}
	}
	fclose(out);
}

static bool is_mark(const struct qemu_plugin_insn *insn, const char *mark)
{
	return qemu_plugin_insn_size(insn) == MARK_SIZE &&
	       !memcmp(qemu_plugin_insn_data(insn), mark, MARK_SIZE);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uint64_t addr = qemu_plugin_tb_vaddr(tb);
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	bool user = !(addr >> 63);

	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64,
						 &block_at(user ? USER : addr)->count, n);
	for (i = 0; user && i < n; i++) {
		const struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (is_mark(insn, MARK_BEGIN))
			qemu_plugin_register_vcpu_tb_exec_cb(tb, begin, QEMU_PLUGIN_CB_NO_REGS, NULL);
		else if (is_mark(insn, MARK_END))
			qemu_plugin_register_vcpu_tb_exec_cb(tb, end, QEMU_PLUGIN_CB_NO_REGS, NULL);
	}
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fputs("insns: needs out=FILE\n", stderr);
		return -1;
	}
	out_path = strdup(argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
