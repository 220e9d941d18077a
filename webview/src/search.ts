// One search for everything: which functions the words are of, and how much of what is shown goes through them.
import type { Recording } from './load';
import { fullName } from './sourceLinks';
import type { StackTree } from './stackTree';

export interface Found {
  /** By frame: 1 where every word occurs in its name, module or path. */
  frames: Uint8Array;
  /** Functions of what is shown. */
  functions: number;
  /** Of all that is shown: stacks with at least one of them. */
  fraction: number;
}

const texts = new WeakMap<Recording, string[]>();

/** What words are looked for in, by frame. */
function textsOf(recording: Recording): string[] {
  let made = texts.get(recording);
  if (!made) {
    made = recording.frames.map(({ name, file }, frame) => {
      const module = recording.extra?.frameDetails?.[frame]?.module ?? '';
      return `${fullName(recording, frame)}\n${name}\n${module}\n${file ?? ''}`.toLowerCase();
    });
    texts.set(recording, made);
  }
  return made;
}

/** null: no words. Case does not matter. */
export function search(recording: Recording, tree: StackTree, query: string): Found | null {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return null;
  const frames = Uint8Array.from(textsOf(recording), (text) => (words.every((word) => text.includes(word)) ? 1 : 0));
  const within = new Uint8Array(tree.size);
  const met = new Set<number>();
  let weight = 0;
  // A parent has a smaller index than its child; node 0 is the root.
  for (let node = 1; node < tree.size; node++) {
    const hit = frames[tree.frame[node]];
    if (hit && tree.total[node] > 0) met.add(tree.frame[node]);
    within[node] = hit | within[tree.parent[node]];
    if (within[node]) weight += tree.self[node];
  }
  return { frames, functions: met.size, fraction: tree.totalWeight > 0 ? weight / tree.totalWeight : 0 };
}

/** By node: 1 where a found function is above it, below it or itself. */
export function nodesAround(tree: StackTree, frames: Uint8Array): Uint8Array {
  const around = new Uint8Array(tree.size);
  for (let node = 1; node < tree.size; node++) around[node] = frames[tree.frame[node]] | around[tree.parent[node]];
  for (let node = tree.size - 1; node > 0; node--) if (around[node]) around[tree.parent[node]] = 1;
  return around;
}
