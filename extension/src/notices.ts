// The one place that shows messages: what is in them (names, paths, what other programs said) was chosen by traced programs and
// by recordings, so what a reader would not see is spelled out. The list of processes, trees and hovers do the same by themselves.

import * as vscode from 'vscode';
import { visibleLines } from '../../helper/src/protocol';

const METHOD = {
  information: 'showInformationMessage',
  warning: 'showWarningMessage',
  error: 'showErrorMessage',
} as const;

/** Resolves with the chosen one of `choices`; undefined: it was closed. */
export function showNotice(
  kind: keyof typeof METHOD,
  text: string,
  choices: string[] = [],
  options: vscode.MessageOptions = {},
): Thenable<string | undefined> {
  return vscode.window[METHOD[kind]](visibleLines(text), options, ...choices);
}
