// How long a recording lasts, as it is chosen in the picker: until it is stopped, for some time, or for some samples.

import * as vscode from 'vscode';

export interface RecordingLimit {
  /** null: no limit of time. */
  durationMs: number | null;
  /** null: no limit of samples. */
  samples: number | null;
}

const SECONDS = [5, 10, 30, 60, 300];
const SAMPLES = [1_000, 10_000];
const MAX_SECONDS = 7 * 24 * 3600;

export function limitText({ durationMs, samples }: RecordingLimit): string {
  if (samples !== null) return vscode.l10n.t('{0} samples', samples.toLocaleString('en-US'));
  if (durationMs !== null) return vscode.l10n.t('{0} s', durationMs / 1000);
  return vscode.l10n.t('until stopped');
}

/** `90`, `90s`, `5 min`, `2h`, `5000 samples`; null: it is none of these. */
export function parseLimit(text: string): RecordingLimit | null {
  const [, number, unit = 's'] = /^\s*(\d{1,9}(?:\.\d+)?)\s*(s|sec|m|min|h|samples?)?\s*$/i.exec(text) ?? [];
  const value = Number(number);
  if (number === undefined || value <= 0) return null;
  if (/^samples?$/i.test(unit)) return { durationMs: null, samples: Math.round(value) };
  const seconds = value * (/^m/i.test(unit) ? 60 : /^h/i.test(unit) ? 3600 : 1);
  return seconds <= MAX_SECONDS ? { durationMs: Math.round(seconds * 1000), samples: null } : null;
}

/** undefined: the user closed it. */
export async function askLimit(now: RecordingLimit): Promise<RecordingLimit | undefined> {
  const limits: RecordingLimit[] = [
    { durationMs: null, samples: null },
    ...SECONDS.map((seconds) => ({ durationMs: seconds * 1000, samples: null })),
    ...SAMPLES.map((samples) => ({ durationMs: null, samples })),
  ];
  const other = { label: vscode.l10n.t('Other…'), limit: null };
  const picked = await vscode.window.showQuickPick(
    [
      ...limits.map((limit) => ({
        label: limitText(limit),
        limit,
        picked: JSON.stringify(limit) === JSON.stringify(now),
      })),
      other,
    ],
    { title: vscode.l10n.t('How Long to Record') },
  );
  if (!picked) return undefined;
  if (picked.limit) return picked.limit;
  const text = await vscode.window.showInputBox({
    title: vscode.l10n.t('How Long to Record'),
    placeHolder: vscode.l10n.t('90, 5 min, 5000 samples'),
    validateInput: (value) =>
      parseLimit(value) ? undefined : vscode.l10n.t('A number of seconds, minutes (min), hours (h) or samples.'),
  });
  return text === undefined ? undefined : (parseLimit(text) ?? undefined);
}
