/* What tools/processor.py loads into a process: hides features of the processor from libraries whose cpuid instructions
 * it has replaced, and from those who read /proc/cpuinfo.
 *
 * The first byte of cpuid (0f a2) was replaced by 06, which no 64-bit processor knows; the signal that it raises is
 * answered here: the real cpuid, less the features above the wanted level. Built twice into one process: as LD_AUDIT it
 * sends the loader to the replaced libraries, as LD_PRELOAD it answers. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

#define BIT(n) (1u << (n))
enum { REPLACED = 0x06, SECOND_BYTE = 0xa2 };

/* AVX-512, AMX and AVX-VNNI in the words of leaf 7; then what AVX2 and AVX are, for the level sse. */
static const uint32_t AVX512_EBX = BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31);
static const uint32_t AVX512_ECX = BIT(1) | BIT(6) | BIT(8) | BIT(11) | BIT(12) | BIT(14);
static const uint32_t AVX512_EDX = BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25);
static const uint32_t AVX2_EBX = BIT(3) | BIT(5) | BIT(8);
static const uint32_t AVX_ECX_OF_1 = BIT(12) | BIT(26) | BIT(27) | BIT(28) | BIT(29);

static int hides_avx(void) {
  const char *level = getenv("EDGECNN_PROCESSOR");
  return level && !strcmp(level, "sse");
}

static void hide(uint32_t leaf, uint32_t subleaf, uint32_t r[4]) {
  if (leaf == 1 && hides_avx()) r[2] &= ~AVX_ECX_OF_1;
  if (leaf == 7 && subleaf == 0) {
    r[1] &= ~(AVX512_EBX | (hides_avx() ? AVX2_EBX : 0));
    r[2] &= ~(AVX512_ECX | (hides_avx() ? BIT(9) | BIT(10) : 0));
    r[3] &= ~AVX512_EDX;
  }
  if ((leaf == 7 && subleaf > 0) || leaf == 0x1e || leaf == 0x24) memset(r, 0, 4 * sizeof *r);
}

static struct sigaction others; /* what the process itself wants of illegal instructions */

static void answer(int number, siginfo_t *info, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  const uint8_t *code = (const uint8_t *)registers[REG_RIP];
  if (code[0] == REPLACED && code[1] == SECOND_BYTE) {
    uint32_t leaf = (uint32_t)registers[REG_RAX], subleaf = (uint32_t)registers[REG_RCX], r[4];
    __cpuid_count(leaf, subleaf, r[0], r[1], r[2], r[3]);
    hide(leaf, subleaf, r);
    registers[REG_RAX] = r[0], registers[REG_RBX] = r[1], registers[REG_RCX] = r[2], registers[REG_RDX] = r[3];
    registers[REG_RIP] += 2;
    return;
  }
  if (others.sa_flags & SA_SIGINFO && others.sa_sigaction) {
    others.sa_sigaction(number, info, context);
    return;
  }
  signal(SIGILL, SIG_DFL); /* a real one: it comes again, and ends the process */
}

typedef int (*sigaction_call)(int, const struct sigaction *, struct sigaction *);

static sigaction_call real_sigaction(void) {
  return (sigaction_call)dlsym(RTLD_NEXT, "sigaction");
}

/* Python's faulthandler and others want illegal instructions for themselves: they get those that are not ours. */
int sigaction(int number, const struct sigaction *wanted, struct sigaction *before) {
  if (number != SIGILL) return real_sigaction()(number, wanted, before);
  if (before) *before = others;
  if (wanted) others = *wanted;
  return 0;
}

__attribute__((constructor)) static void start(void) {
  struct sigaction own = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction_call call = real_sigaction();
  if (call) call(SIGILL, &own, NULL);
}

static const char *instead_of(const char *path) {
  const char *ours = getenv("EDGECNN_PROCESSOR_CPUINFO");
  return path && ours && !strcmp(path, "/proc/cpuinfo") ? ours : path;
}

typedef int (*open_call)(const char *, int, ...);

#define OPEN(name)                                                              \
  int name(const char *path, int flags, ...) {                                  \
    va_list rest;                                                               \
    va_start(rest, flags);                                                      \
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;   \
    va_end(rest);                                                               \
    return ((open_call)dlsym(RTLD_NEXT, #name))(instead_of(path), flags, mode); \
  }
OPEN(open)
OPEN(open64)

FILE *fopen(const char *path, const char *mode) {
  return ((FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen"))(instead_of(path), mode);
}

FILE *fopen64(const char *path, const char *mode) {
  return ((FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen64"))(instead_of(path), mode);
}

/* The loader's side. EDGECNN_PROCESSOR_LIBRARIES is SIZE:PATH;SIZE:PATH, a replaced library for each size. */
unsigned int la_version(unsigned int version) {
  return version < LAV_CURRENT ? version : LAV_CURRENT;
}

char *la_objsearch(const char *name, uintptr_t *cookie, unsigned int flag) {
  (void)cookie, (void)flag;
  static char replaced[4096];
  struct stat found;
  const char *list = getenv("EDGECNN_PROCESSOR_LIBRARIES"), *base = strrchr(name, '/');
  if (!list || !strstr(base ? base : name, "onnxruntime") || stat(name, &found)) return (char *)name;
  for (const char *entry = list; entry && *entry; entry = strchr(entry, ';') ? strchr(entry, ';') + 1 : NULL) {
    long long size = 0;
    if (sscanf(entry, "%lld:%4095[^;]", &size, replaced) == 2 && size == (long long)found.st_size) return replaced;
  }
  return (char *)name;
}
