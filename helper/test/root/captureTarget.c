// What the capture tests sample: one program, its work chosen by its first argument. Built by captureHarness.ts, with
// and without frame pointers. First it prints where its functions are, one "NAME START" in hex a line in order of
// address and then "ready", so that tests judge addresses without any symbolization.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUND 20000ul

static volatile unsigned long sink;

__attribute__((noinline)) static unsigned long work(unsigned long rounds, unsigned long x)
{
	for (unsigned long i = 0; i < rounds * ROUND; i++)
		x = x * 6364136223846793005ul + i;
	return x;
}

/* No tail calls: their frames are what is looked for. */
#define CALL(x) do { sink = (x); __asm__ volatile("" ::: "memory"); } while (0)

__attribute__((noinline)) static void work_sixty(void) { CALL(work(6, sink)); }
__attribute__((noinline)) static void work_thirty(void) { CALL(work(3, sink)); }
__attribute__((noinline)) static void work_ten(void) { CALL(work(1, sink)); }

__attribute__((noinline)) static void shares(void)
{
	for (;;) {
		work_sixty();
		work_thirty();
		work_ten();
	}
}

static void *thread(void *unused)
{
	pthread_setname_np(pthread_self(), "known-thread");
	shares();
	return unused;
}

/* The libc's read() has no frame, so the function that calls it is missing from the stack: this one. */
__attribute__((noinline)) static void read_block(int fd)
{
	static char block[1 << 20];

	if (read(fd, block, sizeof(block)) < 0)
		abort();
}

__attribute__((noinline)) static void in_kernel(void)
{
	int fd = open("/dev/zero", O_RDONLY);

	for (;;)
		read_block(fd);
}

/* A different path down the stack for every value of `path`: each a new stack. */
__attribute__((noinline)) static void left(unsigned path, int depth);
__attribute__((noinline)) static void right(unsigned path, int depth)
{
	if (depth == 0)
		CALL(work(1, sink));
	else if (path & 1)
		left(path >> 1, depth - 1);
	else
		right(path >> 1, depth - 1);
	__asm__ volatile("" ::: "memory");
}
__attribute__((noinline)) static void left(unsigned path, int depth)
{
	if (depth == 0)
		CALL(work(1, sink));
	else if (path & 1)
		left(path >> 1, depth - 1);
	else
		right(path >> 1, depth - 1);
	__asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) static void recurse(int depth)
{
	if (depth == 0)
		shares();
	recurse(depth - 1);
	__asm__ volatile("" ::: "memory");
}

static void print_functions(void)
{
	struct { const char *name; void *start; } list[] = {
		{"work", work}, {"work_sixty", work_sixty}, {"work_thirty", work_thirty}, {"work_ten", work_ten},
		{"shares", shares}, {"thread", thread}, {"in_kernel", in_kernel}, {"right", right}, {"left", left},
		{"recurse", recurse},
	};

	for (unsigned i = 0; i < sizeof(list) / sizeof(*list); i++)
		printf("%s %lx\n", list[i].name, (unsigned long)list[i].start);
	puts("ready");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "shares";
	char byte;

	/* Sampled only once the test says so. */
	if (!strcmp(mode, "brief")) {
		CALL(work(400, sink));
		return 0;
	}
	print_functions();
	if (!strcmp(mode, "shares")) {
		shares();
	} else if (!strcmp(mode, "thread")) {
		pthread_t id;

		pthread_create(&id, NULL, thread, NULL);
		pthread_join(id, NULL);
	} else if (!strcmp(mode, "kernel")) {
		in_kernel();
	} else if (!strcmp(mode, "paths")) {
		for (unsigned path = 0;; path++)
			left(path * 2654435761u, 24);
	} else if (!strcmp(mode, "deep")) {
		recurse(300);
	} else if (!strcmp(mode, "fork")) {
		/* One child a byte; it works until it is killed. */
		while (read(0, &byte, 1) == 1) {
			pid_t child = fork();

			if (child == 0)
				shares();
			printf("child %d\n", child);
			fflush(stdout);
		}
		CALL(work(1000000, sink));
	} else if (!strcmp(mode, "spawn")) {
		/* One short-lived process a byte, through fork and exec. */
		while (read(0, &byte, 1) == 1) {
			pid_t child = fork();

			if (child == 0)
				execl(argv[2], argv[2], "brief", (char *)NULL);
			printf("child %d\n", child);
			fflush(stdout);
			waitpid(child, NULL, 0);
		}
	} else if (!strcmp(mode, "renamed")) {
		/* Another name a byte: renamed-1, renamed-2, ... */
		char name[16];
		int count = 0;

		fcntl(0, F_SETFL, O_NONBLOCK);
		for (;;) {
			if (read(0, &byte, 1) == 1) {
				snprintf(name, sizeof(name), "renamed-%d", ++count);
				pthread_setname_np(pthread_self(), name);
				puts(name);
				fflush(stdout);
			}
			CALL(work(1, sink));
		}
	} else if (!strcmp(mode, "held")) {
		/* Busy until a byte comes, then another program. */
		fcntl(0, F_SETFL, O_NONBLOCK);
		while (read(0, &byte, 1) != 1)
			CALL(work(1, sink));
		execl(argv[2], argv[2], "shares", (char *)NULL);
	}
	return 1;
}
