// Code that the linker threw away leaves debug information behind which says that it lies at 0, at 1, or some bytes after that,
// where living code may be. Programs of each linker, version of DWARF and layout that can be made here: every address of living
// code has its own function's name and lines, which the sources tell by construction.

import assert from 'node:assert/strict';
import { posix } from 'node:path';
import type { Place } from '../../src/symbolize/place';
import { ROW_WORDS, UNWIND_NONE } from '../../src/unwind/rows';
import {
  COMPILERS,
  compileAll,
  DWARF_VERSIONS,
  isPossible,
  LAYOUTS,
  LINKERS,
  link,
  type Program,
} from './discarded/programs';
import { DEAD, makeSources, type Sources } from './discarded/sources';
import { has, run } from './symbolize/build';
import { openForTest } from './symbolize/oracle';
import { tableOf } from './unwind/build';

/** Of what is wrong, for people. */
const SHOWN = 2;

describe('code that the linker threw away', function () {
  this.timeout(240_000);
  const sources = makeSources();

  const expectTruth = async (
    context: Mocha.Context,
    [compiler, version, flags]: [string, number, string[]],
    linkers: string[],
    linkFlags: string[],
    after: (program: Program) => [string, string | null] = ({ path }) => [path, null],
  ) => {
    const objects = compileAll(compiler, version, flags);
    if (objects === null) {
      console.log(`      skipped: ${compiler} cannot compile for DWARF ${version}`);
      return context.skip();
    }
    let made = 0;
    const wrong: string[] = [];
    for (const linker of linkers) {
      if (!has(`ld.${linker}`)) {
        console.log(`      without ${linker}, which is not installed`);
        continue;
      }
      for (const layout of Object.keys(LAYOUTS)) {
        if (!isPossible(linker, layout)) continue;
        const program = link(objects, compiler, linker, layout, linkFlags);
        if ('why' in program) {
          wrong.push(`${linker}, ${layout}: not made: ${program.why}`);
          continue;
        }
        made++;
        const said = await untruths(program, sources, ...after(program), flags[0] === '-g1');
        if (said.length > 0) wrong.push(`${linker}, ${layout}: ${said.length}, ${said.slice(0, SHOWN).join('; ')}`);
      }
    }
    if (made === 0) {
      console.log('      skipped: no linker could be used');
      return context.skip();
    }
    assert.deepEqual(wrong, []);
  };

  for (const compiler of COMPILERS)
    for (const version of DWARF_VERSIONS)
      it(`never covers living code: ${compiler}, DWARF ${version}`, async function () {
        await expectTruth(this, [compiler, version, []], LINKERS, []);
      });

  for (const compiler of COMPILERS)
    for (const version of [4, 5])
      it(`never covers living code: ${compiler}, DWARF ${version} in files of its own`, async function () {
        await expectTruth(this, [compiler, version, ['-gsplit-dwarf']], ['bfd', 'lld'], []);
      });

  it('never covers living code where there is little debug information', async function () {
    await expectTruth(this, ['gcc', 5, ['-g1']], LINKERS, []);
    await expectTruth(this, ['clang', 5, ['-gline-tables-only']], LINKERS, []);
  });

  for (const compiler of COMPILERS)
    it(`leaves no rules for unwinding over living code: ${compiler}`, async function () {
      // .debug_frame keeps what was thrown away. Frame pointers, so that rules change within each function.
      const flags = ['-O0', '-fno-asynchronous-unwind-tables', '-fno-unwind-tables'];
      const objects = compileAll(compiler, 4, flags);
      const apart = objects && link(objects, compiler, 'bfd', 'program at a fixed address');
      if (!objects || !apart || 'why' in apart) {
        console.log(`      skipped: ${compiler} cannot compile this`);
        return this.skip();
      }
      const described = [...sources.living.keys()].filter((name) => sources.living.get(name)!.file !== null);
      const expected = await rulesOf(apart, described);
      assert.ok(expected.every((rules) => new Set(rules).size > 1 && !rules.includes(null)));
      for (const linker of LINKERS)
        for (const layout of Object.keys(LAYOUTS)) {
          if (!has(`ld.${linker}`) || !isPossible(linker, layout)) continue;
          const program = link(objects, compiler, linker, layout);
          if ('why' in program) assert.fail(`${linker}, ${layout}: ${program.why}`);
          assert.deepEqual(await rulesOf(program, described), expected, `${linker}, ${layout}`);
        }
    });

  it('never covers living code where the linker made an index', async function () {
    await expectTruth(this, ['clang', 5, ['-ggnu-pubnames']], ['gold', 'lld'], ['-Wl,--gdb-index']);
  });

  it('never covers living code where the linker writes -1', async function () {
    const value = '-Wl,-z,dead-reloc-in-nonalloc=.debug_*=0xffffffffffffffff';
    await expectTruth(this, ['clang', 4, []], ['lld'], [value]);
  });

  it('never covers living code where the debug information is a file of its own', async function () {
    const apart = ({ path }: Program): [string, string] => {
      run('objcopy', '--only-keep-debug', path, `${path}.debug`);
      run('objcopy', '--strip-all', path, `${path}.stripped`);
      return [`${path}.stripped`, `${path}.debug`];
    };
    await expectTruth(this, ['gcc', 5, []], ['bfd', 'gold'], ['-Wl,--build-id'], apart);
  });
});

