// The line over everything: what was recorded, how completely, and what the extension has to say; one button opens the details
// (conditions of the recording, broken files, warnings).
import * as l10n from '@vscode/l10n';
import {
  type Losses,
  type RecordingExtra,
  runtimeTitle,
  type StopReason,
  type TruncationReason,
  type UnnamedFile,
  visibleText,
} from '../../../helper/src/protocol';
import type { Recording } from '../load';
import type { StatusAction, ToWebview } from '../messages';
import { formatCount, formatMs, formatShare } from '../shares';
import { element } from './element';

type Status = Extract<ToWebview, { type: 'status' }>;

const REASONS: Record<TruncationReason, () => string> = {
  noFramePointer: () => l10n.t('no frame pointer'),
  tooDeep: () => l10n.t('stack too deep'),
  badAddress: () => l10n.t('bad address'),
  noUnwindInfo: () => l10n.t('no unwind information'),
  unreadableStack: () => l10n.t('unreadable stack'),
  unexpressible: () => l10n.t('unusual unwind information'),
  code32Bit: () => l10n.t('32-bit code'),
  tablesNotReady: () => l10n.t('unwind tables not ready'),
  jitCode: () => l10n.t('code made at run time'),
  stripped: () => l10n.t('unwind information stripped'),
  unreadableFile: () => l10n.t('file not readable'),
  unknown: () => l10n.t('unknown reason'),
};

const ACTIONS: Record<StatusAction, () => string> = {
  stop: () => l10n.t('Stop'),
  recordAgain: () => l10n.t('Record Again'),
};

const ENDS: Partial<Record<StopReason, () => string>> = {
  helperDied: () => l10n.t('cut short: the tracer ended unexpectedly'),
  diskFull: () => l10n.t('cut short: the disk was full'),
  error: () => l10n.t('cut short by an error'),
};

/** The parts of the line, most important first; `warning` marks those that lessen the recording's worth. */
export function summaryParts(
  recording: Recording,
  live: boolean,
): { text: string; title?: string; warning?: boolean }[] {
  const { extra } = recording;
  const figures = extra?.metrics[0];
  if (!extra || !figures) {
    const { oddEvents } = recording;
    const about = [{ text: l10n.t('Written by another program') }, { text: recording.name }];
    if (oddEvents === 0) return about;
    const title = l10n.t(
      'Frames that were never opened or never closed, or closed in another order: each is counted from where it began to where it ended, as far as the file says',
    );
    return [
      ...about,
      { text: l10n.t('{0} events do not fit each other', formatCount(oddEvents)), title, warning: true },
    ];
  }
  const parts: { text: string; title?: string; warning?: boolean }[] = [
    ...countedParts(extra, figures.samples),
    { text: formatMs(extra.durationMs) },
    ...(extra.frequencyHz === undefined
      ? []
      : [{ text: l10n.t('{0} Hz', formatCount(extra.frequencyHz)), title: l10n.t('Samples a second on each CPU') }]),
    {
      text: l10n.t('{0} lost', formatCount(extra.lost)),
      title: l10n.t('Samples that the kernel took but could not hand over'),
      warning: extra.lost > 0,
    },
  ];
  const truncated = Object.entries(figures.truncated).filter(([, count]) => count > 0) as [TruncationReason, number][];
  const sum = truncated.reduce((all, [, count]) => all + count, 0);
  if (sum > 0)
    parts.push({
      text: l10n.t('{0} of stacks cut off', formatShare(sum / Math.max(1, figures.samples))),
      title: truncated
        .sort((a, b) => b[1] - a[1])
        .map(
          ([reason, count]) => `${Object.hasOwn(REASONS, reason) ? REASONS[reason]() : reason}: ${formatCount(count)}`,
        )
        .join('\n'),
      warning: sum > figures.samples / 20,
    });
  // Another version's file may know reasons that this one does not, and a hostile one names what every object has.
  const end = Object.hasOwn(ENDS, extra.stopReason) ? ENDS[extra.stopReason] : undefined;
  if (end) parts.push({ text: end(), warning: true });
  else if (!extra.complete && !live) parts.push({ text: l10n.t('incomplete'), warning: true });
  return parts;
}

/** Samples, and what other tracers counted; a recording without samples of stacks says nothing of them. */
function countedParts({ tracers, metrics }: RecordingExtra, samples: number): { text: string }[] {
  const isSampled =
    !tracers || samples > 0 || tracers.some(({ id }) => id === metrics[0].id && metrics[0].period !== null);
  const others = (tracers ?? []).filter(({ id }) =>
    metrics.every((metric) => metric.id !== id || metric.period === null),
  );
  return [
    ...(isSampled ? [{ text: l10n.t('{0} samples', formatCount(samples)) }] : []),
    ...others.map(({ unit, count }) => ({
      text:
        unit === 'requests' ? l10n.t('{0} requests', formatCount(count)) : `${formatCount(count)} ${visibleText(unit)}`,
    })),
  ];
}

