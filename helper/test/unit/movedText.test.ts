// When memory of no file is taken for a file's code: bytes must agree, in time, and most of them must.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { MappedFile } from '../../src/process/files';
import { readMaps } from '../../src/process/maps';
import { MovedText, type TextPiece } from '../../src/process/movedText';

const FILE = { id: 7 } as MappedFile;
const SAMPLE_BYTES = 16;

describe('memory that may be a file’s code', () => {
  // The beginning of this process's own program, which is mapped as it is.
  const mapping = readMaps(process.pid)!.find(({ inode, fileOffset }) => inode !== 0n && fileOffset === 0)!;
  const bytes = readFileSync(mapping.path).subarray(0, 10 * SAMPLE_BYTES);
  const sample = (i: number, damage = 0) => {
    const copy = Uint8Array.from(bytes.subarray(i * SAMPLE_BYTES, (i + 1) * SAMPLE_BYTES));
    copy[3] ^= damage;
    return { address: mapping.start + i * SAMPLE_BYTES, bytes: copy };
  };
  const piece = (damaged: number): TextPiece => ({
    start: mapping.start,
    end: mapping.end,
    fileOffset: 0,
    samples: Array.from({ length: 10 }, (_, i) => sample(i, i < damaged ? 1 : 0)),
  });

  let asked = 0;
  let found: TextPiece[] = [];
  let text: MovedText | null = null;

  /** `answers`: of one attempt after the other, the last of them again and again. */
  function ask(answers: (TextPiece[] | Error)[]): MovedText {
    asked = 0;
    found = [];
    const reader = {
      piecesOf: async () => {
        const answer = answers[Math.min(asked++, answers.length - 1)];
        if (answer instanceof Error) throw answer;
        return answer;
      },
    };
    text = new MovedText(
      () => reader,
      (_, __, one) => found.push(one),
    );
    const anchor = { start: mapping.start, fileOffset: 0 };
    text.ask({ pid: process.pid, ranges: [mapping], candidates: [{ file: FILE, anchor }] });
    return text;
  }
  afterEach(() => text?.close());

  it('is, where all or nearly all bytes agree', async () => {
    for (const damaged of [0, 1]) {
      ask([[piece(damaged)]]);
      await until(() => found.length > 0);
    }
  });

  it('is not, where some differ; it is looked at again, and not for ever', async () => {
    const one = ask([[piece(2)]]);
    assert.ok(one.needs(FILE.id), 'its file stays open meanwhile');
    await until(() => !one.needs(FILE.id));
    assert.equal(found.length, 0);
    assert.equal(asked, 5);
  });

  it('is, as soon as the program has copied it there', async () => {
    ask([[piece(10)], [piece(0)]]);
    await until(() => found.length > 0);
    assert.equal(asked, 2);
  });

  it('is not, where nothing can be compared, or the file is no program', async () => {
    for (const answer of [[{ ...piece(0), samples: [] }], new Error('not an ELF file'), []]) {
      const one = ask([answer]);
      await until(() => asked > 0);
      one.close();
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.equal(found.length, 0);
    }
  });
});

async function until(condition: () => unknown): Promise<void> {
  for (const end = Date.now() + 30_000; !condition(); ) {
    if (Date.now() > end) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
