// From a chosen process to a running recording: checks, the question about other users' processes, rights, the output
// file. Shared by the commands that profile a process and that record a command.

import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { HelperConnection } from '../../../helper/src/client/helperConnection';
import { checkPid } from '../../../helper/src/client/pidCheck';
import { type ProcessInfo, type RecordOptions, TracerError, tracerError } from '../../../helper/src/protocol';
import { showNotice } from '../notices';
import type { RecordingLimit } from '../picker/limits';
import type { RecordingSession } from '../session/recordingSession';
import { type Recorded, recordingSettings } from '../settings';
import type { Tracer } from '../tracer';

/** Users whose processes the user agreed to trace, until the window closes. */
const confirmedUids = new Set<number>();

export interface Target {
  pid: number;
  title: string;
  startAtExec: boolean;
  recorded: Recorded;
  /** Left out: as the settings say. */
  limit?: RecordingLimit;
}

/** undefined when the user said no. Throws TracerError. */
export async function startRecording(
  tracer: Tracer,
  target: Target,
  process: ProcessInfo | null,
): Promise<RecordingSession | undefined> {
  const problem = checkPid(target.pid);
  if (problem) throw new TracerError(problem);
  const owner = ownerOf(target.pid, process);
  const anyUser = owner.uid !== (globalThis.process.getuid?.() ?? 0);
  const { children, ...settings } = recordingSettings(target.recorded);
  const tracers = Object.keys(settings.tracers);
  if (anyUser && !(await confirmOwner(target, owner, tracers.includes('http')))) return undefined;
  const output = outputFor(tracer, target.title);
  const client = await helperWithProgress(tracer, { tracers, anyUser });
  const options: RecordOptions = {
    target: { pids: [target.pid], children, startAtExec: target.startAtExec },
    title: target.title,
    // From here on the user waits for us, not for a password to be typed.
    requestedAtMs: Date.now(),
    anyUser,
    output,
    without: [],
    ...settings,
    ...(target.limit ? { durationMs: target.limit.durationMs } : {}),
  };
  const session = await (await tracer.sessions()).record(client, options);
  const samples = target.limit?.samples ?? null;
  if (samples !== null) session.onDidChange(() => countOf(session) >= samples && void session.stop());
  return session;
}

/** Of the first tracer, which is the one that was asked for. */
const countOf = ({ tracers }: RecordingSession): number => tracers[0]?.count ?? 0;

/** Found out before anybody waits for a password. Throws OUTPUT_NOT_WRITABLE. */
function outputFor(tracer: Tracer, title: string): string {
  try {
    return tracer.recordings.newPath(title);
  } catch (error) {
    throw tracerError('OUTPUT_NOT_WRITABLE', tracer.recordings.folder, (error as Error).message);
  }
}

/** The helper, with a sign of life in the status bar while it starts. */
export async function helperWithProgress(
  tracer: Tracer,
  needs: { tracers: readonly string[]; anyUser: boolean },
): Promise<HelperConnection> {
  const host = await tracer.host();
  const existing = await host.existing();
  if (existing && host.serves(existing, needs)) return existing;
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: vscode.l10n.t('Starting the tracer helper…') },
    () => host.ensure(needs),
  );
}

interface Owner {
  uid: number;
  name: string;
}

async function confirmOwner(target: Target, owner: Owner, http: boolean): Promise<boolean> {
  if (confirmedUids.has(owner.uid)) return true;
  const trace = vscode.l10n.t('Profile It');
  const choice = await showNotice(
    'warning',
    vscode.l10n.t('Process {0} ({1}) belongs to {2}, not to you. Profile it?', target.pid, target.title, owner.name),
    [trace],
    {
      modal: true,
      detail: http
        ? vscode.l10n.t(
            'What it runs becomes visible to you: names of functions and files, and the paths of its HTTP requests without ids and values.',
          )
        : vscode.l10n.t('What it runs becomes visible to you: names of functions and files, not its data.'),
    },
  );
  if (choice !== trace) return false;
  confirmedUids.add(owner.uid);
  return true;
}

function ownerOf(pid: number, process: ProcessInfo | null): Owner {
  if (process) return { uid: process.uid, name: process.user };
  try {
    const uid = Number(/^Uid:\s*\d+\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    return { uid, name: vscode.l10n.t('user {0}', uid) };
  } catch {
    throw tracerError('PID_GONE', pid);
  }
}
