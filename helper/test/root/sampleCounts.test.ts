// As many samples as the CPU time says, whoever spent it: threads and children that are born while it is attached, and live for
// less than a sampling period each. (Events of each thread count none of these: bpf/README.md.)

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture } from './captureHarness';
import { missingForEbpf } from './helperProcess';
import { SLOWNESS } from './slowness';
import { type Running, removeWorkFolder, startProgram, workFolder } from './unwindHarness';

const FREQUENCY_HZ = 99;
/** Of CPU time: some 200 samples. */
const WORK_MS = 2_000;
/** Four standard deviations of a count of 200, and what the program's own clock leaves out. */
const TOLERANCE = 0.35;

/** Waits for a byte, then spends so many milliseconds of CPU time in lives of 3 ms each; tells how many it was. */
const PROGRAM = `
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static double now(clockid_t clock) { struct timespec t; clock_gettime(clock, &t); return t.tv_sec * 1e3 + t.tv_nsec / 1e6; }
static void *live(void *unused) { double end = now(CLOCK_THREAD_CPUTIME_ID) + 3; while (now(CLOCK_THREAD_CPUTIME_ID) < end); return 0; }
int main(int count, char **arguments) {
  if (!strcmp(arguments[1], "brief")) { live(0); return 0; }
  int lives = atoi(arguments[2]) / 3;
  char byte;
  puts("ready"); fflush(stdout);
  if (read(0, &byte, 1) != 1) return 1;
  for (int i = 0; i < lives; i++) {
    pthread_t thread;
    if (!strcmp(arguments[1], "threads")) { pthread_create(&thread, 0, live, 0); pthread_join(thread, 0); continue; }
    int child = fork();
    if (!child) {
      if (!strcmp(arguments[1], "execs")) execl(arguments[0], arguments[0], "brief", (char *)0);
      live(0);
      _exit(0);
    }
    waitpid(child, 0, 0);
  }
  puts("done"); fflush(stdout);
  return read(0, &byte, 1) != 1;
}
`;

describe('counts of samples', function () {
  this.timeout(120_000 * SLOWNESS);
  let target: Running | null = null;
  let program = '';

  before(function () {
    const missing = missingForEbpf();
    if (missing) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    program = join(workFolder(), 'lives');
    writeFileSync(`${program}.c`, PROGRAM);
    execFileSync('cc', ['-O2', '-pthread', '-o', program, `${program}.c`]);
  });
  afterEach(async () => {
    await target?.end();
    target = null;
  });
  after(removeWorkFolder);

  /** Of the process and of its children that have ended, in ms. */
  function cpuMs(pid: number): number {
    return Number(execFileSync('awk', ['{print $14+$15+$16+$17}', `/proc/${pid}/stat`])) * 10;
  }

  for (const lives of ['threads', 'forks', 'execs'])
    it(`are as the CPU time says for short ${lives}`, async () => {
      const running = await startProgram([program, lives, String(WORK_MS)]);
      target = running;
      const { running: recording, got } = await capture(running.pid, { frequencyHz: FREQUENCY_HZ });
      const beforeMs = cpuMs(running.pid);
      const done = new Promise<void>((resolve) => running.child.stdout!.once('data', () => resolve()));
      running.child.stdin!.write('x');
      await done;
      const spentMs = cpuMs(running.pid) - beforeMs;
      await recording.stop();
      const expected = (Math.max(spentMs, WORK_MS) / 1000) * FREQUENCY_HZ;
      const { lost } = recording.counters();
      const ratio = (got.samples.length + lost) / expected;
      assert.ok(Math.abs(ratio - 1) <= TOLERANCE, `${got.samples.length} samples for ${spentMs} ms of CPU time`);
      assert.equal(got.orphans, 0);
    });
});
