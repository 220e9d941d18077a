// Which file imports which, from the sources themselves: relative imports and exports of every kind, those of types and those
// made at run time included. For architecture.test.ts.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** File to the files that it imports, paths relative to the repository's root. */
export type ImportGraph = Map<string, Set<string>>;

const IMPORT = /\b(?:from|import|require(?:\.resolve)?)\s*\(?\s*(['"])(\.{1,2}(?:\/[^'"\n]*)?)\1/g;
const IGNORED = new Set(['node_modules', 'fixtures']);

export function readImports(root: string, folders: string[]): ImportGraph {
  const graph: ImportGraph = new Map();
  for (const file of folders.flatMap((folder) => sourcesIn(root, folder))) {
    const imported = new Set<string>();
    for (const [, , specifier] of codeOf(join(root, file)).matchAll(IMPORT)) {
      const target = resolveImport(root, file, specifier);
      // Where it leads nowhere, the compiler says so: or it stands in a text.
      if (target !== null) imported.add(target);
    }
    graph.set(file, imported);
  }
  return graph;
}

/** Without the lines that are comments: some name an import. */
function codeOf(path: string): string {
  return readFileSync(path, 'utf8').replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, '');
}

function sourcesIn(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return IGNORED.has(entry.name) ? [] : sourcesIn(root, path);
    return /(?<!\.d)\.ts$/.test(entry.name) ? [path] : [];
  });
}

function resolveImport(root: string, file: string, specifier: string): string | null {
  const path = join(dirname(file), specifier);
  const candidates = [`${path}.ts`, join(path, 'index.ts'), `${path}.d.ts`, path];
  return candidates.find((candidate) => existsSync(join(root, candidate))) ?? null;
}

/**
 * Circles between the entries of each folder, its files and its subfolders: so none of files, none of folders, and none of
 * a folder and a file beside it. Each as lines of text that name the imports which close it.
 */
export function importCircles(graph: ImportGraph): string[][] {
  const folders = new Map<string, Map<string, Map<string, string>>>();
  for (const [file, imported] of graph)
    for (const target of imported) {
      if (target === file) return [[`${file} imports itself`]];
      const [from, to] = [file.split('/'), target.split('/')];
      let depth = 0;
      while (from[depth] === to[depth]) depth++;
      const folder = from.slice(0, depth).join('/') || '.';
      const entries = folders.get(folder) ?? new Map<string, Map<string, string>>();
      folders.set(folder, entries);
      const edges = entries.get(from[depth]) ?? new Map<string, string>();
      entries.set(from[depth], edges);
      edges.set(to[depth], `${file} -> ${relative(dirname(file), target)}`);
    }
  return [...folders.values()].flatMap(circlesOf);
}

/** One circle, the shortest, through each entry that is on any and not on one already found. */
function circlesOf(entries: Map<string, Map<string, string>>): string[][] {
  const found: string[][] = [];
  const seen = new Set<string>();
  for (const start of entries.keys()) {
    if (seen.has(start)) continue;
    const cameFrom = new Map<string, string>();
    const queue = [start];
    for (let at = queue.shift(); at !== undefined && !cameFrom.has(start); at = queue.shift())
      for (const next of entries.get(at)?.keys() ?? [])
        if (!cameFrom.has(next)) {
          cameFrom.set(next, at);
          queue.push(next);
        }
    if (!cameFrom.has(start)) continue;
    const circle: string[] = [];
    for (let at = start; circle.length === 0 || at !== start; ) {
      const from = cameFrom.get(at)!;
      circle.unshift(entries.get(from)!.get(at)!);
      seen.add(from);
      at = from;
    }
    found.push(circle);
  }
  return found;
}
