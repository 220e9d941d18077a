import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ErrorCode, errorReport, type TracerError, tracerError } from '../../../helper/src/protocol';
import { makeAskpass } from '../../src/elevation/askpass';
import { cleanEnvironment, helperCommand } from '../../src/elevation/helperCommand';
import { climb, type Rung, type RungId, rungsFor, type Surroundings } from '../../src/elevation/ladder';
import { parseReadyLine, startProcess } from '../../src/elevation/startProcess';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const program = { node: '/opt/node/bin/node', isElectron: false, script: '/ext/dist/helper.js', needsRights: true };

describe('the ladder', () => {
  const here = (more: Partial<Surroundings> = {}): Surroundings => ({
    privileged: false,
    hasSudo: true,
    hasPkexec: true,
    localDesktop: false,
    noNewPrivileges: false,
    method: 'auto',
    ...more,
  });

  it('has the rungs that exist here, in order', () => {
    assert.deepEqual(rungsFor(here({ privileged: true })), ['direct']);
    assert.deepEqual(rungsFor(here()), ['sudo', 'askpass', 'terminal']);
    assert.deepEqual(rungsFor(here({ localDesktop: true })), ['sudo', 'askpass', 'terminal', 'pkexec']);
    assert.deepEqual(rungsFor(here({ hasSudo: false, localDesktop: true })), ['pkexec']);
    assert.deepEqual(rungsFor(here({ hasSudo: false })), []);
    assert.deepEqual(rungsFor(here({ noNewPrivileges: true })), []);
  });

  it('obeys the setting', () => {
    assert.deepEqual(rungsFor(here({ method: 'sudo' })), ['sudo']);
    assert.deepEqual(rungsFor(here({ method: 'terminal' })), ['sudo', 'terminal']);
    assert.deepEqual(rungsFor(here({ method: 'pkexec', localDesktop: true })), ['pkexec']);
    assert.deepEqual(rungsFor(here({ method: 'askpass', privileged: true })), ['direct']);
  });

  const ready = { ready: true as const, pid: 1, socket: '/s' };
  const rungs = (some: Partial<Record<RungId, Rung>>, tried: RungId[]): Record<RungId, Rung> => {
    const make = (id: RungId): Rung => {
      return async () => {
        tried.push(id);
        return some[id]?.() ?? { kind: 'next', why: 'test' };
      };
    };
    return {
      direct: make('direct'),
      sudo: make('sudo'),
      askpass: make('askpass'),
      terminal: make('terminal'),
      pkexec: make('pkexec'),
    };
  };
  const codeOf = async (promise: Promise<unknown>): Promise<ErrorCode | null> =>
    promise.then(
      () => null,
      (error) => (error as TracerError).report.code,
    );

  it('stops at the first rung that holds', async () => {
    const tried: RungId[] = [];
    const all = rungs({ askpass: async () => ({ kind: 'ready', ready }) }, tried);
    assert.deepEqual(await climb(['sudo', 'askpass', 'terminal'], all, silent), ready);
    assert.deepEqual(tried, ['sudo', 'askpass']);
  });

  it('asks no second time when the user cancelled', async () => {
    const tried: RungId[] = [];
    const all = rungs(
      {
        askpass: async () => {
          throw tracerError('ELEVATION_CANCELLED');
        },
      },
      tried,
    );
    assert.equal(await codeOf(climb(['sudo', 'askpass', 'terminal'], all, silent)), 'ELEVATION_CANCELLED');
    assert.deepEqual(tried, ['sudo', 'askpass']);
  });

  it('ends with the last reason, or says that there is no sudo', async () => {
    const report = errorReport('NO_PRIVILEGE', 'bob is not in the sudoers file');
    const all = rungs({ sudo: async () => ({ kind: 'next', why: 'x', report }) }, []);
    await assert.rejects(climb(['sudo', 'terminal'], all, silent), (error: TracerError) => error.report === report);
    assert.equal(await codeOf(climb([], all, silent)), 'SUDO_ABSENT');
    assert.equal(await codeOf(climb(['terminal'], all, silent)), 'NO_PRIVILEGE');
  });
});

describe("the helper's command line", () => {
  const request = {
    program,
    socketFolder: '/run/x',
    uid: 1000,
    gid: 100,
    lingerMs: 20_000,
    cacheDir: '/c',
    anyUser: false,
  };

  it('is the same everywhere', () => {
    assert.equal(
      helperCommand(request).join(' '),
      '/opt/node/bin/node /ext/dist/helper.js serve --socket-dir /run/x --uid 1000 --gid 100 --linger 20000 --cache-dir /c --for cpu',
    );
  });

  it("says before root's rights are there whether other users' processes may be recorded", () => {
    assert.ok(!helperCommand(request).includes('--any-user'));
    assert.equal(helperCommand({ ...request, anyUser: true }).at(-1), '--any-user');
  });

  it('passes the switch that makes Electron a Node through sudo', () => {
    const [first, second] = helperCommand({ ...request, program: { ...program, isElectron: true } });
    assert.deepEqual([first, second], ['env', 'ELECTRON_RUN_AS_NODE=1']);
  });

  it("leaves VS Code's own variables behind", () => {
    const clean = cleanEnvironment({ PATH: '/bin', NODE_OPTIONS: '-r x', VSCODE_IPC: '1', ELECTRON_RUN_AS_NODE: '1' });
    assert.deepEqual(clean, { PATH: '/bin' });
    assert.equal(cleanEnvironment({}, { LC_ALL: 'C' }).LC_ALL, 'C');
  });
});

