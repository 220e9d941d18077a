// "Compare With…" in the Recordings view: what changed from the older recording to the newer one, as a recording of its own with a tab of
// changes.

import * as vscode from 'vscode';
import { runCommandLine } from '../commandLine';
import type { StoredRecording } from '../session/recordingStore';
import { openRecording } from '../session/sessions';
import type { Tracer } from '../tracer';

const titleOf = ({ facts, name }: StoredRecording) => facts?.title ?? name;

/** `chosen`: all that are selected, where several are. */
export async function compareStored(
  tracer: Tracer,
  recording: StoredRecording,
  chosen: readonly StoredRecording[] = [],
): Promise<void> {
  const others = chosen.filter(({ path }) => path !== recording.path);
  const other = others.length === 1 ? others[0] : await askOther(tracer, recording);
  if (!other) return;
  const [a, b] = [recording, other].sort((x, y) => x.modifiedMs - y.modifiedMs);
  const title = `${titleOf(a)} → ${titleOf(b)}`;
  const output = tracer.recordings.newPath(title);
  await runCommandLine(tracer.cliScript, ['compare', a.path, b.path, '--output', output, '--json']);
  const { facts } = b;
  if (facts) await tracer.recordings.remember(output, { ...facts, title });
  tracer.recordings.refresh();
  await openRecording(output, false);
}

async function askOther(tracer: Tracer, recording: StoredRecording): Promise<StoredRecording | undefined> {
  const others = (await tracer.recordings.list()).filter(({ path }) => path !== recording.path);
  const items = others.map((one) => ({
    label: titleOf(one),
    description: new Date(one.modifiedMs).toLocaleString(),
    one,
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Compare {0} With…', titleOf(recording)),
    placeHolder: vscode.l10n.t('The older recording is what the newer one is compared with'),
  });
  return chosen?.one;
}
