// `--filter`: what a user writes, what is refused and with which words, and what a client may send.

import assert from 'node:assert/strict';
import { checkFilter, filterBytes, parseFilter } from '../../src/http/filter';
import { checkHttpOptions, httpOptions } from '../../src/http/options';

describe('HTTP: filter', () => {
  it('reads each kind, with commas and in any order', () => {
    assert.equal(parseFilter([]), undefined);
    const texts = ['path=/api/v1', 'method=GET,PROPFIND', 'min-latency=1.5s', 'port=80,8080', 'pid=7'];
    const filter = {
      path: '/api/v1',
      methods: ['GET', 'PROPFIND'],
      minLatencyMs: 1_500,
      ports: [80, 8_080],
      pids: [7],
    };
    assert.deepEqual(parseFilter(texts), filter);
    assert.deepEqual(parseFilter(['min-latency=250us']), { minLatencyMs: 0.25 });
    assert.deepEqual(checkFilter(filter), filter);
    assert.ok(filterBytes(filter).includes('PROPFIND\0\0'));
  });

  for (const [text, words] of [
    ['get', /--filter get: begin with one of pid=, port=, method=, path=, min-latency=\./],
    ['status=500', /begin with one of/],
    ['constructor=1', /begin with one of/],
    ['port=', /a value is missing/],
    ['port=0', /"0" is not a port \(1 to 65535\)/],
    ['port=80,x', /"x" is not a port/],
    ['port=1,2,3,4,5,6,7,8,9', /at most 8 values/],
    ['pid=-1', /"-1" is not a process id/],
    ['method=get', /"get" is not a method; they are upper case/],
    ['path=api', /a path begins with "\/"/],
    [`path=/${'x'.repeat(128)}`, /at most 128 bytes/],
    ['min-latency=10', /write a time such as/],
    ['min-latency=2000h', /write a time such as/],
  ] as const)
    it(`refuses ${text.slice(0, 30)}`, () => assert.throws(() => parseFilter([text]), words));

  it('refuses a kind that is given twice', () => {
    assert.throws(() => parseFilter(['port=80', 'port=81']), /port is given twice; part several values with commas/);
  });

  it('takes from a client nothing that the kernel has no room for', () => {
    for (const filter of [
      { pids: Array(9).fill(1) },
      { ports: [70_000] },
      { methods: ['GET '] },
      { methods: ['A'.repeat(17)] },
      { path: 'x' },
      { path: `/${'ö'.repeat(64)}` },
      { minLatencyMs: Number.NaN },
    ])
      assert.throws(() => checkHttpOptions({ filter }), /http filter/, JSON.stringify(filter));
    assert.throws(() => checkHttpOptions({ plaintext: 'some' }), /plaintext/);
    assert.throws(() => checkHttpOptions({ sources: ['relative'] }), /sources/);
  });

  it('takes the other options of the command line', () => {
    const given = new Map([
      ['plaintext', ['none']],
      ['source', ['/a', 'b']],
    ]);
    const options = httpOptions(given);
    assert.equal(options.plaintext, 'none');
    assert.deepEqual(options.sources, ['/a', `${process.cwd()}/b`]);
    assert.throws(() => httpOptions(new Map([['plaintext', ['some']]])), /--plaintext some: write auto, all, none\./);
  });
});
