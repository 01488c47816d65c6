/* Counts the instructions that an emulated program executes, as a plugin of qemu's user mode.
 *
 * Arguments: out=PATH, where the number goes at exit; in=TEXT, to count only in functions whose symbol contains the text. Counts
 * whole blocks of translated code when they are entered, over all threads. The few functions of qemu's plugin interface that
 * it needs are declared here, because distributions do not ship the header. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned int, void *), enum qemu_plugin_cb_flags,
                                          void *);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*)(qemu_plugin_id_t, void *), void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const char *qemu_plugin_insn_symbol(const struct qemu_plugin_insn *);

__attribute__((visibility("default"))) int qemu_plugin_version = PLUGIN_VERSION;

static uint64_t executed;
static const char *file, *in;

static void enter(unsigned int cpu, void *instructions) {
  (void)cpu;
  __atomic_fetch_add(&executed, (uintptr_t)instructions, __ATOMIC_RELAXED);
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
  (void)id;
  size_t all = qemu_plugin_tb_n_insns(block), count = 0;
  for (size_t at = 0; at < all; at++) {
    const char *symbol = in ? qemu_plugin_insn_symbol(qemu_plugin_tb_get_insn(block, at)) : NULL;
    count += !in || (symbol && strstr(symbol, in));
  }
  if (count) qemu_plugin_register_vcpu_tb_exec_cb(block, enter, QEMU_PLUGIN_CB_NO_REGS, (void *)(uintptr_t)count);
}

static void finish(qemu_plugin_id_t id, void *nothing) {
  (void)id, (void)nothing;
  FILE *out = fopen(file, "w");
  if (!out) return;
  fprintf(out, "%llu\n", (unsigned long long)executed);
  fclose(out);
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int count, char **words) {
  (void)info;
  for (int at = 0; at < count; at++) {
    if (!strncmp(words[at], "out=", 4)) file = strdup(words[at] + 4);
    else if (!strncmp(words[at], "in=", 3)) in = strdup(words[at] + 3);
    else return 1;
  }
  if (!file) return 1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
  qemu_plugin_register_atexit_cb(id, finish, NULL);
  return 0;
}
