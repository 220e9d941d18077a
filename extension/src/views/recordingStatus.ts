// The line over the flame graph: what is being recorded, or what to know of a recording that ended.

import * as vscode from 'vscode';
import {
  BROKEN_STACKS_SAID,
  errorReport,
  mostFrequentCause,
  type RecordingExtra,
  type StopReason,
  type TruncationReason,
} from '../../../helper/src/protocol';
import type { StatusAction } from '../../../webview/src/messages';
import { formatCounted } from '../session/counted';
import { formatCount, formatElapsed, formatShare } from '../session/format';
import type { RecordingSession, SessionEnd } from '../session/recordingSession';

export interface RecordingStatus {
  text: string;
  severity: 'info' | 'warning' | 'error';
  actions?: StatusAction[];
}

/** So long a process may use no CPU time before the page says so. */
const WAITS_AFTER_MS = 2_000;

/** How a recording of this window ended, as long as its page is open; not told of those that were opened. */
const ENDS: Partial<Record<StopReason, (elapsed: string) => string>> = {
  exited: (elapsed) => vscode.l10n.t('The process exited after {0}.', elapsed),
  duration: (elapsed) => vscode.l10n.t('Recorded for {0}, as asked.', elapsed),
  stopped: (elapsed) => vscode.l10n.t('Stopped after {0}.', elapsed),
};

/** What is told of a session that just ended: how, and what went wrong; a warning about its file stands behind it. */
export function endStatus(
  end: Pick<SessionEnd, 'summary' | 'error' | 'count'>,
  { elapsedMs, pids }: { elapsedMs: number; pids: readonly number[] },
  extra: RecordingExtra | null,
): RecordingStatus {
  const actions: StatusAction[] = ['recordAgain'];
  const error = end.error ?? (end.count === 0 ? errorReport('NOTHING_RECORDED_IDLE', pids.join(', ')) : null);
  if (error) return { text: `${error.message} ${error.fix}`, severity: 'error', actions };
  const reason = end.summary?.stopReason ?? 'stopped';
  const seconds = ((end.summary?.durationMs ?? elapsedMs) / 1000).toFixed(1);
  const how = ENDS[reason]?.(vscode.l10n.t('{0} s', seconds)) ?? '';
  const file = recordingStatus(null, extra);
  return { text: [how, file.text].filter((text) => text !== '').join(' '), severity: file.severity, actions };
}

/** What to do about stacks that are not whole, by their cause; {0}: their share. */
const ADVICE: Record<TruncationReason, (share: string) => string> = {
  noFramePointer: (share) =>
    vscode.l10n.t('{0} of the stacks are not whole: build with -fno-omit-frame-pointer to see all callers.', share),
  noUnwindInfo: (share) =>
    vscode.l10n.t(
      '{0} of the stacks are not whole: some code has no unwind information; compilers write it with -fasynchronous-unwind-tables.',
      share,
    ),
  stripped: (share) =>
    vscode.l10n.t(
      '{0} of the stacks are not whole: unwind information was stripped from a file; keep its .eh_frame, or install its debug file.',
      share,
    ),
  jitCode: (share) =>
    vscode.l10n.t(
      '{0} of the stacks are not whole: they lead through code made at run time; let its runtime keep frame pointers.',
      share,
    ),
  tablesNotReady: (share) =>
    vscode.l10n.t(
      '{0} of the stacks are not whole: the unwind tables were not ready yet; record once more, they are kept.',
      share,
    ),
  unreadableFile: (share) =>
    vscode.l10n.t('{0} of the stacks are not whole: a file that they lead through could not be read.', share),
  tooDeep: (share) =>
    vscode.l10n.t(
      '{0} of the stacks are not whole: they are deeper than the setting ebpfTracer.maxFrames allows.',
      share,
    ),
  code32Bit: (share) => vscode.l10n.t('{0} of the stacks are not whole: 32-bit code is not supported.', share),
  badAddress: other,
  unreadableStack: other,
  unexpressible: other,
  unknown: other,
};

function other(share: string): string {
  return vscode.l10n.t('{0} of the stacks are not whole.', share);
}

export function recordingStatus(session: RecordingSession | null, extra: RecordingExtra | null): RecordingStatus {
  if (session) {
    const text = vscode.l10n.t(
      'Recording {0}: {1} · {2}',
      session.subject.title,
      formatElapsed(session.elapsedMs),
      formatCounted(session.tracers),
    );
    const waits = session.count === 0 && session.elapsedMs > WAITS_AFTER_MS && session.subject.tracers.includes('cpu');
    const waiting = vscode.l10n.t('0 ms CPU in {0} s: it waits', Math.round(session.elapsedMs / 1000));
    return { text: waits ? waiting : text, severity: 'info', actions: session.state === 'recording' ? ['stop'] : [] };
  }
  if (!extra) return { text: '', severity: 'info' };
  if (extra.stopReason === 'helperDied') {
    const text = vscode.l10n.t('The helper ended in mid-recording: what had arrived by then is shown.');
    return { text, severity: 'warning' };
  }
  if (extra.stopReason === 'diskFull') {
    return { text: vscode.l10n.t('The disk was full: the last part is missing.'), severity: 'warning' };
  }
  const [{ samples, wholeStacks, truncated }] = extra.metrics;
  const taken = samples + extra.lost;
  if (extra.lost > 0) {
    const text = vscode.l10n.t('{0} of {1} samples were lost.', formatCount(extra.lost), formatCount(taken));
    return { text, severity: 'warning' };
  }
  const broken = samples > 0 ? 1 - wholeStacks / samples : 0;
  if (broken > BROKEN_STACKS_SAID) {
    const cause = mostFrequentCause(truncated) ?? 'unknown';
    // A newer version's file may know causes that this one does not.
    const advice = Object.hasOwn(ADVICE, cause) ? ADVICE[cause] : other;
    const text = advice(formatShare(broken));
    return { text, severity: 'warning' };
  }
  return { text: '', severity: 'info' };
}
