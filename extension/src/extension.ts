// Entry point. Registers what package.json contributes and nothing else: every flow is loaded when it is first used, so
// that activation costs a few milliseconds.

import * as vscode from 'vscode';
import { registerLanguageModelTools } from './assistant/languageModelTools';
import { offerMcpServer } from './assistant/mcpServer';
import { registerCommands } from './commands/register';
import { FOREIGN_EDITOR, RECORDING_EDITOR, View } from './contributions';
import { createLogChannel } from './log';
import { DebugWatcher } from './picker/debugWatcher';
import { RecordingStore } from './session/recordingStore';
import { createTracer } from './tracer';
import type { RecordingDocument, RecordingEditorProvider } from './views/recordingEditor';
import { RecordingsTree } from './views/recordingsTree';

/** What the tests in the extension host get; nothing in the product. */
export interface TestHooks {
  activationMs: number;
  tracer: ReturnType<typeof createTracer>;
}

export function activate(context: vscode.ExtensionContext): TestHooks | undefined {
  const startedAtMs = performance.now();
  const log = createLogChannel();
  const recordings = new RecordingStore(context);
  const debugWatcher = new DebugWatcher();
  const testing = context.extensionMode === vscode.ExtensionMode.Test;
  const tracer = createTracer(context, log, recordings, debugWatcher, testing ? testScripts() : {});

  let provider: Promise<RecordingEditorProvider> | null = null;
  const editors = () => {
    provider ??= import('./views/recordingEditor').then((module) => new module.RecordingEditorProvider(tracer));
    return provider;
  };
  const lazyEditors: vscode.CustomReadonlyEditorProvider<RecordingDocument> = {
    openCustomDocument: async (uri) => (await editors()).openCustomDocument(uri),
    resolveCustomEditor: async (document, panel) => (await editors()).resolveCustomEditor(document, panel),
  };
  context.subscriptions.push(
    log,
    recordings,
    debugWatcher,
    vscode.window.createTreeView(View.recordings, {
      treeDataProvider: new RecordingsTree(recordings),
      canSelectMany: true,
    }),
    vscode.window.registerCustomEditorProvider(RECORDING_EDITOR, lazyEditors, {
      webviewOptions: { retainContextWhenHidden: true },
      supportsMultipleEditorsPerDocument: false,
    }),
    vscode.window.registerCustomEditorProvider(FOREIGN_EDITOR, lazyEditors, {
      webviewOptions: { retainContextWhenHidden: true },
      supportsMultipleEditorsPerDocument: false,
    }),
    ...registerCommands(tracer, editors),
    ...registerLanguageModelTools(tracer),
    ...offerMcpServer(tracer),
  );
  setImmediate(() => void resumeAfterReload());
  const activationMs = performance.now() - startedAtMs;
  log.info(`activated in ${activationMs.toFixed(1)} ms`);
  return testing ? { activationMs, tracer } : undefined;

  /** The helper of this window waits for a short while after a reload: find it before it ends. */
  async function resumeAfterReload(): Promise<void> {
    if (!context.workspaceState.get('helper') && !context.workspaceState.get('running')) return;
    const client = await (await tracer.host()).resume();
    await (await tracer.sessions()).resume(client);
  }
}

/** Doubles for the helper and the command line, named by the test run's environment; read in test mode only. */
function testScripts(): { helperScript?: string; cliScript?: string } {
  return {
    helperScript: process.env.EBPF_TRACER_TEST_HELPER,
    cliScript: process.env.EBPF_TRACER_TEST_CLI,
  };
}
