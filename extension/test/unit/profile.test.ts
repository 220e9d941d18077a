import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRecording, type TracerError } from '../../../helper/src/protocol';
import { applyMappings, longestSuffixMatch, mappingBetween } from '../../src/profile/pathMapping';
import { ProfileIndex } from '../../src/profile/profileIndex';
import { isNewerThanBinary } from '../../src/profile/staleness';
import { makeRecording } from '../fakes/makeRecording';

describe('reading a recording', () => {
  const codeOf = (text: string) => {
    try {
      parseRecording(text, '/x.json');
      return null;
    } catch (error) {
      return (error as TracerError).report.code;
    }
  };
  const good = makeRecording({ file: '/src/a.c' });

  it('takes its own and those of other profilers', () => {
    assert.equal(codeOf(JSON.stringify(good)), null);
    const { ebpfTracer, ...foreign } = good;
    assert.ok(ebpfTracer);
    assert.equal(codeOf(JSON.stringify(foreign)), null);
  });

  it('refuses everything else', () => {
    const bad = [
      '',
      'text',
      '[]',
      'null',
      '{}',
      '{"shared":{"frames":[]}}',
      '{"shared":{"frames":[{}]},"profiles":[]}',
    ];
    for (const text of bad) assert.equal(codeOf(text), 'NOT_A_RECORDING', text);
    assert.equal(codeOf(JSON.stringify({ ...good, ebpfTracer: {} })), 'NOT_A_RECORDING');
    assert.equal(codeOf(JSON.stringify(good).slice(0, -100)), 'NOT_A_RECORDING');
  });

  it('refuses a newer format', () => {
    const newer = { ...good, ebpfTracer: { ...good.ebpfTracer, formatVersion: 99 } };
    assert.equal(codeOf(JSON.stringify(newer)), 'RECORDING_TOO_NEW');
  });
});

describe('the index by source file', () => {
  const index = new ProfileIndex('/r.json', makeRecording({ file: '/src/a.c', samples: 1000 }));
  const heat = index.files.get('/src/a.c');
  assert.ok(heat);

  it('has lines and functions with their counts', () => {
    assert.deepEqual(heat.lines.get(22), { self: 500, total: 500 });
    assert.deepEqual(heat.lines.get(12), { self: 0, total: 600 });
    const functions = heat.functions.map(({ name, line, self, total }) => [name, line, self, total]);
    assert.deepEqual(functions, [
      ['main', 1, 0, 1000],
      ['work', 10, 100, 1000],
      ['hot', 20, 600, 600],
      ['cold', 30, 300, 300],
    ]);
  });

  it('counts in samples also where weights are times', () => {
    const timed = makeRecording({ file: '/src/a.c', samples: 1000 });
    for (const profile of timed.profiles) profile.weights = profile.weights.map((weight) => weight * 10_101_010);
    const [, , hot] = new ProfileIndex('/r', timed).files.get('/src/a.c')?.functions ?? [];
    assert.equal(Math.round(hot.self), 600);
  });

  it('counts a recursive function once a sample', () => {
    const recursive = makeRecording({ file: '/src/a.c', samples: 100 });
    recursive.profiles[0].samples = [
      [0, 2, 2, 2],
      [0, 1, 3],
      [0, 1],
    ];
    const hot = new ProfileIndex('/r', recursive).files.get('/src/a.c')?.functions.find((one) => one.name === 'hot');
    assert.deepEqual([hot?.self, hot?.total], [60, 60]);
  });

  it('counts a function as called and as inlined together, once a sample', () => {
    const recording = makeRecording({ file: '/src/a.c', samples: 100 });
    const hot = recording.shared.frames[2];
    const inlined = recording.shared.frames.push({ ...hot, name: `${hot.name} (inlined)` }) - 1;
    recording.ebpfTracer.frameDetails.push({ module: 'a', kind: 'user', inlined: true });
    recording.ebpfTracer.metrics[0].functionLines.push([[22, 50, 50]]);
    recording.profiles = [
      {
        ...recording.profiles[0],
        samples: [
          [0, 1, inlined],
          [0, 2, inlined],
          [0, 1],
        ],
        weights: [50, 30, 20],
      },
    ];
    recording.ebpfTracer.lineTree = undefined;
    const index = new ProfileIndex('/r', recording);
    const file = index.files.get('/src/a.c');
    assert.ok(file);
    const found = file.functions.filter(({ line }) => line === 20);
    assert.deepEqual(
      found.map(({ name, self, total, frame }) => [name, self, total, frame]),
      [['hot', 80, 80, inlined]],
    );
    // Neither form is left out where its line is asked about.
    assert.deepEqual(index.callersAt(file, 20), [
      { name: 'work', figure: 50 },
      { name: 'main', figure: 30 },
    ]);
  });

  it('names callers by line, and without the tree by function', () => {
    assert.deepEqual(index.callersAt(heat, 22), [{ name: 'work:12', figure: 500 }]);
    const flat = makeRecording({ file: '/src/a.c', samples: 1000 });
    flat.ebpfTracer.lineTree = undefined;
    const other = new ProfileIndex('/r', flat);
    const file = other.files.get('/src/a.c');
    assert.ok(file);
    assert.deepEqual(other.callersAt(file, 22), [{ name: 'work', figure: 600 }]);
  });

  it('names the goroutines of a line and of what it calls', () => {
    const go = makeRecording({ file: '/src/a.go', samples: 1000 });
    // Nodes: 3 is work itself at line 14, 4 and 5 are hot's lines 22 and 23, called at line 12; 6 is cold's, at 13.
    go.ebpfTracer.metrics[0].contexts = [
      {
        kind: 'goroutine',
        top: [
          { pid: 1, id: 7, figure: 500, nodes: [4, 300, 6, 200] },
          { pid: 1, id: 9, figure: 300, nodes: [4, 100, 5, 100, 3, 100] },
        ],
        otherFigure: 200,
      },
    ];
    const other = new ProfileIndex('/r', go);
    const file = other.files.get('/src/a.go');
    assert.ok(file);
    const at = (line: number) => other.contextsAt('goroutine', file, line).map(({ name, figure }) => [name, figure]);
    assert.deepEqual(at(22), [
      ['7', 300],
      ['9', 100],
    ]);
    assert.deepEqual(at(12), [
      ['7', 300],
      ['9', 200],
    ]);
    assert.deepEqual(at(13), [['7', 200]]);
    assert.deepEqual(at(14), [['9', 100]]);
    assert.deepEqual(at(99), []);
    assert.deepEqual(index.contextsAt('goroutine', heat, 22), [], 'this is no Go program');
  });

  it('names threads', () => {
    assert.deepEqual(index.threadsAt(heat, 22), [{ name: 'worker (4243)', figure: 600 }]);
    assert.deepEqual(index.threadsAt(heat, 99), []);
  });

  it('keeps relative paths as they are: they start at the root of a source tree, not where the process was started', () => {
    const relative = makeRecording({ file: 'src/a.c' });
    relative.ebpfTracer.cwd = '/home/me/app';
    assert.deepEqual([...new ProfileIndex('/r', relative).files.keys()], ['src/a.c']);
  });

  it('bears an empty recording', () => {
    const empty = makeRecording({ file: '/src/a.c', samples: 0 });
    empty.profiles = [];
    empty.ebpfTracer.metrics[0].lines = [];
    assert.equal(new ProfileIndex('/r', empty).files.size, 0);
  });
});

