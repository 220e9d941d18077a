// "Check This Machine": what works here and what to do about what does not, with buttons. The report comes from the helper if it
// runs, else from `dist/cli.js check --json` as the user.

import { execFile } from 'node:child_process';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import { cleanEnvironment } from '../../../helper/src/client/helperCommand';
import { containerRunArguments, devcontainerLines, hostCommand } from '../../../helper/src/client/rights';
import { containerEngine } from '../../../helper/src/client/surroundings';
import { type CheckReport, tracerError } from '../../../helper/src/protocol';
import { recordingSettings } from '../settings';
import { guarded, showError } from '../showError';
import type { Tracer } from '../tracer';
import { type CheckButton, checkPage } from './checkPage';

const CHECK_TIMEOUT_MS = 60_000;

type FromPage = { type: 'copy'; text: string } | { type: 'again' } | { type: 'askRights' } | { type: 'showLog' };

let panel: vscode.WebviewPanel | null = null;

export async function checkMachine(tracer: Tracer): Promise<void> {
  if (panel) {
    panel.reveal();
  } else {
    const created = vscode.window.createWebviewPanel(
      'ebpfTracer.check',
      vscode.l10n.t('Check This Machine'),
      vscode.ViewColumn.Active,
      { enableScripts: true, localResourceRoots: [] },
    );
    created.iconPath = vscode.Uri.joinPath(tracer.context.extensionUri, 'extension', 'media', 'check.svg');
    created.onDidDispose(() => {
      panel = null;
    });
    created.webview.onDidReceiveMessage((message: FromPage) => guarded(tracer, () => receive(tracer, message)));
    panel = created;
  }
  await refresh(tracer);
}

async function receive(tracer: Tracer, message: FromPage): Promise<void> {
  switch (message.type) {
    case 'copy':
      await vscode.env.clipboard.writeText(message.text);
      vscode.window.setStatusBarMessage(vscode.l10n.t('Copied to the clipboard'), 3000);
      return;
    case 'again':
      return refresh(tracer);
    case 'askRights':
      await (await tracer.host()).ensure({ tracers: Object.keys(recordingSettings('cpu').tracers), anyUser: false });
      return refresh(tracer);
    case 'showLog':
      tracer.log.show();
      return;
  }
}

async function refresh(tracer: Tracer): Promise<void> {
  const shown = panel;
  if (!shown) return;
  const page = (state: Parameters<typeof checkPage>[0]) => {
    shown.webview.html = checkPage(state);
  };
  page({ report: null, buttons: [], elevated: false, place: place() });
  try {
    const client = await (await tracer.host()).existing();
    const report = client ? await client.request('check/run', {}) : await checkAsUser(tracer);
    page({ report, buttons: buttons(report), elevated: client !== null, place: place() });
  } catch (error) {
    await showError(tracer, error);
  }
}

async function checkAsUser(tracer: Tracer): Promise<CheckReport> {
  const run = promisify(execFile);
  const options = {
    timeout: CHECK_TIMEOUT_MS,
    env: cleanEnvironment(process.env, { ELECTRON_RUN_AS_NODE: '1' }),
  };
  const { stdout } = await run(process.execPath, [tracer.cliScript, 'check', '--json'], options).catch(
    // It exits with 1 where something is missing, and still prints its report.
    (error: { stdout?: string; message: string }) => ({ stdout: error.stdout ?? '' }),
  );
  try {
    return JSON.parse(stdout) as CheckReport;
  } catch {
    throw tracerError('INTERNAL', 'the check printed no report');
  }
}

/** Where this extension runs, which is where it can trace. */
const place = (): string => [hostname(), vscode.env.remoteName].filter((part) => part !== undefined).join(' · ');

/** In a container that lacks something: how to start it with the rights, or to record from the host. */
function buttons(report: CheckReport): CheckButton[] {
  const engine = containerEngine();
  if (!engine || report.items.every((item) => item.status !== 'missing')) return [];
  return [
    { label: vscode.l10n.t('Copy Run Arguments'), text: containerRunArguments() },
    { label: vscode.l10n.t('Copy devcontainer.json Lines'), text: devcontainerLines() },
    { label: vscode.l10n.t('Copy Command for the Host'), text: hostCommand(engine, hostname()) },
  ];
}
