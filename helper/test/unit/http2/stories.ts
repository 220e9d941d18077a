// The stories of fixtures/hpack, and what of a story a decoder can know that did not see its beginning: found by walking over
// the blocks' representations alone, without a table of contents.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

const FILE = process.env.HPACK_STORIES ?? join(process.cwd(), 'helper/test/unit/fixtures/hpack/stories.br');

export interface Story {
  name: string;
  blocks: { wire: Buffer; headers: [name: string, value: string][] }[];
}

export function stories(): Story[] {
  const bytes = brotliDecompressSync(readFileSync(FILE));
  let at = 0;
  const next = () => {
    const length = bytes.readUInt32LE(at);
    at += 4 + length;
    return bytes.subarray(at - length, at);
  };
  const { recorded } = JSON.parse(next().toString()) as { recorded: [string, number][] };
  const headers = next()
    .toString('latin1')
    .split('\0')
    .map((story) =>
      story.split('\x01').map((block) => block.split('\n').map((line) => line.split('\t') as [string, string])),
    );
  return recorded.map(([encoder, story]) => ({
    name: `story ${story} by ${encoder}`,
    blocks: headers[story].map((of) => ({ wire: next(), headers: of })),
  }));
}

/** A field as it was written. Additions to the table are counted from the story's first on. */
export interface Written {
  /** The addition that it refers to as a whole; null: none. */
  field: number | null;
  /** The one whose name it has. */
  name: number | null;
  adds: boolean;
}

const STATIC_FIELDS = 61;

/** Of each block its fields, and how many additions there were before it (RFC 7541, 6). */
export function writtenAs(story: Story): { addedBefore: number; fields: Written[] }[] {
  let added = 0;
  return story.blocks.map(({ wire }) => {
    const addedBefore = added;
    let at = 0;
    const number = (bits: number) => {
      const most = (1 << bits) - 1;
      let value = wire[at++] & most;
      if (value < most) return value;
      for (let shift = 0; ; shift += 7) {
        value += (wire[at] & 127) << shift;
        if (wire[at++] < 128) return value;
      }
    };
    const skipString = () => {
      const length = number(7);
      at += length;
    };
    const addition = (index: number) => (index > STATIC_FIELDS ? added - (index - STATIC_FIELDS) : null);
    const fields: Written[] = [];
    while (at < wire.length) {
      const first = wire[at];
      if (first & 0x80) fields.push({ field: addition(number(7)), name: null, adds: false });
      else if ((first & 0xe0) === 0x20) number(5);
      else {
        const adds = (first & 0x40) !== 0;
        const index = number(adds ? 6 : 4);
        fields.push({ field: null, name: addition(index), adds });
        if (index === 0) skipString();
        skipString();
        if (adds) added++;
      }
    }
    return { addedBefore, fields };
  });
}

/** Per block and field: can it be known to who joined at this block? */
export function knownTo(story: Story, join: number): boolean[][] {
  const written = writtenAs(story);
  const first = written[join].addedBefore;
  /** The addition whose name each addition has. */
  const names = written.flatMap(({ fields }) => fields.filter(({ adds }) => adds).map(({ name }) => name));
  const isKnown = (addition: number | null): boolean =>
    addition === null || (addition >= first && isKnown(names[addition]));
  return written.map(({ fields }) => fields.map(({ field, name }) => isKnown(field) && isKnown(name)));
}