/** By function and byte of it; null: none. */
async function rulesOf({ path, functions }: Program, names: string[]): Promise<(number | null)[][]> {
  const { table } = await tableOf(path);
  const ruleAt = (pc: number) => {
    let rule: number | null = null;
    for (let at = 0; at < table.rows.length && table.rows[at] <= pc; at += ROW_WORDS) rule = table.rows[at + 1];
    return rule === UNWIND_NONE ? null : rule;
  };
  return names.map((name) => {
    const { start, sizeBytes } = functions.get(name)!;
    return Array.from({ length: sizeBytes }, (_, i) => ruleAt(start + i - table.baseAddress));
  });
}

/** What is said of the addresses of living functions and is not so. */
async function untruths(
  { functions }: Program,
  { living, inlined }: Sources,
  path: string,
  debug: string | null,
  isLittle: boolean,
): Promise<string[]> {
  const opened = await openForTest(path, debug);
  const wrong: string[] = [];
  for (const dead of functions.keys()) if (dead.includes(DEAD)) wrong.push(`${dead} was not thrown away`);
  for (const [name, truth] of living) {
    const found = functions.get(name);
    if (!found) {
      wrong.push(`${name} is not there`);
      continue;
    }
    for (let address = found.start; address < found.start + found.sizeBytes; address++) {
      const places = opened.symbols.placesAt(address);
      const problem = untruth(places, name, truth, inlined, isLittle);
      if (problem) wrong.push(`0x${address.toString(16)} in ${name}: ${problem}`);
    }
  }
  opened.close();
  return wrong;
}

function untruth(
  places: Place[],
  name: string,
  truth: { file: string | null; lines: [number, number] },
  inlined: Map<string, [number, number]>,
  isLittle: boolean,
): string | null {
  const text = places.map((p) => `${p.name} ${p.file === null ? '?' : posix.basename(p.file)}:${p.line}`).join(' < ');
  if (text.includes(DEAD)) return text;
  if (places.at(-1)!.name !== name) return text;
  if (truth.file === null)
    return places.length === 1 && places[0].file === null && places[0].line === null ? null : text;
  const within = ({ file, line }: Place, [first, last]: [number, number]) =>
    file !== null && posix.basename(file) === truth.file && line !== null && line >= first && line <= last;
  const into = inlined.get(truth.file);
  const isInlined = into !== undefined && within(places[0], into);
  // GCC's -g1 does not say what is inlined, but has its lines.
  if (places.length === 1) return within(places[0], truth.lines) || (isInlined && isLittle) ? null : text;
  return places.length === 2 && isInlined && within(places[1], truth.lines) ? null : text;
}
