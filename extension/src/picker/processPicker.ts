// "Which process?": a QuickPick over the process tree that refreshes while it is open without moving the selection, and takes a
// typed pid.

import * as vscode from 'vscode';
import { checkPid, looksLikePid, parsePid } from '../../../helper/src/client/pidCheck';
import { type ProcessInfo, toErrorReport } from '../../../helper/src/protocol';
import type { Log } from '../log';
import { CpuUse } from './cpuUse';
import { type DebuggedSession, debuggedPids } from './debugTarget';
import { askLimit, limitText, type RecordingLimit } from './limits';
import { againItem, errorItem, type ProcessItem, portItem, separator, toItem, typedPidItem } from './processItems';
import { listProcesses, type PickerContext } from './processTree';

const REFRESH_MS = 2_000;
/** The second look, from which on it is known who is busy, comes soon. */
const FIRST_REFRESH_MS = 600;

export interface PickRequest {
  read: () => Promise<ProcessInfo[]>;
  debugSession: DebuggedSession | null;
  /** Shell whose children come first. */
  terminalPid: number | null;
  log: Log;
  title: string;
  /** The switch for HTTP requests beside CPU time; null: there is none. `toggle` resolves with what it is then. */
  http: { on: boolean; toggle(): Promise<boolean> } | null;
  /** The last recording, which can be made again; null: there is none. */
  again: string | null;
  limit: RecordingLimit;
  workspace: readonly string[];
}

/** `process` null: a typed pid that the list does not hold. */
export interface Picked {
  pid: number;
  process: ProcessInfo | null;
  limit: RecordingLimit;
}

/** undefined when the user closed it; `again`: the last recording is to be made once more. */
export function pickProcess(request: PickRequest): Promise<Picked | 'again' | undefined> {
  const pick = vscode.window.createQuickPick<ProcessItem | vscode.QuickPickItem>();
  let { limit } = request;
  let asking = false;
  const ask = async () => {
    // The question hides the picker, which comes back with the answer.
    asking = true;
    limit = (await askLimit(limit)) ?? limit;
    asking = false;
    pick.show();
    return limit;
  };
  showButtons(pick, request, ask);
  pick.placeholder = vscode.l10n.t('Type a name, a port or a process id');
  pick.matchOnDescription = true;
  pick.matchOnDetail = true;
  pick.keepScrollPosition = true;
  pick.busy = true;
  let processes: ProcessInfo[] = [];
  let timer: NodeJS.Timeout | undefined;
  let done = false;
  const cpu = new CpuUse();

  const render = () => {
    const active = pick.activeItems.map(pidOf).find((pid) => pid !== null);
    const context: PickerContext = {
      uid: process.getuid?.() ?? 0,
      hiddenPids: new Set([process.pid]),
      debuggedPids: request.debugSession ? debuggedPids(request.debugSession, processes) : new Set(),
      terminalPid: request.terminalPid,
      cpuPercent: cpu.percent,
      workspace: request.workspace,
      // The remote server's and the desktop's: the program that runs this code, and all that lies beside it.
      editorPaths: [process.execPath, vscode.env.appRoot],
    };
    const items: (ProcessItem | vscode.QuickPickItem)[] = [];
    if (request.again !== null && pick.value === '') items.push(againItem(request.again));
    let group: string | null = null;
    for (const listed of listProcesses(processes, context)) {
      if (listed.group !== group) items.push(separator(listed.group));
      group = listed.group;
      items.push(toItem(listed, cpu.percent.get(listed.process.pid)));
    }
    pick.items = [...typedItems(pick.value, processes, items), ...items];
    const same = pick.items.find((item) => active !== undefined && pidOf(item) === active);
    if (same && !looksLikePid(pick.value)) pick.activeItems = [same];
  };
  const refresh = async () => {
    try {
      processes = await request.read();
      await cpu.look(processes.map(({ pid }) => pid));
      if (!done) render();
    } catch (error) {
      const report = toErrorReport(error);
      request.log.error(`process list: ${report.message}`);
      if (!done && processes.length === 0) pick.items = [errorItem(report)];
    }
    pick.busy = false;
    if (!done) timer = setTimeout(refresh, cpu.percent.size === 0 ? FIRST_REFRESH_MS : REFRESH_MS);
  };

  return new Promise((resolve) => {
    const finish = (picked?: Picked | 'again') => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      pick.dispose();
      resolve(picked);
    };
    pick.onDidChangeValue(render);
    pick.onDidHide(() => !asking && finish());
    pick.onDidAccept(() => {
      const item = pick.selectedItems[0] ?? pick.activeItems[0];
      const pid = item ? pidOf(item) : null;
      if (item && 'again' in item) finish('again');
      // A row that states an error is read, not chosen: the picker stays.
      if (item && pid !== null) finish({ pid, process: (item as ProcessItem).process, limit });
    });
    pick.show();
    void refresh();
  });
}

/** The title says what will be recorded, and how long, for whoever does not see the buttons. */
function showButtons(
  pick: vscode.QuickPick<vscode.QuickPickItem>,
  { title, http, limit: first }: PickRequest,
  ask: () => Promise<RecordingLimit>,
): void {
  let [on, limit] = [http?.on ?? false, first];
  const clock: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('watch'),
    tooltip: vscode.l10n.t('How Long to Record'),
  };
  const show = () => {
    const what = on ? vscode.l10n.t('CPU Time and HTTP Requests') : vscode.l10n.t('CPU Time');
    pick.title = `${http ? vscode.l10n.t('{0}: {1}', title, what) : title} · ${limitText(limit)}`;
    const globe: vscode.QuickInputButton = {
      iconPath: new vscode.ThemeIcon(on ? 'globe' : 'circle-slash'),
      tooltip: on
        ? vscode.l10n.t('HTTP requests are traced, too. Click to leave them out.')
        : vscode.l10n.t('HTTP requests are not traced. Click to trace them, too.'),
    };
    pick.buttons = http ? [globe, clock] : [clock];
  };
  show();
  pick.onDidTriggerButton(async (button) => {
    if (button === clock) limit = await ask();
    else if (http) on = await http.toggle();
    show();
  });
}

/** A number is a port that somebody listens on first, then a process; what is wrong with it is said where nothing else matches. */
function typedItems(
  value: string,
  processes: readonly ProcessInfo[],
  others: readonly vscode.QuickPickItem[],
): ProcessItem[] {
  if (!looksLikePid(value)) return [];
  const number = Number(value.trim());
  const listening = processes.filter(({ listeningPorts }) => listeningPorts.includes(number));
  const items = listening.map((one) => portItem(number, one));
  try {
    const pid = parsePid(value);
    const report = checkPid(pid);
    const known = processes.find((one) => one.pid === pid);
    if (!report) return [...items, typedPidItem(pid, known)];
    if (items.length === 0 && !others.some((item) => matches(item, value))) return [errorItem(report)];
  } catch (error) {
    if (items.length === 0) return [errorItem(toErrorReport(error))];
  }
  return items;
}

const matches = ({ label, description, detail }: vscode.QuickPickItem, value: string): boolean =>
  [label, description, detail].some((text) => text?.includes(value.trim()));

function pidOf(item: vscode.QuickPickItem): number | null {
  return 'pid' in item ? (item as ProcessItem).pid : null;
}
