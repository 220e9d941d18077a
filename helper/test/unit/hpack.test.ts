// HPACK against what others encoded: RFC 7541's examples, the stories of http2jp (also joined anywhere), and any bytes at all.

import assert from 'node:assert/strict';
import { DynamicTable, KEPT_BYTES_MOST } from '../../src/http/http2/dynamicTable';
import { HpackDecoder, HpackError } from '../../src/http/http2/hpack';
import { decodedMost, decodeHuffman } from '../../src/http/http2/huffman';
import { randomFrom } from '../tools/mutate';
import { knownTo, stories } from './http2/stories';

type Field = [name: string | null, value: string | null];

const all = () => true;
const SEED = Number(process.env.FUZZ_SEED ?? 1);
const INPUTS = process.env.MATRIX ? 1_000_000 : 50_000;

function decode(decoder: HpackDecoder, block: Uint8Array, cut = false): Field[] {
  const fields: Field[] = [];
  decoder.decode(block, cut, (name, value) => fields.push([name, value]));
  return fields;
}

const bytes = (hex: string) => Buffer.from(hex.replace(/\s/g, ''), 'hex');

/** RFC 7541, appendix C: blocks of one connection, and what they say. */
const EXAMPLES: Record<string, { tableBytes?: number; blocks: [hex: string, fields: string][] }> = {
  'C.2.1': {
    blocks: [['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', 'custom-key: custom-header']],
  },
  'C.2.2': { blocks: [['040c 2f73 616d 706c 652f 7061 7468', ':path: /sample/path']] },
  'C.2.3': { blocks: [['1008 7061 7373 776f 7264 0673 6563 7265 74', 'password: secret']] },
  'C.2.4': { blocks: [['82', ':method: GET']] },
  'C.3': {
    blocks: [
      [
        '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        ':method: GET|:scheme: http|:path: /|:authority: www.example.com',
      ],
      [
        '8286 84be 5808 6e6f 2d63 6163 6865',
        ':method: GET|:scheme: http|:path: /|:authority: www.example.com|cache-control: no-cache',
      ],
      [
        '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
        ':method: GET|:scheme: https|:path: /index.html|:authority: www.example.com|custom-key: custom-value',
      ],
    ],
  },
  'C.4': {
    blocks: [
      ['8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff', ':method: GET|:scheme: http|:path: /|:authority: www.example.com'],
      [
        '8286 84be 5886 a8eb 1064 9cbf',
        ':method: GET|:scheme: http|:path: /|:authority: www.example.com|cache-control: no-cache',
      ],
      [
        '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
        ':method: GET|:scheme: https|:path: /index.html|:authority: www.example.com|custom-key: custom-value',
      ],
    ],
  },
  'C.5': {
    tableBytes: 256,
    blocks: [
      [
        '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        ':status: 302|cache-control: private|date: Mon, 21 Oct 2013 20:13:21 GMT|location: https://www.example.com',
      ],
      [
        '4803 3330 37c1 c0bf',
        ':status: 307|cache-control: private|date: Mon, 21 Oct 2013 20:13:21 GMT|location: https://www.example.com',
      ],
      [
        '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
        ':status: 200|cache-control: private|date: Mon, 21 Oct 2013 20:13:22 GMT|location: https://www.example.com|content-encoding: gzip|set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
      ],
    ],
  },
  'C.6': {
    tableBytes: 256,
    blocks: [
      [
        '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
        ':status: 302|cache-control: private|date: Mon, 21 Oct 2013 20:13:21 GMT|location: https://www.example.com',
      ],
      [
        '4883 640e ffc1 c0bf',
        ':status: 307|cache-control: private|date: Mon, 21 Oct 2013 20:13:21 GMT|location: https://www.example.com',
      ],
      [
        '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
        ':status: 200|cache-control: private|date: Mon, 21 Oct 2013 20:13:22 GMT|location: https://www.example.com|content-encoding: gzip|set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
      ],
    ],
  },
};

