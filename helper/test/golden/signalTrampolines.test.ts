// What a signal handler returns to has its own name also where a walk by frame pointers takes it for a return address, of which the
// byte before is asked about: that byte is another function's.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileSource } from '../../src/bytes/source';
import { ElfFile } from '../../src/elf/parser';
import { FileSymbols } from '../../src/symbolize/fileSymbols';
import { has } from './symbolize/build';

/** A restorer right behind another function, as musl has it; `sized` says whether the symbols know where functions end. */
const source = (code: string, sized: boolean) =>
  `
.text
.globl _start, decoy, restorer
_start: jmp decoy
.type decoy, @function
decoy: nop
nop
${sized ? '.size decoy, . - decoy' : ''}
.type restorer, @function
restorer: ${code}
${sized ? '.size restorer, . - restorer' : ''}
`;

const CODES = { long: 'mov $15, %rax\nsyscall', short: 'mov $15, %eax\nsyscall' };

/** No other test's: pages are kept by file. */
let nextFileId = 918_000;

describe('what a signal handler returns to', () => {
  let folder: string;

  before(function () {
    const missing = process.arch !== 'x64' ? 'its code is for x86-64' : has('gcc') ? null : 'gcc is not installed';
    if (missing !== null) {
      console.log(`      skipped: ${missing}`);
      return this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'trampolines-'));
  });
  after(() => {
    if (folder) rmSync(folder, { recursive: true });
  });

  for (const [name, code] of Object.entries(CODES))
    for (const sized of [true, false])
      it(`is named by itself: ${name} form, symbols ${sized ? 'with' : 'without'} sizes`, async () => {
        const program = join(folder, `${name}-${sized}`);
        writeFileSync(`${program}.s`, source(code, sized));
        execFileSync('gcc', ['-nostdlib', '-static', '-o', program, `${program}.s`]);
        const starts = new Map(
          [...execFileSync('nm', [program], { encoding: 'utf8' }).matchAll(/^([0-9a-f]+) T (\w+)$/gm)].map(
            ([, start, symbol]) => [symbol, Number.parseInt(start, 16)],
          ),
        );
        const fd = openSync(program, 'r');
        const elf = ElfFile.parse(new FileSource(nextFileId++, fd, statSync(program).size));
        const symbols = await FileSymbols.open(elf, null, {
          cache: null,
          descriptors: [],
          memoryBytes: 0,
          nextFileId: () => nextFileId++,
        });
        try {
          const text = elf.segments.find(({ address, fileSizeBytes }) => {
            const at = starts.get('restorer')!;
            return at >= address && at < address + fileSizeBytes;
          })!;
          const nameAt = (address: number) => symbols.placesOf(address - text.address + text.fileOffset)[0].name;
          const restorer = starts.get('restorer')!;
          assert.equal(nameAt(restorer - 1), 'restorer');
          assert.equal(nameAt(restorer), 'restorer');
          assert.equal(nameAt(starts.get('decoy')!), 'decoy');
        } finally {
          symbols.close();
          closeSync(fd);
        }
      });
});
