// What a target can do to whoever records it, each attack through the real command line: the recording ends as it should, within
// bounds of memory, with nothing left loaded, with nobody else's process in it and nothing of files that the target only named.

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findInPath } from '../../src/client/findInPath';
import type { RecordSummary } from '../../src/protocol';
import { eventually, Target } from './captureHarness';
import { CLI_JS, type CliResult, cli, errorOf, jsonOf, readRecording, startCli } from './cli';
import { bpfObjectsOf, descendantsOf, isAlive, missingForEbpf, until } from './helperProcess';
import { hostileLibrary, hostileProgram, removePrograms } from './hostilePrograms';
import { stillThere } from './kernelObjects';
import { SLOWNESS } from './slowness';

const SECRET = 'what_only_root_may_read';
/** The helper takes some 90 MB for a plain recording. */
const RSS_MAX_BYTES = 400e6;

describe('a hostile target', function () {
  this.timeout(180_000 * SLOWNESS);
  let folder: string;
  let output: string;
  let program: string;
  let target: Target | null = null;
  let neighbour: ChildProcess;
  const removed: string[] = [];

  before(function () {
    const missing = missingForEbpf();
    if (missing) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    statSync(CLI_JS);
    program = hostileProgram();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hostile-test-'));
    output = join(folder, 'out.speedscope.json');
    writeFileSync(join(folder, 'secret'), `${SECRET}\n`, { mode: 0o600 });
    neighbour = spawn(program, ['spin'], { stdio: 'ignore' });
  });
  afterEach(async () => {
    await target?.end();
    target = null;
    neighbour.kill('SIGKILL');
    for (const path of removed.splice(0)) rmSync(path, { force: true, recursive: true });
    rmSync(folder, { recursive: true, force: true });
  });
  after(removePrograms);

  /** Records; `during` runs once programs are loaded. Whatever happens: nothing stays loaded, no helper either. */
  async function recorded(
    args: string[],
    during: (helper: number) => void | Promise<void> = () => {},
  ): Promise<CliResult> {
    const run = startCli(['record', '--json', '-o', output, ...args]);
    let helper = 0;
    let objects: string[] = [];
    await until(() => {
      if (run.child.exitCode !== null) return true;
      helper ||= descendantsOf(run.child.pid!).find((pid) => commandOf(pid).includes('helper.js')) ?? 0;
      objects = helper && isAlive(helper) ? bpfObjectsOf(helper) : objects;
      return objects.some((object) => object.startsWith('link'));
    }, 'programs are loaded');
    if (run.child.exitCode === null) await during(helper);
    const result = await run.ended;
    await until(() => helper === 0 || !isAlive(helper), 'the helper is gone');
    await until(() => stillThere(objects).length === 0, 'nothing is left loaded');
    return result;
  }

  const commandOf = (pid: number) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
    } catch {
      return '';
    }
  };

  /** It went well, cost what it may, and tells of nobody else. */
  function assertSound(result: CliResult): RecordSummary {
    assert.equal(result.code, 0, result.stdout + result.stderr);
    const summary = jsonOf(result);
    assert.ok(summary.helper.rssBytes < RSS_MAX_BYTES, `${summary.helper.rssBytes} bytes`);
    const text = readFileSync(output, 'utf8');
    assert.ok(!text.includes(SECRET) && !result.stdout.includes(SECRET), 'nothing of the secret');
    const { ebpfTracer } = readRecording(output);
    assert.equal(ebpfTracer?.complete, true);
    assert.ok(!ebpfTracer?.threads.some(({ pid }) => pid === neighbour.pid), 'nothing of the neighbour');
    return summary;
  }
  const record = async (...args: string[]) =>
    assertSound(await recorded(['-d', '2s', '-p', String(target!.pid), ...args]));

  describe('with a perf map that is', () => {
    /** A line that names all of its code. */
    let line = '';
    async function start(): Promise<string> {
      target = await Target.start(program, 'generated');
      line = `${await target.line()} 1000`;
      const path = join(tmpdir(), `perf-${target.pid}.map`);
      removed.push(path);
      return path;
    }

    it('its own and sound: its names are believed', async () => {
      writeFileSync(await start(), `${line} generated_name\n`);
      const summary = await record();
      assert.ok(summary.top.some(({ name, self }) => name.includes('generated_name') && self > 0.5));
    });

    const kinds: Record<string, (path: string) => void> = {
      'a link to a file of root': (path) => {
        writeFileSync(join(folder, 'secret'), `${line} ${SECRET}\n`);
        symlinkSync(join(folder, 'secret'), path);
      },
      'a link to an endless device': (path) => symlinkSync('/dev/zero', path),
      'a FIFO': (path) => void execFileSync('mkfifo', [path]),
      'a device': (path) => void execFileSync('mknod', [path, 'c', '1', '5']),
      'a folder': (path) => mkdirSync(path),
      'larger than memory': (path) => {
        writeFileSync(path, '1000 10 a\n');
        truncateSync(path, 2 ** 40);
      },
      'one endless line': (path) => writeFileSync(path, 'f'.repeat(64 << 20)),
      'full of lines': (path) => writeFileSync(path, '1000 10 name\n'.repeat(2_000_000)),
      'of bytes, not text': (path) => writeFileSync(path, readFileSync(process.execPath).subarray(0, 8 << 20)),
    };
    for (const [what, make] of Object.entries(kinds))
      it(what, async () => {
        const path = await start();
        make(path);
        await record();
      });

    it('growing all the time', async () => {
      const path = await start();
      const grower = spawn('sh', ['-c', `while :; do echo "1000 10 name" ; done >> ${path}`], { stdio: 'ignore' });
      try {
        await record();
      } finally {
        grower.kill('SIGKILL');
      }
    });
  });

  describe('with names that are', () => {
    it('changed all the time, and hold parentheses, newlines and control characters', async () => {
      target = await Target.start(program, 'rename');
      const summary = await record();
      assert.ok(summary.samples > 0);
      assert.ok(readRecording(output).ebpfTracer!.threads.length <= 2);
    });

    for (const name of [
      'with a space',
      'with\nnewline',
      'gone (deleted)',
      'back\\012slash',
      '(par)en) (',
      '\u001b[2Jclear',
    ])
      it(`file names like ${JSON.stringify(name)}`, async () => {
        const odd = join(folder, name);
        copyFileSync(program, odd);
        chmodSync(odd, 0o755);
        target = await Target.start(odd, 'spin');
        const summary = await record();
        assert.ok(
          summary.top.some(({ name: hot, self }) => hot === 'hostile_spin' && self > 0.5),
          JSON.stringify(summary.top),
        );
      });
  });

  describe('with names that would steer a terminal', () => {
    /** Clears the screen, sets the title, 8-bit CSI, turns the rest of the line round. */
    const EVIL = '\u001b[2J\u001b]0;evil\u0007\u009b31m\u202egnp.exe';
    const SPELLED = '\\x1b[2J\\x1b]0;evil\\x07\\x9b31m\\u202egnp.exe';
    const OBEYED = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]/;
    const log = { env: { ...process.env, EBPF_TRACER_LOG: '1' } };

    function assertVisible({ code, stdout, stderr }: CliResult): string {
      assert.equal(code, 0, stderr);
      for (const text of [stdout, stderr]) assert.doesNotMatch(text, OBEYED);
      return stdout;
    }

    it('of its program, its thread and its symbols', async function () {
      if (!findInPath('objcopy')) {
        console.log('      skipped: needs objcopy');
        this.skip();
      }
      const odd = join(folder, EVIL);
      execFileSync('objcopy', ['--strip-debug', `--redefine-sym=hostile_spin=${EVIL}spin`, program, odd]);
      target = await Target.start(odd, 'spin');
      const said = assertVisible(await cli(['record', '-d', '1s', '-p', String(target.pid), '-o', output], log));
      assert.match(said, /^\\x1b\[2J/, 'the title');
      assert.ok(said.includes(`${SPELLED}spin`), said);
      const json = assertVisible(await cli(['export', '--format', 'json', output]));
      assert.ok(
        JSON.stringify(JSON.parse(json)).includes(JSON.stringify(`${EVIL}spin`).slice(1, -1)),
        'the name itself',
      );
      for (const format of ['speedscope', 'folded']) assertVisible(await cli(['export', '--format', format, output]));
      assertVisible(await cli(['list']));
      assertVisible(await cli(['list', '--json']));
      const address = execFileSync('nm', [odd], { encoding: 'utf8' }).match(/^(\w+) . .*spin$/m)![1];
      assert.ok(assertVisible(await cli(['symbolize', odd, address])).startsWith(`${SPELLED}spin\n`));
      const failed = await cli(['symbolize', join(folder, `${EVIL}none`), '0']);
      assert.ok(failed.stderr.includes(`${SPELLED}none`), failed.stderr);
      assertVisible({ ...failed, code: 0 });
    });

    it('of its perf map', async () => {
      target = await Target.start(program, 'generated');
      const path = join(tmpdir(), `perf-${target.pid}.map`);
      removed.push(path);
      writeFileSync(path, `${await target.line()} 1000 ${EVIL}jit\n`);
      const said = assertVisible(await cli(['record', '-d', '1s', '-p', String(target.pid), '-o', output], log));
      assert.ok(said.includes(`${SPELLED}jit`), said);
    });
  });

  it('with thousands of mappings', async () => {
    target = await Target.start(program, 'maps', hostileLibrary(), '20000');
    const summary = await record();
    assert.ok(summary.top.some(({ name }) => name === 'hostile_spin'));
  });

  describe('with a library that', () => {
    let library: string;
    beforeEach(async () => {
      library = join(folder, 'library.so');
      copyFileSync(hostileLibrary(), library);
      target = await Target.start(program, 'load', library);
      target.poke();
      assert.equal(await target.line(), 'loaded');
    });
    /** In the file as it is mapped: Elf64_Ehdr of the System V ABI. */
    function patch(...bytes: [at: number, value: number[]][]): void {
      const fd = openSync(library, 'r+');
      for (const [at, value] of bytes) writeSync(fd, Buffer.from(value), 0, value.length, at);
      closeSync(fd);
    }
    const word = (value: bigint) => [...new Uint8Array(new BigUint64Array([value]).buffer)];
    const headers: Record<string, [number, number[]][]> = {
      'has 65,535 sections': [[60, [0xff, 0xff]]],
      'has 65,534 program headers': [[56, [0xfe, 0xff]]],
      'has its sections at the end of time': [[40, word(0x7fff_ffff_ffff_fff0n)]],
      'has headers that overlap themselves': [
        [32, word(0n)],
        [40, word(0n)],
      ],
      'has headers of no size': [
        [54, [0, 0]],
        [58, [0, 0]],
      ],
      'names its names among nothing': [[62, [0xff, 0xff]]],
      'is no ELF file': [[0, [1, 2, 3, 4]]],
      'has segments that overlap and hold everything': [
        [64 + 8, word(0n)],
        [64 + 16, word(0n)],
        [64 + 32, word(2n ** 62n)],
        [64 + 40, word(2n ** 62n)],
      ],
    };
    for (const [what, bytes] of Object.entries(headers))
      it(what, async () => {
        patch(...bytes);
        const summary = await record();
        assert.ok(summary.samples > 0);
      });

    it('is replaced while it runs: the names are those of what runs', async () => {
      const other = join(folder, 'other');
      copyFileSync('/bin/true', other);
      renameSync(other, library);
      const summary = await record();
      assert.ok(
        summary.top.some(({ name }) => name === 'library_work'),
        JSON.stringify(summary.top.slice(0, 3)),
      );
    });

    it('is cut short while it is recorded: that is the death of the target alone, and no file of its is mapped', async () => {
      let mapped = '';
      const result = await recorded(['-d', '5s', '-p', String(target!.pid)], async (helper) => {
        await eventually(() => (readFileSync(output, { flag: 'a+' }).length ?? 0) > 0, 'something is recorded');
        mapped = readFileSync(`/proc/${helper}/maps`, 'latin1');
        truncateSync(library, 100);
      });
      assertSound(result);
      assert.ok(!mapped.includes(folder) && !mapped.includes(program), 'mapped by nobody but the target');
    });
  });

  describe('with a debug file that is', () => {
    const kinds: Record<string, (path: string) => void> = {
      'a FIFO': (path) => void execFileSync('mkfifo', [path]),
      'a device': (path) => void execFileSync('mknod', [path, 'c', '1', '5']),
      'a link to a file of root': (path) => symlinkSync(join(folder, 'secret'), path),
      'a link to itself': (path) => symlinkSync(path, path),
      'a folder': (path) => mkdirSync(path),
      'larger than memory': (path) => {
        writeFileSync(path, '\u007fELF');
        truncateSync(path, 2 ** 40);
      },
    };
    for (const [what, make] of Object.entries(kinds))
      it(what, async function () {
        if (!findInPath('objcopy')) {
          console.log('      skipped: needs objcopy');
          this.skip();
        }
        const stripped = join(folder, 'stripped');
        const debug = join(folder, 'stripped.debug');
        copyFileSync(program, debug);
        execFileSync('objcopy', ['--strip-all', `--add-gnu-debuglink=${debug}`, program, stripped]);
        rmSync(debug);
        make(debug);
        target = await Target.start(stripped, 'spin');
        const summary = await record();
        assert.ok(summary.samples > 0);
      });
  });

  it('that forks faster than anybody can follow', async () => {
    target = await Target.start(program, 'forks');
    const summary = await record();
    assert.ok(summary.samples > 0 && summary.losses, 'it says what it lacks');
  });

  it('that becomes another program again and again', async () => {
    target = await Target.start(program, 'run', program, 'execs', '3000');
    target.poke();
    const summary = await record();
    // Nothing else ends its child for sure.
    for (const pid of descendantsOf(target.pid)) process.kill(pid, 'SIGKILL');
    assert.ok(summary.samples > 0);
  });

  it('that ends while it is attached to', async () => {
    for (let i = 0; i < 6; i++) {
      target = await Target.start(program, 'spin');
      const dying = target;
      setTimeout(() => void dying.end(), i * 60);
      const result = await recorded(['-p', String(dying.pid)]);
      if (result.code === 0) assert.equal(jsonOf(result).stopReason, 'exited');
      else assert.match(errorOf(result).code, /^(PID_GONE|PID_ZOMBIE|NOTHING_RECORDED_\w+)$/);
      rmSync(output, { force: true });
    }
  });

  it('that is stopped', async () => {
    target = await Target.start(program, 'spin');
    process.kill(target.pid, 'SIGSTOP');
    const result = await recorded(['-d', '1s', '-p', String(target.pid)]);
    assert.equal(result.code, 4);
    assert.equal(errorOf(result).code, 'NOTHING_RECORDED_IDLE');
  });

  it('that is held by another that traces it', async () => {
    target = await Target.start(program, 'holds');
    const child = descendantsOf(target.pid)[0];
    try {
      const result = await recorded(['-d', '1s', '-p', String(child)]);
      assert.equal(errorOf(result).code, 'NOTHING_RECORDED_IDLE');
    } finally {
      process.kill(child, 'SIGKILL');
    }
  });

  it('in PID namespaces of its own, with the number of somebody else', async function () {
    const unshare = findInPath('unshare');
    if (!unshare) {
      console.log('      skipped: needs unshare');
      this.skip();
    }
    target = await Target.start(unshare!, '--pid', '--fork', '--kill-child', '--mount-proc', program, 'spin');
    const [inside] = descendantsOf(target.pid);
    const result = await recorded(['-d', '2s', '-p', String(inside)]);
    const summary = assertSound(result);
    assert.ok(summary.top.some(({ name, self }) => name === 'hostile_spin' && self > 0.5));
    assert.deepEqual([...new Set(readRecording(output).ebpfTracer!.threads.map(({ pid }) => pid))], [inside]);
  });
});
