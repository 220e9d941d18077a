// The rungs of the ladder, each in a few lines: how it starts the helper and what its failures mean. Called by
// helperHost.ts, which gives the result to `climb`.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import * as vscode from 'vscode';
import { mayTrace, readRights } from '../../../helper/src/client/rights';
import { lastLine, readSudoFailure, unreadableFile } from '../../../helper/src/client/sudoMessages';
import { TracerError, tracerError } from '../../../helper/src/protocol';
import type { Log } from '../log';
import { elevationMethod } from '../settings';
import { ASKING_SUDO, makeAskpass, PASSWORD_PROMPT, QUIET_SUDO } from './askpass';
import { cleanEnvironment, type HelperProgram, type HelperRequest, helperCommand } from './helperCommand';
import type { Rung, RungId, RungResult, Surroundings } from './ladder';
import { askPassword } from './passwordBox';
import { type StartResult, startProcess } from './startProcess';
import { startInTerminal } from './terminalSudo';

/** Generous: a cold disk and a busy machine; the user sees progress and can cancel. */
const START_TIMEOUT_MS = 30_000;

export function surroundings(program: HelperProgram): Surroundings {
  const rights = readRights();
  return {
    privileged: mayTrace(rights.effective) || !program.needsRights,
    noNewPrivileges: rights.noNewPrivileges,
    hasSudo: isOnPath('sudo'),
    hasPkexec: isOnPath('pkexec'),
    localDesktop: vscode.env.remoteName === undefined && !!(process.env.DISPLAY || process.env.WAYLAND_DISPLAY),
    method: elevationMethod(),
  };
}

export function makeRungs(request: HelperRequest, scriptFolder: string, log: Log): Record<RungId, Rung> {
  const command = helperCommand(request);
  const { program } = request;
  const quiet = cleanEnvironment(process.env, { LC_ALL: 'C' });
  return {
    direct: async () => {
      const env = cleanEnvironment(process.env, program.isElectron ? { ELECTRON_RUN_AS_NODE: '1' } : {});
      return settled(await startProcess(command, env, START_TIMEOUT_MS, log), (stderr) => {
        throw tracerError('HELPER_START', lastLine(stderr));
      });
    },
    sudo: async () =>
      settled(await startProcess([...QUIET_SUDO, ...command], quiet, START_TIMEOUT_MS, log), (stderr) => {
        const verdict = readSudoFailure(stderr, program);
        if (verdict.kind !== 'refused') return { kind: 'next', why: verdict.kind };
        if (verdict.report.code === 'NO_PRIVILEGE')
          return { kind: 'next', why: verdict.report.message, report: verdict.report };
        throw new TracerError(verdict.report);
      }),
    askpass: () => startWithAskpass(request, [request.socketFolder, scriptFolder], quiet, log),
    terminal: () => startInTerminal(request),
    pkexec: async () => {
      const result = await startProcess(['pkexec', ...command], quiet, null, log);
      return settled(result, (stderr, code) => {
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
    const result = await startProcess(argv, { ...env, SUDO_ASKPASS: askpass.script }, null, log, askpass.takeLine);
    return settled(result, (stderr) => {
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

/** What all rungs share: ready is ready, and what the helper itself reports ends the ladder. */
function settled(result: StartResult, onExit: (stderr: string, code: number | null) => RungResult): RungResult {
  switch (result.kind) {
    case 'ready':
      return result;
    case 'report':
      throw new TracerError(result.report);
    case 'timeout':
      throw tracerError('HELPER_START', 'it did not answer in time');
    case 'exited':
      return onExit(result.stderr, result.code);
  }
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return folder !== '';
    } catch {
      return false;
    }
  });
}
