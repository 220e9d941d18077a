// What hostile processes do, one mode each: the programs of otherUsers.test.ts and hostile*.test.ts. Prints "ready" when it
// has begun; modes that start processes print "child PID" for each and start one for each byte of standard input.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile unsigned long turns;

__attribute__((noinline)) static void hostile_spin(void)
{
	for (;;)
		turns++;
}

static void ready(void)
{
	puts("ready");
	fflush(stdout);
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int spawn(char **command)
{
	int pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		execv(command[0], command);
		die(command[0]);
	}
	printf("child %d\n", pid);
	fflush(stdout);
	return pid;
}

static void *spin_thread(void *unused)
{
	hostile_spin();
	return unused;
}

static void spin_aside(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, spin_thread, NULL))
		die("pthread_create");
}

/* A name a turn, each with what a terminal or a parser of /proc stumbles over. */
static void rename_forever(void)
{
	char name[16];

	for (unsigned i = 0;; i++) {
		snprintf(name, sizeof(name), "%c)R 1\n(\033[%x", i % 31 + 1, i & 0xff);
		prctl(PR_SET_NAME, name);
		turns++;
	}
}

/* `count` executable mappings of the file, none beside another. */
static void map_often(const char *path, int count)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		die(path);
	for (int i = 0; i < count; i++) {
		char *at = mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

		if (at == MAP_FAILED)
			die("mmap");
		mprotect(at + 4096, 4096, PROT_READ);
	}
}

/* Children that live for no time. */
static void fork_forever(void)
{
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int pid = fork();

		if (pid == 0)
			_exit(0);
		turns++;
	}
}

static void exec_forever(char **argv, int left)
{
	char number[16];
	char *again[] = { argv[0], "execs", number, NULL };

	if (left == 0)
		hostile_spin();
	snprintf(number, sizeof(number), "%d", left - 1);
	execv(argv[0], again);
	die("execv");
}

/* Code of its own making, in memory without a file. */
static void run_generated(void)
{
#if defined(__x86_64__)
	static const unsigned char loop[] = { 0xeb, 0xfe };
#else
	static const unsigned char loop[] = { 0, 0, 0, 0x14 };
#endif
	void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (code == MAP_FAILED)
		die("mmap");
	memcpy(code, loop, sizeof(loop));
	__builtin___clear_cache(code, (char *)code + sizeof(loop));
	ready();
	printf("%lx\n", (unsigned long)code);
	fflush(stdout);
	((void (*)(void))code)();
}

/* A child that is held by ptrace(). */
static void hold_child(void)
{
	int status, child = fork();

	if (child == 0)
		hostile_spin();
	if (ptrace(PTRACE_SEIZE, child, 0, 0) || ptrace(PTRACE_INTERRUPT, child, 0, 0))
		die("ptrace");
	waitpid(child, &status, 0);
	printf("child %d\n", child);
	ready();
	pause();
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (!strcmp(mode, "spin")) {
		ready();
		hostile_spin();
	} else if (!strcmp(mode, "run")) {
		/* run PROGRAM [ARGUMENT...]: a child for each byte; works itself, too. */
		char byte;

		spin_aside();
		ready();
		while (read(0, &byte, 1) == 1)
			spawn(argv + 2);
		pause();
	} else if (!strcmp(mode, "back")) {
		/* back PROGRAM...: set-user-id; starts a program with its own rights, and one with its user's. */
		uid_t user = getuid();
		gid_t group = getgid();
		int own = fork();

		if (own == 0) {
			if (setresgid(group, group, group) || setresuid(user, user, user))
				die("setresuid");
			execv(argv[2], argv + 2);
			die(argv[2]);
		}
		printf("grandchild %d\n", own);
		fflush(stdout);
		hostile_spin();
	} else if (!strcmp(mode, "secret")) {
		prctl(PR_SET_DUMPABLE, 0);
		ready();
		hostile_spin();
	} else if (!strcmp(mode, "becomes-secret")) {
		char byte;

		spin_aside();
		ready();
		if (read(0, &byte, 1) == 1)
			prctl(PR_SET_DUMPABLE, 0);
		puts("secret");
		fflush(stdout);
		pause();
	} else if (!strcmp(mode, "rename")) {
		ready();
		rename_forever();
	} else if (!strcmp(mode, "generated")) {
		run_generated();
	} else if (!strcmp(mode, "holds")) {
		hold_child();
	} else if (!strcmp(mode, "maps")) {
		map_often(argv[2], atoi(argv[3]));
		ready();
		hostile_spin();
	} else if (!strcmp(mode, "forks")) {
		spin_aside();
		ready();
		fork_forever();
	} else if (!strcmp(mode, "execs")) {
		if (argc < 3)
			return 1;
		exec_forever(argv, atoi(argv[2]));
	} else if (!strcmp(mode, "load")) {
		/* load LIBRARY: a byte loads it and runs in it. */
		char byte;
		void (*spin)(void);
		void *library;

		ready();
		if (read(0, &byte, 1) != 1)
			return 1;
		library = dlopen(argv[2], RTLD_NOW);
		spin = library ? (void (*)(void))dlsym(library, "library_spin") : NULL;
		puts(spin ? "loaded" : dlerror());
		fflush(stdout);
		if (spin)
			spin();
		hostile_spin();
	}
	return 1;
}
