// Run by captureProcesses.test.ts: starts a capture while a timer signals this process every half millisecond, as CPU
// profilers do, and prints how often it did and the error, if there was one, as one JSON line.

import koffi from 'koffi';
import { toErrorReport } from '../../src/protocol';
import { capture, Target } from './captureHarness';

const ITIMER_REAL = 0;
const EVERY_MICROSECONDS = 500;

const setitimer = koffi.load(null).func('int setitimer(int which, void *value, void *old)');

/** struct itimerval: interval and first delay, each as seconds and microseconds. */
function every(microseconds: number): void {
  const value = Buffer.alloc(32);
  value.writeBigInt64LE(BigInt(microseconds), 8);
  value.writeBigInt64LE(BigInt(microseconds), 24);
  if (setitimer(ITIMER_REAL, value, null) !== 0) throw new Error('no timer could be set');
}

async function main(): Promise<void> {
  const target = await Target.start(process.argv[2]);
  let signals = 0;
  process.on('SIGALRM', () => signals++);
  let error = null;
  try {
    every(EVERY_MICROSECONDS);
    const { running } = await capture(target.pid);
    every(0);
    await running.stop();
  } catch (thrown) {
    every(0);
    error = toErrorReport(thrown);
  } finally {
    await target.end();
  }
  console.log(JSON.stringify({ error, signals }));
}

void main();
