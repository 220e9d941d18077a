// The line over the flame graph: what is being recorded, or what to know of a recording that ended. Called by the
// recording editor.

import * as vscode from 'vscode';
import type { RecordingExtra } from '../../../helper/src/protocol';
import { formatCount, formatElapsed, formatShare } from '../session/format';
import type { RecordingSession } from '../session/recordingSession';

export interface RecordingStatus {
  text: string;
  severity: 'info' | 'warning' | 'error';
}

/** Shares of broken stacks under this are no news. */
const BROKEN_STACKS_SAID = 0.2;

export function recordingStatus(session: RecordingSession | null, extra: RecordingExtra | null): RecordingStatus {
  if (session) {
    const text = vscode.l10n.t(
      'Recording {0}: {1} · {2} samples',
      session.subject.title,
      formatElapsed(session.elapsedMs),
      formatCount(session.samples),
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
  const [{ samples, wholeStacks }] = extra.metrics;
  const taken = samples + extra.lost;
  if (extra.lost > 0) {
    const text = vscode.l10n.t('{0} of {1} samples were lost.', formatCount(extra.lost), formatCount(taken));
    return { text, severity: 'warning' };
  }
  const broken = samples > 0 ? 1 - wholeStacks / samples : 0;
  if (broken > BROKEN_STACKS_SAID) {
    const text = vscode.l10n.t(
      '{0} of the stacks are not whole: build with -fno-omit-frame-pointer to see all callers.',
      formatShare(broken),
    );
    return { text, severity: 'warning' };
  }
  return { text: '', severity: 'info' };
}
