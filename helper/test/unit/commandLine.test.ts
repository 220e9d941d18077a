// The command line without a helper: grammar, help, texts, the held launch, on whose behalf it works.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ParsedArguments, parseArguments as parseBy, parseDuration } from '../../src/cli/arguments';
import { findCaller } from '../../src/cli/caller';
import { checkText } from '../../src/cli/check';
import { COMMANDS } from '../../src/cli/commands';
import { ConductedRecording, type HelperLink } from '../../src/cli/conductedRecording';
import { describeEnd, findProgram, launchHeld } from '../../src/cli/heldLaunch';
import { helpText } from '../../src/cli/help';
import { Interrupts } from '../../src/cli/interrupts';
import { table } from '../../src/cli/list';
import { ProgressBar } from '../../src/cli/progressBar';
import { openingHint, textReport } from '../../src/cli/report';
import { checkCommand } from '../../src/doctor/howToRepeat';
import {
  type Health,
  type Losses,
  type RecordSummary,
  TRACER_VERSION,
  TracerError,
  tracerError,
} from '../../src/protocol';
import { CPU } from '../../src/stack/sources/cpu';
import { Terminal } from '../../src/terminal/terminal';

const parseArguments = (argv: string[]): ParsedArguments => parseBy(argv, COMMANDS);
const AT_99_HZ = [{ tracer: CPU, options: { frequencyHz: 99, kernel: true } }];

describe('arguments', () => {
  it('give options, operands and what follows --', () => {
    const args = parseArguments(['record', '-F', '999', '--duration=2m', '-p12', '--json']);
    assert.equal(args.command, 'record');
    assert.deepEqual(Object.fromEntries(args.options), {
      frequency: ['999'],
      duration: ['2m'],
      pid: ['12'],
      json: [''],
    });
    const tail = parseArguments(['record', '--', 'ls', '--json', '--', '-x']).tail;
    assert.deepEqual(tail, ['ls', '--json', '--', '-x']);
    assert.deepEqual(parseArguments(['record', '--pid', '-1']).options.get('pid'), ['-1']);
    assert.deepEqual(parseArguments(['export', 'f.json']).operands, ['f.json']);
    assert.equal(parseArguments(['list', '--help']).help, true);
    assert.equal(parseArguments([]).help, true);
    assert.equal(parseArguments(['--version']).version, true);
  });

  const wrong = [
    ['records'],
    ['record', '--pit', '1'],
    ['record', '-x'],
    ['record', '--pid'],
    ['record', '--pid', '1', '--pid', '2'],
    ['record', '--json=yes'],
    ['record', 'ls'],
    ['list', '--', 'ls'],
    ['list', 'all'],
    ['export'],
  ];
  for (const argv of wrong)
    it(`refuse "${argv.join(' ')}"`, () => assert.throws(() => parseArguments(argv), isCode('USAGE')));

  it('know durations', () => {
    assert.deepEqual(
      ['10s', '500ms', '2m', '1h', '1.5s', '3'].map(parseDuration),
      [10_000, 500, 120_000, 3_600_000, 1_500, 3_000],
    );
    for (const text of ['', '0', '0s', '-1s', '1d', 'ten', '1e9h', '9999999h'])
      assert.throws(() => parseDuration(text), isCode('DURATION_INVALID'), text);
  });

  it('know frequencies', () => {
    const frequency = (text: string) => CPU.fromCommandLine(new Map([['frequency', [text]]])).frequencyHz;
    assert.deepEqual(['1', '99', '4999'].map(frequency), [1, 99, 4999]);
    assert.equal(CPU.fromCommandLine(new Map()).frequencyHz, 99);
    for (const text of ['0', '5000', '-1', '1.5', 'x', ''])
      assert.throws(() => frequency(text), isCode('FREQUENCY_INVALID'));
  });

  it('know depths of stacks', () => {
    const maxFrames = (text: string) => CPU.fromCommandLine(new Map([['max-frames', [text]]])).maxFrames;
    assert.deepEqual(['1', '127', '1023'].map(maxFrames), [1, 127, 1023]);
    for (const text of ['0', '1024', '-1', '1.5', 'x', ''])
      assert.throws(() => maxFrames(text), isCode('MAX_FRAMES_INVALID'));
  });

  it('are all in the help', () => {
    for (const [name, { options }] of Object.entries(COMMANDS)) {
      const text = helpText(name, COMMANDS);
      for (const option of Object.keys(options)) assert.ok(text.includes(`--${option}`), `${name} --${option}`);
      assert.ok(helpText(null, COMMANDS).includes(`ebpf-tracer ${name}`));
      assert.match(text, /Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no privilege, 4 nothing recorded/);
    }
  });

  it('come from the version that package.json names', () => {
    assert.equal(JSON.parse(readFileSync('package.json', 'utf8')).version, TRACER_VERSION);
  });
});

