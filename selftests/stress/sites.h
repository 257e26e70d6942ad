/* SPDX-License-Identifier: GPL-2.0 */
/* The allocation sites of xtcp.ko: read from its relocations, counted and failed by failsite.ko. */
#ifndef XTCP_SELFTESTS_SITES_H
#define XTCP_SELFTESTS_SITES_H

#include <elf.h>
#include <libgen.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "ko.h"
#include "stress.h"

#define SITES_DIR	"/sys/kernel/debug/failsite/"

/* Where it happened, as failsite.ko tells it: the innermost of these. */
enum { IN_PROCESS, IN_BACKLOG, IN_SEGMENT, IN_TIMER, CONTEXTS };

static const char *const site_contexts[CONTEXTS] = { "process", "backlog", "segment", "timer" };

enum { SITES_MOST = 512 };

/* One call in xtcp.ko below which memory is asked for. */
struct site {
	unsigned int init, section;	/* of init's memory; number in the file */
	unsigned long offset;		/* of the return address in its part of the memory */
	char function[80];
	const char *callee;		/* NULL: a call that is no allocator's by name */
	bool wanted;			/* from the relocations: must fail at least once */
	long seen[CONTEXTS], failed[CONTEXTS];	/* of all loads together */
	long base_seen[CONTEXTS], base_failed[CONTEXTS];	/* of this load, counted before */
};

static struct site site_list[SITES_MOST];
static int site_count;

/* What gets memory, called directly. Those with a * end where they like. */
static const char *const site_callees[] = {
	"kmalloc_trace", "kmalloc_node_trace", "__kmalloc*", "kmalloc_large*", "kvmalloc_node",
	"kmemdup*", "kstrdup*", "kmem_cache_alloc*", "kmem_cache_create*", "__alloc_skb",
	"__netdev_alloc_skb", "skb_clone", "skb_copy", "skb_copy_expand", "__pskb_copy_fclone",
	"pskb_expand_head", "__pskb_pull_tail", "___pskb_trim", "skb_segment", "sk_alloc",
	"sk_clone_lock", "sk_page_frag_refill", "skb_page_frag_refill", "__alloc_percpu*",
	"__percpu_counter_init*", "__xa_cmpxchg", "__xa_store", "rhashtable_init",
	"rhashtable_insert_slow", "rht_bucket_nested_insert", "ipv6_dup_options",
	"inet_ctl_sock_create", "register_net_sysctl*", "proc_create_*", "__seq_open_private",
	"single_open", "register_pernet_subsys", "proto_register", "ip_route_output_flow",
	"ip6_dst_lookup_flow", "__get_free_pages", "__alloc_pages", "alloc_pages*",
};

static const char *site_callee(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(site_callees) / sizeof(site_callees[0]); i++) {
		size_t n = strlen(site_callees[i]);

		if (site_callees[i][n - 1] == '*' ? !strncmp(name, site_callees[i], n - 1) :
						    !strcmp(name, site_callees[i]))
			return name;
	}
	return NULL;
}

/* -- the file ------------------------------------------------------------------ */

static const uint8_t *site_elf;
static const Elf64_Shdr *site_shdr;
static unsigned long site_place[128];	/* where each section is loaded, in its part */
static bool site_in_init[128];

static const Elf64_Ehdr *site_ehdr(void)
{
	return (const Elf64_Ehdr *)site_elf;
}

static const char *site_section_name(unsigned int i)
{
	return (const char *)site_elf + site_shdr[site_ehdr()->e_shstrndx].sh_offset +
	       site_shdr[i].sh_name;
}

