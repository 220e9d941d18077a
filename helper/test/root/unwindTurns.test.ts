// Libraries that take turns at one address never lend each other a name: neither in stacks that BPF walked nor in those that were
// kept raw until tables were there.

import assert from 'node:assert/strict';
import { FileStore } from '../../src/process/fileStore';
import { ProcessTable } from '../../src/process/table';
import type { Address } from '../../src/process/types';
import { createSymbolizer } from '../../src/symbolize';
import { build } from '../golden/symbolize/build';
import { capture, eventually } from './captureHarness';
import { missingForEbpf } from './helperProcess';
import { type Running, startProgram } from './unwindHarness';

const TURN_MS = 30;
const SAMPLES = 600;

describe('libraries that take turns at one address', function () {
  this.timeout(60_000);
  let running: Running | null = null;
  afterEach(async () => {
    await running?.end();
    running = null;
  });

  it('keep their own names', async function () {
    const library = (name: string) =>
      build(
        `turns-${name}.so`,
        ['gcc', '-g', '-O2', '-shared', '-fPIC', `-DLIBRARY=${name}`, 'turns.c', '-o', 'OUT'],
        ['turns.c'],
      );
    const program = build('turns', ['gcc', '-g', '-O2', 'turns.c', '-ldl', '-o', 'OUT'], ['turns.c']);
    const libraries = [library('red'), library('blue')];
    const why = missingForEbpf() ?? (program && libraries[0] && libraries[1] ? null : 'gcc is not installed');
    if (why !== null || !program) {
      console.log(`      skipped: ${why}`);
      return this.skip();
    }
    running = await startProgram([program, ...libraries.map(String), String(TURN_MS)]);
    const files = new FileStore();
    const symbolizer = createSymbolizer({ files, cacheDir: null, workers: 1, log: () => {} });
    const processes = new ProcessTable(files);
    const { running: recording, got } = await capture(running.pid, { processes, kernel: false });
    // As a recording does: names are asked for as a stack arrives.
    const stacks: Promise<string>[] = [];
    const keep = got.stack.bind(got);
    got.stack = (record) => {
      keep(record);
      const frames = symbolizer.resolve(processes, record.pid, [], record.user as Address[]);
      const names = async () => (await frames).flat().map(({ name }) => name);
      stacks.push(names().then((all) => all.join(' ')));
    };
    try {
      await eventually(() => got.samples.length >= SAMPLES, `${SAMPLES} samples arrive`);
    } finally {
      await recording.stop();
    }
    const named = await Promise.all(stacks);
    await symbolizer.close();
    processes.close();
    await files.close();
    const wrong = named.filter((text) => /blue_.*call_red|red_.*call_blue/.test(text));
    assert.deepEqual(wrong, []);
    const right = named.filter((text) => /^red_first run call_red|^blue_second run call_blue/.test(text));
    assert.ok(right.length > 0, named.slice(0, 5).join('\n'));
  });
});
