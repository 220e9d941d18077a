// Figures of the active recording's stacks: lines and functions by how often they were met, with callers, execution contexts and threads.

import * as vscode from 'vscode';
import { type ContextKind, type Metric, samplingError95, visibleText } from '../../../helper/src/protocol';
import { Command } from '../contributions';
import type { FileHeat, NamedFigure, ProfileIndex } from '../profile/profileIndex';
import type { ProfileStore } from '../profile/profileStore';
import { isNewerThanBinary } from '../profile/staleness';
import { formatAmount, formatCount, formatShare } from '../session/format';
import { minimumShare } from '../settings';
import type { FigureSource, FileFigures, LensFigure, LineFigure } from './figures';
import { hotLines } from './heat';

const LISTED = 4;
/** Of an execution context: a server starts one per request, and those with a sample each tell nothing. */
const TELLING_SAMPLES = 2;
const CONTEXT_TITLES: Record<ContextKind, () => string> = {
  goroutine: () => vscode.l10n.t('Goroutines'),
  task: () => vscode.l10n.t('Tasks'),
};

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
    return hotLines(this.heat.lines, this.index.metric.total, minimumShare());
  }

  amount(share: number, unit: 'time' | 'samples'): string | null {
    const { metric } = this.index;
    const figure = share * metric.total;
    if (unit === 'samples') return metric.period === null ? null : formatCount(figure);
    if (metric.unit !== 'nanoseconds') return null;
    return formatAmount(figure * (metric.period ?? 1), { ...metric, period: null });
  }

  lenses(): LensFigure[] {
    const { index } = this;
    return this.heat.functions
      .filter(({ total }) => index.share(total) >= minimumShare())
      .map(({ line, name, frame, self, total }) => ({
        line,
        title: vscode.l10n.t(
          'self {0} · total {1} · {2}',
          formatShare(index.share(self)),
          formatShare(index.share(total)),
          formatFigure(total, index.metric),
        ),
        tooltip: vscode.l10n.t('Show {0} in the Flame Graph', visibleText(name)),
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
    text.appendText(
      vscode.l10n.t(
        '{0} of {1}',
        formatAmount(counts.total, index.metric),
        formatFigure(index.metric.total, index.metric),
      ),
    );
    text.appendMarkdown('\n\n');
    const shares = [counts.self, counts.total].map((figure) => withError(index, figure));
    text.appendText(
      index.metric.period === null
        ? vscode.l10n.t('self {0} · total {1}', ...shares)
        : vscode.l10n.t('self {0} · total {1} (95 % sure)', ...shares),
    );
    text.appendMarkdown('\n\n');
    appendList(text, vscode.l10n.t('Called from'), index, index.callersAt(heat, line));
    for (const [kind, title] of Object.entries(CONTEXT_TITLES) as [ContextKind, () => string][]) {
      const contexts = index.contextsAt(kind, heat, line).filter(({ figure }) => figure >= TELLING_SAMPLES);
      appendList(text, title(), index, contexts);
    }
    appendList(text, vscode.l10n.t('Threads of this function'), index, index.threadsAt(heat, line));
    return text;
  }

  isOutdated(): Promise<boolean> {
    const { index, heat } = this;
    const known = index.extra.sources.find(({ file }) => file === heat.file);
    return isNewerThanBinary(known, this.path);
  }
}

/** A figure with the word for what it counts: `1,204 samples`, `3.1 s`. */
function formatFigure(figure: number, metric: Metric): string {
  const amount = formatAmount(figure, metric);
  if (metric.period !== null) return vscode.l10n.t('{0} samples', amount);
  return metric.unit === 'count' ? vscode.l10n.t('{0} times', amount) : amount;
}

/** `12 % ± 1.3`: half the 95 % interval, in points; without it where the metric was measured, not sampled. */
function withError(index: ProfileIndex, figure: number): string {
  const share = index.share(figure);
  if (index.metric.period === null) return formatShare(share);
  return `${formatShare(share)} ± ${(samplingError95(share, index.metric.total) * 100).toFixed(1)}`;
}

function appendList(text: vscode.MarkdownString, title: string, index: ProfileIndex, list: NamedFigure[]): void {
  if (list.length === 0) return;
  text.appendText(`${title}:`);
  text.appendMarkdown('\n');
  for (const { name, figure } of list.slice(0, LISTED)) {
    text.appendMarkdown('- ');
    text.appendText(`${visibleText(name)}  ${formatShare(index.share(figure))}`);
    text.appendMarkdown('\n');
  }
  if (list.length > LISTED) {
    text.appendMarkdown('- ');
    text.appendText(vscode.l10n.t('{0} more', list.length - LISTED));
    text.appendMarkdown('\n');
  }
  text.appendMarkdown('\n');
}
