// Recording files that mean harm, in the command line's reader and all that it exports to: one plain sentence or a sound answer,
// whatever is in them, and never a crash, a wait without an end, or more memory than a recording may take.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, symlinkSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { changesRecording } from '../../src/compare/changesRecording';
import { compareRecordings } from '../../src/compare/compare';
import { compareText } from '../../src/compare/compareText';
import { convert, FORMAT_NAMES, type Format } from '../../src/export/formats';
import { readRecording } from '../../src/export/readRecording';
import { redacted } from '../../src/figures/redact';
import { reportOf } from '../../src/figures/report';
import { reportText } from '../../src/figures/reportText';
import { withMetrics } from '../../src/import/speedscope';
import { Unreadable } from '../../src/import/unreadable';
import {
  MAX_RECORDING_BYTES,
  parseRecording,
  type RecordingFile,
  readRecordingText,
  TracerError,
  upgradeRecording,
  whyNotParsed,
} from '../../src/protocol';
import { chainOf, greedyTexts, hostileVariants, soundV1 } from '../shared/hostileRecordings';

const FORMATS = FORMAT_NAMES;
const SOUND = { 'version 1': soundV1(), 'version 2': upgradeRecording(soundV1() as never) };

/** The sentence with which it is refused; null: it was read. */
function refusal(
  read: () => RecordingFile,
  codes = /^(NOT_A_RECORDING|RECORDING_TOO_NEW|RECORDING_TOO_LARGE)$/,
): { file: RecordingFile } | { sentence: string } {
  try {
    return { file: read() };
  } catch (error) {
    assert.ok(error instanceof TracerError, String((error as Error).stack));
    assert.match(error.report.code, codes);
    const sentence = error.report.message;
    assert.match(sentence, /^[^\n]{10,300}\.$/, 'one sentence');
    assert.doesNotMatch(sentence, /undefined|\[object|Cannot read|not a function|NaN/);
    return { sentence };
  }
}

/** As the command line has other programs' files before these formats see them; null: there is nothing in it. */
function withFigures(file: RecordingFile, format: Format): RecordingFile | null {
  if (format !== 'cpuprofile' && format !== 'firefox') return file;
  try {
    return withMetrics(file, 'x');
  } catch (error) {
    if (error instanceof Unreadable) return null;
    throw error;
  }
}

describe('a hostile recording file', function () {
  this.timeout(240_000);

  for (const [version, sound] of Object.entries(SOUND))
    it(`of ${version}, with anything wrong in any field, is refused in a sentence or exports to sound files`, async () => {
      let [refused, read] = [0, 0];
      for (const { what, text } of hostileVariants(sound)) {
        const result = refusal(() => parseRecording(text, 'x'));
        if ('sentence' in result) {
          refused++;
          continue;
        }
        read++;
        for (const format of FORMATS) {
          const shown = withFigures(result.file, format);
          if (!shown) continue;
          const pieces = [...(await convert(shown, format))];
          const whole = pieces.map(String).join('');
          if (format === 'pprof') continue;
          assert.doesNotMatch(whole, /NaN|undefined|Infinity|\[object/, `${format}, ${what}`);
          if (format !== 'folded') JSON.parse(whole);
        }
      }
      assert.equal(({} as { polluted?: boolean }).polluted, undefined);
      // Both happen, or this test tells nothing: titles may be any text, counts may not.
      assert.ok(refused > 1000 && read > 200, `${refused} refused, ${read} read`);
      assert.ok('file' in refusal(() => parseRecording(JSON.stringify(sound), 'x')), 'the sound one is read');
    });

  it('with anything wrong in any field has a report of 40 lines, is compared and put together, or refused in a sentence', () => {
    const sound = SOUND['version 2'];
    let [answered, refused] = [0, 0];
    for (const [i, { what, text }] of [...hostileVariants(sound)].entries()) {
      if (i % 5 !== 0) continue;
      const result = refusal(() => parseRecording(text, 'x'));
      const file = 'file' in result ? withFigures(result.file, 'firefox') : null;
      if (!file) continue;
      const tried = refusal(() => {
        const lines = reportText(reportOf(redacted(file, ['arguments', 'paths'], ['/home']).file), '/');
        assert.ok(lines.length <= 40, what);
        const compared = compareText(compareRecordings([file], [sound], {}), '/');
        assert.doesNotMatch([...lines, ...compared].join('\n'), /NaN|undefined|\[object/, what);
        const made = changesRecording(compareRecordings([sound], [file, sound], {}), [file, sound]);
        return parseRecording(JSON.stringify(made), 'x');
      }, /^(NOT_COMPARABLE|METRIC_UNKNOWN)$/);
      if ('file' in tried) answered++;
      else refused++;
    }
    assert.ok(answered > 50 && refused > 0, `${answered} answered, ${refused} refused`);
  });

  it('is told where it is wrong', () => {
    const wrong = structuredClone(SOUND['version 2']);
    wrong.ebpfTracer!.metrics[0].lines[0].self = -1;
    const result = refusal(() => parseRecording(JSON.stringify(wrong), 'x'));
    assert.match(
      'sentence' in result ? result.sentence : '',
      /its ebpfTracer part is not whole: metrics\[0\]\.lines\[0\]\.self is no number from 0 on\.$/,
    );
  });

  it('whose call tree goes in a circle, forward or nowhere is refused', () => {
    for (const parent of [
      [-1, 2, 1],
      [0, 0, 0],
      [-1, 1, 0],
      [-2, 0, 0],
      [-1, 0.5, 0],
      [1, 2, 0],
    ]) {
      const wrong = structuredClone(SOUND['version 2']);
      wrong.ebpfTracer!.lineTree!.parent = parent;
      const result = refusal(() => parseRecording(JSON.stringify(wrong), 'x'));
      assert.match('sentence' in result ? result.sentence : `${parent} was read`, /lineTree/);
    }
  });

  it('that is small and takes all memory, all stack or all time is refused', () => {
    for (const { what, text } of greedyTexts()) {
      const result = refusal(() => parseRecording(text, 'x'));
      assert.ok('sentence' in result, what);
    }
    const chain = refusal(() => parseRecording(chainOf(200_000, SOUND['version 2']), 'x'));
    assert.match('sentence' in chain ? chain.sentence : 'read', /lineTree is too deep/);
  });

  it('of more values than memory has room for is refused before they are made', () => {
    // 64 bytes each of some 3 characters.
    const lists = `[${'[],'.repeat(40_000_000)}0]`;
    assert.match(whyNotParsed(lists) ?? 'parsed', /more values/);
    const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
    try {
      const path = join(folder, 'many.json');
      const file = openSync(path, 'w');
      writeSync(file, `{"shared":{"frames":[]},"profiles":[],"more":`);
      writeSync(file, lists);
      writeSync(file, '}');
      closeSync(file);
      const script = `require(${JSON.stringify(require.resolve('../../src/export/readRecording'))}).readRecording(process.argv[1]).then(() => console.log('read'), (error) => console.log(error.message))`;
      const run = spawnSync(process.execPath, ['--max-old-space-size=600', '-e', script, path], { encoding: 'utf8' });
      assert.equal(run.status, 0, run.stderr);
      assert.match(run.stdout, /more values than can be read at once/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('weighs what it counts: texts with brackets and quotes in them are texts', () => {
    assert.equal(whyNotParsed(JSON.stringify(['[[[[\\"{{{{'.repeat(1000), '\\', '\\"', '"']), 200 + 4 * 64), null);
    assert.equal(whyNotParsed('"\\\\"[', 200), null);
    assert.notEqual(whyNotParsed('["a","b"]', 150), null);
  });

  describe('that is no file', () => {
    let folder: string;
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'hostile-'));
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    const kinds: Record<string, () => string> = {
      'a pipe': () => {
        execFileSync('mkfifo', [join(folder, 'pipe')]);
        return join(folder, 'pipe');
      },
      'an endless device': () => '/dev/zero',
      'a link to one': () => {
        symlinkSync('/dev/zero', join(folder, 'link'));
        return join(folder, 'link');
      },
      'a terminal': () => '/dev/tty',
      'a folder': () => folder,
      'a link to itself': () => {
        symlinkSync('self', join(folder, 'self'));
        return join(folder, 'self');
      },
      'a file of /proc that has no size and no end': () => '/proc/self/pagemap',
      'a socket': () => {
        const listen =
          'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))';
        spawnSync(process.execPath, ['-e', listen, join(folder, 'socket')]);
        return join(folder, 'socket');
      },
      nothing: () => join(folder, 'nothing'),
      'a path with a zero in it': () => `${folder}\0/x`,
      'larger than a text may be': () => {
        writeFileSync(join(folder, 'huge'), '');
        truncateSync(join(folder, 'huge'), MAX_RECORDING_BYTES + 1);
        return join(folder, 'huge');
      },
      'compressed a thousandfold': () => {
        writeFileSync(join(folder, 'bomb'), gzipSync(Buffer.alloc(MAX_RECORDING_BYTES + 1)));
        return join(folder, 'bomb');
      },
      'compressed and cut off': () => {
        writeFileSync(join(folder, 'cut'), gzipSync('{}'.repeat(1000)).subarray(0, 30));
        return join(folder, 'cut');
      },
    };
    for (const [what, make] of Object.entries(kinds))
      it(`but ${what} is refused in a sentence`, async () => {
        const path = make();
        const result = await readRecording(path).then(
          () => 'read',
          (error) =>
            refusal(() => {
              throw error;
            }),
        );
        assert.ok(typeof result === 'object' && 'sentence' in result, JSON.stringify(result));
      });

    it('but grows while it is read: it is read as far as it went when it was opened', async () => {
      const reads: number[] = [];
      const text = await readRecordingText('x', {
        open: async () => ({
          stat: async () => ({ size: 10, isFile: () => true }),
          read: async (bytes, from, length) => {
            reads.push(length);
            bytes.fill(0x20, from, from + 4);
            return { bytesRead: Math.min(4, length) };
          },
          close: async () => {},
        }),
        gunzip: (bytes) => bytes,
        decode: (bytes) => new TextDecoder().decode(bytes),
      });
      assert.equal(text.length, 10);
      assert.deepEqual(reads, [10, 6, 2]);
    });
  });
});
