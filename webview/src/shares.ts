// Numbers as people read them: shares with their sampling error, sample counts, durations.
import * as l10n from '@vscode/l10n';
import { type Metric, shareInterval95 } from '../../helper/src/protocol';
import type { StackProfile, Unit } from './load';

const locale =
  (typeof document !== 'undefined' && document.querySelector<HTMLMetaElement>('meta[name=lang]')?.content) || 'en';
const counts = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const twoDigits = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

const plain = new Intl.NumberFormat(locale, { maximumFractionDigits: 3 });

export const formatCount = (count: number): string => counts.format(count);

/** 0.1234 -> `12.3 %`; a share too small for one digit gets two, none and all have no digits. The space does not break. */
export function formatShare(share: number): string {
  const percent = share * 100;
  const format = percent === 0 || percent === 100 ? counts : percent < 0.095 ? twoDigits : oneDigit;
  return `${format.format(percent)}\u00a0%`;
}

/** A weight in its profile's unit: `1.24 s`, `356 ms`, `12 samples`, `4.0 MB`. */
export function formatWeight(weight: number, unit: Unit): string {
  switch (unit) {
    case 'samples':
      return l10n.t('{0} samples', formatCount(weight));
    case 'none':
      return plain.format(weight);
    case 'bytes': {
      const power = weight < 1e3 ? 0 : weight < 1e6 ? 1 : weight < 1e9 ? 2 : 3;
      return `${(power === 0 ? counts : oneDigit).format(weight / 1000 ** power)}\u00a0${['B', 'kB', 'MB', 'GB'][power]}`;
    }
    default: {
      const ms = weight * { nanoseconds: 1e-6, microseconds: 1e-3, milliseconds: 1, seconds: 1e3 }[unit];
      return formatMs(ms);
    }
  }
}

export function formatMs(ms: number): string {
  if (ms >= 3_600_000)
    return `${counts.format(Math.floor(ms / 3_600_000))}\u00a0h ${counts.format((ms / 60_000) % 60)}\u00a0min`;
  if (ms >= 100_000)
    return `${counts.format(Math.floor(ms / 60_000))}\u00a0min ${counts.format((ms / 1000) % 60)}\u00a0s`;
  if (ms >= 10_000) return `${oneDigit.format(ms / 1000)}\u00a0s`;
  if (ms >= 1000) return `${twoDigits.format(ms / 1000)}\u00a0s`;
  if (ms >= 10) return `${counts.format(ms)}\u00a0ms`;
  if (ms >= 0.01 || ms <= 0) return `${twoDigits.format(ms)}\u00a0ms`;
  return ms >= 1e-5 ? `${twoDigits.format(ms * 1e3)}\u00a0µs` : `${twoDigits.format(ms * 1e6)}\u00a0ns`;
}

/** A weight within its profile, as the tables show it. */
export interface Share {
  fraction: number;
  /** `12.3 %` */
  text: string;
  /** `± 0.6`: half the 95 % interval in points; empty where the profile does not count samples. */
  error: string;
  /** The whole story for hovers: samples, time, interval. */
  title: string;
}

export function describeShare(
  weight: number,
  total: number,
  profile: Pick<StackProfile, 'unit' | 'samplesPerWeight'>,
): Share {
  const fraction = total > 0 ? weight / total : 0;
  const text = formatShare(fraction);
  if (profile.samplesPerWeight === null)
    return {
      fraction,
      text,
      error: '',
      title: l10n.t('{0} of {1}', formatWeight(weight, profile.unit), formatWeight(total, profile.unit)),
    };
  const hits = weight * profile.samplesPerWeight;
  const samples = total * profile.samplesPerWeight;
  const { low, high } = shareInterval95(samples > 0 ? Math.min(1, hits / samples) : 0, samples);
  const halfPoints = ((high - low) / 2) * 100;
  const count = l10n.t('{0} of {1} samples', formatCount(hits), formatCount(samples));
  const title = [
    profile.unit === 'samples' ? count : `${count} (${formatWeight(weight, profile.unit)})`,
    l10n.t('With 95 % confidence between {0} and {1}', formatShare(low), formatShare(high)),
  ].join('\n');
  return { fraction, text, error: `±\u00a0${(halfPoints < 0.095 ? twoDigits : oneDigit).format(halfPoints)}`, title };
}

/** How figures of a metric are described: as samples with their error where it has a period, else as what was measured. */
export function figureScale(metric: Metric | null): Pick<StackProfile, 'unit' | 'samplesPerWeight'> {
  if (!metric || metric.period !== null) return { unit: 'samples', samplesPerWeight: 1 };
  return { unit: metric.unit === 'count' ? 'none' : metric.unit, samplesPerWeight: null };
}

/** A figure by itself: a number of samples, or what was measured. */
export function formatFigure(figure: number, metric: Metric | null): string {
  return !metric || metric.period !== null || metric.unit === 'count'
    ? formatCount(figure)
    : formatWeight(figure, metric.unit);
}
