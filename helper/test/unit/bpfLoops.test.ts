// The loops of our BPF programs as kernels before 5.15 or so want them: closed by a jump. Which way a compiler closes a loop is
// its own affair, so each object is looked at as it was compiled. No newer kernel minds, and no test on one would see it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { objectPath } from '../../src/bpf/object';

const INSTRUCTION_BYTES = 8;
/** include/uapi/linux/bpf_common.h, bpf.h */
const CLASS = { jmp: 5, jmp32: 6 };
const OPERATION = { always: 0x00, call: 0x80, exit: 0x90 };
const LOAD_IMM64 = 0x18;

interface Step {
  to: number;
  byJump: boolean;
}

/** Where an instruction goes on. `at` counts instructions. */
function stepsFrom(code: Buffer, at: number): Step[] {
  const opcode = code[at * INSTRUCTION_BYTES];
  const next = { to: at + (opcode === LOAD_IMM64 ? 2 : 1), byJump: false };
  const kind = opcode & 7;
  const operation = opcode & 0xf0;
  if ((kind !== CLASS.jmp && kind !== CLASS.jmp32) || operation === OPERATION.call) return [next];
  if (operation === OPERATION.exit) return [];
  const target = { to: at + 1 + code.readInt16LE(at * INSTRUCTION_BYTES + 2), byJump: true };
  return operation === OPERATION.always && kind === CLASS.jmp ? [target] : [{ ...next, byJump: true }, target];
}

/** Pairs of instructions [end of a round, its beginning] that check_cfg() of kernel 5.10 (kernel/bpf/verifier.c) refuses. */
function loopsWithoutJump(code: Buffer, start: number): [number, number][] {
  const found: [number, number][] = [];
  const state = new Map<number, 'under way' | 'done'>([[start, 'under way']]);
  const path = [{ at: start, steps: stepsFrom(code, start) }];
  for (let top = path.at(-1); top; top = path.at(-1)) {
    const step = top.steps.shift();
    if (!step) {
      state.set(top.at, 'done');
      path.pop();
    } else if (!state.has(step.to)) {
      state.set(step.to, 'under way');
      path.push({ at: step.to, steps: stepsFrom(code, step.to) });
    } else if (state.get(step.to) === 'under way' && !step.byJump) found.push([top.at, step.to]);
  }
  return found;
}

/** Functions of an object: gABI section headers and symbols, 64 bits. */
function functionsOf(elf: Buffer): { name: string; code: Buffer; start: number }[] {
  const [table, entryBytes] = [Number(elf.readBigUInt64LE(0x28)), elf.readUInt16LE(0x3a)];
  const sections = Array.from({ length: elf.readUInt16LE(0x3c) }, (_, i) => {
    const at = table + i * entryBytes;
    const offset = Number(elf.readBigUInt64LE(at + 24));
    const data = elf.subarray(offset, offset + Number(elf.readBigUInt64LE(at + 32)));
    return { type: elf.readUInt32LE(at + 4), link: elf.readUInt32LE(at + 40), data };
  });
  const symbols = sections.find(({ type }) => type === 2)!;
  const names = sections[symbols.link].data;
  return Array.from({ length: symbols.data.length / 24 }, (_, i) => symbols.data.subarray(24 * i, 24 * i + 24))
    .filter((symbol) => (symbol[4] & 15) === 2)
    .map((symbol) => {
      const nameAt = symbol.readUInt32LE(0);
      const name = names.toString('latin1', nameAt, names.indexOf(0, nameAt));
      const start = Number(symbol.readBigUInt64LE(8)) / INSTRUCTION_BYTES;
      return { name, code: sections[symbol.readUInt16LE(6)].data, start };
    });
}

describe('BPF programs', () => {
  for (const object of ['stack_tracer', 'process_watch'])
    it(`${object}: each loop is closed by a jump`, () => {
      const functions = functionsOf(readFileSync(objectPath(object)));
      assert.ok(functions.length > 2);
      for (const { name, code, start } of functions) assert.deepEqual(loopsWithoutJump(code, start), [], name);
    });

  it('would be found otherwise', () => {
    const [load, jumpOver, fallThrough] = ['b700000000000000', '0500010000000000', '0700000001000000'];
    const backToFallThrough = '5500fdff00000000';
    const exit = '9500000000000000';
    const code = Buffer.from([load, jumpOver, fallThrough, load, backToFallThrough, exit].join(''), 'hex');
    assert.deepEqual(loopsWithoutJump(code, 0), [[2, 3]]);
  });
});
