// The box in which the user types the password for sudo. What is typed goes to sudo and nowhere else.

import { userInfo } from 'node:os';
import * as vscode from 'vscode';
import { PASSWORD_PROMPT } from './askpass';

/** sudo's own default for `passwd_tries`. */
const ATTEMPTS = 3;

export type PasswordAnswer = { kind: 'text'; text: string } | { kind: 'cancelled' } | { kind: 'terminal' };

/** `attempt` counts from 1; `question` is what sudo asked: our own marker, or PAM's words for something else. */
export function askPassword(question: string, attempt: number): Promise<PasswordAnswer> {
  const box = vscode.window.createInputBox();
  const terminal: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('terminal'),
    tooltip: vscode.l10n.t('Type It in a Terminal Instead'),
  };
  box.title = vscode.l10n.t('Universal eBPF Tracer needs administrator rights');
  box.prompt =
    question === PASSWORD_PROMPT
      ? vscode.l10n.t('Password of {0} for sudo. It goes to sudo only and is never stored.', userInfo().username)
      : question;
  box.password = true;
  box.ignoreFocusOut = true;
  box.buttons = [terminal];
  if (attempt > 1) {
    box.validationMessage = {
      message: vscode.l10n.t('sudo did not accept it. Attempt {0} of {1}.', attempt, ATTEMPTS),
      severity: vscode.InputBoxValidationSeverity.Error,
    };
  }
  return new Promise((resolve) => {
    const close = (answer: PasswordAnswer) => {
      resolve(answer);
      box.dispose();
    };
    box.onDidAccept(() => close({ kind: 'text', text: box.value }));
    box.onDidHide(() => close({ kind: 'cancelled' }));
    box.onDidChangeValue(() => {
      box.validationMessage = undefined;
    });
    box.onDidTriggerButton(() => close({ kind: 'terminal' }));
    box.show();
  });
}
