// What the tests of the real command line share: they skip where eBPF or the bundles are missing, and each has a folder of its
// own and ends the programs that it started. Called once in a describe block, by record.test.ts and recordEnds.test.ts.

import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLI_JS, startWorkload } from './cli';
import { missingForEbpf } from './helperProcess';

/** `prepare` is told before each test of its folder, and of the recording's path in it. */
export function recordHooks(prepare: (dir: string, output: string) => void): {
  /** Starts a program of out/workloads, which is ended after the test. */
  start(name: string, ...args: string[]): Promise<ChildProcess>;
  /** Has a program ended after the test that the test started itself. */
  own(child: ChildProcess): void;
} {
  let dir = '';
  let started: ChildProcess[] = [];

  before(function () {
    const missing = missingForEbpf() ?? (existsSync(CLI_JS) ? null : `needs ${CLI_JS}: run make first`);
    if (!missing) return;
    console.log(`      skipped: ${missing}`);
    this.skip();
  });
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'ebpf-tracer-test-'));
    prepare(dir, join(dir, 'out.speedscope.json'));
  });
  afterEach(() => {
    for (const child of started) child.kill('SIGKILL');
    started = [];
    rmSync(dir, { recursive: true, force: true });
  });

  return {
    async start(name, ...args) {
      const child = await startWorkload(name, ...args);
      started.push(child);
      return child;
    },
    own: (child) => void started.push(child),
  };
}
