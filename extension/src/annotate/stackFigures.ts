// Figures of the active recording's stacks: lines and functions by how often they were met, with callers, goroutines and threads.

import * as vscode from 'vscode';
import { Command } from '../contributions';
import type { FileHeat, NamedSamples, ProfileIndex } from '../profile/profileIndex';
import type { ProfileStore } from '../profile/profileStore';
import { samplingError95 } from '../profile/samplingError';
import { isNewerThanBinary } from '../profile/staleness';
import { formatCount, formatShare } from '../session/format';
import { minimumShare } from '../settings';
import type { FigureSource, FileFigures, LensFigure, LineFigure } from './figures';
import { hotLines } from './heat';

const LISTED = 4;
/** Of a goroutine: a server starts one a request, and those with a sample each tell nothing. */
const TELLING_SAMPLES = 2;

export class StackFigures implements FigureSource {
  readonly id = 'stacks';
  readonly onDidChange: vscode.Event<void>;

  constructor(private readonly profiles: ProfileStore) {
    this.onDidChange = profiles.onDidChange;
  }

  figuresOf(file: vscode.Uri): FileFigures | null {
    const index = this.profiles.active;
    const heat = file.scheme === 'file' ? this.profiles.heatOf(file.fsPath) : null;
    return index && heat ? new StackFileFigures(index, heat, file.fsPath) : null;
  }

  dispose(): void {}
}

class StackFileFigures implements FileFigures {
  readonly identity: string;
  readonly final: boolean;

  constructor(
    private readonly index: ProfileIndex,
    private readonly heat: FileHeat,
    private readonly path: string,
  ) {
    this.identity = index.path;
    this.final = index.extra.complete;
  }

  lines(): LineFigure[] {
    return hotLines(this.heat.lines, this.index.samples, minimumShare());
  }

  lenses(): LensFigure[] {
    const { index } = this;
    return this.heat.functions
      .filter(({ total }) => index.share(total) >= minimumShare())
      .map(({ line, name, frame, self, total }) => ({
        line,
        title: vscode.l10n.t(
          'self {0} · total {1} · {2} samples',
          formatShare(index.share(self)),
          formatShare(index.share(total)),
          formatCount(total),
        ),
        tooltip: vscode.l10n.t('Show {0} in the Flame Graph', name),
        command: Command.showInFlameGraph,
        arguments: [index.path, frame],
      }));
  }

  hover(line: number): vscode.MarkdownString | null {
    const { index, heat } = this;
    const counts = heat.lines.get(line);
    if (!counts) return null;
    const text = new vscode.MarkdownString();
    text.supportThemeIcons = true;
    text.appendMarkdown('$(flame) ');
    text.appendText(vscode.l10n.t('{0} of {1} samples', formatCount(counts.total), formatCount(index.samples)));
    text.appendMarkdown('\n\n');
    text.appendText(
      vscode.l10n.t('self {0} · total {1} (95 % sure)', withError(index, counts.self), withError(index, counts.total)),
    );
    text.appendMarkdown('\n\n');
    appendList(text, vscode.l10n.t('Called from'), index, index.callersAt(heat, line));
    const goroutines = index.goroutinesAt(heat, line).filter(({ samples }) => samples >= TELLING_SAMPLES);
    appendList(text, vscode.l10n.t('Goroutines'), index, goroutines);
    appendList(text, vscode.l10n.t('Threads of this function'), index, index.threadsAt(heat, line));
    return text;
  }

  isOutdated(): Promise<boolean> {
    const { index, heat } = this;
    const known = index.extra.sources.find(({ file }) => index.absolute(file) === heat.file);
    return isNewerThanBinary(known, this.path);
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
