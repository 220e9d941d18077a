// Run by captureProcesses.test.ts in a PID namespace, or as a user without rights: captures a process that forks, and
// prints what it saw of process numbers as one JSON line, or the error that it got.

import { toErrorReport } from '../../src/protocol';
import { capture, eventually, Target } from './captureHarness';

async function main(): Promise<void> {
  const target = await Target.start(process.argv[2], 'fork');
  let child = 0;
  try {
    const { running, got } = await capture(target.pid);
    target.poke();
    child = Number((await target.line()).split(' ')[1]);
    // Both: the child works, and the parent once nothing more comes.
    target.noMore();
    await eventually(
      () => [target.pid, child].every((pid) => got.samples.filter((sample) => sample.pid === pid).length >= 5),
      'both are sampled',
    );
    await running.stop();
    const distinct = (numbers: number[]) => [...new Set(numbers)].sort((a, b) => a - b);
    console.log(
      JSON.stringify({
        target: target.pid,
        child,
        sampled: distinct(got.samples.map(({ pid }) => pid)),
        tids: distinct(got.samples.map(({ tid }) => tid)),
        forked: got.processes.flatMap((r) => (r.kind === 'fork' ? [{ pid: r.pid, parentPid: r.parentPid }] : [])),
      }),
    );
  } catch (error) {
    console.log(JSON.stringify({ error: toErrorReport(error) }));
  } finally {
    if (child) process.kill(child, 'SIGKILL');
    await target.end();
  }
}

void main();
