// Programs that do to themselves what profilers stumble over, then work until they are ended. By its first argument:
//   thread  the first thread ends, another one works
//   memfd   executes itself from a memory file, then works
//   moved HOW  moves its own code onto memory of no file, then works: HOW is mmap (copied there), mremap (moved there),
//              half (the upper half of it), late (mmap, once it is told to by a line)
// Prints where hot_inner lies and "ready"; frame pointers are left out, so that stacks need tables.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;
volatile unsigned sink;

__attribute__((noipa)) void hot_inner(unsigned n) {
  for (unsigned i = 0; i < n; i++) sink += i * 2654435761u;
}

__attribute__((noipa)) void hot_outer(unsigned n) {
  hot_inner(n);
  sink++;
}

static void work(void) {
  printf("%p ready\n", (void *)hot_inner);
  fflush(stdout);
  for (;;) hot_outer(1000000);
}

static void *work_on(void *unused) {
  (void)unused;
  usleep(100 * 1000);
  work();
  return NULL;
}

// In pages of its own, which stay where they are: nothing else of the text can run while it is replaced.
__attribute__((noipa, section(".mover"), aligned(4096))) static void put_back(char *copy, unsigned long at, unsigned long size) {
#if defined(__x86_64__)
  register long r10 __asm__("r10") = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, r8 __asm__("r8") = -1, r9 __asm__("r9") = 0;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(SYS_mmap), "D"(at), "S"(size), "d"(7), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = SYS_mmap, x0 __asm__("x0") = (long)at, x1 __asm__("x1") = (long)size, x2 __asm__("x2") = 7;
  register long x3 __asm__("x3") = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, x4 __asm__("x4") = -1, x5 __asm__("x5") = 0;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
#endif
  for (unsigned long i = 0; i < size; i++) ((volatile char *)at)[i] = copy[i];
}

__attribute__((section(".mover"), aligned(4096))) static void mover_end(void) {}

static void move_text(const char *how) {
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[512];
  unsigned long low = 0, high = 0, me = (unsigned long)move_text, mover = (unsigned long)put_back;
  while (fgets(line, sizeof line, maps)) {
    unsigned long a, b;
    if (sscanf(line, "%lx-%lx", &a, &b) == 2 && a <= me && me < b) low = a, high = b;
  }
  fclose(maps);
  if (strcmp(how, "mremap") != 0) {
    if (mover > me) high = mover;
    else low = (unsigned long)mover_end + 4096;
  }
  if (strcmp(how, "half") == 0) low = ((unsigned long)hot_inner & ~4095ul);
  unsigned long size = high - low;
  char *copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(copy, (void *)low, size);
  if (strcmp(how, "mremap") != 0) {
    put_back(copy, low, size);
    return;
  }
  mprotect(copy, size, PROT_READ | PROT_EXEC);
  if (mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)low) == MAP_FAILED) exit(9);
}

int main(int count, char **arguments) {
  const char *what = count > 1 ? arguments[1] : "", *how = count > 2 ? arguments[2] : "";
  if (strcmp(what, "thread") == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, work_on, NULL);
    pthread_exit(NULL);
  }
  if (strcmp(what, "memfd") == 0) {
    int in = open("/proc/self/exe", O_RDONLY), memory = memfd_create("unpacked", MFD_CLOEXEC);
    struct stat info;
    fstat(in, &info);
    for (off_t at = 0; at < info.st_size;)
      if (sendfile(memory, in, &at, info.st_size - at) <= 0) return 9;
    char *again[] = {arguments[0], NULL};
    fexecve(memory, again, environ);
    return 9;
  }
  if (strcmp(what, "moved") == 0) {
    if (strcmp(how, "late") == 0) {
      printf("%p waits\n", (void *)hot_inner);
      fflush(stdout);
      getchar();
    }
    move_text(how);
  }
  work();
}