describe('starting it', () => {
  const sh = (script: string, timeoutMs: number | null = 10_000) =>
    startProcess(['/bin/sh', '-c', script], process.env, timeoutMs, silent);

  it('waits for the ready line among other output', async () => {
    const result = await sh(`echo Welcome; echo '{"ready":true,"pid":7,"socket":"/s"}'`);
    assert.deepEqual(result, { kind: 'ready', ready: { ready: true, pid: 7, socket: '/s' } });
  });

  it("hands on the helper's own error", async () => {
    const report = errorReport('LIBBPF_MISSING', 'x');
    assert.deepEqual(parseReadyLine(JSON.stringify({ error: report })), { kind: 'report', report });
    assert.equal(parseReadyLine('{"ready":'), null);
    assert.equal(parseReadyLine('[]'), null);
  });

  it('tells how it ended otherwise', async () => {
    assert.deepEqual(await sh('echo no >&2; exit 3'), { kind: 'exited', code: 3, stderr: 'no\n' });
    assert.equal((await startProcess(['/nowhere/sudo'], {}, 1000, silent)).kind, 'exited');
  });

  it('ends what does not answer in time', async () => {
    assert.deepEqual(await sh('exec sleep 60', 200), { kind: 'timeout' });
  });
});

describe('askpass', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ebpf-tracer askpass'"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** As sudo does: the script gets its standard input and error, and stdout is what it hears. */
  const asSudo = (script: string, questions: string[]) =>
    `for question in ${questions.map((text) => `'${text.replaceAll("'", "'\\''")}'`).join(' ')}; do "${script}" "$question" || echo "cancelled $?"; done`;

  async function run(questions: string[], ask: (question: string) => Promise<string | null>): Promise<string> {
    const askpass = await makeAskpass([folder], ask);
    assert.equal(statSync(askpass.script).mode & 0o077, 0, 'only the user may run it');
    let heard = '';
    const debug = (text: string) => {
      heard += `${text.replace('helper stdout: ', '')}\n`;
    };
    const log = { ...silent, debug };
    const result = await startProcess(
      ['/bin/sh', '-c', asSudo(askpass.script, questions)],
      process.env,
      10_000,
      log,
      askpass.takeLine,
    );
    assert.deepEqual(result, { kind: 'exited', code: 0, stderr: '' }, 'questions are no messages of sudo');
    await askpass.close();
    assert.deepEqual(readdirSync(folder), []);
    return heard;
  }

  it('carries each question here and its answer back', async () => {
    const asked: string[] = [];
    const heard = await run(["whose? it's", 'code\nagain'], async (question) => {
      asked.push(question);
      return asked.length === 1 ? 'p\'ass "wörd" \\n $x ' : '';
    });
    assert.equal(heard, 'p\'ass "wörd" \\n $x \n\n');
    assert.deepEqual(asked, ["whose? it's", 'code again']);
  });

  it('fails when the user cancels, so that sudo ends', async () => {
    assert.equal(await run(['x'], async () => null), 'cancelled 1\n');
    assert.equal(await run(['x'], async () => Promise.reject(new Error('closed'))), 'cancelled 1\n');
  });

  it('answers nobody but the process that was started: there is nothing to connect to, and no second question at once', async () => {
    let asked = 0;
    const replies: string[] = [];
    let answer: (text: string) => void = () => {};
    const askpass = await makeAskpass([folder], () => {
      asked++;
      return new Promise((resolve) => {
        answer = resolve;
      });
    });
    assert.deepEqual(readdirSync(folder), ['askpass.sh']);
    const marker = /ebpf-tracer-asks-[0-9a-f]+/.exec(readFileSync(askpass.script, 'utf8'))![0];
    const reply = (text: string) => void replies.push(text);
    assert.equal(askpass.takeLine('ebpf-tracer-asks-0 password', reply), false, 'without the marker it is a message');
    assert.ok(askpass.takeLine(`${marker} first`, reply));
    assert.ok(askpass.takeLine(`${marker} second`, reply));
    answer('secret');
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([asked, replies], [1, ['=secret\n']]);
    // Another process of the user runs the script by itself: it asks and hears its own input and error, not ours.
    const stranger = spawnSync(askpass.script, ['x'], { input: '', encoding: 'utf8' });
    assert.deepEqual([stranger.status, stranger.stdout, asked], [1, '', 1]);
    await askpass.close();
  });

  it('ends a row of questions that has no end', async () => {
    const heard = await run(Array(14).fill('again'), async () => 'x');
    assert.equal(heard, `${'x\n'.repeat(12)}${'cancelled 1\n'.repeat(2)}`);
  });
});
