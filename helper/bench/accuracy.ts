// Are samples lost, and are there as many as CPU time says? A command with eight busy threads is recorded from its first
// instruction to its end; kept samples are compared with frequency x (utime + stime) of the whole command.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WORKLOADS } from './paths';
import { record } from './recorder';

export interface Accuracy {
  samples: number;
  lost: number;
  /** Kept samples / (frequency x CPU seconds). */
  keptRatio: number;
}

export async function measureAccuracy(frequencyHz: number, seconds: number): Promise<Accuracy> {
  const folder = mkdtempSync(join(tmpdir(), 'ebpf-bench-'));
  try {
    const times = join(folder, 'times');
    const script = `TIMEFORMAT='%U %S'; { time ${WORKLOADS}/threads 8 ${seconds} >/dev/null; } 2>${times}`;
    const summary = await record({ args: ['--frequency', String(frequencyHz), '--', 'bash', '-c', script] });
    const [userSeconds, systemSeconds] = readFileSync(times, 'utf8').trim().split(' ').map(Number);
    const expected = frequencyHz * (userSeconds + systemSeconds);
    return { samples: summary.samples, lost: summary.lost, keptRatio: summary.samples / expected };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
