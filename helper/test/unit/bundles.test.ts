// What the privileged process's main thread can do is what is in its bundle: parsing files of others is not. ELF files, DWARF, source
// maps and debuginfod's answers are read in threads and processes that can be ended, and that have given up their rights.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { build } from 'esbuild';

const ROOT = join(__dirname, '../../../../..');
const PARSERS = ['helper/src/elf/parser.ts', 'helper/src/elf/contents.ts', 'helper/src/symbolize/fileSymbols.ts'];
const PARSERS_BELOW = [
  'helper/src/symbolize/dwarf/',
  'helper/src/unwind/dwarf/',
  'helper/src/symbolize/debuginfod/child',
];

/** Files whose code the bundle of `entry` has; types leave none. */
async function codeOf(entry: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    outdir: 'out/none',
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    external: ['koffi', 'vscode'],
    logLevel: 'silent',
  });
  return Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
}

describe('bundles', function () {
  this.timeout(60_000);

  it('of the helper’s main thread parse no file of a target', async () => {
    const code = await codeOf('helper/src/main.ts');
    assert.ok(code.includes('helper/src/process/table.ts'), 'it is the helper');
    const parsers = code.filter(
      (file) => PARSERS.includes(file) || PARSERS_BELOW.some((folder) => file.startsWith(folder)),
    );
    assert.deepEqual(parsers, []);
  });

  it('of the threads that parse have the parsers', async () => {
    const code = await codeOf('helper/src/symbolize/worker.ts');
    assert.deepEqual(
      PARSERS.filter((file) => !code.includes(file)),
      [],
    );
  });

  it('of the extension have neither BPF nor a native library', async () => {
    const code = await codeOf('extension/src/extension.ts');
    assert.deepEqual(
      code.filter((file) => /^helper\/src\/(bpf|engine|stack|symbolize|unwind|privilege)\//.test(file)),
      [],
    );
  });
});
