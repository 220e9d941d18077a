/*
 * Runs Python as a guest: another thread loads the library given, late, deletes its file where told so, and runs the code given.
 *   pythonEmbedding LIBRARY keep|delete CODE
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char **arguments;

__attribute__((noinline)) void run_guest(void (*initialize)(int), int (*run)(const char *))
{
	initialize(0);
	run(arguments[3]);
	asm volatile("");
}

static void *host(void *unused)
{
	void *library;

	usleep(1500000);
	library = dlopen(arguments[1], RTLD_NOW | RTLD_GLOBAL);
	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		_exit(1);
	}
	if (!strcmp(arguments[2], "delete"))
		unlink(arguments[1]);
	run_guest((void (*)(int))dlsym(library, "Py_InitializeEx"), (int (*)(const char *))dlsym(library, "PyRun_SimpleString"));
	return unused;
}

int main(int count, char **values)
{
	pthread_t thread;

	if (count < 4)
		return 2;
	arguments = values;
	puts("ready");
	fflush(stdout);
	pthread_create(&thread, 0, host, 0);
	pthread_join(thread, 0);
	return 0;
}
