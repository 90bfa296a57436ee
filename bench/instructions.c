// A QEMU plugin (API version 1; used with QEMU 7.2) that counts the instructions a program executes, in all and by function:
//
//	cc -shared -fPIC -O2 -o instructions.so bench/instructions.c
//	qemu-aarch64 -d plugin -D counts.txt -plugin ./instructions.so program
//
// Debian ships no qemu-plugin.h, so what is used of it is declared here.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t id;
struct block;
struct instruction;
extern void qemu_plugin_register_vcpu_tb_trans_cb(id, void (*)(id, struct block *));
extern size_t qemu_plugin_tb_n_insns(const struct block *);
extern struct instruction *qemu_plugin_tb_get_insn(const struct block *, size_t);
extern const char *qemu_plugin_insn_symbol(const struct instruction *);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct block *, int add, void *to, uint64_t by);
extern void qemu_plugin_register_atexit_cb(id, void (*)(id, void *), void *);
extern void qemu_plugin_outs(const char *);

int qemu_plugin_version __attribute__((visibility("default"))) = 1;

struct function {
	const char *name;
	uint64_t instructions;
	struct function *next;
};

enum { buckets = 4096 };
static struct function *table[buckets];

// Blocks are translated under QEMU's lock, one at a time.
static struct function *find(const char *name)
{
	unsigned hash = 5381;
	for (const char *c = name; *c; c++)
		hash = hash * 33 + (unsigned char)*c;
	struct function **at = &table[hash % buckets];
	for (; *at; at = &(*at)->next)
		if (!strcmp((*at)->name, name))
			return *at;
	*at = calloc(1, sizeof **at);
	(*at)->name = strdup(name);
	return *at;
}

// A block belongs to the function it begins in.
static void translated(id plugin, struct block *b)
{
	const char *name = qemu_plugin_insn_symbol(qemu_plugin_tb_get_insn(b, 0));
	qemu_plugin_register_vcpu_tb_exec_inline(b, 0, &find(name ? name : "?")->instructions, qemu_plugin_tb_n_insns(b));
}

static void ended(id plugin, void *none)
{
	char line[512];
	uint64_t all = 0;
	for (int i = 0; i < buckets; i++)
		for (struct function *f = table[i]; f; f = f->next) {
			all += f->instructions;
			snprintf(line, sizeof line, "%20llu %s\n", (unsigned long long)f->instructions, f->name);
			if (f->instructions)
				qemu_plugin_outs(line);
		}
	snprintf(line, sizeof line, "%20llu all\n", (unsigned long long)all);
	qemu_plugin_outs(line);
}

__attribute__((visibility("default"))) int qemu_plugin_install(id plugin, const void *info, int argc, char **argv)
{
	qemu_plugin_register_vcpu_tb_trans_cb(plugin, translated);
	qemu_plugin_register_atexit_cb(plugin, ended, NULL);
	return 0;
}
