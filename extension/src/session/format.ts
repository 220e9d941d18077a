// Numbers as every view shows them: 1,204 samples, 0:42, 12 %.

import type { Metric } from '../../../helper/src/protocol';

export const formatCount = (count: number): string => Math.round(count).toLocaleString('en-US');

/** 0:07, 1:02, 1:02:03. */
export function formatElapsed(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** 20:47, as clocks of this machine's time zone show it. */
export const formatClock = (at: Date): string =>
  `${String(at.getHours()).padStart(2, '0')}:${String(at.getMinutes()).padStart(2, '0')}`;

/** Two digits that mean something: 45 %, 4.2 %, 0.3 %, <0.1 %, 0 %. A narrow no-break space keeps it together. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent <= 0) return '0\u202f%';
  if (percent < 0.1) return '<0.1\u202f%';
  return `${percent < 9.95 ? percent.toFixed(1) : Math.round(percent)}\u202f%`;
}

/** A figure without the word for what it counts: `1,204`, `3.1 s`, `4.2 MB`. */
export function formatAmount(figure: number, { unit, period }: Metric): string {
  if (period !== null || unit === 'count') return formatCount(figure);
  return unit === 'bytes' ? formatBytes(figure) : formatDuration(figure);
}

function scaled(value: number, units: readonly [scale: number, name: string][]): string {
  const [scale, name] = units.find(([least]) => value >= least) ?? units[units.length - 1];
  const number = value / scale;
  return `${number < 10 ? number.toFixed(1) : Math.round(number).toLocaleString('en-US')}\u202f${name}`;
}

/** `3.1 ms`, `48 ms`. */
export const formatDuration = (ns: number): string =>
  scaled(ns, [
    [1e9, 's'],
    [1e6, 'ms'],
    [1e3, 'µs'],
    [1, 'ns'],
  ]);
const formatBytes = (bytes: number): string =>
  scaled(bytes, [
    [1e9, 'GB'],
    [1e6, 'MB'],
    [1e3, 'kB'],
    [1, 'B'],
  ]);
