// CPU work of known shares in C: 60 % work_sixty, 30 % work_thirty, 10 % work_ten, each on one line.
// hot-c [SECONDS]   (default 600; ends earlier on SIGTERM)
//
// Every function runs the same chain of dependent multiplications, so time follows the counts whatever the alignment.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUND 20000ul /* steps in a tenth of one round: about 30 us */

static volatile unsigned long sink;

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

__attribute__((noinline)) static void one_round(void)
{
	sink = work_sixty(sink);
	sink = work_thirty(sink);
	sink = work_ten(sink);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	double end = seconds() + (argc > 1 ? atof(argv[1]) : 600);

	puts("ready");
	fflush(stdout);
	while (seconds() < end)
		one_round();
	return 0;
}