describe('HPACK', function () {
  this.timeout(process.env.MATRIX ? 600_000 : 60_000);

  for (const [name, { tableBytes, blocks }] of Object.entries(EXAMPLES))
    it(`decodes RFC 7541's example ${name}`, () => {
      const decoder = new HpackDecoder(true, all);
      if (tableBytes) decoder.table.resize(tableBytes);
      for (const [hex, fields] of blocks)
        assert.equal(
          decode(decoder, bytes(hex))
            .map((field) => field.join(': '))
            .join('|'),
          fields,
        );
      // What C.5 and C.6 say of the table at the end.
      if (tableBytes) assert.deepEqual([decoder.table.length, decoder.table.keptBytes], [3, 215]);
    });

  it('decodes the stories of other encoders', () => {
    for (const { name, blocks } of stories()) {
      const decoder = new HpackDecoder(true, all);
      for (const { wire, headers } of blocks) assert.deepEqual(decode(decoder, wire), headers, name);
    }
  });

  it('joins a story anywhere: what was added later is exact, what was added before is not guessed', () => {
    let unknown = 0;
    for (const story of stories()) {
      const last = story.blocks.length - 1;
      for (const join of new Set([1, 2, 5, last >> 2, last >> 1, last - 1, last])) {
        if (join < 1 || join > last) continue;
        const known = knownTo(story, join);
        const decoder = new HpackDecoder(false, all);
        for (let i = join; i <= last; i++) {
          const { wire, headers } = story.blocks[i];
          const expected = headers.map((field, f): Field => (known[i][f] ? field : [null, null]));
          assert.deepEqual(decode(decoder, wire), expected, `${story.name}, joined at ${join}, block ${i}`);
          unknown += known[i].filter((one) => !one).length;
        }
      }
    }
    assert.ok(unknown > 1_000);
  });

  it('keeps values of wanted names only, and the table exact all the same', () => {
    const names = new Set([':status', ':path']);
    for (const { blocks } of stories()) {
      const decoder = new HpackDecoder(true, (name) => names.has(name));
      for (const { wire, headers } of blocks) {
        const wanted = (fields: Field[]) => fields.filter(([name]) => names.has(name!));
        assert.deepEqual(wanted(decode(decoder, wire)), wanted(headers));
      }
    }
  });

  it('knows a joined table as whole once it was emptied, or filled by what it knows', () => {
    const table = new DynamicTable(false);
    assert.equal(table.at(0), null);
    table.resize(200);
    table.add('a', 'b', 2);
    assert.equal(table.at(1), null);
    for (let i = 0; i < 9; i++) table.add('name', String(i), 5);
    assert.equal(table.at(0)?.value, '8');
    assert.equal(table.at(table.length), undefined);
    const emptied = new DynamicTable(false);
    emptied.resize(0);
    assert.equal(emptied.at(0), undefined);
  });

  it('refuses what is no HPACK', () => {
    for (const [hex, why] of [
      ['80', 'index 0'],
      ['be', 'an empty place'],
      ['ff ff ff ff ff 7f', 'an index that is too large'],
      ['ff 80 80 80 80 80 80 80 80 80 80 80 80', 'a number without an end'],
      ['40', 'no name'],
      ['40 05 61', 'a name that is cut'],
      ['40 81 ff 00', "a whole byte of EOS's code for padding"],
      ['40 84 ff ff ff ff 00', 'EOS'],
      ['40 81 00 00', 'padding of zeros'],
    ])
      assert.throws(() => decode(new HpackDecoder(true, all), bytes(hex)), HpackError, why);
  });

  it('takes the fields before a cut, and knows of nothing older behind it', () => {
    const decoder = new HpackDecoder(true, all);
    assert.deepEqual(decode(decoder, bytes('8286 8441 0f77 7777'), true), [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/'],
    ]);
    assert.deepEqual(decode(decoder, bytes('82 be')), [
      [':method', 'GET'],
      [null, null],
    ]);
  });

  it('keeps no more than its bound, however large a table is said to be', () => {
    const decoder = new HpackDecoder(true, all);
    decode(decoder, bytes('3f e1 ff ff ff 03'));
    const literal = Buffer.concat([bytes('40 01 61 7f a1 06'), Buffer.alloc(928, 0x62)]);
    for (let i = 0; i < 1_000; i++) decode(decoder, literal);
    assert.ok(decoder.table.keptBytes <= KEPT_BYTES_MOST);
    // Each of 60,000 bytes refers to a value of 928: a bomb where values are copied.
    const fields = decode(decoder, Buffer.alloc(60_000, 0xbe));
    assert.equal(fields.length, 60_000);
    // What was let go of is unknown, not an error.
    assert.deepEqual(decode(decoder, bytes('ff 80 06')), [[null, null]]);
  });

  it('decodes every symbol of the code', () => {
    // As nghttp2's and python's encoders wrote them: the stories hold only some.
    const out = Buffer.alloc(decodedMost(64));
    assert.equal(decodeHuffman(Buffer.alloc(0), 0, 0, out), 0);
    for (const [symbol, hex] of [
      [0, 'ffc7'],
      [10, 'fffffff3'],
      [92, 'fffe1f'],
      [195, 'fffe3f'],
      [255, 'fffffbbf'],
      [249, 'ffffffef'],
    ] as const) {
      const code = bytes(hex);
      assert.equal(decodeHuffman(code, 0, code.length, out), 1, hex);
      assert.equal(out[0], symbol);
    }
  });

  it(`takes ${INPUTS} damaged blocks without another error, or more memory than its bound`, () => {
    const random = randomFrom(SEED);
    const sources = stories().flatMap(({ blocks }) => blocks.map(({ wire }) => wire));
    let decoder = new HpackDecoder(true, all);
    let refused = 0;
    for (let i = 0; i < INPUTS; i++) {
      const source = sources[Math.floor(random() * sources.length)];
      const from = Math.floor(random() * source.length * 0.3);
      const block = Buffer.from(source.subarray(from, from + 1 + Math.floor(random() * 400)));
      for (let changes = Math.floor(random() * 6); changes > 0 && block.length > 0; changes--)
        block[Math.floor(random() * block.length)] = random() < 0.3 ? 0xff : Math.floor(random() * 256);
      let fields = 0;
      try {
        decoder.decode(block, random() < 0.05, () => fields++);
      } catch (error) {
        if (!(error instanceof HpackError)) throw error;
        refused++;
      }
      assert.ok(fields <= block.length && decoder.table.keptBytes <= KEPT_BYTES_MOST);
      if (random() < 0.02) decoder = new HpackDecoder(random() < 0.5, all);
    }
    assert.ok(refused > INPUTS / 20 && refused < INPUTS);
  });
});
