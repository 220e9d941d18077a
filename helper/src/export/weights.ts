// Weights as whole numbers, which folded stacks and pprof want: samples of our own recordings; of other programs' files times in
// microseconds (nanoseconds where those are no whole numbers), bytes, or numbers as they are.

import type { Metric, RecordingExtra, RecordingFile, SampledProfile } from '../protocol';
import { weightOfFigure } from './readRecording';

export type Measure = 'samples' | 'microseconds' | 'nanoseconds' | 'bytes' | 'count';

export interface Scale {
  measure: Measure;
  /** Times a weight, rounded, gives the number. */
  factor: number;
}

const MICROSECONDS: Partial<Record<SampledProfile['unit'], number>> = {
  nanoseconds: 1e-3,
  microseconds: 1,
  milliseconds: 1e3,
  seconds: 1e6,
};
/** Of weights without a unit that are no whole numbers: millionths, so that small ones do not vanish. */
const FRACTIONS = 1e6;

/** By profile. */
export function scalesOf(file: RecordingFile): Scale[] {
  const extra = file.ebpfTracer;
  if (extra)
    return file.profiles.map((_, i) => ({
      measure: measureOf(extra.metrics[extra.profiles[i]?.metric ?? 0]),
      factor: 1 / weightOfFigure(file, i),
    }));
  const whole = file.profiles.every(({ unit, weights }) => unit !== 'none' || weights.every(Number.isInteger));
  const coarse = file.profiles.every(({ unit, weights }) => {
    const factor = MICROSECONDS[unit];
    return factor === undefined || weights.every((weight) => isNearlyWhole(weight * factor));
  });
  return file.profiles.map(({ unit }) => {
    if (unit === 'bytes') return { measure: 'bytes', factor: 1 };
    const factor = MICROSECONDS[unit];
    if (factor === undefined) return { measure: 'count', factor: whole ? 1 : FRACTIONS };
    return coarse ? { measure: 'microseconds', factor } : { measure: 'nanoseconds', factor: factor * 1e3 };
  });
}

/** 0.07 s are 70,000.00000000001 us. */
function isNearlyWhole(value: number): boolean {
  return Math.abs(value - Math.round(value)) <= 1e-9 * Math.max(1, Math.abs(value));
}

/** Of figures: samples where the metric has a period. */
function measureOf({ unit, period }: Metric): Measure {
  return period === null ? unit : 'samples';
}

/** The profiles that hold each sample once: of ours those of the first metric's threads. */
export function partsOf(file: RecordingFile): { profile: SampledProfile; scale: Scale }[] {
  const scales = scalesOf(file);
  const parts = file.profiles.map((profile, i) => ({ profile, scale: scales[i] }));
  const threads = parts.filter((_, i) => isThreadOfFirst(file.ebpfTracer, i));
  return threads.length > 0 ? threads : file.ebpfTracer ? parts.slice(0, 1) : parts;
}

function isThreadOfFirst(extra: RecordingExtra | undefined, index: number): boolean {
  const plan = extra?.profiles[index];
  return plan?.metric === 0 && plan.thread !== null;
}
