// What the tests of unwinding by tables sample: compiled -O2 -fomit-frame-pointer by unwind.test.ts, its stack chosen by the
// first argument. Each mode ends in spin(), which never returns: so gdb's backtrace of the thread is that of every sample.
// Prints "ready PID" first.
#include <alloca.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <pthread.h>
#include <stdexcept>
#include <time.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))
/* No tail call: the frame is what is looked for. */
#define KEEP_FRAME() __asm__ volatile("" ::: "memory")

static volatile unsigned long sink;
/* Never set, but the compiler must not know: what never returns needs no way back. */
static volatile bool ends;

extern "C" NOINLINE void spin()
{
	for (unsigned long x = 1; !ends; x = x * 6364136223846793005ul + 1)
		sink = x;
}

NOINLINE static void saves_all(unsigned long a)
{
	/* Every callee-saved register is in use across the call, rbp for something else than a frame. */
	unsigned long b = sink + a, c = sink * 3, d = sink ^ 5, e = sink | 7, f = sink & 9, g = sink << 2;

	spin();
	sink = a + b * c + d * e + f * g;
}

NOINLINE static void recurse(int depth)
{
	if (depth == 0)
		saves_all(sink);
	else
		recurse(depth - 1);
	KEEP_FRAME();
}

NOINLINE static void with_alloca(size_t size)
{
	char *memory = static_cast<char *>(alloca(size));

	memset(memory, 1, size);
	__asm__ volatile("" ::"r"(memory) : "memory");
	saves_all(size);
	KEEP_FRAME();
}

/* Realigned and of variable size: gcc finds the caller through another register (DRAP). */
NOINLINE static void realigned(size_t size)
{
	alignas(128) double wide[64];
	char *memory = static_cast<char *>(alloca(size));

	for (int i = 0; i < 64; i++)
		wide[i] = i + size;
	memset(memory, 1, size);
	__asm__ volatile("" ::"r"(memory), "r"(wide) : "memory");
	with_alloca(size + static_cast<size_t>(wide[1]));
	KEEP_FRAME();
}

struct SpinsWhenUnwound {
	~SpinsWhenUnwound() { saves_all(1); }
};

NOINLINE static void throws()
{
	SpinsWhenUnwound guard;

	__asm__ volatile("" ::"r"(&guard) : "memory");
	throw std::runtime_error("thrown");
}

NOINLINE static void catches()
{
	try {
		throws();
	} catch (const std::exception &) {
		sink = 1;
	}
}

static int compares(const void *a, const void *b)
{
	saves_all(1);
	return *static_cast<const int *>(a) - *static_cast<const int *>(b);
}

NOINLINE static void sorts()
{
	int values[] = {5, 3, 9, 1, 7};

	qsort(values, 5, sizeof(int), compares);
	KEEP_FRAME();
}

static void handler(int)
{
	recurse(3);
	KEEP_FRAME();
}

NOINLINE static void raises(bool other_stack)
{
	struct sigaction action = {};

	if (other_stack) {
		stack_t stack = {};

		stack.ss_size = 256 * 1024;
		stack.ss_sp = malloc(stack.ss_size);
		sigaltstack(&stack, nullptr);
	}
	action.sa_handler = handler;
	action.sa_flags = other_stack ? SA_ONSTACK : 0;
	sigaction(SIGUSR1, &action, nullptr);
	raise(SIGUSR1);
	KEEP_FRAME();
}

static void *in_thread(void *)
{
	realigned(100);
	return nullptr;
}

/* Loaded only once somebody writes a byte to us: the library calls back. */
NOINLINE static void loads(const char *path)
{
	char byte;

	for (ssize_t got = 0; got != 1; got = read(0, &byte, 1))
		;
	void *library = dlopen(path, RTLD_NOW);
	auto enter = reinterpret_cast<void (*)(void (*)())>(library ? dlsym(library, "enter") : nullptr);

	if (!enter) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	enter([] { recurse(2); });
	KEEP_FRAME();
}

/* No stack that stays: jump stubs, the vdso, allocation, exceptions, prologues and epilogues by the thousand. */
NOINLINE static void moves()
{
	for (unsigned long i = 0;; i++) {
		struct timespec now;
		char text[64];
		char *memory = static_cast<char *>(malloc(i % 4096 + 1));

		clock_gettime(CLOCK_MONOTONIC, &now);
		memset(memory, static_cast<int>(i), i % 4096 + 1);
		snprintf(text, sizeof(text), "%ld %s", now.tv_nsec, "text");
		sink += strlen(text);
		free(memory);
		try {
			if (i % 64 == 0)
				throw std::runtime_error(text);
		} catch (const std::exception &error) {
			sink += strlen(error.what());
		}
	}
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	printf("ready %d\n", getpid());
	fflush(stdout);
	if (!strcmp(mode, "recurse"))
		recurse(argc > 2 ? atoi(argv[2]) : 40);
	else if (!strcmp(mode, "realigned"))
		realigned(200);
	else if (!strcmp(mode, "unwinding"))
		catches();
	else if (!strcmp(mode, "callback"))
		sorts();
	else if (!strcmp(mode, "signal"))
		raises(false);
	else if (!strcmp(mode, "altstack"))
		raises(true);
	else if (!strcmp(mode, "moves"))
		moves();
	else if (!strcmp(mode, "library"))
		loads(argv[2]);
	else if (!strcmp(mode, "deep"))
		recurse(100000 / 16);
	else if (!strcmp(mode, "thread")) {
		pthread_t id;

		pthread_create(&id, nullptr, in_thread, nullptr);
		pthread_join(id, nullptr);
	}
	KEEP_FRAME();
	return 1;
}
