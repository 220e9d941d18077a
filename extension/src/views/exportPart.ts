// Exports are of what a recording's page shows, or of the whole recording: asked where the two differ.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as vscode from 'vscode';
import { foldsNothing, parseRecording, readRecordingText } from '../../../helper/src/protocol';
import { TEXT_TOOLS } from '../profile/recordingText';
import { partOf, rangeText, type ShownPart, showsAll } from '../profile/shownPart';

/** A recording file to export; `dispose` when that is done. */
export interface ExportSource {
  path: string;
  dispose(): Promise<void>;
}

/** `shown`: what its open page shows; null: it is not open. undefined: the user closed the question. */
export async function exportSource(path: string, shown: ShownPart | null): Promise<ExportSource | undefined> {
  const whole: ExportSource = { path, dispose: async () => undefined };
  if (shown === null || showsAll(shown)) return whole;
  const range = shown.range === null ? '' : rangeText(shown.range);
  const folded = foldsNothing(shown.rule) ? '' : vscode.l10n.t('some functions folded into their callers');
  const part = {
    label: vscode.l10n.t('What its page shows'),
    description: [range, folded].filter((text) => text !== '').join(', '),
  };
  const all = { label: vscode.l10n.t('The whole recording'), description: '' };
  const picked = await vscode.window.showQuickPick([part, all], { title: vscode.l10n.t('Export Recording') });
  if (!picked) return undefined;
  return picked === all ? whole : partSource(path, shown);
}

/** That part as a file of its own, in a folder that nobody else can read. */
async function partSource(path: string, shown: ShownPart): Promise<ExportSource> {
  const recording = partOf(parseRecording(await readRecordingText(path, TEXT_TOOLS), path), shown);
  const folder = await mkdtemp(join(tmpdir(), 'ebpf-tracer-export-'));
  const copy = join(folder, basename(path));
  await writeFile(copy, `${JSON.stringify(recording)}\n`, { mode: 0o600 });
  return { path: copy, dispose: () => rm(folder, { recursive: true, force: true }) };
}
