// Figures by execution context (task, fiber, …), and by context and stack, in bounded memory: servers start a context per
// request. Where it gets too much, the smallest are counted together, so what has a row of its own may have had more than it
// shows, never less.

import type { ContextFigures, ContextKind } from '../protocol';
import { NO_NODE } from './prefixTree';
import type { StackSlot } from './slots';

/** Some 10 MB. */
const MAX_ENTRIES = 100_000;
/** What a recording's file has room for. */
const MAX_TOP = 200;
const MAX_TOP_NODES = 20_000;

interface Context {
  pid: number;
  id: number;
  name: string | null;
  figure: number;
  stacks: Map<StackSlot, number>;
}

export class ContextCounts {
  private readonly processes = new Map<number, Map<number, Context>>();
  private entries = 0;
  private otherFigure = 0;
  private seen = 0;

  /** `nameOf`: what a context is called, asked when it is met; null: nothing but its id. */
  constructor(
    private readonly nameOf: (pid: number, id: number) => string | null = () => null,
    private readonly maxEntries = MAX_ENTRIES,
  ) {}

  add(pid: number, id: number, slot: StackSlot, figure: number): void {
    let contexts = this.processes.get(pid);
    if (!contexts) {
      contexts = new Map();
      this.processes.set(pid, contexts);
    }
    let context = contexts.get(id);
    if (!context) {
      context = { pid, id, name: this.nameOf(pid, id), figure: 0, stacks: new Map() };
      contexts.set(id, context);
      this.entries++;
      this.seen++;
    }
    context.figure += figure;
    const count = context.stacks.get(slot);
    context.stacks.set(slot, (count ?? 0) + figure);
    if (count === undefined && ++this.entries > this.maxEntries) this.shrink();
  }

  /** Largest first. `seen`, past the bound: one that comes back after it was counted together with others counts anew. */
  figures(kind: ContextKind): ContextFigures {
    const figures: ContextFigures = { kind, top: [], otherFigure: this.otherFigure, seen: this.seen };
    let nodesLeft = MAX_TOP_NODES;
    for (const { pid, id, name, figure, stacks } of this.sorted()) {
      if (figures.top.length === MAX_TOP) {
        figures.otherFigure += figure;
        continue;
      }
      const byNode = new Map<number, number>();
      for (const [{ lineNode }, part] of stacks)
        if (lineNode !== NO_NODE) byNode.set(lineNode, (byNode.get(lineNode) ?? 0) + part);
      const nodes = [...byNode].slice(0, nodesLeft).flat();
      nodesLeft -= nodes.length / 2;
      figures.top.push({ pid, id, ...(name === null ? {} : { name }), figure, nodes });
    }
    return figures;
  }

  private sorted(): Context[] {
    const all: Context[] = [];
    for (const contexts of this.processes.values()) all.push(...contexts.values());
    return all.sort((a, b) => b.figure - a.figure);
  }

  /** Half of what it held stays: the contexts with the largest figures; of a single one with more than that, only its count. */
  private shrink(): void {
    let kept = 0;
    for (const context of this.sorted()) {
      const { pid, id, figure, stacks } = context;
      if (kept + 1 > this.maxEntries / 2) {
        this.otherFigure += figure;
        this.processes.get(pid)?.delete(id);
        continue;
      }
      if (kept + 1 + stacks.size > this.maxEntries / 2) stacks.clear();
      kept += 1 + stacks.size;
    }
    this.entries = kept;
  }
}
