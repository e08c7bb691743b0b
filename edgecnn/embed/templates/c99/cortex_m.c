/* What stands before main on the Cortex-M4 that qemu emulates (MPS2 board, AN386). Your board brings its own. */
#include <stdint.h>
#include <stdlib.h>

extern uint32_t stack_top[], data_source[], data_begin[], data_end[], bss_begin[], bss_end[];
void initialise_monitor_handles(void); /* newlib's way out: printf and exit through the emulator */
int main(void);
void _fini(void); /* called by exit */
void _fini(void) {}

static void reset(void) {
  volatile uint32_t *const coprocessors = (volatile uint32_t *)0xE000ED88;
  *coprocessors |= 0xFu << 20; /* the floating-point unit is off after a reset */
  __asm__ volatile("dsb\nisb");
  for (uint32_t *to = data_begin, *from = data_source; to < data_end; to += 1, from += 1) *to = *from;
  for (uint32_t *to = bss_begin; to < bss_end; to += 1) *to = 0;
  initialise_monitor_handles();
  exit(main());
}

static void fault(void) {
  exit(1);
}

typedef void (*Handler)(void);

__attribute__((section(".vectors"), used)) static const Handler vectors[] = {
    (Handler)stack_top, reset, fault, fault, fault, fault, fault};
