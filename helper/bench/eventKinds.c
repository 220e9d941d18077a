// Two kinds of sampling events on one target, and on a busy process beside it that nobody records: events of each CPU, as the
// product has them, and events of each thread, which later threads and children inherit. Prints one line of numbers a kind:
// name, CPU time a unit of work of the target and of the other process with events / without (mean, half of a 95 % interval),
// samples, and how many the target's CPU time says there should be. Built and run by eventKinds.ts.
//   eventKinds OBJECT WORK FREQUENCY SECONDS      WORK: busy, switch, threads, births, forks
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <linux/perf_event.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WINDOW_US	200000
#define BLOCKS_MAX	4096
#define EVENTS_MAX	4096
#define IDLE_THREADS	499
#define SHORT_LIFE_NS	3000000	/* less than a period at 99 Hz */

enum { NONE, PER_CPU, PER_THREAD, KINDS };
static const char *const names[KINDS] = {"none", "per-CPU", "per-thread"};

static struct { volatile unsigned long target, other; } *work;
static int there[2], back[2];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void unit(volatile unsigned long *counter)
{
	for (volatile int i = 0; i < 1000; i++)
		;
	(*counter)++;
}

static void *idle(void *unused)
{
	for (;;)
		pause();
	return 0;
}

static void *answer(void *unused)
{
	char byte;

	for (;;)
		if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1)
			return 0;
}

static double threads_cpu_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static void *live_shortly(void *unused)
{
	double end = threads_cpu_ns(CLOCK_THREAD_CPUTIME_ID) + SHORT_LIFE_NS;

	while (threads_cpu_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		unit(&work->target);
	return 0;
}

static void run(const char *kind)
{
	pthread_attr_t small;
	pthread_t thread;
	char byte = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin(0);
	if (!strcmp(kind, "switch")) {
		pthread_create(&thread, 0, answer, 0);
		for (;;) {
			if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
				exit(1);
			work->target++;
		}
	}
	if (!strcmp(kind, "threads")) {
		pthread_attr_init(&small);
		pthread_attr_setstacksize(&small, 65536);
		for (int i = 0; i < IDLE_THREADS; i++)
			pthread_create(&thread, &small, idle, 0);
	}
	/* The events are there by then. */
	usleep(500000);
	for (;;) {
		if (!strcmp(kind, "births")) {
			pthread_create(&thread, 0, live_shortly, 0);
			pthread_join(thread, 0);
		} else if (!strcmp(kind, "forks")) {
			int child = fork();

			if (!child) {
				live_shortly(0);
				_exit(0);
			}
			waitpid(child, 0, 0);
		} else {
			unit(&work->target);
		}
	}
}

/* Of all its threads, and of its children that have ended. */
static double cpu_ns(int pid)
{
	char path[64];
	double own, user, system;
	clockid_t clock;
	FILE *file;

	clock_getcpuclockid(pid, &clock);
	own = threads_cpu_ns(clock);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %lf %lf", &user, &system) != 2)
		die(path);
	fclose(file);
	return own + (user + system) * 1e9 / sysconf(_SC_CLK_TCK);
}

static struct {
	int fds[EVENTS_MAX];
	int count;
} events[KINDS];

static void open_event(int kind, struct bpf_program *program, int frequency, int pid, int cpu)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attributes),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 1000000000 / frequency,
		.exclude_idle = 1,
		.inherit = kind == PER_THREAD,
	};
	int fd = syscall(SYS_perf_event_open, &attributes, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0 || events[kind].count == EVENTS_MAX || !bpf_program__attach_perf_event(program, fd))
		die("perf event");
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	events[kind].fds[events[kind].count++] = fd;
}

static void use(int kind)
{
	for (int one = PER_CPU; one < KINDS; one++)
		for (int i = 0; i < events[one].count; i++)
			ioctl(events[one].fds[i], one == kind ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
}

static int compare(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;

	return difference < 0 ? -1 : difference > 0;
}

/* Mean of the middle 60 %, with half of its 95 % interval by the winsorized variance. */
static void print_estimate(double *values, int count)
{
	int cut = count / 5, kept = count - 2 * cut;
	double mean = 0, all = 0, variance = 0;

	qsort(values, count, sizeof(*values), compare);
	for (int i = cut; i < count - cut; i++)
		mean += values[i] / kept;
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < count; i++) {
			double value = values[i < cut ? cut : i >= count - cut ? count - cut - 1 : i];

			if (pass)
				variance += (value - all) * (value - all) / (count - 1);
			else
				all += value / count;
		}
	printf(" %.5f %.5f", mean, 1.96 * sqrt(variance / count) / 0.6);
}

