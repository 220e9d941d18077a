// V8's stacks read from outside against the stack that the same process says it has (Error().stack): every function, file, line and
// column, in every tier and in the ways in which JavaScript comes to be called.

import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import type { ScriptPlace } from '../../src/runtimes/v8/types';
import { NODE_PROGRAMS } from '../tools/nodeVersions';
import { codeFileOf, imageOf, readStack, startBlocked } from './v8/blockedNode';

const PROGRAM = resolve('helper/test/golden/v8/stacks.js');
/** What has to be reached, by tier: then the test knows that it tests it. */
const HOT = '300000';

interface Case {
  mode: string;
  flags?: string[];
  warm?: string;
  /** Before it the frames have no positions (runtimes/v8/README.md). */
  from?: number;
  /** One of its functions runs so. */
  tier?: ScriptPlace['tier'];
}

const CASES: Case[] = [
  { mode: 'plain', tier: 'interpreted', warm: '0' },
  { mode: 'plain', warm: HOT },
  { mode: 'plain', flags: ['--jitless'], tier: 'interpreted' },
  { mode: 'plain', flags: ['--no-opt'] },
  { mode: 'plain', flags: ['--always-sparkplug', '--no-opt'], tier: 'baseline' },
  { mode: 'plain', flags: ['--max-lazy'] },
  { mode: 'plain', flags: ['--interpreted-frames-native-stack'], from: 22 },
  { mode: 'getter', warm: HOT },
  { mode: 'generator' },
  { mode: 'eval' },
  { mode: 'function' },
  { mode: 'sort' },
  { mode: 'replace' },
  { mode: 'json' },
  { mode: 'promise' },
  { mode: 'deep', warm: HOT },
  { mode: 'debugged' },
  { mode: 'worker-plain' },
];

/** `Shape.area (/a/b.js:1:2)`, `/a/b.js:1:2`, `new Shape (…)`, `eval (eval at start (…), <anonymous>:1:1)`. */
function toldFrame(text: string): { name: string; place: string } | null {
  const match =
    /^(?:(?:async |new )?(.*?) \()?(?:eval at .*, )?((?:file:\/\/|node:|\/|evaluated|<anonymous>).*?):(\d+):(\d+)\)?$/.exec(
      text,
    );
  if (!match) return null;
  const name = (match[1] ?? '').replace(/ \[as .*\]$/, '');
  return { name, place: `${match[2] === '<anonymous>' ? '' : match[2]}:${match[3]}:${match[4]}` };
}

function expectSame(places: (ScriptPlace | string)[], told: string[]): void {
  const wanted = told.flatMap((text) => toldFrame(text) ?? []);
  // Where it waits, instead of where it made its text.
  const found = places.slice(places.findIndex((place) => typeof place !== 'string' && place.functionName === 'tell'));
  assert.deepEqual(
    found
      .map((place) => (typeof place === 'string' ? place : `${place.scriptName}:${place.line}:${place.column}`))
      .slice(1),
    wanted.map(({ place }) => place).slice(1),
  );
  for (const [i, place] of found.entries()) {
    if (typeof place === 'string' || place.functionName === '') continue;
    const own = place.functionName.split(/[. ]/).at(-1)!;
    assert.ok(wanted[i].name.split(/[. ]/).includes(own), `${place.functionName} is ${wanted[i].name}`);
  }
}

/** Else the test would say nothing of optimized code and of what is inlined in it. */
function expectOptimized(places: (ScriptPlace | string)[]): void {
  const ran = places.filter((place): place is ScriptPlace => typeof place !== 'string');
  assert.ok(ran.some(({ tier }) => tier === 'turbofan' || tier === 'maglev'));
  assert.ok(ran.some(({ inlined }) => inlined));
}

for (const { major, find } of NODE_PROGRAMS)
  describe(`V8's stacks in Node ${major}`, function () {
    this.timeout(120_000);
    let path = '';
    before(function () {
      this.timeout(300_000);
      const program = find();
      if (program.path === null) {
        console.log(`      skipped: ${program.missing}`);
        this.skip();
      }
      path = program.path;
    });

    for (const { mode, flags = [], warm = '2000', tier } of CASES.filter(({ from = 0 }) => from <= major))
      it([mode, ...flags, warm === '2000' ? '' : warm].join(' ').trim(), async () => {
        const code = codeFileOf(path);
        const image = imageOf(code);
        const { child, told } = await startBlocked(path, [...flags, PROGRAM, mode, warm]);
        try {
          const { places } = readStack(child.pid!, code, image, 'tell');
          expectSame(places, told);
          if (warm === HOT && mode === 'plain') expectOptimized(places);
          if (tier) assert.ok(places.some((place) => typeof place !== 'string' && place.tier === tier));
        } finally {
          child.kill('SIGKILL');
        }
      });
  });
