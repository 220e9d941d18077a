// "Record a Command…": a shell command in a terminal of its own, recorded from its first instruction.

import { homedir } from 'node:os';
import * as vscode from 'vscode';
import { holdCommand, shellCommand } from '../session/heldCommand';
import type { Tracer } from '../tracer';
import { rememberRecorded } from './lastRecorded';
import { startRecording } from './startRecording';

const STATE_KEY = 'lastCommand';
const TITLE_MAX_CHARS = 40;

export async function recordCommand(tracer: Tracer, given?: string): Promise<void> {
  const line = given ?? (await askCommand(tracer));
  if (!line) return;
  await tracer.context.workspaceState.update(STATE_KEY, line);
  const held = await holdCommand(
    shellCommand(line, vscode.env.shell),
    vscode.l10n.t('The command has ended; press Enter to close.'),
  );
  const terminal = vscode.window.createTerminal({
    name: vscode.l10n.t('Record: {0}', shorten(line)),
    iconPath: new vscode.ThemeIcon('record'),
    cwd: currentFolder(),
    shellPath: held.shellPath,
    shellArgs: held.shellArgs,
    isTransient: true,
    message: `\u001b[2m$ ${line}\u001b[0m`,
  });
  let released = false;
  try {
    terminal.show(true);
    const pid = await held.pid();
    const target = { pid, title: shorten(withoutFolder(line)), startAtExec: true, recorded: 'cpu' as const };
    const session = await startRecording(tracer, target, null);
    if (!session) return;
    await held.release();
    await rememberRecorded(tracer, { kind: 'command', line, title: target.title });
    released = true;
    void session.ended.then(() => held.dispose());
  } finally {
    // Cancelled or failed: the command was never started, so its terminal has nothing to show.
    if (!released) {
      terminal.dispose();
      await held.dispose();
    }
  }
}

function askCommand(tracer: Tracer): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title: vscode.l10n.t('Record a Command'),
    prompt: vscode.l10n.t('It runs in a terminal and is recorded from its first instruction, with its children.'),
    placeHolder: vscode.l10n.t('./server --port 8080'),
    value: tracer.context.workspaceState.get<string>(STATE_KEY),
    ignoreFocusOut: true,
  });
}

/** The active file's workspace folder, else the first, else home. */
function currentFolder(): string {
  const uri = vscode.window.activeTextEditor?.document.uri;
  const folder = (uri && vscode.workspace.getWorkspaceFolder(uri)) ?? vscode.workspace.workspaceFolders?.[0];
  return folder?.uri.fsPath ?? homedir();
}

/** `build/bin/server --port 80` is known as `server --port 80`. */
const withoutFolder = (line: string) => line.trim().replace(/^[^\s'"$|&;<>()]*\//, '');

const shorten = (line: string) => (line.length > TITLE_MAX_CHARS ? `${line.slice(0, TITLE_MAX_CHARS - 1)}…` : line);
