// The line over the flame graph: what is being recorded, or what to know of a recording that ended.

import * as vscode from 'vscode';
import {
  BROKEN_STACKS_SAID,
  mostFrequentCause,
  type RecordingExtra,
  type TruncationReason,
} from '../../../helper/src/protocol';
import { formatCounted } from '../session/counted';
import { formatCount, formatElapsed, formatShare } from '../session/format';
import type { RecordingSession } from '../session/recordingSession';

export interface RecordingStatus {
  text: string;
  severity: 'info' | 'warning' | 'error';
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
    return { text, severity: 'info' };
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