/** Remarks shown over the graph; a recording of many processes may have more. */
const MAX_REMARKS = 3;
const MAX_REMARK_CHARS = 600;

/** Of runtimes whose functions are not in the stacks: which, why, and the way out, most processes first. */
export function runtimeRemarks(recording: Recording): string[] {
  const unread = (recording.extra?.health.runtimes ?? []).flatMap((one) => (one.status === 'nativeOnly' ? [one] : []));
  return unread
    .sort((a, b) => b.processes - a.processes)
    .slice(0, MAX_REMARKS)
    .map((one) => {
      const why = `${l10n.t('{0}: native frames only', runtimeTitle(one))} (${one.reason}).`;
      return visibleText(`${why} ${one.fix ?? ''}`.trim().slice(0, MAX_REMARK_CHARS));
    });
}

export class StatusLine {
  readonly root: HTMLElement;
  private readonly dot = element('span', { class: 'live-dot', role: 'img', 'aria-label': l10n.t('Recording') });
  private readonly summary = element('span', { class: 'summary' });
  private readonly message = element('span', { class: 'message', role: 'status', 'aria-live': 'polite' });
  private readonly remarks = element('div', { class: 'remarks', hidden: true });
  private readonly panel = element('div', { class: 'details', id: 'details', role: 'region', hidden: true });
  private readonly button: HTMLButtonElement;
  private readonly warnings: Status[] = [];
  private readonly actions = element('span', { class: 'actions' });
  private said: Pick<Status, 'text' | 'severity'> = { text: '', severity: 'info' };
  private recording: Recording | null = null;

  constructor(private readonly onAct: (action: StatusAction) => void) {
    this.dot.hidden = true;
    this.panel.setAttribute('aria-label', l10n.t('Recording details'));
    this.button = element(
      'button',
      {
        type: 'button',
        class: 'details-button',
        'aria-expanded': 'false',
        'aria-controls': 'details',
        onclick: () => this.toggle(this.panel.hidden === true),
      },
      l10n.t('Details'),
    );
    this.root = element(
      'header',
      {
        class: 'status',
        onkeydown: (event: KeyboardEvent) => {
          if (event.key !== 'Escape' || this.panel.hidden) return;
          this.toggle(false);
          this.button.focus();
        },
      },
      this.dot,
      element('div', { class: 'status-texts' }, this.summary, this.message, this.remarks),
      this.actions,
      this.button,
      this.panel,
    );
    document.addEventListener('mousedown', (event) => {
      if (event.target instanceof Node && !this.root.contains(event.target)) this.toggle(false);
    });
  }

  show(recording: Recording, live: boolean): void {
    this.recording = recording;
    this.dot.hidden = !live;
    this.summary.replaceChildren(
      ...summaryParts(recording, live).map(({ text, title, warning }) =>
        element('span', { class: warning ? 'part warning' : 'part', title: title ?? null }, text),
      ),
    );
    const remarks = runtimeRemarks(recording);
    this.remarks.hidden = remarks.length === 0;
    this.remarks.replaceChildren(...remarks.map((text) => element('p', {}, text)));
    this.refreshDetails();
  }

  say(status: Status): void {
    const { text, severity } = status;
    this.offer(status.actions ?? []);
    if (text === this.said.text && severity === this.said.severity) return;
    this.said = status;
    if (severity !== 'info' && text !== '' && !this.warnings.some((known) => known.text === text))
      this.warnings.push(status);
    this.message.className = `message ${severity}`;
    this.message.textContent = text;
    this.refreshDetails();
  }

  private offer(actions: readonly StatusAction[]): void {
    const offered = [...this.actions.querySelectorAll('button')].map(({ dataset }) => dataset.action);
    // A button that is told of each second keeps the focus.
    if (offered.join() === actions.join()) return;
    this.actions.replaceChildren(
      ...actions.map((action) =>
        element(
          'button',
          { type: 'button', class: 'action', 'data-action': action, onclick: () => this.onAct(action) },
          ACTIONS[action](),
        ),
      ),
    );
  }

  private toggle(open: boolean): void {
    this.panel.hidden = !open;
    this.button.setAttribute('aria-expanded', String(open));
  }

