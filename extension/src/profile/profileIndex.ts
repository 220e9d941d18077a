// A recording turned round: from source file to its hot lines and functions, from a line to its callers, execution contexts and threads.
// Built once a recording is loaded, lookups for hovers are made on demand. Pure.

import {
  type ContextKind,
  INLINED_SUFFIX,
  type MetricFigures,
  type RecordingExtra,
  type RecordingFile,
  type SampledProfile,
} from '../../../helper/src/protocol';

export interface Counts {
  self: number;
  total: number;
}
/** A function, as called and as inlined. */
export interface FunctionHeat extends Counts {
  /** Index in shared.frames: of the two, the one with more samples. */
  frame: number;
  name: string;
  /** First line, 1-based. */
  line: number;
}
export interface FileHeat {
  /** As recorded: relative where the program's own folders were taken out of it. */
  file: string;
  /** By 1-based line, in figures of the metric. */
  lines: Map<number, Counts>;
  functions: FunctionHeat[];
}
export interface NamedFigure {
  name: string;
  figure: number;
}

export class ProfileIndex {
  readonly files = new Map<string, FileHeat>();
  readonly extra: RecordingExtra;
  /** What the editors show: the recording's first metric. */
  readonly metric: MetricFigures;
  /** By frame: the index of the first frame of its function, which may occur as called, as inlined and in two modules. */
  private readonly functionOf: number[];

  /** `recording` must have its `ebpfTracer` part. */
  constructor(
    readonly path: string,
    readonly recording: RecordingFile & { ebpfTracer: RecordingExtra },
  ) {
    this.extra = recording.ebpfTracer;
    this.metric = this.extra.metrics[0];
    this.functionOf = groupByFunction(recording);
    const counts = countFunctions(recording, this.metric, this.functionOf);
    for (const { file, line, self, total } of this.metric.lines) this.fileHeat(file).lines.set(line, { self, total });
    recording.shared.frames.forEach(({ file, line, name }, index) => {
      if (!file || !line || this.functionOf[index] !== index || counts[index].total === 0) return;
      const { self, total, heaviest } = counts[index];
      this.fileHeat(file).functions.push({ frame: heaviest, name: plainName(name), line, self, total });
    });
  }

  /** Of all figures of the metric, 0..1. */
  share = (figure: number): number => (this.metric.total > 0 ? figure / this.metric.total : 0);

  /** Threads in which the function around `line` ran, most first. The line's own threads are not recorded apart. */
  threadsAt(file: FileHeat, line: number): NamedFigure[] {
    const frames = this.framesAt(file, line);
    const found: NamedFigure[] = [];
    for (const [index, profile] of this.recording.profiles.entries()) {
      const plan = this.extra.profiles[index];
      if (plan?.metric !== 0 || plan.thread === null) continue;
      let weight = 0;
      profile.samples.forEach((stack, i) => {
        if (stack.some((frame) => frames.has(frame))) weight += profile.weights[i];
      });
      if (weight > 0) found.push({ name: profile.name, figure: weight * figurePerWeight(this.recording, this.metric) });
    }
    return found.sort(byFigure);
  }

  /** Who called into `line` (from the tree by line), else into its function; most first. */
  callersAt(file: FileHeat, line: number): NamedFigure[] {
    const frames = this.framesAt(file, line);
    const tree = this.extra.lineTree;
    const { treeSelf } = this.metric;
    const callers = new Map<string, number>();
    const add = (frame: number, at: number, figure: number) => {
      const name = this.recording.shared.frames[frame]?.name ?? '';
      const label = at > 0 ? `${name}:${at}` : name;
      callers.set(label, (callers.get(label) ?? 0) + figure);
    };
    if (tree && treeSelf) {
      const totals = [...treeSelf];
      for (let i = totals.length - 1; i > 0; i--) if (tree.parent[i] >= 0) totals[tree.parent[i]] += totals[i];
      for (let i = 0; i < totals.length; i++) {
        const parent = tree.parent[i];
        if (parent >= 0 && tree.line[i] === line && frames.has(tree.frame[i]))
          add(tree.frame[parent], tree.line[parent], totals[i]);
      }
    } else {
      const scale = figurePerWeight(this.recording, this.metric);
      this.recording.profiles[0]?.samples.forEach((stack, i) => {
        const at = stack.findIndex((frame) => frames.has(frame));
        if (at > 0) add(stack[at - 1], 0, this.recording.profiles[0].weights[i] * scale);
      });
    }
    return [...callers].map(([name, figure]) => ({ name, figure })).sort(byFigure);
  }