/* The function of section @section that the octet before @at belongs to. */
static void site_name(char *to, size_t len, unsigned int section, unsigned long at)
{
	unsigned int i, n;

	snprintf(to, len, "%s+%#lx", site_section_name(section), at);
	for (i = 0; i < site_ehdr()->e_shnum; i++) {
		const Elf64_Sym *sym = (const Elf64_Sym *)(site_elf + site_shdr[i].sh_offset);
		const char *names;

		if (site_shdr[i].sh_type != SHT_SYMTAB)
			continue;
		names = (const char *)site_elf + site_shdr[site_shdr[i].sh_link].sh_offset;
		for (n = 0; n < site_shdr[i].sh_size / sizeof(*sym); n++)
			if (ELF64_ST_TYPE(sym[n].st_info) == STT_FUNC &&
			    sym[n].st_shndx == section && at > sym[n].st_value &&
			    at <= sym[n].st_value + sym[n].st_size)
				snprintf(to, len, "%.55s+%#lx", names + sym[n].st_name,
					 at - sym[n].st_value);
	}
}

/** site_at() - the site, which is entered in the list if it is not there yet */
static struct site *site_at(unsigned int init, unsigned long offset)
{
	struct site *s;
	unsigned int i, best = 0;

	for (s = site_list; s < site_list + site_count; s++)
		if (s->init == init && s->offset == offset)
			return s;
	if (site_count == SITES_MOST)
		return NULL;
	memset(s, 0, sizeof(*s));
	s->init = init;
	s->offset = offset;
	for (i = 1; i < site_ehdr()->e_shnum; i++)
		if (site_shdr[i].sh_flags & SHF_EXECINSTR && site_in_init[i] == !!init &&
		    site_place[i] < offset && (!best || site_place[i] > site_place[best]))
			best = i;
	s->section = best;
	site_name(s->function, sizeof(s->function), best, offset - site_place[best]);
	site_count++;
	return s;
}

/* Each call of an allocator is a relocation; the return address lies four octets on. */
static void site_read_section(unsigned int i)
{
	const Elf64_Shdr *rs = &site_shdr[i];
	const Elf64_Rela *rela = (const Elf64_Rela *)(site_elf + rs->sh_offset);
	const Elf64_Shdr *symtab = &site_shdr[rs->sh_link];
	const Elf64_Sym *sym = (const Elf64_Sym *)(site_elf + symtab->sh_offset);
	const char *names = (const char *)site_elf + site_shdr[symtab->sh_link].sh_offset;
	unsigned int n;

	for (n = 0; n < rs->sh_size / sizeof(*rela); n++) {
		const Elf64_Sym *to = &sym[ELF64_R_SYM(rela[n].r_info)];
		unsigned int type = ELF64_R_TYPE(rela[n].r_info);
		const char *callee;
		struct site *s;

		if ((type != R_X86_64_PLT32 && type != R_X86_64_PC32) || to->st_shndx != SHN_UNDEF)
			continue;
		callee = site_callee(names + to->st_name);
		if (!callee)
			continue;
		s = site_at(site_in_init[rs->sh_info],
			    site_place[rs->sh_info] + rela[n].r_offset + 4);
		if (!s)
			continue;
		s->callee = callee;
		s->wanted = true;
	}
}

static unsigned long site_number(const char *path)
{
	unsigned long value = 0;
	FILE *f = fopen(path, "r");

	if (f && fscanf(f, "%lx", &value) != 1)
		value = 0;
	if (f)
		fclose(f);
	return value;
}

