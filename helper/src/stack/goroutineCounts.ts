// Samples by goroutine, and by goroutine and stack, in bounded memory: servers start a goroutine a request. Where it gets too
// much, those with the fewest samples are counted together, so what has a row of its own may have had more samples than it shows,
// never fewer. Owned by StackProfile.

import { NO_NODE } from './prefixTree';
import type { StackSlot } from './slots';

/** Some 10 MB. */
const MAX_ENTRIES = 100_000;
/** What a recording's file has room for. */
const MAX_TOP = 200;
const MAX_TOP_NODES = 20_000;

export interface GoroutineRow {
  pid: number;
  id: number;
  samples: number;
  /** Node of the location tree, samples that ended there; and so on. Less than all: the names of some stacks are not known yet. */
  nodes: number[];
}

/** Most samples first; those without a row are in `otherSamples`. */
export interface GoroutineRows {
  top: GoroutineRow[];
  otherSamples: number;
  /** Past the bound: one that comes back after it was counted together with others counts anew. */
  seen: number;
}

interface Goroutine {
  pid: number;
  id: number;
  samples: number;
  stacks: Map<StackSlot, number>;
}

export class GoroutineCounts {
  private readonly processes = new Map<number, Map<number, Goroutine>>();
  private entries = 0;
  private otherSamples = 0;
  private seen = 0;

  constructor(private readonly maxEntries = MAX_ENTRIES) {}

  add(pid: number, id: number, slot: StackSlot): void {
    let goroutines = this.processes.get(pid);
    if (!goroutines) {
      goroutines = new Map();
      this.processes.set(pid, goroutines);
    }
    let goroutine = goroutines.get(id);
    if (!goroutine) {
      goroutine = { pid, id, samples: 0, stacks: new Map() };
      goroutines.set(id, goroutine);
      this.entries++;
      this.seen++;
    }
    goroutine.samples++;
    const count = goroutine.stacks.get(slot);
    goroutine.stacks.set(slot, (count ?? 0) + 1);
    if (count === undefined && ++this.entries > this.maxEntries) this.shrink();
  }

  /** Null where there was none. */
  rows(): GoroutineRows | null {
    const sorted = this.sorted();
    if (sorted.length === 0 && this.otherSamples === 0) return null;
    const rows: GoroutineRows = { top: [], otherSamples: this.otherSamples, seen: this.seen };
    let nodesLeft = MAX_TOP_NODES;
    for (const { pid, id, samples, stacks } of sorted) {
      if (rows.top.length === MAX_TOP) {
        rows.otherSamples += samples;
        continue;
      }
      const byNode = new Map<number, number>();
      for (const [{ lineNode }, count] of stacks)
        if (lineNode !== NO_NODE) byNode.set(lineNode, (byNode.get(lineNode) ?? 0) + count);
      const nodes = [...byNode].slice(0, nodesLeft).flat();
      nodesLeft -= nodes.length / 2;
      rows.top.push({ pid, id, samples, nodes });
    }
    return rows;
  }

  private sorted(): Goroutine[] {
    const all: Goroutine[] = [];
    for (const goroutines of this.processes.values()) all.push(...goroutines.values());
    return all.sort((a, b) => b.samples - a.samples);
  }

  /** Half of what it held stays: the goroutines with the most samples; of a single one with more than that, only its count. */
  private shrink(): void {
    let kept = 0;
    for (const goroutine of this.sorted()) {
      const { pid, id, samples, stacks } = goroutine;
      if (kept + 1 > this.maxEntries / 2) {
        this.otherSamples += samples;
        this.processes.get(pid)?.delete(id);
        continue;
      }
      if (kept + 1 + stacks.size > this.maxEntries / 2) stacks.clear();
      kept += 1 + stacks.size;
    }
    this.entries = kept;
  }
}
