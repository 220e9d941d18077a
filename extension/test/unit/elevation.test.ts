import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { climb, type Rung } from '../../../helper/src/client/ladder';
import { startProcess } from '../../../helper/src/client/startProcess';
import { type ErrorCode, errorReport, type TracerError, tracerError } from '../../../helper/src/protocol';
import { makeAskpass } from '../../src/elevation/askpass';
import { type RungId, rungsFor, type Surroundings } from '../../src/elevation/ladder';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

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
    const result = await startProcess(['/bin/sh', '-c', asSudo(askpass.script, questions)], {
      env: process.env,
      timeoutMs: 10_000,
      log,
      question: askpass.takeLine,
      detached: true,
    });
    const quiet = { kind: 'exited', code: 0, stderr: '', why: null };
    assert.deepEqual(result, quiet, 'questions are no messages of sudo');
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
