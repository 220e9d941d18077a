/* Frames of every kind that compilers make on x86-64 and arm64: leaf, with and without frame pointer, large, variable,
 * realigned, with early returns. Built in many variants by unwindTable.test.ts; never run. */
#include <stdarg.h>
#include <stddef.h>

/* Declared here, so that other architectures need no headers of theirs. */
void *memset(void *memory, int value, size_t sizeBytes);
size_t strlen(const char *text);
void qsort(void *items, size_t count, size_t sizeBytes, int (*compare)(const void *, const void *));
_Noreturn void exit(int code);

extern int consume(void *memory, size_t sizeBytes);
__attribute__((weak, noinline)) int consume(void *memory, size_t sizeBytes)
{
	return sizeBytes > 1 ? ((char *)memory)[sizeBytes - 1] : 0;
}

__attribute__((noinline)) int leaf(int x) { return x * 3 + 1; }

__attribute__((noinline)) int small(int x) { return leaf(x) + leaf(x + 1); }

__attribute__((noinline)) int large(int x)
{
	char memory[100000];

	memset(memory, x, sizeof memory);
	return consume(memory, sizeof memory);
}

__attribute__((noinline)) int huge(int x)
{
	static volatile char sink;
	char memory[3000000];

	memory[x] = 1;
	sink = memory[x / 2];
	return consume(memory, sizeof memory) + sink;
}

__attribute__((noinline)) int variable(int count)
{
	char memory[count];

	memset(memory, 1, count);
	return consume(memory, count) + small(count);
}

/* gcc: CFA in r10, then behind a pointer that the frame holds (DRAP). */
__attribute__((noinline)) int realigned(int count, int a, int b, int c, int d, int e, int f, int g)
{
	_Alignas(64) char memory[128];
	char *more = __builtin_alloca(count);

	memset(memory, a, sizeof memory);
	memset(more, b, count);
	return consume(memory, sizeof memory) + consume(more, count) + c + d + e + f + g;
}

__attribute__((noinline)) int realignedOnly(int x)
{
	_Alignas(128) char memory[256];

	memset(memory, x, sizeof memory);
	return consume(memory, sizeof memory);
}

__attribute__((noinline)) int early(int x, int y)
{
	if (x < 0)
		return y;
	if (small(x) > y)
		return large(y);
	for (int i = 0; i < x; i++)
		y += variable(i + 1);
	return y * small(y);
}

__attribute__((noinline)) int many(int count, ...)
{
	va_list list;
	int sum = 0;

	va_start(list, count);
	for (int i = 0; i < count; i++)
		sum += va_arg(list, int);
	va_end(list);
	return sum + early(sum, count);
}

__attribute__((noreturn, noinline)) void leave(int code)
{
	consume(&code, sizeof code);
	exit(code);
}

__attribute__((noinline)) int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

int main(int argc, char **argv)
{
	int numbers[] = {3, 1, 2, argc};

	qsort(numbers, 4, sizeof *numbers, compare);
	if (argc > 100)
		leave(numbers[0]);
	return many(3, numbers[0], numbers[1], argc) + realigned(argc, 1, 2, 3, 4, 5, 6, 7) + realignedOnly(argc) + huge(argc) +
	       (int)strlen(argv[0]);
}
