// Several threads with CPU work of known shares in C: thread worker-I runs work_sixty, work_thirty and work_ten.
// threads [THREADS] [SECONDS]   (default 4 threads, 600 s)
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUND 20000ul
#define THREADS_MAX 256

static double end_seconds;

__attribute__((noinline)) static unsigned long work_sixty(unsigned long x)
{
	for (unsigned long i = 0; i < 6 * ROUND; i++)
		x = x * 6364136223846793005ul + i;
	return x;
}

__attribute__((noinline)) static unsigned long work_thirty(unsigned long x)
{
	for (unsigned long i = 0; i < 3 * ROUND; i++)
		x = x * 2862933555777941757ul + i;
	return x;
}

__attribute__((noinline)) static unsigned long work_ten(unsigned long x)
{
	for (unsigned long i = 0; i < ROUND; i++)
		x = x * 3935559000370003845ul + i;
	return x;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

__attribute__((noinline)) static void *worker(void *arg)
{
	unsigned long x = (unsigned long)arg;
	char name[16];

	snprintf(name, sizeof(name), "worker-%lu", x);
	pthread_setname_np(pthread_self(), name);
	while (seconds() < end_seconds) {
		x = work_sixty(x);
		x = work_thirty(x);
		x = work_ten(x);
	}
	return (void *)x;
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 4;
	pthread_t threads[THREADS_MAX];

	if (count < 1 || count > THREADS_MAX)
		return 2;
	end_seconds = seconds() + (argc > 2 ? atof(argv[2]) : 600);
	for (unsigned long i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, worker, (void *)i))
			return 1;
	puts("ready");
	fflush(stdout);
	for (unsigned long i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
