// A kind of execution context is a label: adding one must not go through the whole product. Goroutines, the first kind, show what it
// takes besides the runtime's own folder and header.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The tests' JavaScript runs from out/js. */
const ROOT = [join(__dirname, '../../..'), join(__dirname, '../../../../..')].find((path) =>
  existsSync(join(path, 'CONTRIBUTING.md')),
)!;
const FOLDERS = ['bpf', 'helper/src', 'extension/src', 'webview/src'];
/** Go's plug-in and its header; what is generated of another file. */
const OWN = /^(?:helper\/src\/runtimes\/go\/|bpf\/lib\/unwind_go\.bpf\.h$|bpf\/runtime_go\.h$)|\.gen\.ts$/;
const FILES_MOST = 6;

/** What is touched for a new kind, and why. */
const TOUCHED = {
  'bpf/events.h': 'the label in the record',
  'helper/src/protocol/model.ts': 'the kind',
  'webview/src/contextKinds.ts': 'its words in the page',
  'extension/src/annotate/stackFigures.ts': 'its title in hovers',
};
/** Files of version 1 had a key of their own for it: no later kind has. */
const OLD_FILES = [
  'helper/src/protocol/recordingFile.ts',
  'helper/src/protocol/extraShape.ts',
  'helper/src/protocol/upgradeRecording.ts',
];

function* files(folder: string): Iterable<string> {
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* files(path);
    else if (/\.(?:ts|mjs|c|h|css|html)$/.test(entry.name)) yield path;
  }
}

describe('a kind of execution context', () => {
  it(`is named in ${FILES_MOST} files at the most besides its runtime's own`, () => {
    const naming = FOLDERS.flatMap((folder) => [...files(folder)]).filter(
      (path) => !OWN.test(path) && /goroutine/i.test(readFileSync(join(ROOT, path), 'utf8')),
    );
    const forKind = naming.filter((path) => !OLD_FILES.includes(path));
    assert.deepEqual(forKind.sort(), Object.keys(TOUCHED).sort());
    assert.ok(forKind.length <= FILES_MOST);
  });
});
