// Compares what we say of an address, level by level, with llvm-symbolizer and, where they differ, with addr2line. Used by
// inlines.test.ts, and by hand on any file of the system.

import { spawnSync } from 'node:child_process';
import { posix } from 'node:path';
import { displayName } from '../../../src/symbolize/demangle/demangle';
import type { Place } from '../../../src/symbolize/place';
import { run } from '../symbolize/build';

/** One function at an address, innermost first; the last one's name is left to the symbol table. */
export interface Level {
  name: string | null;
  file: string | null;
  line: number;
}

/** Why an address counts as agreeing although the answers differ, or as differing. */
export type Kind =
  | 'same'
  /** Other levels, but addr2line says the same as we do. */
  | 'addr2line agrees with us'
  /** The same levels, but llvm-symbolizer cannot read the name in what dwz put into a common file. */
  | 'llvm has no name'
  /** Both oracles have the same levels as we, only the name of the outermost differs: aliases of one address. */
  | 'alias of the function'
  | 'different';

export interface Comparison {
  addresses: number;
  kinds: Map<Kind, number>;
  /** A few of each kind but the first, for people. */
  examples: Map<Kind, string[]>;
}

const MAX_EXAMPLES = 8;

interface LlvmSymbol {
  FileName: string;
  FunctionName: string;
  Line: number;
}

const input = (addresses: number[]) => `${addresses.map((a) => `0x${a.toString(16)}`).join('\n')}\n`;

export function askLlvmLevels(tool: string, path: string, addresses: number[], extra: string[] = []): Level[][] {
  const done = spawnSync(
    tool,
    ['--obj', path, '--inlines', '--functions=linkage', '--no-demangle', '--output-style=JSON', ...extra],
    { input: input(addresses), maxBuffer: 1 << 30, encoding: 'utf8' },
  );
  if (done.error || done.status !== 0) throw done.error ?? new Error(done.stderr);
  return done.stdout
    .trim()
    .split('\n')
    .map((text) =>
      ((JSON.parse(text) as { Symbol?: LlvmSymbol[] }).Symbol ?? []).map(({ FunctionName, FileName, Line }) => ({
        name: FunctionName || null,
        file: FileName || null,
        line: Line,
      })),
    );
}

/** binutils' addr2line, which reads the same tables by other code. */
export function askAddr2line(path: string, addresses: number[]): Level[][] {
  const done = spawnSync('addr2line', ['-a', '-i', '-f', '-e', path], {
    input: input(addresses),
    maxBuffer: 1 << 30,
    encoding: 'utf8',
  });
  if (done.error || done.status !== 0) throw done.error ?? new Error(done.stderr);
  const answers: Level[][] = [];
  const lines = done.stdout.trimEnd().split('\n');
  for (let i = 0; i < lines.length; ) {
    if (/^0x[0-9a-f]{16}$/.test(lines[i])) {
      answers.push([]);
      i++;
      continue;
    }
    const place = /^(.*):(\d+|\?)(?: \(discriminator \d+\))?$/.exec(lines[i + 1] ?? '');
    const known = (text: string | undefined) => (text === undefined || text === '??' ? null : text);
    answers.at(-1)?.push({ name: known(lines[i]), file: known(place?.[1]), line: Number(place?.[2]) || 0 });
    i += 2;
  }
  return answers;
}

/** Our answer in the same shape. */
export function levelsOf(places: Place[]): Level[] {
  return places.map(({ linkageName, file, line }) => ({ name: linkageName, file, line: line ?? 0 }));
}

function nameOf(level: Level | undefined): string {
  if (!level?.name) return '??';
  const { name, fullName } = displayName(level.name);
  return fullName ?? name;
}

/** Where: nothing is said of a file without a line. */
function placeOf({ file, line }: Level): string {
  return line > 0 && file !== null ? `${posix.normalize(file)}:${line}` : '?';
}

/** A build folder mapped to `.` stands twice in the oracles' paths, and once in ours. */
function samePlace(ours: Level, theirs: Level): boolean {
  const [a, b] = [placeOf(ours), placeOf(theirs)];
  return a === b || (theirs.file?.startsWith('.') === true && b.endsWith(`/${a}`));
}

function samePlaces(ours: Level[], theirs: Level[]): boolean {
  return ours.length === theirs.length && ours.every((level, i) => samePlace(level, theirs[i]));
}

function sameNames(ours: Level[], theirs: Level[], to = ours.length): boolean {
  for (let i = 0; i < to; i++) if (nameOf(ours[i]) !== nameOf(theirs[i])) return false;
  return true;
}

/** Where theirs has none, ours may have any. */
function sameNamesWhereNamed(ours: Level[], theirs: Level[]): boolean {
  return ours.every((level, i) => theirs[i].name === null || nameOf(level) === nameOf(theirs[i]));
}

const describe = (levels: Level[]) => levels.map((level) => `${nameOf(level)} ${placeOf(level)}`).join(' < ');

export function compareLevels(
  addresses: number[],
  ours: Level[][],
  llvm: Level[][],
  /** Asked for the few addresses that differ. */
  addr2line: (addresses: number[]) => Level[][],
  isAlias: (a: string | null, b: string | null) => boolean,
): Comparison {
  const kinds = new Map<Kind, number>();
  const examples = new Map<Kind, string[]>();
  const add = (kind: Kind, example: () => string) => {
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    if (kind === 'same') return;
    const list = examples.get(kind) ?? [];
    examples.set(kind, list);
    if (list.length < MAX_EXAMPLES) list.push(example());
  };
  const open: number[] = [];
  addresses.forEach((_, i) => {
    if (samePlaces(ours[i], llvm[i]) && sameNames(ours[i], llvm[i])) add('same', () => '');
    else open.push(i);
  });
  const second = open.length > 0 ? addr2line(open.map((i) => addresses[i])) : [];
  open.forEach((i, n) => {
    const [mine, theirs, others] = [ours[i], llvm[i], second[n] ?? []];
    const last = mine.length - 1;
    const text = () =>
      `0x${addresses[i].toString(16)}\n      ours ${describe(mine)}\n      llvm ${describe(theirs)}\n      a2l  ${describe(others)}`;
    if (samePlaces(mine, theirs) && sameNames(mine, theirs, last) && isAlias(mine[last].name, theirs[last].name))
      add('alias of the function', text);
    else if (samePlaces(mine, theirs) && sameNamesWhereNamed(mine, theirs)) add('llvm has no name', text);
    else if (samePlaces(mine, others) && (sameNames(mine, others) || isAlias(mine[last].name, others[last].name)))
      add('addr2line agrees with us', text);
    else add('different', text);
  });
  return { addresses: addresses.length, kinds, examples };
}

/** Do two linkage names stand for one address? */
export function aliasesOf(file: string): (a: string | null, b: string | null) => boolean {
  const plain = (name: string | null | undefined) => (name ?? '').replace(/@.*/, '');
  const addresses = new Map<string, Set<string>>();
  for (const line of run('nm', '--defined-only', file).split('\n')) {
    const [address, , name] = line.split(' ');
    if (name) addresses.set(plain(name), (addresses.get(plain(name)) ?? new Set()).add(address));
  }
  return (a, b) => {
    const known = addresses.get(plain(a));
    return [...(addresses.get(plain(b)) ?? [])].some((address) => known?.has(address));
  };
}
