// Prints where its code lies and waits until its standard input ends: something to symbolize while it lives.
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

__attribute__((noinline)) int work(int n) {
  int sum = 0;
  for (int i = 0; i < n; i++) sum += i ^ n;
  return sum;
}

__attribute__((noinline)) int more_work(int n) { return work(n) * 2; }

int main(void) {
  char byte;
  void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  printf("%p %p %p\n", (void *)work, (void *)more_work, code);
  fflush(stdout);
  while (read(0, &byte, 1) > 0) work(byte);
  return more_work(1) == 42;
}
