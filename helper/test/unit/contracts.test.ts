// What must not be forgotten with a new BPF object, map, program or record: its row in bpf/README.md, its decoder, that decoder's
// test. Everything is found from the sources and objects, nothing is listed here.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EVENT_KIND } from '../../src/abi/events.gen';

const read = (path: string) => readFileSync(join(process.cwd(), path), 'utf8');
const sources = [
  ...readdirSync('bpf').map((name) => `bpf/${name}`),
  ...readdirSync('bpf/lib').map((name) => `bpf/lib/${name}`),
].filter((path) => /\.[ch]$/.test(path));
const tracers = sources.flatMap((path) => /^bpf\/(\w+)\.bpf\.c$/.exec(path)?.[1] ?? []);
/** First cells of the tables' rows: what they are about, in backticks. */
const rows = new Set(
  [...read('bpf/README.md').matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell]) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
  ),
);

/** Names of a tracer's programs, as its source declares them. */
function programsOf(tracer: string): string[] {
  const text = read(`bpf/${tracer}.bpf.c`);
  return [...text.matchAll(/^SEC\("\??[^"]+"\)\nint (?:BPF_PROG\()?(\w+)/gm)].map(([, name]) => name);
}

describe('contracts of bpf/', () => {
  it('has tracers, and finds their programs', () => {
    assert.ok(tracers.length >= 2, `${tracers}`);
    for (const tracer of tracers) assert.ok(programsOf(tracer).length > 0, tracer);
  });

  for (const path of sources)
    it(`${path} has its row in bpf/README.md`, () => {
      const name = path.slice('bpf/'.length);
      assert.ok(rows.has(name), `bpf/README.md has no row of ${name}`);
    });

  for (const path of sources) {
    const maps = [...read(path).matchAll(/^\} (\w+) SEC\("\.maps"\);/gm)].map(([, name]) => name);
    for (const map of maps)
      it(`the map ${map} has its row in bpf/README.md`, () => assert.ok(rows.has(map), `no row of the map ${map}`));
  }

  for (const tracer of tracers)
    for (const program of programsOf(tracer))
      it(`the program ${program} has its row in bpf/README.md`, () =>
        assert.ok(rows.has(program), `no row of the program ${program}`));

  for (const kind of Object.keys(EVENT_KIND))
    it(`records of the kind ${kind} are taken by something, and a test decodes them`, () => {
      const takers = readdirSync('helper/src', { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.ts') && !path.endsWith('.gen.ts'))
        .filter((path) => read(`helper/src/${path}`).includes(`EVENT_KIND.${kind}`));
      assert.ok(takers.length > 0, `nothing takes ${kind}`);
      assert.ok(read('helper/test/unit/abi.test.ts').includes(`EVENT_KIND.${kind}`), `no test decodes ${kind}`);
    });
});