  private refreshDetails(): void {
    const rows: [string, string][] = this.recording?.extra ? detailRows(this.recording.extra) : [];
    const problems = [
      ...this.warnings.map(({ text, severity }) => ({ text, severity })),
      ...(this.recording?.extra?.errors ?? []).map(({ message, fix }) => ({
        text: `${message} ${fix}`,
        severity: 'error',
      })),
    ];
    this.button.classList.toggle('warning', problems.length > 0 || !!this.recording?.extra?.health.badFiles.length);
    this.button.disabled = rows.length === 0 && problems.length === 0;
    this.panel.replaceChildren(
      ...problems.map(({ text, severity }) => element('p', { class: `problem ${severity}` }, text)),
      element('dl', {}, ...rows.flatMap(([term, text]) => [element('dt', {}, term), element('dd', {}, text)])),
    );
  }
}

function detailRows(extra: RecordingExtra): [string, string][] {
  const { health } = extra;
  const figures = extra.metrics[0];
  const rows: [string, string][] = [
    [l10n.t('Process'), `${extra.pid}: ${extra.command}`],
    [l10n.t('Started'), new Date(extra.startedAt).toLocaleString(document.documentElement.lang || undefined)],
    [l10n.t('Kernel'), `${extra.kernel} (${extra.arch})`],
    [l10n.t('Threads'), formatCount(extra.threads.length)],
    [l10n.t('Whole stacks'), formatShare(figures.wholeStacks / Math.max(1, figures.samples))],
    [l10n.t('Frames with a name'), formatShare(figures.symbolizedFrames / Math.max(1, figures.frames))],
  ];
  for (const step of extra.attach)
    rows.push([
      l10n.t('Attached: {0}', step.what),
      [step.taken ?? l10n.t('nothing'), ...step.refused.map(({ rung, why }) => l10n.t('not {0}: {1}', rung, why))].join(
        '; ',
      ),
    ]);
  rows.push(...lossRows(health.losses));
  if (figures.timeBucketMs)
    rows.push([
      l10n.t('Time order'),
      l10n.t('kept within {0}, so that the file stays small', formatMs(figures.timeBucketMs)),
    ]);
  rows.push([
    l10n.t('Cost of recording'),
    [
      l10n.t('helper {0} CPU', formatMs(health.helperCpuMs)),
      l10n.t('{0} MB', formatCount(health.helperRssBytes / 1e6)),
      ...(health.bpfNs === null ? [] : [l10n.t('BPF {0}', formatMs(health.bpfNs / 1e6))]),
    ].join(', '),
  ]);
  for (const { path, why } of health.badFiles) rows.push([l10n.t('Symbols of {0} not read', path), why]);
  for (const file of health.unnamedFiles ?? [])
    rows.push([l10n.t('Functions of {0} without names', file.path), `${formatShare(file.share)}: ${howToName(file)}`]);
  return rows;
}

function howToName({ from }: UnnamedFile): string {
  if (from === null) return l10n.t('keep its symbols (do not strip it), or set ebpfTracer.debugFileDirectories');
  const { package: name, server } = from;
  if (name !== null && server !== null)
    return l10n.t('install {0}, or add {1} to the setting ebpfTracer.debuginfodUrls', name, server);
  if (name !== null) return l10n.t('install {0}', name);
  if (server !== null) return l10n.t('add {0} to the setting ebpfTracer.debuginfodUrls', server);
  return l10n.t('install the debug symbols of its package');
}

/** What is missing, in the order of how much it matters; nothing for what is 0. */
export function lossRows(losses: Losses | undefined): [string, string][] {
  if (!losses) return [];
  const rows: [string, number, string][] = [
    [
      l10n.t('Processes not recorded'),
      losses.refusedProcesses,
      l10n.t('they have rights that you do not have (sudo, set-user-id programs)'),
    ],
    [l10n.t('Samples not taken'), losses.refusedSamples, l10n.t('of processes with rights that you do not have')],
    [l10n.t('Children not followed'), losses.unfollowedProcesses, l10n.t('too many processes at once')],
    [l10n.t('Process records lost'), losses.processRecords, l10n.t('some names may be wrong')],
    [l10n.t('Mapping records lost'), losses.mappingRecords, l10n.t('some code may be without names')],
    [l10n.t('Samples without their stack'), losses.samplesWithoutStack, l10n.t('its record was lost')],
    [l10n.t('Unwind tables evicted'), losses.evictedTables, l10n.t('some stacks may be cut off')],
    [
      l10n.t('Runtimes not walked'),
      losses.skippedRuntimeWalks,
      l10n.t('these samples lack the frames of their language runtime'),
    ],
    [l10n.t('Samples left out'), losses.filteredSamples, l10n.t('in the kernel, as asked')],
  ];
  return rows.filter(([, count]) => count > 0).map(([term, count, text]) => [term, `${formatCount(count)}: ${text}`]);
}
