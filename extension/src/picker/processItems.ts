// One process as a row of the picker: icon of its runtime, name indented by its place in the tree, pid, ports, container, command
// line.

import { basename } from 'node:path';
import * as vscode from 'vscode';
import {
  type ErrorReport,
  type ProcessInfo,
  RUNTIME_NAME,
  type Runtime,
  visibleText,
} from '../../../helper/src/protocol';
import type { Group, ListedProcess } from './processTree';

export interface ProcessItem extends vscode.QuickPickItem {
  pid: number | null;
  process: ProcessInfo | null;
  again?: boolean;
}

/** Codicons, each a hint at the runtime. */
const ICON: Record<Runtime, string> = {
  native: 'chip',
  go: 'symbol-interface',
  rust: 'gear',
  python: 'symbol-misc',
  node: 'symbol-event',
  jvm: 'coffee',
  dotnet: 'symbol-namespace',
  ruby: 'ruby',
  php: 'symbol-variable',
  perl: 'symbol-key',
  bun: 'symbol-event',
  deno: 'symbol-event',
  pypy: 'symbol-misc',
  unknown: 'circle-outline',
};

/** Rows are one line each: longer command lines only push the rest out of sight. */
const COMMAND_SHOWN_CHARS = 160;
const INDENT = '\u2003'; // em space: survives where ordinary spaces are trimmed
const DEPTH_SHOWN = 8;

/** `cpuPercent`: of one CPU; undefined: not known yet. */
export function toItem({ process, depth, group }: ListedProcess, cpuPercent?: number): ProcessItem {
  const facts = [
    cpuPercent === undefined ? '' : cpuText(cpuPercent),
    String(process.pid),
    runtimeFact(process),
    process.listeningPorts.length > 0
      ? `$(broadcast) ${process.listeningPorts.map((port) => `:${port}`).join(' ')}`
      : '',
    process.container ? `$(package) ${visibleText(process.container)}` : '',
    group === 'others' || group === 'busy' ? `$(account) ${visibleText(process.user)}` : '',
  ];
  return {
    label: `${INDENT.repeat(Math.min(depth, DEPTH_SHOWN))}$(${ICON[process.runtime]}) ${displayName(process)}`,
    description: facts.filter((fact) => fact !== '').join('  '),
    detail: INDENT.repeat(Math.min(depth, DEPTH_SHOWN) + 1) + clip(process.command),
    pid: process.pid,
    process,
  };
}

/** `12 % CPU`; of a process that rests nothing. */
function cpuText(percent: number): string {
  return percent < 0.5 ? '' : vscode.l10n.t('{0} % CPU', Math.round(percent));
}

/** With what a recording of it would lack, before it is made. */
function runtimeFact({ runtime, nativeOnly }: ProcessInfo): string {
  const name = RUNTIME_NAME[runtime];
  return nativeOnly ? vscode.l10n.t('{0} · native frames only', name) : name;
}

/** The interpreter's script says more than the interpreter; comm is cut at 15 bytes, so prefer the program's name. */
export function displayName({ runtime, ...process }: ProcessInfo): string {
  const [program, ...args] = visibleText(process.command).split(' ');
  const comm = visibleText(process.name);
  const name = basename(program ?? '') || comm;
  if (['python', 'node', 'ruby', 'php', 'perl', 'bun', 'deno', 'pypy'].includes(runtime)) {
    const script = args.find((word) => !word.startsWith('-'));
    if (script && /[/.]/.test(script)) return `${name} ${basename(script)}`;
  }
  // A title set by the program itself (`nginx: worker process`) is no path: comm names it.
  return name.endsWith(':') ? comm : name;
}

export function separator(group: Group): vscode.QuickPickItem {
  const label = {
    debugged: vscode.l10n.t('debug session'),
    terminal: vscode.l10n.t('active terminal'),
    busy: vscode.l10n.t('busy now'),
    workspace: vscode.l10n.t('programs of this workspace'),
    own: vscode.l10n.t('your processes'),
    editor: vscode.l10n.t('VS Code itself'),
    others: vscode.l10n.t('processes of other users'),
  }[group];
  return { label, kind: vscode.QuickPickItemKind.Separator };
}

/** The first row while a pid is typed: the process with that pid, listed or not. */
export function typedPidItem(pid: number, process: ProcessInfo | undefined): ProcessItem {
  return {
    label: `$(arrow-right) ${vscode.l10n.t('Process {0}', pid)}`,
    description: process ? displayName(process) : '',
    detail: process ? clip(process.command) : undefined,
    alwaysShow: true,
    pid,
    process: process ?? null,
  };
}

/** While a port is typed: who listens there. */
export function portItem(port: number, process: ProcessInfo): ProcessItem {
  return {
    label: `$(broadcast) ${vscode.l10n.t('Port {0}: {1}', port, displayName(process))}`,
    description: String(process.pid),
    detail: clip(process.command),
    alwaysShow: true,
    pid: process.pid,
    process,
  };
}

/** Above all others: the last recording once more. */
export function againItem(title: string): ProcessItem {
  return {
    label: `$(history) ${vscode.l10n.t('Record Again: {0}', visibleText(title))}`,
    pid: null,
    process: null,
    again: true,
  };
}

export function errorItem(report: ErrorReport): ProcessItem {
  return {
    label: `$(error) ${visibleText(report.message)}`,
    detail: visibleText(report.fix),
    alwaysShow: true,
    pid: null,
    process: null,
  };
}

const clip = (command: string) => {
  const text = visibleText(command);
  return text.length > COMMAND_SHOWN_CHARS ? `${text.slice(0, COMMAND_SHOWN_CHARS - 1)}…` : text;
};
