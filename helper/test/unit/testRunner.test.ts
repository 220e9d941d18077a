// The tests' own runner: what must make a run fail, does. And every skip in the tree says why, on this machine or elsewhere.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Results {
  passed: number;
  failures: string[];
  skipped: { title: string; reason: string }[];
}

describe('the runner of the tests', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ebpf-tracer-test-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  function run(text: string): { status: number | null; results: Results } {
    const [file, results] = [join(folder, 'one.test.cjs'), join(folder, 'results.json')];
    writeFileSync(file, text);
    const mocha = ['node_modules/mocha/bin/mocha.js', '--reporter', './helper/test/tools/suiteReporter.mjs', file];
    const env = { ...process.env, EBPF_TRACER_TEST_RESULTS: results, HANDLES_GRACE_MS: '100' };
    const { status } = spawnSync(process.execPath, mocha, { env, encoding: 'utf8' });
    return { status, results: JSON.parse(readFileSync(results, 'utf8')) };
  }

  it('takes a skip with its reason, for a test, a suite and what is inside it', () => {
    const { status, results } = run(`
      const skip = function () { console.log('      skipped: there is no moon'); this.skip(); };
      it('one', skip);
      describe('all', () => { before(skip); it('two', () => {}); describe('inner', () => it('three', () => {})); });`);
    const reason = 'there is no moon';
    const titles = ['one', 'all two', 'all inner three'];
    assert.deepEqual(results, { passed: 0, failures: [], skipped: titles.map((title) => ({ title, reason })) });
    assert.equal(status, 0);
  });

  it('fails for a skip without a reason, whatever was printed before', () => {
    const { results } = run(`
      it('one', function () { console.log('skipped: yesterday'); this.skip(); });
      it('two', function () { console.log('a word'); this.skip(); });
      it.skip('three', () => {});`);
    assert.equal(results.skipped.length, 1);
    assert.deepEqual(
      results.failures.map((failure) => failure.split(':')[0]),
      ['two', 'three'],
    );
  });

  it('fails for what outlives the last test, and names it', () => {
    const { status, results } = run(`
      it('one', () => { setInterval(() => {}, 1000); require('node:child_process').spawn('sleep', ['3']); });`);
    assert.equal(results.passed, 1);
    assert.equal(results.failures.length, 1);
    assert.match(results.failures[0], /still runs.*Timeout/);
    assert.match(results.failures[0], /child process \d+: sleep 3/);
    assert.equal(status, 1);
  });

  it('is given a reason by every skip', () => {
    const lacking: string[] = [];
    for (const folder of ['helper/test', 'extension/test', 'webview/test'])
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        if (!name.endsWith('.ts') || name.endsWith('testRunner.test.ts')) continue;
        const lines = readFileSync(join(folder, name), 'utf8').split('\n');
        lines.forEach((line, i) => {
          const isBare = /\b(this|context)\.skip\(\)/.test(line) && !/skipped: /.test(lines.slice(i - 3, i).join('\n'));
          if (isBare || /\b(it|describe)\.skip\(|\bx(it|describe)\(/.test(line)) lacking.push(`${name}:${i + 1}`);
        });
      }
    assert.deepEqual(lacking, []);
  });
});
