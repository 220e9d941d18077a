// `ebpf-tracer symbolize` without its workers: grammar, addresses, texts. What it finds is tested in golden/.

import assert from 'node:assert/strict';
import { parseArguments as parseBy } from '../../src/cli/arguments';
import { COMMANDS } from '../../src/cli/commands';
import { parseAddress, report, textLines } from '../../src/cli/symbolize';
import { TracerError } from '../../src/protocol';
import type { Place } from '../../src/symbolize/place';
import { nowhere } from '../../src/symbolize/place';
import { packPlaces, unpackPlaces } from '../../src/symbolize/pool/packedPlaces';

const codeOf = (action: () => unknown) => {
  try {
    action();
  } catch (error) {
    if (error instanceof TracerError) return error.report.code;
    throw error;
  }
  return null;
};

const INNER: Place = {
  ...nowhere(0x1139, true),
  name: 'vector<…>::push_back',
  fullName: 'std::vector<int, std::allocator<int> >::push_back(int const&)',
  linkageName: '_ZNSt6vectorIiSaIiEE9push_backERKi',
  file: '/usr/include/c++/12/bits/stl_vector.h',
  line: 1280,
  column: 7,
  sourceMd5: 'ab'.repeat(16),
};
const OUTER: Place = { ...nowhere(0x1139), name: 'main', linkageName: 'main', file: '/src/main.cpp', line: 7 };

const parseArguments = (argv: string[]) => parseBy(argv, COMMANDS);

describe('symbolize command', () => {
  it('takes a file and any number of addresses', () => {
    const args = parseArguments(['symbolize', 'a.out', '0x1139', '113a', '--json']);
    assert.deepEqual(args.operands, ['a.out', '0x1139', '113a']);
    assert.equal(args.options.has('json'), true);
    assert.deepEqual(parseArguments(['symbolize', 'a.out']).operands, ['a.out']);
    assert.equal(
      codeOf(() => parseArguments(['symbolize'])),
      'USAGE',
    );
    assert.equal(
      codeOf(() => parseArguments(['symbolize', 'a.out', '--pid', '1'])),
      'USAGE',
    );
  });

  it('reads addresses in hexadecimal, with 0x or without', () => {
    assert.equal(parseAddress('0x1139'), 0x1139);
    assert.equal(parseAddress('1139'), 0x1139);
    assert.equal(parseAddress('DEADbeef'), 0xdeadbeef);
    for (const wrong of ['', 'main', '0x', '-1', '1139 main', 'ffffffffffffffff', '0x1139\x1b[31m'])
      assert.equal(
        codeOf(() => parseAddress(wrong)),
        'ADDRESS_INVALID',
        wrong,
      );
  });

  it('prints innermost first, names in full', () => {
    assert.equal(
      textLines([INNER, OUTER]).join('\n'),
      'std::vector<int, std::allocator<int> >::push_back(int const&)\n/usr/include/c++/12/bits/stl_vector.h:1280:7\nmain\n/src/main.cpp:7:0\n',
    );
    assert.deepEqual(textLines([nowhere(1)]), ['??', '??:0:0', '']);
    assert.deepEqual(report(0x1139, [INNER, OUTER]), {
      address: 0x1139,
      frames: [
        {
          name: INNER.fullName,
          linkageName: INNER.linkageName,
          file: INNER.file,
          line: 1280,
          column: 7,
          inlined: true,
        },
        { name: 'main', linkageName: 'main', file: '/src/main.cpp', line: 7, column: null, inlined: false },
      ],
    });
  });

  it('places survive their way from the worker', () => {
    const places = [[INNER, OUTER], [nowhere(null)], [], [OUTER]];
    assert.deepEqual(unpackPlaces(packPlaces(places)), places);
  });
});
