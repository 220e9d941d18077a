// An interpreter of some lines, for toyRuntime.test.ts: its functions call each other without a call of C's, their frames lie in
// memory of its own, and functions of C are. What runs is always a part of
//   main, first, second, thunk 2, compute, third, fourth, thunk 4, spin
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum op { CALL, NATIVE, AGAIN, RETURN };

struct frame {
	struct frame *caller;
	unsigned long function;
	unsigned long entry;	/* a call of evaluate() began with it */
	const int *pc;
};

static struct frame frames[64];
static struct frame *volatile top;
static char names[][16] = {"", "first", "second", "third", "fourth"};
static void (*thunk)(unsigned long function, void (*native)(void));

static void evaluate(unsigned long function);
static volatile unsigned long sink;

__attribute__((noinline)) static void spin(void)
{
	unsigned long x = sink;

	for (int i = 0; i < 40000; i++)
		x = x * 6364136223846793005ul + 1;
	sink = x;
}

static volatile sig_atomic_t fork_wanted;

static void want_fork(int signal)
{
	fork_wanted = 1;
	(void)signal;
}

/* A signal makes it two processes, both within this function. */
__attribute__((noinline)) static void compute(void)
{
	if (fork_wanted) {
		fork_wanted = 0;
		if (fork() == 0)
			prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	evaluate(3);
	__asm__ volatile("" ::: "memory");
}

static void (*const natives[])(void) = {compute, spin};
static const int first[] = {CALL, 2, AGAIN}, second[] = {NATIVE, 0, RETURN};
static const int third[] = {CALL, 4, RETURN}, fourth[] = {NATIVE, 1, RETURN};
static const int *const code[] = {0, first, second, third, fourth};

/* A frame is whole before it is the top one, as interpreters have it. */
static inline __attribute__((always_inline)) void push(unsigned long function, unsigned long entry)
{
	struct frame *frame = top ? top + 1 : frames;

	frame->caller = top;
	frame->function = function;
	frame->entry = entry;
	frame->pc = code[function];
	__asm__ volatile("" ::: "memory");
	top = frame;
}

__attribute__((noinline, section("evaluation"))) static void evaluate(unsigned long function)
{
	push(function, 1);
	for (;;) {
		struct frame *frame = top;

		switch (*frame->pc++) {
		case CALL:
			push(*frame->pc++, 0);
			break;
		case NATIVE:
			thunk(frame->function, natives[*frame->pc++]);
			break;
		case AGAIN:
			frame->pc = code[frame->function];
			break;
		case RETURN:
			top = frame->caller;
			if (frame->entry)
				return;
		}
	}
}

extern char __start_evaluation[], __stop_evaluation[];

/* What the plug-in finds in the file, and reads when the program runs. */
__attribute__((section(".toy"), used)) static struct {
	struct frame *volatile *top;
	char *evaluation[2];
	char (*names)[16];
	void (**thunk)(unsigned long function, void (*native)(void));
} places = {&top, {__start_evaluation, __stop_evaluation}, names, &thunk};

int main(void)
{
	/* push %rbp; mov %rsp, %rbp; push %rdi; push %rdi; call *%rsi; leave; ret: the function's number lies at its frame pointer - 8. */
	static const unsigned char bytes[] = {0x55, 0x48, 0x89, 0xe5, 0x57, 0x57, 0xff, 0xd6, 0xc9, 0xc3};
	void *memory = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return 1;
	memcpy(memory, bytes, sizeof(bytes));
	thunk = memory;
	signal(SIGUSR1, want_fork);
	puts("ready");
	fflush(stdout);
	evaluate(1);
	return 0;
}
