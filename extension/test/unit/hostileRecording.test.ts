// Recording files that mean harm: what they name is looked at, and never waited for; what is in them is refused in one sentence, or
// has figures that are numbers.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { statusText } from '../../../helper/src/client/recordingMark';
import { parseRecording, type RecordingFile, TracerError, upgradeRecording } from '../../../helper/src/protocol';
import { hostileVariants, soundV1 } from '../../../helper/test/shared/hostileRecordings';
import { ProfileIndex } from '../../src/profile/profileIndex';
import { isSourceFile, MAX_SOURCE_BYTES, sourceMd5 } from '../../src/profile/sourceFiles';
import { isNewerThanBinary } from '../../src/profile/staleness';
import { markHelperDied } from '../../src/session/helperDied';

describe('a hostile recording file', function () {
  this.timeout(5_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ebpf-tracer-hostile-'));
    execFileSync('mkfifo', [join(folder, 'pipe.c')]);
    symlinkSync('/dev/zero', join(folder, 'endless.c'));
    symlinkSync('pipe.c', join(folder, 'waits.c'));
    writeFileSync(join(folder, 'huge.c'), '');
    truncateSync(join(folder, 'huge.c'), MAX_SOURCE_BYTES + 1);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const md5 = '0'.repeat(32);
  const odd = () => [
    '/dev/zero',
    '/dev/tty',
    join(folder, 'pipe.c'),
    join(folder, 'endless.c'),
    join(folder, 'waits.c'),
    join(folder, 'huge.c'),
    folder,
    `${folder}\0/a.c`,
  ];

  it('names devices, pipes, folders and huge files as sources: none is opened, read or called outdated', async () => {
    for (const path of odd()) {
      assert.equal(await isSourceFile(path), false, path);
      assert.equal(await sourceMd5(path), null, path);
      assert.equal(await isNewerThanBinary({ file: path, md5, binaryMtimeMs: 0 }, path), false, path);
    }
  });

  it('with anything wrong in any field is refused in a sentence, or its figures are numbers', function () {
    this.timeout(120_000);
    let [refused, read] = [0, 0];
    for (const sound of [soundV1(), upgradeRecording(soundV1() as never)])
      for (const { what, text } of hostileVariants(sound)) {
        let file: RecordingFile;
        try {
          file = parseRecording(text, 'x');
        } catch (error) {
          refused++;
          assert.ok(error instanceof TracerError, `${what}: ${(error as Error).stack}`);
          assert.match(error.report.message, /^[^\n]{10,300}\.$/, what);
          continue;
        }
        read++;
        if (!file.ebpfTracer) continue;
        const index = new ProfileIndex('x', { ...file, ebpfTracer: file.ebpfTracer });
        for (const heat of index.files.values()) {
          const lines = [...heat.lines.keys(), ...heat.functions.map(({ line }) => line), 22];
          const lists = lines.flatMap((line) => [
            index.callersAt(heat, line),
            index.threadsAt(heat, line),
            index.contextsAt('goroutine', heat, line),
          ]);
          const counts = [...heat.lines.values(), ...heat.functions].flatMap(({ self, total }) => [self, total]);
          for (const figure of [...counts, ...lists.flat().map((one) => one.figure)])
            assert.ok(Number.isFinite(figure) && Number.isFinite(index.share(figure)), what);
        }
      }
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
    assert.ok(refused > 1000 && read > 200, `${refused} refused, ${read} read`);
  });

  it('of a helper that died is marked, or left alone where it is not sound', async () => {
    const path = join(folder, 'died.speedscope.json');
    const sound = soundV1();
    for (const [text, samples] of [
      [
        JSON.stringify({
          ...sound,
          ebpfTracer: { ...sound.ebpfTracer, complete: false, stopReason: 'running' },
        }).replace('"complete":false,"stopReason":"running"', statusText(false, 'running')),
        10,
      ],
      [JSON.stringify({ ...sound, ebpfTracer: { ...sound.ebpfTracer, complete: false, samples: {} } }), null],
      ['['.repeat(1e6), null],
    ] as const) {
      writeFileSync(path, text);
      assert.equal(await markHelperDied(path), samples);
      const now = readFileSync(path, 'utf8');
      if (samples === null) assert.equal(now, text);
      else assert.equal(parseRecording(now, path).ebpfTracer?.stopReason, 'helperDied');
    }
    assert.equal(await markHelperDied('/dev/zero'), null);
    assert.equal(await markHelperDied(join(folder, 'pipe.c')), null);
  });

  it('names files of /proc without a size: read no further than that', async () => {
    const empty = 'd41d8cd98f00b204e9800998ecf8427e';
    assert.equal(await sourceMd5('/proc/self/pagemap'), empty);
  });
});
