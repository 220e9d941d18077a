// An error as the user meets it: the sentence, the next step, and buttons that take it. What the user cancelled is no error and
// shows nothing.

import { hostname } from 'node:os';
import * as vscode from 'vscode';
import { containerRunArguments, devcontainerLines, hostCommand } from '../../helper/src/client/rights';
import { containerEngine } from '../../helper/src/client/surroundings';
import { type ErrorCode, type ErrorReport, toErrorReport } from '../../helper/src/protocol';
import { Command } from './contributions';
import { showNotice } from './notices';

const QUIET: ReadonlySet<ErrorCode> = new Set(['ELEVATION_CANCELLED', 'CANCELLED']);
const WARNINGS = /^(NOTHING_RECORDED|PID_|BUSY|HELPER_DIED|DISK_FULL)/;
const MACHINE = /^(NO_PRIVILEGE|KERNEL_|LOCKDOWN|MEMLOCK|LIBBPF_|NATIVE_|PERF_|NOTHING_RECORDED_(LOST|UNSEEN))/;

interface Action {
  label: string;
  run: () => Thenable<unknown>;
}

export async function showError(tracer: { log: vscode.LogOutputChannel }, error: unknown): Promise<void> {
  const report = isReport(error) ? error : toErrorReport(error);
  if (QUIET.has(report.code)) {
    tracer.log.info(`${report.code}: ${report.message}`);
    return;
  }
  tracer.log.error(`${report.code}: ${report.message} ${report.fix}`);
  if (!isReport(error) && error instanceof Error && report.code === 'INTERNAL') tracer.log.error(error.stack ?? '');
  const actions = actionsFor(report.code);
  const choice = await showNotice(
    WARNINGS.test(report.code) ? 'warning' : 'error',
    `${report.message} ${report.fix}`,
    actions.map((action) => action.label),
  );
  await actions.find((action) => action.label === choice)?.run();
}

/** Runs a command's flow and shows what goes wrong in it. */
export async function guarded<T>(
  tracer: { log: vscode.LogOutputChannel },
  flow: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await flow();
  } catch (error) {
    await showError(tracer, error);
    return undefined;
  }
}

function actionsFor(code: ErrorCode): Action[] {
  const run = (label: string, command: string): Action => ({
    label,
    run: () => vscode.commands.executeCommand(command),
  });
  const copy = (label: string, text: string): Action => ({
    label,
    run: async () => {
      await vscode.env.clipboard.writeText(text);
      vscode.window.setStatusBarMessage(vscode.l10n.t('Copied to the clipboard'), 3000);
    },
  });
  if (code === 'CONTAINER_NO_RIGHTS') {
    return [
      copy(vscode.l10n.t('Copy Arguments'), containerRunArguments()),
      copy(vscode.l10n.t('devcontainer.json'), devcontainerLines()),
      copy(vscode.l10n.t('From the Host'), hostCommand(containerEngine() ?? 'docker', hostname())),
    ];
  }
  if (MACHINE.test(code)) return [run(vscode.l10n.t('Check This Machine'), Command.checkMachine)];
  if (code === 'INTERNAL' || code.startsWith('HELPER_')) return [run(vscode.l10n.t('Show Log'), Command.showLog)];
  if (code === 'VERSION_MISMATCH' || code === 'HANDSHAKE_REQUIRED')
    return [run(vscode.l10n.t('Reload Window'), 'workbench.action.reloadWindow')];
  if (code === 'PASSWORD_REJECTED' || code === 'PID_GONE')
    return [run(vscode.l10n.t('Try Again'), Command.profileProcess)];
  return [];
}

function isReport(error: unknown): error is ErrorReport {
  const report = error as Partial<ErrorReport> | null;
  return typeof report?.code === 'string' && typeof report.message === 'string' && typeof report.fix === 'string';
}
