// sudo in a VS Code terminal, for what a password box cannot do: fingerprint readers, one-time codes, `requiretty`.
// `tee` runs as the user and copies what the helper says into the private folder, where this module reads it: root
// writes nothing. The terminal stays (hidden) as long as the helper does and survives a window reload.

import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as vscode from 'vscode';
import { type HelperRequest, helperCommand } from '../../../helper/src/client/helperCommand';
import type { RungResult } from '../../../helper/src/client/ladder';
import { TERMINAL_LOG_NAME } from '../../../helper/src/client/socketFolder';
import { parseReadyLine } from '../../../helper/src/client/startProcess';
import { readSudoFailure } from '../../../helper/src/client/sudoMessages';
import { TracerError, tracerError } from '../../../helper/src/protocol';

/** `-k` with a command: the password is kept for nobody else (sudo(8)). $0 is the file for the helper's output; an `exit N` line ends it. */
const SCRIPT = '{ LC_ALL=C sudo -k -- "$@"; echo "exit $?"; } 2>&1 | tee -- "$0"';
const POLL_MS = 100;

export async function startInTerminal(request: HelperRequest): Promise<RungResult> {
  const outputFile = join(request.socketFolder, TERMINAL_LOG_NAME);
  const terminal = vscode.window.createTerminal({
    name: vscode.l10n.t('eBPF Tracer: administrator rights'),
    iconPath: new vscode.ThemeIcon('shield'),
    shellPath: '/bin/sh',
    shellArgs: ['-c', SCRIPT, outputFile, ...helperCommand(request)],
    message: vscode.l10n.t('The tracer helper needs administrator rights. Closing this terminal ends it.'),
  });
  terminal.show();
  let closed = false;
  const subscription = vscode.window.onDidCloseTerminal((one) => {
    closed ||= one === terminal;
  });
  try {
    for (;;) {
      const gone = closed;
      const output = await readFile(outputFile, 'utf8').catch(() => '');
      for (const line of output.split(/\r?\n/)) {
        const result = parseReadyLine(line);
        if (result?.kind === 'ready') {
          terminal.hide();
          return result;
        }
        if (result?.kind === 'report') throw new TracerError(result.report);
      }
      if (/^exit \d+/m.test(output)) {
        const verdict = readSudoFailure(output, request.program);
        if (verdict.kind === 'refused') return { kind: 'next', why: verdict.report.message, report: verdict.report };
        throw tracerError(verdict.kind === 'rejected' ? 'PASSWORD_REJECTED' : 'ELEVATION_CANCELLED');
      }
      if (gone) throw tracerError('ELEVATION_CANCELLED');
      await delay(POLL_MS);
    }
  } finally {
    subscription.dispose();
    // `tee` goes on writing into nothing; the helper's end removes only what it knows in this folder.
    await rm(outputFile, { force: true });
  }
}
