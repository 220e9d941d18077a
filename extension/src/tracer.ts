// What the flows share in one window, passed to each as an argument. Everything costly is made when first asked for, so
// that activation stays under 50 ms. Made by extension.ts.

import { join } from 'node:path';
import type * as vscode from 'vscode';
import type { HelperHost } from './client/helperHost';
import type { DebugWatcher } from './picker/debugWatcher';
import type { FoldChoices } from './profile/foldChoices';
import type { ProfileStore } from './profile/profileStore';
import type { RecordingStore } from './session/recordingStore';
import type { Sessions } from './session/sessions';

export interface Tracer {
  context: vscode.ExtensionContext;
  log: vscode.LogOutputChannel;
  recordings: RecordingStore;
  debugWatcher: DebugWatcher;
  host(): Promise<HelperHost>;
  sessions(): Promise<Sessions>;
  profiles(): Promise<ProfileStore>;
  folds(): Promise<FoldChoices>;
  /** dist/cli.js: what needs no rights (list, check, export). */
  cliScript: string;
}

/** `helperScript` and `cliScript` are replaced by tests only. */
export function createTracer(
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
  recordings: RecordingStore,
  debugWatcher: DebugWatcher,
  scripts: { helperScript?: string; cliScript?: string } = {},
): Tracer {
  const once = <T>(make: () => Promise<T>) => {
    let made: Promise<T> | null = null;
    return () => {
      made ??= make();
      return made;
    };
  };
  const tracer: Tracer = {
    context,
    log,
    recordings,
    debugWatcher,
    cliScript: scripts.cliScript ?? join(context.extensionPath, 'dist', 'cli.js'),
    host: once(async () => {
      const { HelperHost, helperProgram } = await import('./client/helperHost');
      const host = new HelperHost(context, log, helperProgram(context.extensionPath, scripts.helperScript));
      context.subscriptions.push(host);
      return host;
    }),
    sessions: once(async () => {
      const { Sessions } = await import('./session/sessions');
      const sessions = new Sessions(tracer);
      context.subscriptions.push(
        sessions,
        // Its figures stand in the editors as they come, whether its page is open or not.
        sessions.onDidStart(({ subject }) => subject.tracers.includes('http') && void tracer.profiles()),
      );
      return sessions;
    }),
    folds: once(async () => {
      const { FoldChoices } = await import('./profile/foldChoices');
      const folds = new FoldChoices(context.workspaceState);
      context.subscriptions.push(folds);
      return folds;
    }),
    profiles: once(async () => {
      const [{ ProfileStore }, { SourceLocator }, { Annotator }] = await Promise.all([
        import('./profile/profileStore'),
        import('./profile/sourceLocator'),
        import('./annotate/annotator'),
      ]);
      const profiles = new ProfileStore(new SourceLocator(context));
      profiles.onDidChange(() => recordings.setShown(profiles.active?.path ?? null));
      const sessions = await tracer.sessions();
      context.subscriptions.push(
        new Annotator({ profiles, sessions, media: join(context.extensionPath, 'extension', 'media') }),
      );
      return profiles;
    }),
  };
  return tracer;
}
