// The comments that files open with say why the file exists. Who calls it stands in the imports: where headers said so, one in seven
// was wrong.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The tests' JavaScript runs from out/js. */
const ROOT = [join(__dirname, '../../..'), join(__dirname, '../../../../..')].find((path) =>
  existsSync(join(path, 'CONTRIBUTING.md')),
)!;
const FOLDERS = ['bpf', 'helper', 'extension', 'webview'];
const LEFT_OUT = new Set(['node_modules', 'out', 'dist', '.build']);
const SOURCE = /\.(?:ts|mjs|js|c|h|sh|css)$/;
const CLAIM = /\bcalled\s+(?:(?:once|only|also)\s+)?(?:by|from|through)\b/i;

function* sources(folder: string): Iterable<string> {
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    if (LEFT_OUT.has(entry.name)) continue;
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* sources(path);
    else if (SOURCE.test(entry.name)) yield path;
  }
}

/** The comment before the first line of code, without what marks it as a comment. */
function headerOf(text: string): string {
  const found: string[] = [];
  let inBlock = false;
  for (const line of text.split('\n')) {
    const body = line.trim();
    if (body.startsWith('/*')) inBlock = true;
    if (!inBlock && body !== '' && !/^(?:\/\/|#)/.test(body)) break;
    found.push(body.replace(/^(?:\/\/|\/\*+|\*\/|\*|#+)/, ''));
    if (body.includes('*/')) inBlock = false;
  }
  return found.join(' ');
}

describe('headers of files', () => {
  const all = FOLDERS.flatMap((folder) => [...sources(folder)]);

  it('are read as they stand', () => {
    assert.ok(all.length > 500, `${all.length} files`);
    assert.equal(headerOf('// One\n// two.\n\nimport x;\n// Called by y.').trim(), 'One  two.');
    assert.match(headerOf('/* SPDX */\n/*\n * Why.\n * Called by x.c.\n */\nint y;'), CLAIM);
    assert.match(headerOf('#!/bin/bash\n# Why; called\n# by x.\nexit'), CLAIM);
  });

  it('do not say who calls the file', () => {
    const wrong = all.filter((path) => CLAIM.test(headerOf(readFileSync(join(ROOT, path), 'utf8'))));
    assert.deepEqual(wrong, []);
  });
});
