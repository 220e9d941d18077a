// Binds each command id to its flow. Flows are loaded when first run: activation only fills this table.

import * as vscode from 'vscode';
import { Command, type CommandId, Setting } from '../contributions';
import type { StoredRecording } from '../session/recordingStore';
import type { Tracer } from '../tracer';
import type { RecordingEditorProvider } from '../views/recordingEditor';

type Flow = (...args: never[]) => unknown;

export function registerCommands(tracer: Tracer, editors: () => Promise<RecordingEditorProvider>): vscode.Disposable[] {
  const profile = () => import('./profileProcess');
  const manage = () => import('./manageRecordings');
  const flows: Record<CommandId, Flow> = {
    [Command.profileProcess]: async () => (await profile()).profileProcess(tracer),
    [Command.traceHttp]: async () => (await profile()).profileProcess(tracer, 'http'),
    [Command.profileDebugged]: async () => (await profile()).profileDebugged(tracer),
    [Command.profileTerminal]: async () => (await profile()).profileProcess(tracer),
    [Command.recordCommand]: async (line?: string) =>
      (await import('./recordCommand')).recordCommand(tracer, typeof line === 'string' ? line : undefined),
    [Command.recordAgain]: async () => (await import('./recordAgain')).recordAgain(tracer),
    [Command.stopRecording]: async () => (await import('./stopRecording')).stopRecording(tracer),
    [Command.openRecording]: async (uri?: vscode.Uri) => (await manage()).openRecordingFile(tracer, uri),
    [Command.toggleLineHeat]: async () => (await import('../settings')).toggleSetting(Setting.lineHeat),
    [Command.toggleCodeLens]: async () => (await import('../settings')).toggleSetting(Setting.codeLens),
    [Command.toggleAnnotations]: async () => (await import('../settings')).toggleAnnotations(),
    [Command.switchFigures]: async () => (await import('../settings')).switchFigureUnit(),
    [Command.clearAnnotations]: async () => (await tracer.profiles()).clear(),
    [Command.checkMachine]: async () => (await import('../views/checkPanel')).checkMachine(tracer),
    [Command.showLog]: () => tracer.log.show(),
    [Command.showInFlameGraph]: async (path: string, frame: number) => {
      await (await import('../session/sessions')).openRecording(path, true);
      (await editors()).select(path, frame);
    },
    [Command.showHttpRoute]: async (path: string, key: string) => {
      await (await import('../session/sessions')).openRecording(path, true);
      (await editors()).showItem(path, 'http', key);
    },
    [Command.recordingsRefresh]: () => tracer.recordings.refresh(),
    [Command.recordingsOpen]: async (one: StoredRecording) => (await manage()).openStored(tracer, one),
    [Command.recordingsRename]: async (one: StoredRecording) => (await manage()).renameStored(tracer, one),
    [Command.recordingsReveal]: async (one: StoredRecording) => (await manage()).revealStored(tracer, one),
    [Command.recordingsExport]: async (one: StoredRecording) => {
      const { exportSource } = await import('../views/exportPart');
      const source = await exportSource(one.path, await (await editors()).partOf(one.path));
      if (!source) return;
      await (await manage()).exportStored(tracer, one, source.path).finally(() => source.dispose());
    },
    [Command.recordingsCompare]: async (one: StoredRecording, all?: StoredRecording[]) =>
      (await import('./compareRecordings')).compareStored(tracer, one, all),
    [Command.recordingsDelete]: async (one: StoredRecording) => (await manage()).deleteStored(tracer, one),
  };
  return Object.entries(flows).map(([id, flow]) =>
    vscode.commands.registerCommand(id, async (...args: never[]) => {
      try {
        return await flow(...args);
      } catch (error) {
        await (await import('../showError')).showError(tracer, error);
        return undefined;
      }
    }),
  );
}
