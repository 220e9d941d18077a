// Why the product samples by events of each CPU: what these cost the target and a process beside it that nobody records, and
// whether they count right, against events of the target's own threads. The figures are in bpf/README.md.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './paths';
import type { Estimate } from './statistics';

export interface EventKind {
  /** `per-CPU` or `per-thread`. */
  name: string;
  /** CPU time a unit of work, with the events / without. */
  target: Pick<Estimate, 'mean' | 'halfWidth'>;
  other: Pick<Estimate, 'mean' | 'halfWidth'>;
  samples: number;
  /** By the target's CPU time. Not known of per-CPU events where children do the work: their samples are not told apart. */
  expected: number;
}

/** What targets do: compute; switch between two threads all the time; have 500 threads; live 3 ms as threads, as processes. */
export const EVENT_TARGETS = ['busy', 'switch', 'threads', 'births', 'forks'] as const;

export function measureEventKinds(
  targets: readonly (typeof EVENT_TARGETS)[number][],
  frequencyHz: number,
  seconds: number,
  collect: (target: string, kind: EventKind) => void,
): void {
  const folder = mkdtempSync(join(tmpdir(), 'ebpf-bench-events-'));
  try {
    const [source, program, object] = ['helper/bench/eventKinds', join(folder, 'kinds'), join(folder, 'kinds.o')];
    const arch = `-D__TARGET_ARCH_${process.arch === 'arm64' ? 'arm64' : 'x86'}`;
    execFileSync('clang', ['-g', '-O2', '-target', 'bpf', arch, '-c', `${source}.bpf.c`, '-o', object], { cwd: ROOT });
    execFileSync('cc', ['-O2', '-pthread', '-o', program, `${source}.c`, '-lbpf', '-lm'], { cwd: ROOT });
    for (const target of targets) {
      const output = execFileSync(program, [object, target, String(frequencyHz), String(seconds)], {
        encoding: 'utf8',
      });
      for (const line of output.trim().split('\n')) {
        const [name, ...numbers] = line.split(' ');
        const [mean, halfWidth, otherMean, otherHalfWidth, samples, expected] = numbers.map(Number);
        const other = { mean: otherMean, halfWidth: otherHalfWidth };
        collect(target, { name, target: { mean, halfWidth }, other, samples, expected });
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
