// What of a recording is shown: which threads, which stretch of time, whose code, below which function; and the one place that makes
// profile and tree of it, for graph and tables alike. The recording's own tree is built once; a part walks it by node and not by
// sample, so that a dragged range of 50,000 samples is there within a frame or two.
import {
  type FoldRule,
  type FrameOrigin,
  foldedFrames,
  foldedName,
  foldsNothing,
  mergedProfile,
  moduleOfFolded,
  originOf,
  type TimeRange,
  timesMs,
} from '../../helper/src/protocol';
import type { Recording, StackProfile } from './load';
import { type Moments, withinMoments } from './moments';
import { buildStackTree, type StackTree, stacksOfTree, TreeBuilder } from './stackTree';

export interface Part {
  /** Index of `recording.profiles`: a metric's merged one where the file keeps who was sampled when, else the one shown. */
  profile: number;
  /** Indexes of the recording's threads; null: all. */
  threads: ReadonlySet<number> | null;
  range: TimeRange | null;
  /** Stretches of threads' time, such as requests took; null: all. */
  moments: Moments | null;
  /** null: everything is shown as it was recorded. */
  rule: FoldRule | null;
  /** Frame that was focused: what it calls, and nothing else. */
  focus: number | null;
}

export const wholeOf = (profile: number): Part => ({
  profile,
  threads: null,
  range: null,
  moments: null,
  rule: null,
  focus: null,
});

export interface Base {
  tree: StackTree & { leaf: Int32Array };
  /** By sample; null where the file does not keep it. */
  thread: readonly number[] | null;
  timeMs: Float64Array | null;
}

const bases = new WeakMap<StackProfile, Base>();

/** A profile's samples with all that is known of each. */
export function baseOf(recording: Recording, index: number): Base {
  const profile = recording.profiles[index];
  let base = bases.get(profile);
  if (!base) {
    const { extra } = recording;
    const isMerged = extra !== null && mergedProfile(extra, profile.metric) === index;
    const timeline = isMerged ? extra.metrics[profile.metric]?.timeline : undefined;
    const fits = timeline?.afterUs.length === profile.stacks.length;
    base = {
      tree: buildStackTree(profile),
      thread: fits ? timeline.thread : null,
      timeMs: fits ? timesMs(timeline) : null,
    };
    bases.set(profile, base);
  }
  return base;
}

const foldable = new WeakMap<Recording, { recording: Recording; standIn: Map<string, number> }>();

/** The recording with a frame more for each module, which stands for stacks in which everything is folded. */
function withStandIns(recording: Recording): { recording: Recording; standIn: Map<string, number> } {
  let made = foldable.get(recording);
  if (!made) {
    const { extra, frames } = recording;
    const details = extra?.frameDetails ?? [];
    const modules = [...new Set(details.map(({ module }) => module || '?')), ...(details.length === 0 ? ['?'] : [])];
    const standIn = new Map(modules.map((module, i) => [module, frames.length + i]));
    const more = modules.map((module) => ({ module, kind: 'unknown' as const }));
    made = {
      recording: {
        ...recording,
        frames: [...frames, ...modules.map((module) => ({ name: foldedName(module) }))],
        extra: extra && { ...extra, frameDetails: [...details, ...more] },
      },
      standIn,
    };
    foldable.set(recording, made);
  }
  return made;
}

/** `recording`: with what stands for folded modules, where anything is folded. */
export function showPart(
  original: Recording,
  part: Part,
): { recording: Recording; profile: StackProfile; tree: StackTree } {
  const base = baseOf(original, part.profile);
  const whole = original.profiles[part.profile];
  const folds = part.rule !== null && !foldsNothing(part.rule);
  const picks =
    (part.threads !== null && base.thread !== null) ||
    ((part.range !== null || part.moments !== null) && base.timeMs !== null);
  if (!folds && !picks && part.focus === null) return { recording: original, profile: whole, tree: base.tree };
  const kept = picks ? keptSamples(original, base, part) : null;
  const { recording, standIn } = folds ? withStandIns(original) : { recording: original, standIn: new Map() };
  const folded = folds && part.rule ? foldedFrames(original.frames, original.extra?.frameDetails, part.rule) : null;
  const { tree, nodeOf } = partTree(base.tree, whole, kept, folded, part.focus, (stack) => {
    const module = moduleOfFolded(stack, original.extra?.frameDetails);
    return standIn.get(module) ?? standIn.get('?') ?? 0;
  });
  return { recording, profile: partProfile(whole, base, kept, tree, nodeOf), tree };
}

function keptSamples(
  original: Recording,
  { thread, timeMs, tree }: Base,
  { threads, range, moments }: Part,
): Uint8Array {
  const isWithin = moments && withinMoments(original, moments);
  const kept = new Uint8Array(tree.leaf.length);
  for (let i = 0; i < kept.length; i++) {
    if (threads && thread && !threads.has(thread[i])) continue;
    if (range && timeMs && !(timeMs[i] >= range.fromMs && timeMs[i] < range.toMs)) continue;
    if (isWithin && thread && timeMs && !isWithin(thread[i], timeMs[i])) continue;
    kept[i] = 1;
  }
  return kept;
}

/** How many samples were taken within them; 0 also where the file does not keep who was sampled when. */
export function samplesWithin(recording: Recording, profile: number, moments: Moments): number {
  const { thread, timeMs } = baseOf(recording, profile);
  if (!thread || !timeMs) return 0;
  const isWithin = withinMoments(recording, moments);
  let count = 0;
  for (let i = 0; i < thread.length; i++) if (isWithin(thread[i], timeMs[i])) count++;
  return count;
}

const ROOT = 0;
const NOWHERE = -1;