int main(int count, char **arguments)
{
	static double of_target[KINDS][BLOCKS_MAX], of_other[KINDS][BLOCKS_MAX];
	double samples[KINDS] = {}, expected[KINDS] = {};
	struct rlimit files = {EVENTS_MAX + 64, EVENTS_MAX + 64};
	struct bpf_program *program;
	struct bpf_object *object;
	struct dirent *entry;
	struct bpf_map *map;
	int target, other, frequency, blocks, used = 0, counts, globals = -1;
	__u32 zero = 0;
	char path[64];
	DIR *tasks;

	if (count != 5)
		return 2;
	frequency = atoi(arguments[3]);
	blocks = atof(arguments[4]) * 1e6 / WINDOW_US / KINDS;
	work = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (blocks < 5 || blocks > BLOCKS_MAX || work == MAP_FAILED || pipe(there) || pipe(back))
		return 2;
	target = fork();
	if (!target)
		run(arguments[2]);
	other = fork();
	if (!other) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin(1);
		for (;;)
			unit(&work->other);
	}
	usleep(200000);

	setrlimit(RLIMIT_NOFILE, &files);
	object = bpf_object__open(arguments[1]);
	if (!object || bpf_object__load(object))
		die("BPF object");
	program = bpf_object__next_program(object, 0);
	counts = bpf_object__find_map_fd_by_name(object, "counts");
	bpf_object__for_each_map(map, object)
		if (strstr(bpf_map__name(map), ".bss"))
			globals = bpf_map__fd(map);
	bpf_map_update_elem(globals, &zero, &target, 0);
	for (int cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); cpu++)
		open_event(PER_CPU, program, frequency, -1, cpu);
	snprintf(path, sizeof(path), "/proc/%d/task", target);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks)))
		if (entry->d_name[0] != '.')
			open_event(PER_THREAD, program, frequency, atoi(entry->d_name), -1);
	usleep(500000);

	for (int block = 0; block < blocks; block++) {
		double target_cost[KINDS], other_cost[KINDS];
		bool starved = false;

		/* The kinds change places from one block to the next, so that no drift favours one. */
		for (int i = 0; i < KINDS; i++) {
			int kind = (block & 1 ? KINDS - 1 - i : i + block / 2) % KINDS;
			/* Children are told apart only where nobody else has events. */
			__u32 key, keys = kind == PER_THREAD ? 2 : 1;
			__u64 before = 0, after = 0, value;
			double target_ns, other_ns;
			unsigned long target_work, other_work;

			use(kind);
			for (key = 0; key < keys; key++)
				before += bpf_map_lookup_elem(counts, &key, &value) ? 0 : value;
			target_ns = cpu_ns(target);
			other_ns = cpu_ns(other);
			target_work = work->target;
			other_work = work->other;
			usleep(WINDOW_US);
			target_ns = cpu_ns(target) - target_ns;
			other_ns = cpu_ns(other) - other_ns;
			for (key = 0; key < keys; key++)
				after += bpf_map_lookup_elem(counts, &key, &value) ? 0 : value;
			starved |= work->target == target_work || work->other == other_work;
			target_cost[kind] = target_ns / (work->target - target_work);
			other_cost[kind] = other_ns / (work->other - other_work);
			samples[kind] += after - before;
			expected[kind] += target_ns / 1e9 * frequency;
		}
		for (int kind = PER_CPU; kind < KINDS && !starved; kind++) {
			of_target[kind][used] = target_cost[kind] / target_cost[NONE];
			of_other[kind][used] = other_cost[kind] / other_cost[NONE];
		}
		used += !starved;
	}
	if (used < 5) {
		fputs("The machine is too busy to measure on.\n", stderr);
		return 1;
	}
	for (int kind = PER_CPU; kind < KINDS; kind++) {
		printf("%s", names[kind]);
		print_estimate(of_target[kind], used);
		print_estimate(of_other[kind], used);
		printf(" %.0f %.0f\n", samples[kind], expected[kind]);
	}
	kill(target, SIGKILL);
	kill(other, SIGKILL);
	return 0;
}