  /**
   * Execution contexts of a kind that were in `line` or in what it calls, by number, most first; none where the recording has no
   * tree by line.
   */
  contextsAt(kind: ContextKind, file: FileHeat, line: number): NamedFigure[] {
    const { lineTree: tree } = this.extra;
    const contexts = this.metric.contexts.find((one) => one.kind === kind);
    if (!tree || !contexts) return [];
    const frames = this.framesAt(file, line);
    const within = new Uint8Array(tree.parent.length);
    tree.parent.forEach((parent, node) => {
      if ((parent >= 0 && within[parent]) || (tree.line[node] === line && frames.has(tree.frame[node])))
        within[node] = 1;
    });
    const found: NamedFigure[] = [];
    const severalProcesses = contexts.top.some(({ pid }) => pid !== contexts.top[0].pid);
    for (const { pid, id, name = String(id), nodes } of contexts.top) {
      let figure = 0;
      for (let i = 0; i < nodes.length; i += 2) if (within[nodes[i]]) figure += nodes[i + 1];
      if (figure > 0) found.push({ name: severalProcesses ? `${pid}/${name}` : name, figure });
    }
    return found.sort(byFigure);
  }

  private framesAt(file: FileHeat, line: number): Set<number> {
    const frames = new Set<number>();
    this.metric.functionLines.forEach((lines, index) => {
      const own = this.recording.shared.frames[index]?.file;
      if (own === file.file && lines.some(([at]) => at === line)) frames.add(index);
    });
    for (const one of file.functions)
      if (one.line === line)
        this.functionOf.forEach((of, index) => {
          if (of === this.functionOf[one.frame]) frames.add(index);
        });
    return frames;
  }

  private fileHeat(file: string): FileHeat {
    let heat = this.files.get(file);
    if (!heat) {
      heat = { file, lines: new Map(), functions: [] };
      this.files.set(file, heat);
    }
    return heat;
  }
}

const byFigure = (a: NamedFigure, b: NamedFigure) => b.figure - a.figure;

/** Weights are figures times a period, or figures: the whole of the first profile is all figures. */
function figurePerWeight(recording: RecordingFile, { total }: MetricFigures): number {
  const weight = (recording.profiles[0]?.weights ?? []).reduce((sum, one) => sum + one, 0);
  return weight > 0 ? total / weight : 0;
}

export function plainName(name: string): string {
  return name.endsWith(INLINED_SUFFIX) ? name.slice(0, -INLINED_SUFFIX.length) : name;
}

/** By frame, the first frame that stands for the same function: same name, file and first line. */
function groupByFunction(recording: RecordingFile): number[] {
  const first = new Map<string, number>();
  return recording.shared.frames.map(({ name, file, line }, index) => {
    if (!file || !line) return index;
    const key = `${plainName(name)}\0${file}\0${line}`;
    const known = first.get(key);
    if (known === undefined) first.set(key, index);
    return known ?? index;
  });
}

/**
 * Self and total of each function in the first profile, which merges all threads; total once a sample. By index of its
 * first frame; `heaviest` is the frame of it with the most samples.
 */
function countFunctions(
  recording: RecordingFile,
  metric: MetricFigures,
  functionOf: readonly number[],
): (Counts & { heaviest: number })[] {
  const counts = functionOf.map((_, index) => ({ self: 0, total: 0, heaviest: index }));
  const profile: SampledProfile | undefined = recording.profiles[0];
  if (profile?.type !== 'sampled') return counts;
  const scale = figurePerWeight(recording, metric);
  const lastSeen = new Int32Array(counts.length).fill(-1);
  const frameWeights = new Float64Array(counts.length);
  profile.samples.forEach((stack, i) => {
    const weight = profile.weights[i] * scale;
    for (const frame of stack) {
      const counted = functionOf[frame];
      if (counted === undefined) continue;
      frameWeights[frame] += weight;
      if (lastSeen[counted] === i) continue;
      lastSeen[counted] = i;
      counts[counted].total += weight;
    }
    const leaf = counts[functionOf[stack[stack.length - 1]]];
    if (leaf) leaf.self += weight;
  });
  functionOf.forEach((counted, frame) => {
    if (frameWeights[frame] > frameWeights[counts[counted].heaviest]) counts[counted].heaviest = frame;
  });
  return counts;
}
