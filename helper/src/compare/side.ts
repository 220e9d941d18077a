// One side of a comparison: the figures of one program, of one recording or of several together, and what they are normalized by.

import {
  extraOf,
  type Figures,
  type FunctionFigures,
  figuresOf,
  type LineFigures,
  metricIndex,
} from '../figures/figures';
import { type HttpSummary, type Metric, type RecordingFile, tracerError } from '../protocol';

export const NORMALIZATIONS = ['cpu', 'samples', 'requests'] as const;
export type Normalization = (typeof NORMALIZATIONS)[number];

export interface Side {
  title: string;
  metric: Metric;
  functions: FunctionFigures[];
  /** Sum of all figures of all recordings. */
  total: number;
  /** By recording: its figures' sum, and what it is normalized by where that is another thing. */
  recordings: { total: number; exposure: number; self: number[] }[];
}

/** `figures`: of shares none. Throws NORMALIZATION_INVALID, NOT_COMPARABLE, METRIC_UNKNOWN. */
export function sideOf(files: readonly RecordingFile[], metricId: string | undefined, by: Normalization): Side {
  const all = files.map((file) => {
    const index = metricIndex(file, metricId);
    return { file, figures: figuresOf(file, index) };
  });
  const [{ file, figures: first }] = all;
  for (const { figures } of all) refuseOther(first.metric, figures.metric);
  const merged = new Merged();
  const places = all.map(({ figures }) => merged.add(figures));
  return {
    title: extraOf(file).title,
    metric: first.metric,
    functions: merged.functions,
    total: all.reduce((sum, { figures }) => sum + figures.total, 0),
    recordings: all.map((one, i) => {
      const self = new Array<number>(merged.functions.length).fill(0);
      for (const [at, { self: own }] of one.figures.functions.entries()) self[places[i][at]] += own;
      return { total: one.figures.total, exposure: exposureOf(one.file, one.figures, by), self };
    }),
  };
}

/** Figures of different kinds have no sum and no ratio. */
export function refuseOther(a: Metric, b: Metric): void {
  if (a.id !== b.id || a.unit !== b.unit)
    throw tracerError('NOT_COMPARABLE', `one is of ${a.id} (${a.unit}), another of ${b.id} (${b.unit})`);
  // As nanoseconds, shares or requests they are the same all the same; but sums of samples would be of different worth.
  if ((a.period === null) !== (b.period === null))
    throw tracerError('NOT_COMPARABLE', `${a.id} is sampled in one and measured in another`);
}

/** Whether figures are parts of what they are normalized by, or have a rate. */
export function isRate(metric: Metric, by: Normalization): boolean {
  return by === 'requests' || (by === 'cpu' && metric.id !== 'cpu');
}

/** In samples for shares; else the CPU seconds or requests that the metric's figures are divided by, in units of its period. */
function exposureOf(file: RecordingFile, { metric, total }: Figures, by: Normalization): number {
  const extra = extraOf(file);
  if (!isRate(metric, by)) return total;
  if (by === 'cpu') {
    const cpu = extra.metrics.find(({ id }) => id === 'cpu');
    if (!cpu || cpu.total === 0)
      throw tracerError('NORMALIZATION_INVALID', by, `"${extra.title}" has no samples of CPU time.`);
    return (cpu.total * (cpu.period ?? 1)) / 1e9 / (metric.period ?? 1);
  }
  const requests = (extra.sections?.http as Partial<HttpSummary> | null | undefined)?.requests;
  if (typeof requests !== 'number' || !(requests > 0) || !Number.isFinite(requests))
    throw tracerError(
      'NORMALIZATION_INVALID',
      by,
      `"${extra.title}" has no HTTP requests (record it with --trace cpu,http).`,
    );
  return requests / (metric.period ?? 1);
}

/** Functions of several recordings of one program: the same name, file, line and module are one. */
class Merged {
  readonly functions: FunctionFigures[] = [];
  private readonly places = new Map<string, number>();

  /** Where each function of `figures` stands in `functions`. */
  add({ functions }: Figures): number[] {
    const places = functions.map((one) => {
      const key = `${one.name}\0${one.file ?? ''}\0${one.line ?? ''}\0${one.module}`;
      let place = this.places.get(key);
      if (place === undefined) {
        place = this.functions.push({ ...one, self: 0, total: 0, lines: [], near: new Set() }) - 1;
        this.places.set(key, place);
      }
      return place;
    });
    for (const [i, one] of functions.entries()) {
      const sum = this.functions[places[i]];
      sum.self += one.self;
      sum.total += one.total;
      sum.lines = summed(sum.lines, one.lines);
      for (const near of one.near) sum.near.add(places[near]);
    }
    return places;
  }
}

function summed(a: readonly LineFigures[], b: readonly LineFigures[]): LineFigures[] {
  const lines = new Map(a.map((line) => [line.line, { ...line }]));
  for (const { line, self, total } of b) {
    const known = lines.get(line);
    if (known) {
      known.self += self;
      known.total += total;
    } else lines.set(line, { line, self, total });
  }
  return [...lines.values()].sort((x, y) => x.line - y.line);
}
