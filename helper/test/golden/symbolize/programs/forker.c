// forker GENERATIONS: executable memory of no file, and children of children that inherit it. Prints where it lies and the pid of
// each generation, then all wait until standard input ends.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv) {
  char byte;
  int generations = argc > 1 ? atoi(argv[1]) : 1;
  void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  printf("%p %d", code, getpid());
  fflush(stdout);
  while (generations > 0 && fork() == 0) {
    generations--;
    printf(" %d", getpid());
    fflush(stdout);
  }
  if (generations == 0) {
    printf("\n");
    fflush(stdout);
  }
  while (read(0, &byte, 1) > 0) continue;
  return 0;
}
