// Which function of one build is which of another: by name and file, then where only the folder, the file or what a compiler appends
// to names differs, and last by what stands around it. A match that is not by name and file says so: guesses are told as guesses.

import type { FunctionFigures } from '../figures/figures';

export type How =
  /** Same name, same file. */
  | 'same'
  /** Same name, another file or folder. */
  | 'moved'
  /** Another name, in the same file, with the same callers and callees or at the same line: a guess. */
  | 'renamed';

/** Indexes of both sides; null: it has no counterpart. */
export interface Match {
  a: number | null;
  b: number | null;
  how: How;
}

/** Guesses are made among so many functions of a file at most. */
const MAX_GUESSED = 200;
/** How alike a renamed function must be, 0..1: more than the same callers alone, which many functions of a file share. */
const LEAST_ALIKE = 0.6;

/** What compilers append to the name of a function that they have split, cloned or hashed. */
const APPENDED = /(?:\.(?:constprop|isra|part|cold|lto_priv|llvm|clone)(?:\.\d+)*)+$|::h[0-9a-f]{16}$/;
/** A library's file with and without its version: libfoo.so.1.2.3, libfoo-2.31.so. */
const VERSION = /(?:-\d[\d.]*)?\.so(?:\.[\d.]+)?$/;

export function plainName(name: string): string {
  return name.replace(APPENDED, '');
}

function moduleName(module: string): string {
  return module.replace(VERSION, '.so');
}

export function matchFunctions(a: readonly FunctionFigures[], b: readonly FunctionFigures[]): Match[] {
  const matcher = new Matcher(a, b);
  const file = ({ file: path, module, ofProgram }: FunctionFigures) =>
    path ?? (ofProgram ? '[program]' : moduleName(module));
  const baseName = (one: FunctionFigures) => file(one).slice(file(one).lastIndexOf('/') + 1);
  matcher.byKey((one) => `${one.name}\0${file(one)}`, 'same');
  matcher.byKey((one) => `${plainName(one.name)}\0${file(one)}`, 'same');
  matcher.byKey((one) => `${plainName(one.name)}\0${baseName(one)}`, 'moved');
  matcher.byKey((one) => plainName(one.name), 'moved', true);
  matcher.guess(baseName);
  return matcher.matches();
}

class Matcher {
  private readonly counterpart: (number | null)[];
  private readonly taken: (number | null)[];
  private readonly how = new Map<number, How>();

  constructor(
    private readonly a: readonly FunctionFigures[],
    private readonly b: readonly FunctionFigures[],
  ) {
    this.counterpart = a.map(() => null);
    this.taken = b.map(() => null);
  }

  /** Those that have one key are matched by the order of their lines where there are as many. `single`: only where there is one. */
  byKey(keyOf: (one: FunctionFigures) => string, how: How, single = false): void {
    const left = grouped(this.a, this.counterpart, keyOf);
    const right = grouped(this.b, this.taken, keyOf);
    for (const [key, ours] of left) {
      const theirs = right.get(key);
      if (!theirs || (single && (ours.length > 1 || theirs.length > 1))) continue;
      if (ours.length === theirs.length) for (const [i, one] of ours.entries()) this.pair(one, theirs[i], how);
      else this.byLine(ours, theirs, how);
    }
  }

  /** Overloads of which one side has more: those that start at the same line, then in order. */
  private byLine(ours: number[], theirs: number[], how: How): void {
    for (const one of ours) {
      const other = theirs.find((at) => this.taken[at] === null && this.b[at].line === this.a[one].line);
      if (other !== undefined) this.pair(one, other, how);
    }
    const rest = theirs.filter((at) => this.taken[at] === null);
    for (const one of ours) if (this.counterpart[one] === null && rest.length > 0) this.pair(one, rest.shift()!, how);
  }

  /** Functions of one file that have no counterpart: the most alike of each side, where they agree on each other. */
  guess(fileOf: (one: FunctionFigures) => string): void {
    const left = grouped(this.a, this.counterpart, fileOf);
    const right = grouped(this.b, this.taken, fileOf);
    for (const [file, ours] of left) {
      const theirs = right.get(file) ?? [];
      if (theirs.length === 0 || ours.length > MAX_GUESSED || theirs.length > MAX_GUESSED) continue;
      const best = (of: number, among: number[], alike: (of: number, other: number) => number) =>
        among.reduce<number | null>(
          (found, at) =>
            alike(of, at) >= LEAST_ALIKE && (found === null || alike(of, at) > alike(of, found)) ? at : found,
          null,
        );
      const pairs = ours.flatMap((one) => {
        const other = best(one, theirs, (x, y) => this.alike(x, y));
        return other !== null && best(other, ours, (y, x) => this.alike(x, y)) === one ? [[one, other] as const] : [];
      });
      for (const [one, other] of pairs) this.pair(one, other, 'renamed');
    }
  }

  /** Half by callers and callees that are matched already, half by where it starts. Nothing where one has figures and no neighbours. */
  private alike(one: number, other: number): number {
    const [left, right] = [this.a[one], this.b[other]];
    const known = new Set<number>();
    for (const near of left.near) if (this.counterpart[near] !== null) known.add(this.counterpart[near]!);
    let both = 0;
    let theirs = 0;
    for (const near of right.near)
      if (this.taken[near] !== null) {
        theirs++;
        if (known.has(near)) both++;
      }
    const union = known.size + theirs - both;
    const around = union === 0 ? 0 : both / union;
    const apart =
      left.line === null || right.line === null ? Number.POSITIVE_INFINITY : Math.abs(left.line - right.line);
    return 0.5 * around + (apart === 0 ? 0.5 : apart <= 10 ? 0.25 : 0);
  }

  private pair(one: number, other: number, how: How): void {
    this.counterpart[one] = other;
    this.taken[other] = one;
    this.how.set(one, how);
  }

  matches(): Match[] {
    const pairs: Match[] = this.a.map((_, at) => ({ a: at, b: this.counterpart[at], how: this.how.get(at) ?? 'same' }));
    const added = this.b.flatMap((_, at) =>
      this.taken[at] === null ? [{ a: null, b: at, how: 'same' as const }] : [],
    );
    return [...pairs, ...added];
  }
}

/** Indexes of those without a counterpart, by key, in the order of their lines. */
function grouped(
  functions: readonly FunctionFigures[],
  counterpart: readonly (number | null)[],
  keyOf: (one: FunctionFigures) => string,
): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const [i, one] of functions.entries()) {
    if (counterpart[i] !== null || one.total <= 0) continue;
    const key = keyOf(one);
    const group = groups.get(key);
    if (group) group.push(i);
    else groups.set(key, [i]);
  }
  for (const group of groups.values()) group.sort((x, y) => (functions[x].line ?? 0) - (functions[y].line ?? 0));
  return groups;
}
