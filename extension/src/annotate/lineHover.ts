// The hover of a hot line: samples with their sampling error, callers, goroutines, threads. Registered by annotator.ts.

import * as vscode from 'vscode';
import type { NamedSamples, ProfileIndex } from '../profile/profileIndex';
import { samplingError95 } from '../profile/samplingError';
import { formatCount, formatShare } from '../session/format';
import { lineHeatEnabled } from '../settings';
import type { Annotator } from './annotator';

const LISTED = 4;
/** Of a goroutine: a server starts one a request, and those with a sample each tell nothing. */
const TELLING_SAMPLES = 2;

export class LineHover implements vscode.HoverProvider {
  constructor(private readonly annotator: Annotator) {}

  provideHover(document: vscode.TextDocument, position: vscode.Position): vscode.Hover | null {
    const state = this.annotator.stateOf(document);
    if (!state || !lineHeatEnabled()) return null;
    const { index, heat, tracker, stale } = state;
    const recorded = tracker.recordedAt(position.line + 1);
    const counts = recorded === null ? undefined : heat.lines.get(recorded);
    if (recorded === null || !counts) return null;
    const text = new vscode.MarkdownString();
    text.supportThemeIcons = true;
    text.appendMarkdown('$(flame) ');
    text.appendText(vscode.l10n.t('{0} of {1} samples', formatCount(counts.total), formatCount(index.samples)));
    text.appendMarkdown('\n\n');
    text.appendText(
      vscode.l10n.t('self {0} · total {1} (95 % sure)', withError(index, counts.self), withError(index, counts.total)),
    );
    text.appendMarkdown('\n\n');
    appendList(text, vscode.l10n.t('Called from'), index, index.callersAt(heat, recorded));
    const goroutines = index.goroutinesAt(heat, recorded).filter(({ samples }) => samples >= TELLING_SAMPLES);
    appendList(text, vscode.l10n.t('Goroutines'), index, goroutines);
    appendList(text, vscode.l10n.t('Threads of this function'), index, index.threadsAt(heat, recorded));
    if (stale) text.appendText(vscode.l10n.t('The file was edited since it was recorded: the figures may not fit.'));
    return new vscode.Hover(text, document.lineAt(position.line).range);
  }
}

/** `12 % ± 1.3`: half the 95 % interval, in points. */
function withError(index: ProfileIndex, samples: number): string {
  const share = index.share(samples);
  const points = (samplingError95(share, index.samples) * 100).toFixed(1);
  return `${formatShare(share)} ± ${points}`;
}

function appendList(text: vscode.MarkdownString, title: string, index: ProfileIndex, list: NamedSamples[]): void {
  if (list.length === 0) return;
  text.appendText(`${title}:`);
  text.appendMarkdown('\n');
  for (const { name, samples } of list.slice(0, LISTED)) {
    text.appendMarkdown('- ');
    text.appendText(`${name}  ${formatShare(index.share(samples))}`);
    text.appendMarkdown('\n');
  }
  if (list.length > LISTED) {
    text.appendMarkdown('- ');
    text.appendText(vscode.l10n.t('{0} more', list.length - LISTED));
    text.appendMarkdown('\n');
  }
  text.appendMarkdown('\n');
}