/** `nodeOf`: by node of the whole tree, the node that its samples end at; NOWHERE: they are not shown. */
function partTree(
  whole: StackTree & { leaf: Int32Array },
  { weights }: StackProfile,
  kept: Uint8Array | null,
  folded: Uint8Array | null,
  focus: number | null,
  standInOf: (stack: readonly number[]) => number,
): { tree: StackTree; nodeOf: Int32Array } {
  const self = kept ? new Float64Array(whole.size) : whole.self;
  if (kept) for (let i = 0; i < kept.length; i++) if (kept[i]) self[whole.leaf[i]] += weights[i];
  const total = self.slice(0, whole.size);
  for (let node = whole.size - 1; node > ROOT; node--) total[whole.parent[node]] += total[node];
  const builder = new TreeBuilder();
  const stackOf = stacksOfTree(whole);
  // Where children of a node go on; NOWHERE above the focus.
  const place = new Int32Array(whole.size).fill(NOWHERE);
  const nodeOf = new Int32Array(whole.size).fill(NOWHERE);
  place[ROOT] = focus === null ? ROOT : NOWHERE;
  nodeOf[ROOT] = ROOT;
  for (let node = 1; node < whole.size; node++) {
    if (total[node] === 0) continue;
    const frame = whole.frame[node];
    const above = place[whole.parent[node]];
    const begins = above === NOWHERE && frame === focus;
    if (begins) place[node] = builder.childOf(ROOT, frame);
    else if (above !== NOWHERE) place[node] = folded?.[frame] ? above : builder.childOf(above, frame);
    if (place[node] === NOWHERE || self[node] === 0) continue;
    nodeOf[node] = place[node] === ROOT ? builder.childOf(ROOT, standInOf(stackOf(node))) : place[node];
    builder.add(nodeOf[node], self[node]);
  }
  return { tree: builder.build(), nodeOf };
}

/** Its stacks are made when they are asked for: time order alone needs them. */
function partProfile(
  whole: StackProfile,
  { tree }: Base,
  kept: Uint8Array | null,
  part: StackTree,
  nodeOf: Int32Array,
): StackProfile {
  let made: Pick<StackProfile, 'stacks' | 'weights'> | null = null;
  const sequence = () => {
    if (!made) {
      const stackOf = stacksOfTree(part);
      const stacks: (readonly number[])[] = [];
      const weights: number[] = [];
      for (let i = 0; i < tree.leaf.length; i++) {
        const node = nodeOf[tree.leaf[i]];
        if (kept?.[i] === 0 || node === NOWHERE) continue;
        stacks.push(stackOf(node));
        weights.push(whole.weights[i]);
      }
      made = { stacks, weights };
    }
    return made;
  };
  return {
    ...whole,
    totalWeight: part.totalWeight,
    get stacks() {
      return sequence().stacks;
    },
    get weights() {
      return sequence().weights;
    },
  };
}

/** Self weights by frame of what is shown, whatever is folded. */
function unfoldedSelf(original: Recording, part: Part): Float64Array {
  const { tree } = showPart(original, { ...part, rule: null });
  const sums = new Float64Array(original.frames.length);
  for (let node = 1; node < tree.size; node++) sums[tree.frame[node]] += tree.self[node];
  return sums;
}

/** Whose the time of what is shown is: shares of self by origin, 0..1. Empty where the recording does not say. */
export function originShares(original: Recording, part: Part, rule: FoldRule): Partial<Record<FrameOrigin, number>> {
  const details = original.extra?.frameDetails;
  if (!details) return {};
  const self = unfoldedSelf(original, part);
  const total = self.reduce((sum, one) => sum + one, 0);
  const shares: Partial<Record<FrameOrigin, number>> = {};
  for (const [frame, weight] of self.entries()) {
    if (weight === 0) continue;
    const origin = originOf(original.frames[frame], details[frame], rule) ?? 'user';
    shares[origin] = (shares[origin] ?? 0) + weight / total;
  }
  return shares;
}

/** What counts for a function although it is not its own: modules that are folded into it, heaviest first. */
export function foldedInto(original: Recording, part: Part, wanted: number): { module: string; weight: number }[] {
  const details = original.extra?.frameDetails;
  if (!part.rule || foldsNothing(part.rule) || !details) return [];
  const folded = foldedFrames(original.frames, details, part.rule);
  const { tree } = showPart(original, { ...part, rule: null });
  const nearest = new Int32Array(tree.size).fill(NOWHERE);
  const byModule = new Map<string, number>();
  for (let node = 1; node < tree.size; node++) {
    const frame = tree.frame[node];
    nearest[node] = folded[frame] ? nearest[tree.parent[node]] : frame;
    if (!folded[frame] || nearest[node] !== wanted || tree.self[node] === 0) continue;
    const module = details[frame]?.module ?? '';
    byModule.set(module, (byModule.get(module) ?? 0) + tree.self[node]);
  }
  return [...byModule].map(([module, weight]) => ({ module, weight })).sort((a, b) => b.weight - a.weight);
}

/** The thread that had most of a function; null where the file does not keep who was sampled. */
export function busiestThread(original: Recording, part: Part, wanted: number): number | null {
  const { tree, thread } = baseOf(original, part.profile);
  if (!thread) return null;
  const within = new Uint8Array(tree.size);
  for (let node = 1; node < tree.size; node++)
    within[node] = tree.frame[node] === wanted ? 1 : within[tree.parent[node]];
  const { weights } = original.profiles[part.profile];
  const sums = new Map<number, number>();
  for (let i = 0; i < thread.length; i++)
    if (within[tree.leaf[i]]) sums.set(thread[i], (sums.get(thread[i]) ?? 0) + weights[i]);
  return [...sums].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null;
}
