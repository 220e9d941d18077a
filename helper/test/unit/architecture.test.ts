// Who imports whom: no circles anywhere, and between folders only what the table in CONTRIBUTING.md allows.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ImportGraph, importCircles, readImports } from './importGraph';

/** The tests' JavaScript runs from out/js. */
const ROOT = [join(__dirname, '../../..'), join(__dirname, '../../../../..')].find((path) =>
  existsSync(join(path, 'CONTRIBUTING.md')),
)!;

/** Rows of the table: what may be imported by name of the importing folder or file. */
function allowedImports(): Map<string, string[]> {
  const text = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
  const section = text.slice(text.indexOf('## Who may import whom'));
  const table = section.slice(0, section.indexOf('\n## ', 1));
  const rows = new Map<string, string[]>();
  for (const [, row, allowed] of table.matchAll(/^\| `(\S+)` \| (.+) \|$/gm)) {
    const tree = row.slice(0, row.lastIndexOf('/') + 1);
    const names = [...allowed.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
    rows.set(
      row,
      names.map((name) => (name.includes('/') ? name : tree + name)),
    );
  }
  return rows;
}

/** The row that a file belongs to: its own, its folder's, or that of the files beside the folders (`helper/src/*.ts`). */
function rowOf(file: string, rows: Map<string, string[]>): string {
  const parts = file.split('/');
  if (rows.has(file)) return file;
  return parts.length === 3 ? `${parts[0]}/${parts[1]}/*.ts` : parts.slice(0, 3).join('/');
}

function forbidden(graph: ImportGraph, rows: Map<string, string[]>): string[] {
  const wrong: string[] = [];
  for (const [file, imported] of graph) {
    const row = rowOf(file, rows);
    const allowed = rows.get(row);
    if (!allowed) wrong.push(`${file}: ${row} has no row in CONTRIBUTING.md's table`);
    for (const target of imported) {
      const targetRow = rowOf(target, rows);
      if (targetRow !== row && !allowed?.includes(targetRow)) wrong.push(`${row} may not import ${targetRow}: ${file}`);
    }
  }
  return wrong;
}

describe('imports', () => {
  const everything = readImports(ROOT, ['helper', 'extension', 'webview']);
  const product = new Map([...everything].filter(([file]) => file.split('/')[1] === 'src'));

  it('are found at all, those of types too', () => {
    assert.ok(product.size > 200, `${product.size} files`);
    assert.ok(everything.get('helper/src/engine/types.ts')?.has('helper/src/process/types.ts'), 'an import of types');
    assert.ok(everything.get('helper/src/services.ts')?.has('helper/src/engine/capture.ts'), 'one made at run time');
  });

  it('have no circle, between the files and folders of any folder', () => {
    const circles = importCircles(everything).map((circle) => circle.join('\n  '));
    assert.deepEqual(circles, [], `\n${circles.join('\n\n')}`);
  });

  it('that go in a circle are told, file by file', () => {
    const graph: ImportGraph = new Map([
      ['a/x.ts', new Set(['b/deep/y.ts'])],
      ['b/deep/y.ts', new Set(['b/z.ts'])],
      ['b/z.ts', new Set(['c/w.ts'])],
      ['c/w.ts', new Set(['a/other.ts'])],
      ['a/other.ts', new Set()],
    ]);
    assert.deepEqual(importCircles(graph), [
      ['a/x.ts -> ../b/deep/y.ts', 'b/z.ts -> ../c/w.ts', 'c/w.ts -> ../a/other.ts'],
    ]);
  });

  it('go only where the table in CONTRIBUTING.md says', () => {
    const rows = allowedImports();
    assert.ok(rows.size > 25, `${rows.size} rows`);
    assert.deepEqual(forbidden(product, rows), []);
    const stranger: ImportGraph = new Map([['helper/src/protocol/model.ts', new Set(['helper/src/process/maps.ts'])]]);
    assert.equal(forbidden(stranger, rows).length, 1);
  });

  it('are told of in a table that has no circle itself, and whose rows are all of something', () => {
    const rows = allowedImports();
    const above = new Set<string>();
    const wrong: string[] = [];
    for (const [row, allowed] of rows) {
      for (const name of allowed) if (!above.has(name)) wrong.push(`${row}: ${name} is not above it`);
      above.add(row);
      if (![...product.keys()].some((file) => rowOf(file, rows) === row)) wrong.push(`${row} is not there`);
    }
    assert.deepEqual(wrong, []);
  });
});
