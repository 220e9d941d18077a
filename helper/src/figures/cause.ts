// Which of the user's own functions answers for most of a metric: what libraries, the runtime and the kernel do is put to the account
// of the innermost own function that asked for it. That function, its line and what it asked for are the cause a report begins with.

import type { Figures, FunctionFigures } from './figures';

export interface Part {
  function: FunctionFigures;
  figure: number;
}

export interface Cause {
  function: FunctionFigures;
  /** Whether it is the user's own: else it is the function with the largest self, and nothing is put to its account. */
  own: boolean;
  /** Its self, and what it asked others for. */
  figure: number;
  line: { line: number; figure: number } | null;
  /** What it asked for, heaviest first. */
  asked: Part[];
  /** Who calls it, heaviest first. */
  callers: Part[];
}

/** Of everything: an own function below it is no cause. */
const LEAST_SHARE = 0.02;

/** Null: nothing was counted. */
export function causeOf(figures: Figures): Cause | null {
  const { functions, tree, functionOf } = figures;
  /** By node: the innermost own function's node at or above it (-1: none), and the first node below that one. */
  const own = new Int32Array(functionOf.length).fill(-1);
  const asked = new Int32Array(functionOf.length).fill(-1);
  const account = new Float64Array(functions.length);
  const eachNode = (take: (node: number) => void) => tree.walk({ enter: take });
  eachNode((node) => {
    const parent = tree.parent[node];
    const above = parent < 0 ? -1 : own[parent];
    const isOwn = functions[functionOf[node]].origin === 'user';
    own[node] = isOwn ? node : above;
    if (!isOwn && above >= 0) asked[node] = parent === above ? node : asked[parent];
    if (own[node] >= 0) account[functionOf[own[node]]] += tree.figureAt(node).own;
  });
  const heaviest = account.reduce((best, figure, i) => (figure > account[best] ? i : best), 0);
  const isOwn = functions.length > 0 && account[heaviest] >= LEAST_SHARE * figures.total && account[heaviest] > 0;
  const chosen = isOwn ? functions[heaviest] : bySelf(functions)[0];
  if (!chosen || (!isOwn && chosen.self === 0)) return null;
  const index = functions.indexOf(chosen);
  const [lines, below, callers] = [new Sums<number>(), new Sums<number>(), new Sums<number>()];
  eachNode((node) => {
    const at = isOwn ? own[node] : node;
    if (at < 0 || functionOf[at] !== index) return;
    const figure = tree.figureAt(node).own;
    lines.add(tree.line[at], figure);
    if (isOwn && asked[node] >= 0) below.add(functionOf[asked[node]], figure);
    if (tree.parent[at] >= 0) callers.add(functionOf[tree.parent[at]], figure);
  });
  const parts = (sums: Sums<number>) => sums.largest().map(([i, figure]) => ({ function: functions[i], figure }));
  const [line] = lines.largest().filter(([number]) => number > 0);
  return {
    function: chosen,
    own: isOwn,
    figure: isOwn ? account[heaviest] : chosen.self,
    line: line ? { line: line[0], figure: line[1] } : null,
    asked: parts(below),
    callers: parts(callers).filter((part) => part.function !== chosen),
  };
}

export function bySelf(functions: readonly FunctionFigures[]): FunctionFigures[] {
  return functions.filter(({ total }) => total > 0).sort((a, b) => b.self - a.self || b.total - a.total);
}

/** Functions from the outermost one along the heaviest call each time, until less than half goes on. */
export function hottestPath({ functions, tree, functionOf }: Figures): Part[] {
  const heaviest = new Map<number, number>();
  tree.walk({
    enter(node) {
      const best = heaviest.get(tree.parent[node]);
      if (best === undefined || tree.figureAt(node).below > tree.figureAt(best).below)
        heaviest.set(tree.parent[node], node);
    },
  });
  const path: Part[] = [];
  let above = Number.POSITIVE_INFINITY;
  for (let node = heaviest.get(-1); node !== undefined; node = heaviest.get(node)) {
    const { below } = tree.figureAt(node);
    if (below < above / 2 && above !== Number.POSITIVE_INFINITY) break;
    above = below;
    const at = functions[functionOf[node]];
    if (path.at(-1)?.function !== at) path.push({ function: at, figure: below });
  }
  return path;
}

class Sums<K> {
  private readonly by = new Map<K, number>();

  add(key: K, figure: number): void {
    if (figure > 0) this.by.set(key, (this.by.get(key) ?? 0) + figure);
  }

  largest(): [K, number][] {
    return [...this.by].sort((a, b) => b[1] - a[1]);
  }
}