/** sites_read() - all sites of the module file @ko, which is loaded now; 0 or -1 */
static inline int sites_read(const char *ko)
{
	unsigned long base[2] = { 0, 0 };
	struct stat st;
	unsigned int i;
	FILE *f;
	int fd;

	fd = open(ko, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return -1;
	site_elf = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (site_elf == MAP_FAILED)
		return -1;
	site_shdr = (const Elf64_Shdr *)(site_elf + site_ehdr()->e_shoff);
	f = fopen(SITES_DIR "sites", "r");
	if (!f || fscanf(f, "base %lx %lx", &base[0], &base[1]) != 2 || !base[0])
		return -1;
	fclose(f);
	for (i = 1; i < site_ehdr()->e_shnum && i < 128; i++) {
		char path[150];
		unsigned long at;

		if (!(site_shdr[i].sh_flags & SHF_ALLOC))
			continue;
		snprintf(path, sizeof(path), "/sys/module/xtcp/sections/%s", site_section_name(i));
		at = site_number(path);
		site_in_init[i] = !strncmp(site_section_name(i), ".init", 5);
		site_place[i] = at - base[site_in_init[i]];
	}
	for (i = 1; i < site_ehdr()->e_shnum && i < 128; i++)
		if (site_shdr[i].sh_type == SHT_RELA &&
		    site_shdr[site_shdr[i].sh_info].sh_flags & SHF_EXECINSTR &&
		    strcmp(site_section_name(site_shdr[i].sh_info), ".text.startup") &&
		    strcmp(site_section_name(site_shdr[i].sh_info), ".text.exit"))
			site_read_section(i);
	return site_count ? 0 : -1;
}

/* -- counting and failing ---------------------------------------------------------- */

/* One line's pairs of numbers: what is new in them is added to @s. */
static bool site_add(FILE *f, struct site *s)
{
	long seen, failed;
	int i;

	for (i = 0; i < CONTEXTS; i++) {
		if (fscanf(f, "%ld %ld", &seen, &failed) != 2)
			return false;
		s->seen[i] += seen - s->base_seen[i];
		s->failed[i] += failed - s->base_failed[i];
		s->base_seen[i] = seen;
		s->base_failed[i] = failed;
	}
	return true;
}

/** sites_count() - add what was seen and failed since the last call to the list */
static inline void sites_count(void)
{
	FILE *f = fopen(SITES_DIR "sites", "r");
	unsigned long offset;
	unsigned int init;
	struct site *s;
	int lost = 1;

	if (!f || fscanf(f, "base %*x %*x lost %d", &lost) != 1 || lost)
		ktap_note("the table of sites is not complete");
	while (f && fscanf(f, "%u %lx", &init, &offset) == 2) {
		s = site_at(init, offset);
		if (!s || !site_add(f, s))
			break;
	}
	if (f)
		fclose(f);
}

/** sites_reloaded() - the module was loaded again, which began a new table */
static inline void sites_reloaded(void)
{
	struct site *s;

	for (s = site_list; s < site_list + site_count; s++) {
		memset(s->base_seen, 0, sizeof(s->base_seen));
		memset(s->base_failed, 0, sizeof(s->base_failed));
	}
}

static inline void site_write(const char *text)
{
	int fd = open(SITES_DIR "arm", O_WRONLY | O_CLOEXEC), len = strlen(text);

	if (fd < 0 || write(fd, text, len) != len)
		ktap_note("%sarm: %s", SITES_DIR, strerror(errno));
	close(fd);
}

/** site_arm() - allocations @from to @from + @times - 1 of @s in @context fail from now on */
static inline void site_arm(const struct site *s, int context, int from, int times)
{
	char text[60];

	snprintf(text, sizeof(text), "%u %lx %d %d %d", s->init, s->offset, context, from, times);
	site_write(text);
}

static inline void site_disarm(void)
{
	site_write("off");
}

static inline long site_seen(const struct site *s)
{
	return s->seen[IN_PROCESS] + s->seen[IN_BACKLOG] + s->seen[IN_SEGMENT] +
	       s->seen[IN_TIMER];
}

static inline long site_failed(const struct site *s)
{
	return s->failed[IN_PROCESS] + s->failed[IN_BACKLOG] + s->failed[IN_SEGMENT] +
	       s->failed[IN_TIMER];
}

/* -- the helper --------------------------------------------------------------------- */

/** sites_helper() - where failsite.ko is, built for this kernel; NULL: it does not build */
static inline const char *sites_helper(const char *self)
{
	const char *kernel = getenv("XTCP_KERNEL");
	static char path[512];
	char cmd[1200], at[512];
	FILE *f;

	snprintf(at, sizeof(at), "%s", self);
	snprintf(cmd, sizeof(cmd), "%s/../../module/build %s failsite", dirname(at),
		 kernel ? kernel : "stock");
	f = popen(cmd, "r");
	if (!f)
		return NULL;
	if (!fgets(path, sizeof(path), f))
		path[0] = '\0';
	path[strcspn(path, "\n")] = '\0';
	return pclose(f) || !path[0] ? NULL : path;
}

#endif /* XTCP_SELFTESTS_SITES_H */
