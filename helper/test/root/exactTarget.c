// Works below addresses that nobody called, for unwindExact.test.ts: `signal` in the handler of a fault at a function's very
// first instruction, `context` in a function that was entered by a switch to a stack of its own. Prints a line when it works.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

volatile unsigned sink;
static int *page;
static ucontext_t here, there;
static char stack[65536];

// The byte before touches_guard is another function's, whose frame there is larger.
#if defined(__x86_64__)
__asm__(".text\n.globl decoy\n.type decoy,@function\ndecoy: .cfi_startproc\n sub $0x48,%rsp\n .cfi_adjust_cfa_offset 0x48\n nop\n"
	".cfi_endproc\n.size decoy,.-decoy\n.globl touches_guard\n.type touches_guard,@function\ntouches_guard: .cfi_startproc\n"
	" movl (%rdi),%eax\n ret\n.cfi_endproc\n.size touches_guard,.-touches_guard\n");
#else
__asm__(".text\n.globl decoy\n.type decoy,%function\ndecoy: .cfi_startproc\n sub sp,sp,#0x40\n .cfi_adjust_cfa_offset 0x40\n nop\n"
	".cfi_endproc\n.size decoy,.-decoy\n.globl touches_guard\n.type touches_guard,%function\ntouches_guard: .cfi_startproc\n"
	" ldr w0,[x0]\n ret\n.cfi_endproc\n.size touches_guard,.-touches_guard\n");
#endif
int touches_guard(int *);

__attribute__((noipa)) void works(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		sink += i;
	sink++;
}

static void handler(int number, siginfo_t *info, void *context)
{
	works(500000);
	mprotect(page, 4096, PROT_READ);
}

__attribute__((noipa)) static int uses_guard(void)
{
	mprotect(page, 4096, PROT_NONE);
	return touches_guard(page) + 1;
}

static void entered(void)
{
	for (;;) {
		works(500000);
		swapcontext(&there, &here);
	}
}

int main(int count, char **arguments)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	int by_signal = count > 1 && strcmp(arguments[1], "signal") == 0;

	sigaction(SIGSEGV, &action, 0);
	page = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	getcontext(&there);
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = sizeof(stack);
	there.uc_link = &here;
	makecontext(&there, entered, 0);
	puts("works");
	fflush(stdout);
	for (;;)
		if (by_signal)
			sink += uses_guard();
		else
			swapcontext(&here, &there);
}
