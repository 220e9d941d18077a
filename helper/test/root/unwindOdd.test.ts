// Unwinding in processes that are not as usual (helper/test/golden/symbolize/programs/oddOnes.c, without frame pointers): each
// stack is as whole as in the plain program.

import assert from 'node:assert/strict';
import { FileStore } from '../../src/process/fileStore';
import { ProcessTable } from '../../src/process/table';
import { createSymbolizer } from '../../src/symbolize';
import type { Symbolizer } from '../../src/symbolize/types';
import { build } from '../golden/symbolize/build';
import { missingForEbpf } from './helperProcess';
import { type Running, startProgram, unwound, wholeShare } from './unwindHarness';

const SAMPLES = 200;
const WHOLE_LEAST = 0.99;

describe('unwinding of odd processes', function () {
  this.timeout(60_000);
  let program: string;
  let running: Running | null = null;
  const files = new FileStore();
  let symbolizer: Symbolizer;
  let processes: ProcessTable;

  before(function () {
    const command = ['gcc', '-g', '-O2', '-fomit-frame-pointer', '-pthread', 'oddOnes.c', '-o', 'OUT'];
    const built = build('oddOnes', command, ['oddOnes.c']);
    const why = missingForEbpf() ?? (built === null ? 'gcc is not installed' : null);
    if (why !== null || built === null) {
      console.log(`      skipped: ${why}`);
      return this.skip();
    }
    program = built;
  });
  beforeEach(() => {
    // Its workers read the file that the moved code is of.
    symbolizer = createSymbolizer({ files, cacheDir: null, workers: 1, log: () => {} });
    processes = new ProcessTable(files);
  });
  afterEach(async () => {
    await running?.end();
    running = null;
    processes.close();
    await symbolizer.close();
    await files.close();
  });

  const cases: [what: string, args: string[]][] = [
    ['whose first thread has ended', ['thread']],
    ['that were executed from memory', ['memfd']],
    ['whose code was copied onto memory of no file', ['moved', 'mmap']],
    ['whose code was moved onto memory of no file', ['moved', 'mremap']],
    ['half of whose code was copied', ['moved', 'half']],
  ];
  for (const [what, args] of cases)
    it(`walks stacks of programs ${what}`, async () => {
      running = await startProgram([program, ...args]);
      const got = await unwound(running.pid, SAMPLES, { processes });
      const { share, others } = wholeShare(got);
      assert.ok(share >= WHOLE_LEAST, `${share} whole; ${others}`);
      // main or the thread's function, hot_outer, hot_inner: a guess by frame pointers would leave some out.
      const depths = got.samples.map((sample) => got.got.stackOf(sample).user.length);
      assert.ok(depths.filter((depth) => depth >= 4).length >= WHOLE_LEAST * depths.length, `${depths.slice(0, 20)}`);
    });
});
