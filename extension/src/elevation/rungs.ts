// The rungs of the ladder, each in a few lines: how it starts the helper and what its failures mean.

import * as vscode from 'vscode';
import { findInPath } from '../../../helper/src/client/findInPath';
import { cleanEnvironment, type HelperRequest, helperCommand } from '../../../helper/src/client/helperCommand';
import { type Rung, type RungResult, settled } from '../../../helper/src/client/ladder';
import { mayTrace, readRights } from '../../../helper/src/client/rights';
import { startProcess } from '../../../helper/src/client/startProcess';
import { lastLine, readSudoFailure, unreadableFile } from '../../../helper/src/client/sudoMessages';
import { TracerError, tracerError } from '../../../helper/src/protocol';
import type { Log } from '../log';
import { elevationMethod } from '../settings';
import { ASKING_SUDO, makeAskpass, PASSWORD_PROMPT, QUIET_SUDO } from './askpass';
import type { RungId, Surroundings } from './ladder';
import { askPassword } from './passwordBox';
import { startInTerminal } from './terminalSudo';

/** Generous: a cold disk and a busy machine; the user sees progress and can cancel. */
const START_TIMEOUT_MS = 60_000;

/** `needsRights`: false for a test double, which traces nothing. */
export function surroundings(needsRights: boolean): Surroundings {
  const rights = readRights();
  return {
    privileged: mayTrace(rights.effective) || !needsRights,
    noNewPrivileges: rights.noNewPrivileges,
    hasSudo: findInPath('sudo') !== null,
    hasPkexec: findInPath('pkexec') !== null,
    localDesktop: vscode.env.remoteName === undefined && !!(process.env.DISPLAY || process.env.WAYLAND_DISPLAY),
    method: elevationMethod(),
  };
}

export function makeRungs(request: HelperRequest, scriptFolder: string, log: Log): Record<RungId, Rung> {
  const command = helperCommand(request);
  const { program } = request;
  const quiet = cleanEnvironment(process.env, { LC_ALL: 'C' });
  const start = (argv: string[], env: NodeJS.ProcessEnv, timeoutMs: number | null) =>
    startProcess(argv, { env, timeoutMs, log, detached: true });
  return {
    direct: async () => {
      const env = cleanEnvironment(process.env, program.isElectron ? { ELECTRON_RUN_AS_NODE: '1' } : {});
      return settled(await start(command, env, START_TIMEOUT_MS), ({ stderr, why }) => {
        throw tracerError('HELPER_START', why ?? lastLine(stderr));
      });
    },
    sudo: async () =>
      settled(await start([...QUIET_SUDO, ...command], quiet, START_TIMEOUT_MS), ({ stderr }) => {
        const verdict = readSudoFailure(stderr, program);
        if (verdict.kind !== 'refused') return { kind: 'next', why: verdict.kind };
        if (verdict.report.code === 'NO_PRIVILEGE')
          return { kind: 'next', why: verdict.report.message, report: verdict.report };
        throw new TracerError(verdict.report);
      }),
    askpass: () => startWithAskpass(request, [request.socketFolder, scriptFolder], quiet, log),
    terminal: () => startInTerminal(request),
    pkexec: async () => {
      return settled(await start(['pkexec', ...command], quiet, null), ({ stderr, code }) => {
        // pkexec(1): 126 the dialog was dismissed, 127 not authorized or the program could not be run.
        if (code === 126) throw tracerError('ELEVATION_CANCELLED');
        const unreadable = unreadableFile(stderr, program);
        if (unreadable) throw tracerError('HELPER_UNREADABLE', unreadable);
        throw tracerError('NO_PRIVILEGE', lastLine(stderr));
      });
    },
  };
}

async function startWithAskpass(
  request: HelperRequest,
  folders: string[],
  env: NodeJS.ProcessEnv,
  log: Log,
): Promise<RungResult> {
  let attempt = 0;
  let ended: 'cancelled' | 'terminal' | null = null;
  const askpass = await makeAskpass(folders, async (question) => {
    if (question === PASSWORD_PROMPT) attempt++;
    const answer = await askPassword(question, attempt);
    if (answer.kind === 'text') return answer.text;
    ended = answer.kind;
    return null;
  });
  try {
    const argv = [...ASKING_SUDO, ...helperCommand(request)];
    const result = await startProcess(argv, {
      env: { ...env, SUDO_ASKPASS: askpass.script },
      timeoutMs: null,
      log,
      question: askpass.takeLine,
      detached: true,
    });
    return settled(result, ({ stderr }) => {
      if (ended === 'cancelled') throw tracerError('ELEVATION_CANCELLED');
      if (ended === 'terminal') return { kind: 'next', why: 'the user chose a terminal' };
      const verdict = readSudoFailure(stderr, request.program);
      if (verdict.kind === 'rejected') throw tracerError('PASSWORD_REJECTED');
      if (verdict.kind !== 'refused') return { kind: 'next', why: verdict.kind };
      // Not allowed to use sudo at all: a terminal would not change that, polkit might.
      throw new TracerError(verdict.report);
    });
  } finally {
    await askpass.close();
  }
}
