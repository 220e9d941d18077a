// A C program of a few functions: static, inlined from a header, recursive, with a cold path.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ring.h"

static unsigned seed = 1;

static unsigned next_random(void) {
  seed = seed * 1103515245u + 12345u;
  return seed >> 16;
}

__attribute__((cold, noinline)) static void complain(const char *what) {
  fprintf(stderr, "ring: %s\n", what);
  exit(1);
}

static int partition(int *values, int count) {
  int pivot = values[count - 1], at = 0;
  for (int i = 0; i < count - 1; i++)
    if (values[i] < pivot) {
      int t = values[i];
      values[i] = values[at];
      values[at++] = t;
    }
  values[count - 1] = values[at];
  values[at] = pivot;
  return at;
}

void quick_sort(int *values, int count) {
  if (count < 2) return;
  int at = partition(values, count);
  quick_sort(values, at);
  quick_sort(values + at + 1, count - at - 1);
}

int fill(struct ring *ring) {
  int pushed = 0;
  while (ring_push(ring, (int)(next_random() % 1000))) pushed++;
  return pushed;
}

long drain(struct ring *ring, int *out) {
  long sum = 0;
  int value, n = 0;
  while (ring_pop(ring, &value)) {
    out[n++] = value;
    sum += value;
  }
  quick_sort(out, n);
  for (int i = 1; i < n; i++)
    if (out[i - 1] > out[i]) complain("not sorted");
  return sum;
}

int main(int argc, char **argv) {
  struct ring ring;
  int out[64];
  long total = 0;
  memset(&ring, 0, sizeof ring);
  if (argc > 1) seed = (unsigned)strtoul(argv[1], NULL, 10);
  for (int round = 0; round < 1000; round++) {
    if (fill(&ring) != 64) complain("not full");
    total += drain(&ring, out);
  }
  printf("%ld\n", total);
  return 0;
}