describe('the report of a recording', () => {
  const summary: RecordSummary = {
    samples: 600,
    lost: 2,
    wholeStacks: 590,
    truncated: { noFramePointer: 10 },
    symbolizedFrames: 900,
    frames: 1000,
    durationMs: 6100,
    output: "/tmp/it's.speedscope.json",
    helper: { cpuMs: 1, rssBytes: 1, bpfNs: null, firstSampleMs: 3 },
    attach: [],
    top: [
      { name: 'sixty', file: '/src/a.c', line: 7, self: 0.6, total: 0.6 },
      { name: 'main', file: null, line: null, self: 0, total: 1 },
    ],
  };

  const reportText = (...of: Parameters<typeof textReport>) => `${textReport(...of).join('\n')}\n`;

  it('shows functions with place, losses, truncation, and how to open it', () => {
    const text = reportText(summary, { title: 'prog', tracers: AT_99_HZ, commandEnd: 'exit code 3', folder: '/src' });
    assert.match(text, /^prog: 600 samples in 6\.1 s at 99 Hz; the command ended with exit code 3\n/);
    assert.match(text, /60\.0 % ±3\.9 {3,}60\.0 % ±3\.9 +sixty +a\.c:7\n/);
    assert.match(
      text,
      /Lost: 2 of 602\. Whole stacks: 98\.3 %; truncated: 10 no frame pointer\. Frames with a name: 90\.0 %/,
    );
    assert.match(text, /Recording: \/tmp\/it's\.speedscope\.json\n$/);
    assert.match(openingHint(summary.output), /code '\/tmp\/it'\\''s\.speedscope\.json'/);
  });

  it('says each thing that was lost with its number, and nothing of what was not', () => {
    const names: (keyof Losses)[] = [
      ...(['processRecords', 'mappingRecords', 'filteredSamples', 'unfollowedProcesses', 'evictedTables'] as const),
      ...(['skippedRuntimeWalks', 'samplesWithoutStack', 'refusedProcesses'] as const),
    ];
    const context = { title: 'p', tracers: AT_99_HZ, commandEnd: null, folder: '/' };
    const lines = (value: (i: number) => number) => {
      const losses = { ...Object.fromEntries(names.map((name, i) => [name, value(i)])), refusedSamples: 0 };
      return textReport({ ...summary, losses: losses as Losses }, context);
    };
    for (const i of names.keys())
      assert.equal(lines((j) => 701 + j).filter((line) => line.startsWith(`${701 + i} `)).length, 1, names[i]);
    assert.deepEqual(
      lines(() => 0),
      textReport(summary, context),
    );
  });

  it('advises by the most frequent cause of stacks that are not whole, where they are many', () => {
    const context = { title: 'prog', tracers: AT_99_HZ, commandEnd: null, folder: '/src' };
    const advice = (wholeStacks: number, truncated: RecordSummary['truncated']) =>
      /^Stacks that are not whole: (.*)$/m.exec(reportText({ ...summary, wholeStacks, truncated }, context))?.[1];
    assert.equal(advice(590, { jitCode: 10 }), undefined);
    assert.match(advice(300, { jitCode: 200, stripped: 100 })!, /made at run time/);
    assert.match(advice(300, { jitCode: 100, stripped: 200 })!, /stripped/);
    assert.match(advice(300, { tablesNotReady: 300 })!, /not ready/);
    assert.equal(advice(300, { unknown: 300 }), undefined);
  });

  it('says of runtimes that cannot be read why, and what to do', () => {
    const context = { title: 'prog', tracers: AT_99_HZ, commandEnd: null, folder: '/src' };
    const one = { runtime: 'python' as const, version: '3.16', processes: 1, problems: [] };
    const reason = 'this version is not known';
    const text = (fix: string | null, processes: number) =>
      reportText(
        {
          ...summary,
          runtimes: [
            { ...one, status: 'nativeOnly', reason, fix, processes },
            { ...one, status: 'named' },
          ],
        },
        context,
      );
    assert.match(
      text('Update the extension.', 1),
      /^Functions of Python 3\.16 are not named \(one process\): this version is not known\. Update the extension\.$/m,
    );
    assert.match(
      text(null, 3),
      /^Functions of Python 3\.16 are not named \(3 processes\): this version is not known\.$/m,
    );
    assert.equal(text(null, 3).match(/not named/g)?.length, 1);
  });

  it('names files whose symbols were not read, and keeps what was inlined told of long names', () => {
    const badFiles = Array.from({ length: 7 }, (_, i) => ({ path: `/lib/${i}.so`, why: 'section table: absurd' }));
    const top = [{ ...summary.top[0], name: `${'very::'.repeat(20)}long (inlined)` }];
    const text = reportText(
      { ...summary, badFiles, top },
      { title: 'p', tracers: AT_99_HZ, commandEnd: null, folder: '/' },
    );
    assert.match(text, /\nSymbols of \/lib\/0\.so not read: section table: absurd\.\n/);
    assert.match(text, /\/lib\/4\.so.*\n… and of 2 more files/);
    assert.match(text, /very::v?e?r?y?:?:?… \(inlined\) {2}/);
  });

  it('says how functions without names would get them: a package, a server, or their own build', () => {
    const context = { title: 'p', tracers: AT_99_HZ, commandEnd: null, folder: '/' };
    const server = 'https://debuginfod.example';
    const told = (from: NonNullable<RecordSummary['unnamedFiles']>[number]['from']) =>
      /^Functions of \/lib\/a\.so have no names \(12\.5 % of the samples\): (.*)\.$/m.exec(
        reportText({ ...summary, unnamedFiles: [{ path: '/lib/a.so', share: 0.125, from }] }, context),
      )?.[1];
    assert.equal(told({ package: 'liba-dbgsym', server }), `install liba-dbgsym, or allow --debuginfod ${server}`);
    assert.equal(told({ package: null, server }), `allow --debuginfod ${server}`);
    assert.match(told({ package: null, server: null })!, /debug symbols of its package/);
    assert.match(told(null)!, /do not strip it/);
    assert.doesNotMatch(reportText(summary, context), /have no names/);
  });

  it('tells of Go programs how many goroutines were seen, and the busiest; of others nothing', () => {
    const context = { title: 'p', tracers: AT_99_HZ, commandEnd: null, folder: '/' };
    const goroutines = { seen: 214, busiest: { pid: 42, id: 17, share: 0.23 } };
    assert.match(
      reportText({ ...summary, goroutines }, context),
      /\nGoroutines: 214 seen, busiest 17 \(23\.0 % ±3\.4\)\.\n/,
    );
    assert.doesNotMatch(reportText(summary, context), /oroutine/);
  });

  it('draws progress on a terminal only', () => {
    const health = { lost: 1 } as Health;
    const written: string[] = [];
    const stream = { write: (text: string) => written.push(text) > 0, isTTY: true, columns: 200 };
    const tracers = [{ id: 'cpu', unit: 'samples', count: 495, lost: 1 }];
    const note = { recordingId: 1, elapsedMs: 5000, samples: 495, firstSampleMs: 1, health, tracers };
    new ProgressBar(new Terminal(stream as never), 'prog', 10_000).progress(note);
    assert.match(written.join(''), /Recording prog {2}\[#{12}\.{12}\] 5\/10 s {2}495 samples, 1 lost/);
    written.length = 0;
    const silent = new ProgressBar(new Terminal({ ...stream, isTTY: false } as never), 'prog', null);
    silent.progress(note);
    silent.clear();
    assert.deepEqual(written, []);
  });

  it('lists processes without letting their names steer the terminal', () => {
    const process = {
      pid: 5,
      ppid: 1,
      uid: 0,
      user: 'root',
      runtime: 'go' as const,
      name: 'a\x1b[2J',
      command: 'a\nb',
      cwd: null,
      container: null,
      listeningPorts: [80, 443],
      tty: 0,
      startTimeMs: 0,
    };
    const text = table([process], undefined).join('\n');
    assert.match(
      text,
      /^PID +PPID +USER +RUNTIME +NAME +PORTS +CONTAINER +COMMAND\n +5 +1 +root +go +a\\x1b\[2J +80,443 +a\\nb$/,
    );
    assert.ok(table([process], 10).every((line) => line.length <= 10));
  });

  it('says what a machine check found and what to do', () => {
    const item = { id: 'x', title: 'BTF', status: 'missing' as const, detail: 'none', fix: 'Use another kernel.' };
    const lines = checkText({
      kernel: '6.1',
      arch: 'x64',
      items: [item],
      attach: [{ what: 'sampling', taken: 'cpu-clock', refused: [{ rung: 'cycles', why: 'no PMU' }] }],
    });
    const text = lines.join('\n');
    assert.match(text, /missing {3}BTF: none\n +-> Use another kernel\./);
    assert.match(text, /sampling: cpu-clock\n +not cycles: no PMU/);
  });
});

describe('the machine check', () => {
  it('advises the command by which it was started', () => {
    const sudo = (script: string) => checkCommand(['sudo'], script, '/home/me/clone');
    const node = process.execPath;
    assert.equal(sudo('/home/me/clone/dist/cli.js'), `sudo ${node} dist/cli.js check`);
    assert.equal(sudo('/opt/my tracer/dist/cli.js'), `sudo ${node} '/opt/my tracer/dist/cli.js' check`);
    assert.equal(sudo('/usr/local/bin/ebpf-tracer'), 'sudo /usr/local/bin/ebpf-tracer check');
    assert.equal(sudo('/home/me/clone/dist/helper.js'), 'sudo ebpf-tracer check');
  });
});

describe('a held launch', () => {
  const environment = { PATH: process.env.PATH, MARK: 'mine' };
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'ebpf-tracer-test-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('runs nothing before it is released, then the command itself under the same pid', async () => {
    const out = join(dir, 'out');
    const held = launchHeld(['sh', '-c', 'echo $$ $MARK "$1" >"$0"; exit 3', out, 'a  b'], environment, true);
    assert.match(readFileSync(`/proc/${held.pid}/stat`, 'utf8'), /^\d+ \((sh|dash|bash|node)\)/);
    assert.throws(() => readFileSync(out));
    held.release();
    const end = await held.ended;
    assert.deepEqual(end, { exitCode: 3, signal: null });
    assert.equal(readFileSync(out, 'utf8'), `${held.pid} mine a  b\n`);
    assert.equal(describeEnd(end), 'exit code 3');
    assert.equal(describeEnd({ exitCode: null, signal: 'SIGTERM' }), 'signal SIGTERM');
  });

  it('never starts the command when it is cancelled', async () => {
    const out = join(dir, 'out');
    const held = launchHeld(['touch', out], environment, true);
    held.cancel();
    assert.equal((await held.ended).exitCode, 125);
    assert.throws(() => readFileSync(out));
  });

  it('names a command that is not there or not executable', () => {
    writeFileSync(join(dir, 'plain'), '');
    for (const name of ['no-such-command-here', '/no/such', dir, join(dir, 'plain')])
      assert.throws(() => findProgram(name, environment.PATH), isCode('COMMAND_NOT_FOUND'), name);
  });
});

describe('the caller', () => {
  it('is the user of sudo, with a home of their own', () => {
    const caller = findCaller({ SUDO_UID: '1', SUDO_GID: '1', HOME: '/root', SUDO_USER: 'daemon' }, 0, 0);
    assert.deepEqual(caller.dropTo, { uid: 1, gid: 1 });
    assert.equal(caller.uid, 1);
    assert.equal(caller.environment.SUDO_UID, undefined);
    assert.notEqual(caller.environment.HOME, '/root');
  });
  it('is this user where sudo has no part in it', () => {
    assert.deepEqual(findCaller({ SUDO_UID: '1', SUDO_GID: '1' }, 5, 6).dropTo, null);
    assert.deepEqual(findCaller({}, 0, 0).dropTo, null);
    assert.deepEqual(findCaller({ SUDO_UID: '0', SUDO_GID: '0' }, 0, 0).dropTo, null);
    assert.deepEqual(findCaller({ SUDO_UID: '-1', SUDO_GID: 'x' }, 0, 0).dropTo, null);
  });
});

describe('a recording seen from the client', () => {
  const bar = { progress: () => {}, say: () => {} };
  const options = { output: '/nowhere/x.json' } as never;

  function link(answers: Record<string, () => Promise<unknown>>) {
    const listeners = new Map<string, (params: never) => void>();
    let die: () => void = () => {};
    const asked: string[] = [];
    const helper = {
      request: (method: string) => {
        asked.push(method);
        return answers[method]();
      },
      on: (method: string, listener: (params: never) => void) => {
        listeners.set(method, listener);
        return () => {};
      },
      closed: new Promise<void>((resolve) => {
        die = resolve;
      }),
    } as unknown as HelperLink;
    return {
      helper,
      asked,
      die: () => die(),
      say: (method: string, params: unknown) => listeners.get(method)?.(params as never),
    };
  }

  it('takes the news that it ended', async () => {
    const { helper, say } = link({ 'record/start': async () => ({ recordingId: 1 }) });
    const interrupts = new Interrupts();
    const recording = new ConductedRecording(helper, bar);
    await recording.start(options, interrupts);
    say('record/ended', { recordingId: 1, summary: { samples: 3 }, error: null });
    assert.equal((await recording.finish(interrupts)).summary?.samples, 3);
    interrupts.dispose();
  });

  it('is stopped and saved by the first Ctrl-C, aborted by the second', async () => {
    const { helper, asked } = link({
      'record/start': async () => ({ recordingId: 1 }),
      'record/stop': () => new Promise(() => {}),
      'record/abort': async () => null,
    });
    const interrupts = new Interrupts();
    const recording = new ConductedRecording(helper, bar);
    await recording.start(options, interrupts);
    const outcome = recording.finish(interrupts);
    process.emit('SIGINT');
    assert.deepEqual(asked, ['record/start', 'record/stop']);
    process.emit('SIGINT');
    assert.equal((await outcome).error?.code, 'CANCELLED');
    assert.deepEqual(asked.at(-1), 'record/abort');
    interrupts.dispose();
  });

  it('says when the helper died', async () => {
    const { helper, die } = link({ 'record/start': async () => ({ recordingId: 1 }) });
    const interrupts = new Interrupts();
    const recording = new ConductedRecording(helper, bar);
    await recording.start(options, interrupts);
    die();
    assert.equal((await recording.finish(interrupts)).error?.code, 'HELPER_DIED');
    interrupts.dispose();
  });

  it('passes on why it could not start', async () => {
    const { helper } = link({ 'record/start': async () => Promise.reject(tracerError('BUSY', 5)) });
    const interrupts = new Interrupts();
    await assert.rejects(new ConductedRecording(helper, bar).start(options, interrupts), isCode('BUSY'));
    interrupts.dispose();
  });
});

function isCode(code: string) {
  return (error: unknown) => {
    assert.ok(error instanceof TracerError, String(error));
    assert.equal(error.report.code, code);
    return true;
  };
}