describe('path mapping', () => {
  it('takes the longest matching end', () => {
    const candidates = ['/w/other/main.c', '/w/app/src/main.c', '/w/app/test/main.c'];
    assert.equal(longestSuffixMatch('/build/app/src/main.c', candidates), '/w/app/src/main.c');
  });

  it('does not guess between equals', () => {
    assert.equal(longestSuffixMatch('/build/main.c', ['/w/a/main.c', '/w/b/main.c']), null);
    assert.equal(longestSuffixMatch('/build/main.c', []), null);
    assert.equal(longestSuffixMatch('/build/main.c', ['/w/b/other.c']), null);
  });

  it('moves all that lies below', () => {
    const mapping = mappingBetween('/build/ci/app/src/main.c', '/home/me/app/src/main.c');
    assert.deepEqual(mapping, { from: '/build/ci', to: '/home/me' });
    assert.equal(applyMappings('/build/ci/app/lib/x.c', [mapping]), '/home/me/app/lib/x.c');
    assert.equal(applyMappings('/build/cinema/x.c', [mapping]), null);
  });

  it('prefers the nearest folder', () => {
    const mappings = [
      { from: '/build', to: '/a' },
      { from: '/build/app', to: '/b' },
    ];
    assert.equal(applyMappings('/build/app/x.c', mappings), '/b/x.c');
    assert.equal(applyMappings('/build/lib/x.c', mappings), '/a/lib/x.c');
  });

  it('maps from the root', () => {
    const mapping = mappingBetween('/src/main.c', '/w/src/main.c');
    assert.deepEqual(mapping, { from: '', to: '/w' });
    assert.equal(applyMappings('/src/x.c', [mapping]), '/w/src/x.c');
  });
});

describe('a source newer than its binary', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ebpf-tracer-stale-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('is told by its contents where the compiler kept their sum', async () => {
    const file = join(folder, 'a.c');
    writeFileSync(file, 'int main;\n');
    const md5 = createHash('md5').update('int main;\n').digest('hex');
    assert.equal(await isNewerThanBinary({ file, md5, binaryMtimeMs: 0 }, file), false, 'touched, but the same');
    writeFileSync(file, 'int other;\n');
    assert.equal(await isNewerThanBinary({ file, md5, binaryMtimeMs: null }, file), true);
  });

  it('is told by time otherwise, and unknown is not newer', async () => {
    const file = join(folder, 'b.c');
    writeFileSync(file, 'x');
    const { mtimeMs } = statSync(file);
    assert.equal(await isNewerThanBinary({ file, md5: null, binaryMtimeMs: mtimeMs - 1000 }, file), true);
    assert.equal(await isNewerThanBinary({ file, md5: null, binaryMtimeMs: mtimeMs + 1000 }, file), false);
    assert.equal(await isNewerThanBinary({ file, md5: null, binaryMtimeMs: null }, file), false);
    assert.equal(await isNewerThanBinary(undefined, file), false);
    assert.equal(await isNewerThanBinary({ file, md5: 'x', binaryMtimeMs: 0 }, join(folder, 'none')), false);
  });
});
