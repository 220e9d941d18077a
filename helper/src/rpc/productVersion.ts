// The product's version, told in the handshake by both sides. Read from package.json where the code runs: dist/ in the
// VSIX and in a checkout, out/js/ in tests.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

let known: string | undefined;

/** `0.1.0`; `unknown` where no package.json of ours stands above the code. */
export function productVersion(): string {
  for (let dir = __dirname; known === undefined && dir !== dirname(dir); dir = dirname(dir)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'));
      if (name === 'universal-ebpf-tracer') known = String(version);
    } catch {
      // Not in this folder: look further up.
    }
  }
  known ??= 'unknown';
  return known;
}
