// Two libraries take turns at one address: dlopen, some work, dlclose. `turns RED BLUE MILLISECONDS`; prints "ready", works until it
// is ended, and says at its end whether the address was the same. With LIBRARY defined as red or blue it is such a library.
#ifdef LIBRARY
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define IS_red 1
#define IS_blue 0
volatile unsigned sink;
__attribute__((noipa)) void JOIN(LIBRARY, _first)(unsigned n) {
  for (unsigned i = 0; i < n; i++) sink += i;
  sink++;
}
__attribute__((noipa)) void JOIN(LIBRARY, _second)(unsigned n) {
  for (unsigned i = 0; i < n; i++) sink += i;
  sink++;
}
/* What is hot in one lies where the other has a function of another name. */
void run(unsigned n) {
  if (JOIN(IS_, LIBRARY)) JOIN(LIBRARY, _first)(n);
  else JOIN(LIBRARY, _second)(n);
  sink++;
}
#else
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

volatile unsigned sink;

__attribute__((noipa)) static void call_red(void (*f)(unsigned)) {
  f(100000);
  sink++;
}
__attribute__((noipa)) static void call_blue(void (*f)(unsigned)) {
  f(100000);
  sink++;
}

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

int main(int count, char **arguments) {
  if (count < 4) return 2;
  void *first = NULL;
  for (int i = 0;; i++) {
    void *library = dlopen(arguments[1 + i % 2], RTLD_NOW);
    if (!library) return 9;
    void (*f)(unsigned) = (void (*)(unsigned))dlsym(library, "run");
    Dl_info info;
    dladdr((void *)f, &info);
    if (i == 0) first = info.dli_fbase;
    if (i == 1) {
      printf("%s\n", info.dli_fbase == first ? "same" : "different");
      fflush(stdout);
    }
    for (double end = now_ms() + atof(arguments[3]); now_ms() < end;) i % 2 == 0 ? call_red(f) : call_blue(f);
    dlclose(library);
  }
}
#endif
