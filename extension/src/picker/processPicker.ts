// "Which process?": a QuickPick over the process tree that refreshes while it is open without moving the selection, and takes a
// typed pid.

import * as vscode from 'vscode';
import { checkPid, looksLikePid, parsePid } from '../../../helper/src/client/pidCheck';
import { type ProcessInfo, toErrorReport } from '../../../helper/src/protocol';
import type { Log } from '../log';
import { type DebuggedSession, debuggedPids } from './debugTarget';
import { errorItem, type ProcessItem, separator, toItem, typedPidItem } from './processItems';
import { listProcesses, type PickerContext } from './processTree';

const REFRESH_MS = 2_000;

export interface PickRequest {
  read: () => Promise<ProcessInfo[]>;
  debugSession: DebuggedSession | null;
  /** Shell whose children come first. */
  terminalPid: number | null;
  log: Log;
  title: string;
  /** The switch for HTTP requests beside CPU time; null: there is none. `toggle` resolves with what it is then. */
  http: { on: boolean; toggle(): Promise<boolean> } | null;
}

/** `process` null: a typed pid that the list does not hold. */
export interface Picked {
  pid: number;
  process: ProcessInfo | null;
}

/** undefined when the user closed it. */
export function pickProcess(request: PickRequest): Promise<Picked | undefined> {
  const pick = vscode.window.createQuickPick<ProcessItem | vscode.QuickPickItem>();
  showHttpSwitch(pick, request);
  pick.placeholder = vscode.l10n.t('Type a name, a port or a process id');
  pick.matchOnDescription = true;
  pick.matchOnDetail = true;
  pick.keepScrollPosition = true;
  pick.busy = true;
  let processes: ProcessInfo[] = [];
  let timer: NodeJS.Timeout | undefined;
  let done = false;

  const render = () => {
    const active = pick.activeItems.map(pidOf).find((pid) => pid !== null);
    const context: PickerContext = {
      uid: process.getuid?.() ?? 0,
      hiddenPids: new Set([process.pid]),
      debuggedPids: request.debugSession ? debuggedPids(request.debugSession, processes) : new Set(),
      terminalPid: request.terminalPid,
    };
    const items: (ProcessItem | vscode.QuickPickItem)[] = typedItems(pick.value, processes);
    let group: string | null = null;
    for (const listed of listProcesses(processes, context)) {
      if (listed.group !== group) items.push(separator(listed.group));
      group = listed.group;
      items.push(toItem(listed));
    }
    pick.items = items;
    const same = items.find((item) => active !== undefined && pidOf(item) === active);
    if (same && !looksLikePid(pick.value)) pick.activeItems = [same];
  };
  const refresh = async () => {
    try {
      processes = await request.read();
      if (!done) render();
    } catch (error) {
      const report = toErrorReport(error);
      request.log.error(`process list: ${report.message}`);
      if (!done && processes.length === 0) pick.items = [errorItem(report)];
    }
    pick.busy = false;
    if (!done) timer = setTimeout(refresh, REFRESH_MS);
  };

  return new Promise((resolve) => {
    const finish = (picked?: Picked) => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      pick.dispose();
      resolve(picked);
    };
    pick.onDidChangeValue(render);
    pick.onDidHide(() => finish());
    pick.onDidAccept(() => {
      const item = pick.selectedItems[0] ?? pick.activeItems[0];
      const pid = item ? pidOf(item) : null;
      // A row that states an error is read, not chosen: the picker stays.
      if (item && pid !== null) finish({ pid, process: (item as ProcessItem).process });
    });
    pick.show();
    void refresh();
  });
}

/** The title says what will be recorded, for whoever does not see the button. */
function showHttpSwitch(pick: vscode.QuickPick<vscode.QuickPickItem>, { title, http }: PickRequest): void {
  pick.title = title;
  if (!http) return;
  const show = (on: boolean) => {
    pick.title = on ? vscode.l10n.t('{0}: CPU Time and HTTP Requests', title) : vscode.l10n.t('{0}: CPU Time', title);
    pick.buttons = [
      {
        iconPath: new vscode.ThemeIcon(on ? 'globe' : 'circle-slash'),
        tooltip: on
          ? vscode.l10n.t('HTTP requests are traced, too. Click to leave them out.')
          : vscode.l10n.t('HTTP requests are not traced. Click to trace them, too.'),
      },
    ];
  };
  show(http.on);
  pick.onDidTriggerButton(async () => show(await http.toggle()));
}

function typedItems(value: string, processes: ProcessInfo[]): ProcessItem[] {
  if (!looksLikePid(value)) return [];
  let pid: number;
  try {
    pid = parsePid(value);
  } catch (error) {
    return [errorItem(toErrorReport(error))];
  }
  const report = checkPid(pid);
  // While more digits may follow, a pid that does not exist yet is only said when nothing else matches.
  if (report) return [errorItem(report)];
  return [
    typedPidItem(
      pid,
      processes.find((one) => one.pid === pid),
    ),
  ];
}

function pidOf(item: vscode.QuickPickItem): number | null {
  return 'pid' in item ? (item as ProcessItem).pid : null;
}
