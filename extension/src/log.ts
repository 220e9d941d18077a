// The "Universal eBPF Tracer" output channel. The only log there is: nothing is sent anywhere. Every module gets a
// `Log`, so that the ones without vscode can be tested with a plain object.

import * as vscode from 'vscode';
import { spellOut } from './logText';

export interface Log {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

export function createLogChannel(): vscode.LogOutputChannel {
  return spellOut(vscode.window.createOutputChannel('Universal eBPF Tracer', { log: true }));
}
