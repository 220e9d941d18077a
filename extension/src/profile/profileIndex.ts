// A recording turned round: from source file to its hot lines and functions, and from a line to its threads and callers.
// Built once a recording is loaded, lookups for hovers are made on demand. Pure; called by profileStore.ts and annotate/.

import { resolve } from 'node:path';
import type { RecordingExtra, RecordingFile, SampledProfile } from '../../../helper/src/protocol';

export interface Counts {
  self: number;
  total: number;
}
export interface FunctionHeat extends Counts {
  /** Index in shared.frames. */
  frame: number;
  name: string;
  /** First line, 1-based. */
  line: number;
}
export interface FileHeat {
  /** As recorded, made absolute with the target's folder. */
  file: string;
  /** By 1-based line, in samples. */
  lines: Map<number, Counts>;
  functions: FunctionHeat[];
}
export interface NamedSamples {
  name: string;
  samples: number;
}

export class ProfileIndex {
  readonly files = new Map<string, FileHeat>();
  readonly extra: RecordingExtra;
  readonly samples: number;
  private readonly frameCounts: Counts[];

  /** `recording` must have its `ebpfTracer` part. */
  constructor(
    readonly path: string,
    readonly recording: RecordingFile & { ebpfTracer: RecordingExtra },
  ) {
    this.extra = recording.ebpfTracer;
    this.samples = this.extra.samples;
    this.frameCounts = countFrames(recording, this.samples);
    for (const { file, line, self, total } of this.extra.lines) this.fileHeat(file).lines.set(line, { self, total });
    recording.shared.frames.forEach((frame, index) => {
      if (!frame.file || !frame.line || this.frameCounts[index].total === 0) return;
      const counts = this.frameCounts[index];
      this.fileHeat(frame.file).functions.push({ frame: index, name: frame.name, line: frame.line, ...counts });
    });
  }

  share = (samples: number): number => (this.samples > 0 ? samples / this.samples : 0);

  absolute(file: string): string {
    return this.extra.cwd ? resolve(this.extra.cwd, file) : file;
  }

  /** Threads in which the function around `line` ran, most first. The line's own threads are not recorded apart. */
  threadsAt(file: FileHeat, line: number): NamedSamples[] {
    const frames = this.framesAt(file, line);
    const found: NamedSamples[] = [];
    for (const profile of this.recording.profiles.slice(1)) {
      let weight = 0;
      profile.samples.forEach((stack, i) => {
        if (stack.some((frame) => frames.has(frame))) weight += profile.weights[i];
      });
      if (weight > 0)
        found.push({ name: profile.name, samples: weight * samplesPerWeight(this.recording, this.samples) });
    }
    return found.sort(bySamples);
  }

  /** Who called into `line` (from the tree by line), else into its function; most first. */
  callersAt(file: FileHeat, line: number): NamedSamples[] {
    const frames = this.framesAt(file, line);
    const tree = this.extra.lineTree;
    const callers = new Map<string, number>();
    const add = (frame: number, at: number, samples: number) => {
      const name = this.recording.shared.frames[frame]?.name ?? '';
      const label = at > 0 ? `${name}:${at}` : name;
      callers.set(label, (callers.get(label) ?? 0) + samples);
    };
    if (tree) {
      const totals = [...tree.self];
      for (let i = totals.length - 1; i > 0; i--) if (tree.parent[i] >= 0) totals[tree.parent[i]] += totals[i];
      for (let i = 0; i < totals.length; i++) {
        const parent = tree.parent[i];
        if (parent >= 0 && tree.line[i] === line && frames.has(tree.frame[i]))
          add(tree.frame[parent], tree.line[parent], totals[i]);
      }
    } else {
      const scale = samplesPerWeight(this.recording, this.samples);
      this.recording.profiles[0]?.samples.forEach((stack, i) => {
        const at = stack.findIndex((frame) => frames.has(frame));
        if (at > 0) add(stack[at - 1], 0, this.recording.profiles[0].weights[i] * scale);
      });
    }
    return [...callers].map(([name, samples]) => ({ name, samples })).sort(bySamples);
  }

  private framesAt(file: FileHeat, line: number): Set<number> {
    const frames = new Set<number>();
    this.extra.frameDetails.forEach((detail, index) => {
      const own = this.recording.shared.frames[index]?.file;
      if (own && this.absolute(own) === file.file && detail.lines.some(([at]) => at === line)) frames.add(index);
    });
    for (const one of file.functions) if (one.line === line) frames.add(one.frame);
    return frames;
  }

  private fileHeat(file: string): FileHeat {
    const absolute = this.absolute(file);
    let heat = this.files.get(absolute);
    if (!heat) {
      heat = { file: absolute, lines: new Map(), functions: [] };
      this.files.set(absolute, heat);
    }
    return heat;
  }
}

const bySamples = (a: NamedSamples, b: NamedSamples) => b.samples - a.samples;

/** Weights may be samples or times: the whole of the first profile is all samples. */
function samplesPerWeight(recording: RecordingFile, samples: number): number {
  const weight = (recording.profiles[0]?.weights ?? []).reduce((sum, one) => sum + one, 0);
  return weight > 0 ? samples / weight : 0;
}

/** Self and total of each frame in the first profile, which merges all threads; total once a sample. */
function countFrames(recording: RecordingFile, samples: number): Counts[] {
  const counts = recording.shared.frames.map(() => ({ self: 0, total: 0 }));
  const profile: SampledProfile | undefined = recording.profiles[0];
  if (profile?.type !== 'sampled') return counts;
  const scale = samplesPerWeight(recording, samples);
  const lastSeen = new Int32Array(counts.length).fill(-1);
  profile.samples.forEach((stack, i) => {
    const weight = profile.weights[i] * scale;
    for (const frame of stack) {
      if (!counts[frame] || lastSeen[frame] === i) continue;
      lastSeen[frame] = i;
      counts[frame].total += weight;
    }
    const leaf = counts[stack[stack.length - 1]];
    if (leaf) leaf.self += weight;
  });
  return counts;
}
