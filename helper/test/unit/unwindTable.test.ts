// The unwind compiler on sections written by hand: every instruction, encoding and augmentation, what has no compact form,
// gaps and overlaps, limits, and bytes that make no sense.

import assert from 'node:assert/strict';
import { ROW_WORDS, UNWIND_MAX_WIDE_RULES } from '../../src/unwind/rows';
import { decodeTable, encodeTable } from '../../src/unwind/tableCache';
import { bytes, CODE_ADDRESS, u16, u32, u64, withLength } from './symbolize/elfWriter';
import {
  type CieInput,
  cie,
  compileFile,
  compileRows,
  debugFrame,
  EH_FRAME_ADDRESS,
  ehFrame,
  ehFrameSection,
  elfWith,
  fde,
  rowsOf,
  X86_START,
} from './unwind/frameWriter';

const END = '401040 gap';
const ARM_START = bytes([0x0c, 31, 0]);
const ARM: CieInput = { dataAlign: 0x78, ra: 30, codeAlign: 4, instructions: ARM_START };

/** Rows of one function with these instructions. */
function run(...instructions: (number | number[] | Buffer)[]): Promise<string[]> {
  return compileRows(ehFrame({}, [{ instructions: bytes(...instructions) }]));
}

function runArm(...instructions: (number | number[] | Buffer)[]): Promise<string[]> {
  return compileRows(ehFrame(ARM, [{ instructions: bytes(...instructions) }]), 'aarch64');
}

async function problemsOf(data: Buffer): Promise<string[]> {
  return (await compileFile(elfWith([ehFrameSection(data)]))).problems;
}

describe('unwind tables: CFA programs', () => {
  it('follow pushes and pops', async () => {
    const rows = await run([0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x50, 0x0c, 7, 8, 0xc6]);
    assert.deepEqual(rows, [
      '401000 rsp+8 ra-8',
      '401001 rsp+16 fp-16 ra-8',
      '401004 rbp+16 fp-16 ra-8',
      '401014 rsp+8 ra-8',
      END,
    ]);
  });

  it('advance in every form', async () => {
    const far = ehFrame({}, [
      {
        sizeBytes: 0x1000,
        instructions: bytes([0x02, 0x10, 0x0e, 16, 0x03], u16(0x100), [0x0e, 24, 0x04], u32(0x200), [0x0e, 32]),
      },
    ]);
    assert.deepEqual(await compileRows(far), [
      '401000 rsp+8 ra-8',
      '401010 rsp+16 ra-8',
      '401110 rsp+24 ra-8',
      '401310 rsp+32 ra-8',
      '402000 gap',
    ]);
    assert.deepEqual(await run(0x1d, u64(8), [0x0e, 16]), ['401000 rsp+8 ra-8', '401008 rsp+16 ra-8', END]);
    const setLocation = (cieInput: CieInput, place: Buffer) =>
      compileRows(ehFrame(cieInput, [{ instructions: bytes(0x01, place, [0x0e, 16]) }]));
    // pcrel sdata4: the place of the operand is the end of the FDE's head, 17 bytes behind its start at 0x14.
    const at = EH_FRAME_ADDRESS + cie({}).length + 18;
    const moved = ['401000 rsp+8 ra-8', '401020 rsp+16 ra-8', END];
    assert.deepEqual(await setLocation({}, u32((CODE_ADDRESS + 0x20 - at) >>> 0)), moved);
  });

  it('remember and restore states, within each other too', async () => {
    const rows = await run([0x0a, 0x41, 0x0e, 16, 0x0a, 0x41, 0x0e, 24, 0x86, 3, 0x41, 0x0b, 0x41, 0x0b]);
    assert.deepEqual(rows, [
      '401000 rsp+8 ra-8',
      '401001 rsp+16 ra-8',
      '401002 rsp+24 fp-24 ra-8',
      '401003 rsp+16 ra-8',
      '401004 rsp+8 ra-8',
      END,
    ]);
  });

  it('know each way to say where a register is', async () => {
    const rule = async (...instructions: (number | number[] | Buffer)[]) =>
      (await run([0x0e, 48], ...instructions))[0].replace('401000 ', '');
    assert.equal(await rule([0x05, 6, 2]), 'rsp+48 fp-16 ra-8');
    assert.equal(await rule([0x11, 6, 2]), 'rsp+48 fp-16 ra-8');
    assert.equal(await rule([0x2f, 6, 2]), 'rsp+48 fp+16 ra-8');
    assert.equal(await rule([0x86, 2, 0xc6]), 'rsp+48 ra-8');
    assert.equal(await rule([0x86, 2, 0x06, 6]), 'rsp+48 ra-8');
    assert.equal(await rule([0x86, 2, 0x08, 6]), 'rsp+48 ra-8');
    assert.equal(await rule([0x86, 2, 0x07, 6]), 'rsp+48 ra-8');
    assert.equal(await rule([0x09, 6, 9]), 'rsp+48 ra-8');
    assert.equal(await rule([0x14, 6, 2]), 'rsp+48 ra-8');
    assert.equal(await rule([0x12, 7, 0x78]), 'rsp+64 ra-8');
    assert.equal(await rule([0x13, 0x78]), 'rsp+64 ra-8');
    assert.equal(await rule([0x0d, 10]), 'r10+48 ra-8');
    assert.equal(await rule([0x2e, 0x20]), 'rsp+48 ra-8');
    assert.equal(await rule([0x83, 2]), 'rsp+48 ra-8');
  });

  it('end the stack where the return address is undefined', async () => {
    assert.deepEqual(await run([0x07, 16]), ['401000 end', END]);
    assert.deepEqual(await runArm([0x07, 30]), ['401000 end', END]);
  });

  it('know expressions that have a form: PLT stubs, realigned stacks, saved stack pointers', async () => {
    const plt = [0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22];
    assert.deepEqual(await run(plt), ['401000 expression ra-8', END]);
    // DRAP: CFA = *(rbp - 8), rbp saved at *(rbp + 0)
    assert.deepEqual(await run([0x0f, 3, 0x76, 0x78, 0x06, 0x10, 6, 2, 0x76, 0]), ['401000 expression ra-8', END]);
    const table = await compileFile(
      elfWith([ehFrameSection(ehFrame({}, [{ instructions: bytes([0x0f, 5, 0x77, 40, 0x06, 0x23, 8]) }]))]),
    );
    assert.deepEqual(table.unexpressible, []);
    assert.equal(table.wideRules.length, 4);
    assert.deepEqual([...table.wideRules], [40, 0, 0xfffffff8, 0x80 | 7 | (6 << 8) | (0xa0 << 16) | (8 << 24)]);
    // A sum is as good as a register; literals of all sizes.
    const sums = [
      [0x77, 16],
      [0x77, 8, 0x23, 8],
      [0x77, 8, 0x38, 0x22],
      [0x38, 0x77, 8, 0x22],
      [0x77, 24, 0x08, 8, 0x1c],
      [0x77, 8, 0x0a, 8, 0, 0x22],
      [0x92, 7, 16],
      [0x77, 16, 0x12, 0x13, 0x96],
    ];
    for (const sum of sums) assert.deepEqual(await run([0x0f, sum.length], sum), ['401000 rsp+16 ra-8', END]);
  });

  it('take up the old offset behind an expression', async () => {
    const rows = await run([0x0e, 56, 0x41, 0x0f, 3, 0x77, 8, 0x06, 0x41, 0x0d, 7]);
    assert.deepEqual(rows, ['401000 rsp+56 ra-8', '401001 expression ra-8', '401002 rsp+56 ra-8', END]);
  });

  it('count and name what has no form', async () => {
    const reasons = async (...instructions: number[][]) => {
      const data = ehFrame({}, [{ instructions: bytes(...instructions) }]);
      return (await compileFile(elfWith([ehFrameSection(data)]))).unexpressible;
    };
    const one = async (...instructions: number[]) => (await reasons(instructions))[0]?.why ?? '';
    assert.match(await one(0x0f, 3, 0x77, 8, 0x19), /the CFA is an expression/);
    assert.match(await one(0x10, 16, 3, 0x77, 8, 0x19), /the return address is an expression/);
    assert.match(await one(0x10, 6, 3, 0x77, 8, 0x19), /the saved frame pointer is an expression/);
    assert.match(await one(0x09, 7, 8), /stack pointer is not the CFA/);
    assert.match(await one(0x08, 16), /return address has no rule/);
    assert.match(await one(0x0e, 0xff, 0xff, 0xff, 0xff, 0x7f), /offset is too large/);
    assert.match(await one(0x0d, 40), /register without a number/);
    assert.match(await one(0x3f), /instruction is unknown/);
    assert.match(await one(0x04, 1), /end in the middle/);
    assert.match(await one(0x0e), /end in the middle/);
    assert.match(await one(0x0f, 9, 0x77), /end in the middle/);
    assert.match(await one(0x0b), /remembered states/);
    assert.match(await one(...new Array(65).fill(0x0a)), /remembered states/);
    assert.deepEqual(await reasons([0x3f], []), [{ pc: CODE_ADDRESS, why: 'an instruction is unknown', count: 1 }]);
  });

  it('hold large and odd offsets in wide rules, up to a limit', async () => {
    assert.deepEqual(await run([0x0e, 0x80, 0x80, 0x08]), ['401000 rsp+131072 ra-8', END]);
    assert.deepEqual(await run([0x0e, 12]), ['401000 rsp+12 ra-8', END]);
    assert.deepEqual(await run([0x0e, 0xc0, 0x80, 1, 0x86, 0x80, 0x10]), ['401000 rsp+16448 fp-16384 ra-8', END]);
    const many = Array.from({ length: UNWIND_MAX_WIDE_RULES + 100 }, (_, i) => {
      const offset = 12 + 8 * i;
      return [0x41, 0x0e, 0x80 | (offset & 0x7f), 0x80 | ((offset >> 7) & 0x7f), offset >> 14];
    });
    const data = ehFrame({}, [{ sizeBytes: 0x2000, instructions: bytes(...many) }]);
    const { unexpressible, wideRules } = await compileFile(elfWith([ehFrameSection(data)], 'x86-64', 0x2000));
    assert.equal(wideRules.length, UNWIND_MAX_WIDE_RULES * 4);
    assert.equal(unexpressible.length, 1);
    assert.match(unexpressible[0].why, /more wide rules than/);
    assert.equal(unexpressible[0].count, 100);
  });
});

describe('unwind tables: arm64', () => {
  it('know pairs, return addresses in x30 and saved alone', async () => {
    assert.deepEqual(await runArm([0x41, 0x0e, 32, 0x9d, 4, 0x9e, 3, 0x41, 0x0d, 29]), [
      '401000 sp+0',
      '401004 sp+32 fp-32 ra-24',
      '401008 x29+32 fp-32 ra-24',
      END,
    ]);
    assert.deepEqual(await runArm([0x0e, 16, 0x9e, 2]), ['401000 sp+16 ra-16', END]);
    assert.deepEqual(await runArm([0x0e, 32, 0x9e, 2, 0x9d, 4]), ['401000 sp+32 fp-32 ra-16', END]);
    assert.deepEqual(await runArm([0x0e, 32, 0x9e, 2, 0x41, 0xde]), ['401000 sp+32 ra-16', '401004 sp+32', END]);
  });

  it('know signed return addresses, by either key', async () => {
    assert.deepEqual(await runArm([0x41, 0x2d, 0x41, 0x0a, 0x0e, 16, 0x41, 0x2d, 0x41, 0x0b]), [
      '401000 sp+0',
      '401004 sp+0 signed',
      '401008 sp+16 signed',
      '40100c sp+16',
      '401010 sp+0 signed',
      END,
    ]);
    const keyB = { ...ARM, augmentation: 'zRB' };
    const rows = await compileRows(ehFrame(keyB, [{ instructions: bytes([0x2d]) }]), 'aarch64');
    assert.deepEqual(rows, ['401000 sp+0 signed', END]);
    assert.deepEqual(await runArm([0x2c]), ['401000 sp+0 signed', END]);
    assert.deepEqual(await runArm([0x2b, 1, 0]), ['401000 sp+0 signed', END]);
  });
});

describe('unwind tables: entries', () => {
  const start = [{ instructions: bytes(0) }];
  const plain = ['401000 rsp+8 ra-8', END];

  it('know augmentations', async () => {
    const personality = bytes(7, 0x9b, u32(1234), 0x1b, 0x1b);
    const withBoth: CieInput = { augmentation: 'zPLR', data: personality };
    const parts = [cie(withBoth)];
    parts.push(fde(parts[0].length, 0, CODE_ADDRESS, 0x40, bytes(0), bytes(4, u32(99))));
    assert.deepEqual(await compileRows(Buffer.concat(parts)), plain);
    assert.deepEqual(await compileRows(ehFrame({ augmentation: 'zRS' }, start)), ['401000 rsp+8 ra-8 signal', END]);
    assert.deepEqual(await compileRows(ehFrame({ augmentation: 'zRG?' }, start)), plain);
    const noData: CieInput = { augmentation: '', data: Buffer.alloc(0) };
    const absolute = (common: CieInput) =>
      bytes(cie(common), withLength(bytes(u32(cie(common).length + 4), u64(CODE_ADDRESS), u64(0x40))));
    assert.deepEqual(await compileRows(absolute(noData)), plain);
    assert.deepEqual(await compileRows(absolute({ ...noData, augmentation: 'eh', head: u64(0) })), plain);
    assert.deepEqual(await compileRows(absolute({ ...noData, version: 3 })), plain);
  });

  it('know pointer encodings', async () => {
    const encoded = (encoding: number, pointer: (at: number) => Buffer, size: Buffer) => {
      const common = cie({ data: bytes(1, encoding) });
      const at = EH_FRAME_ADDRESS + common.length + 8;
      return compileRows(bytes(common, withLength(bytes(u32(common.length + 4), pointer(at), size, 0))));
    };
    const uleb = bytes([0x80, 0xa0, 0x80, 0x02]);
    assert.deepEqual(await encoded(0x00, () => u64(CODE_ADDRESS), u64(0x40)), plain);
    assert.deepEqual(await encoded(0x03, () => u32(CODE_ADDRESS), u32(0x40)), plain);
    assert.deepEqual(await encoded(0x04, () => u64(CODE_ADDRESS), u64(0x40)), plain);
    assert.deepEqual(await encoded(0x0b, () => u32(CODE_ADDRESS), u32(0x40)), plain);
    assert.deepEqual(await encoded(0x0c, () => u64(CODE_ADDRESS), u64(0x40)), plain);
    assert.deepEqual(await encoded(0x01, () => uleb, bytes(0x40)), plain);
    assert.deepEqual(await encoded(0x09, () => uleb, bytes([0xc0, 0])), plain);
    assert.deepEqual(await encoded(0x50, (at) => bytes(Buffer.alloc(-at & 7), u64(CODE_ADDRESS)), u64(0x40)), plain);
    const minus = (value: number) => {
      const b = Buffer.alloc(8);
      b.writeBigInt64LE(BigInt(value));
      return b;
    };
    assert.deepEqual(await encoded(0x1c, (at) => minus(CODE_ADDRESS - at), u64(0x40)), plain);
    assert.deepEqual(await encoded(0x2b, () => u32(0), u32(0x40)), plain);
    // Through another pointer, or by none that is known: left out, and said.
    assert.deepEqual(await encoded(0x9b, (at) => u32((CODE_ADDRESS - at) >>> 0), u32(0x40)), []);
    assert.deepEqual(await encoded(0x0f, () => u64(CODE_ADDRESS), u64(0x40)), []);
  });

  it('are found in .debug_frame, of 32 and 64 bits', async () => {
    for (const wide of [false, true]) {
      const data = debugFrame(CODE_ADDRESS, 0x40, bytes([0x41, 0x0e, 16]), wide);
      const file = elfWith([{ name: '.debug_frame', type: 1, data }]);
      assert.deepEqual(rowsOf(await compileFile(file), file), ['401000 rsp+8 ra-8', '401001 rsp+16 ra-8', END]);
    }
  });

  it('of .debug_frame fill what .eh_frame leaves open', async () => {
    const eh = ehFrame({}, [{ instructions: bytes([0x0e, 32]) }]);
    const at = (start: number) => {
      const file = elfWith([
        ehFrameSection(eh),
        { name: '.debug_frame', type: 1, data: debugFrame(start, 0x40, bytes([0x0e, 16])) },
      ]);
      return compileFile(file).then((table) => rowsOf(table, file));
    };
    assert.deepEqual(await at(CODE_ADDRESS), ['401000 rsp+32 ra-8', END]);
    assert.deepEqual(await at(CODE_ADDRESS + 8), ['401000 rsp+32 ra-8', END]);
    assert.deepEqual(await at(CODE_ADDRESS + 0x40), ['401000 rsp+32 ra-8', '401040 rsp+16 ra-8', '401080 gap']);
    assert.deepEqual(await at(CODE_ADDRESS + 0x80), ['401000 rsp+32 ra-8', END, '401080 rsp+16 ra-8', '4010c0 gap']);
  });

  it('come in any order, with gaps, neighbours and overlaps', async () => {
    const rows = await compileRows(
      ehFrame({}, [
        { start: CODE_ADDRESS + 0x200, instructions: bytes([0x0e, 24]) },
        { start: CODE_ADDRESS, instructions: bytes([0x41, 0x0e, 16]) },
        { start: CODE_ADDRESS + 0x40, instructions: bytes([0x0e, 16]) },
        { start: CODE_ADDRESS + 0x220, instructions: bytes([0x0e, 40]) },
        { start: CODE_ADDRESS + 0x220, instructions: bytes([0x0e, 48]) },
      ]),
    );
    assert.deepEqual(rows, [
      '401000 rsp+8 ra-8',
      '401001 rsp+16 ra-8',
      '401080 gap',
      '401200 rsp+24 ra-8',
      '401220 rsp+40 ra-8',
      '401260 gap',
    ]);
  });

  it('go on behind zeros, and do without code that was dropped', async () => {
    const first = ehFrame({}, start);
    const next = fde(first.length + 4, 0, CODE_ADDRESS + 0x40, 0x40, bytes([0x0e, 16]));
    const dropped = fde(first.length + 4 + next.length, 0, 0, 0x40, bytes([0x0e, 24]));
    assert.deepEqual(await compileRows(bytes(first, u32(0), next, dropped)), [
      '401000 rsp+8 ra-8',
      '401040 rsp+16 ra-8',
      '401080 gap',
    ]);
  });

  it('that are damaged cost themselves only', async () => {
    const good = ehFrame({}, start);
    const behind = (entry: Buffer) => bytes(good, entry);
    const cases: [Buffer, RegExp][] = [
      [withLength(bytes(u32(0x7fffff), u64(0))), /common entry that cannot be read \(outside of the section\)/],
      [withLength(bytes(u32(good.length + 4 - 4), u64(0), u64(0))), /common entry that cannot be read/],
      [withLength(bytes([1, 2])), /is too short/],
      [withLength(bytes(u32(good.length + 4), [1, 2, 3])), /has no readable address/],
      [
        fde(good.length, 0, CODE_ADDRESS + 0x80, 0x40, bytes(0), bytes([0xff, 0x7f])),
        /augmentation data beyond its end/,
      ],
      [bytes(u32(0x1000), u32(8)), /goes beyond the section/],
      [bytes(u32(0xffffffff), u32(0)), /ends in the middle of an entry/],
    ];
    for (const [entry, problem] of cases) {
      assert.deepEqual(await compileRows(behind(entry)), plain);
      const problems = await problemsOf(behind(entry));
      assert.equal(problems.length, 1);
      assert.match(problems[0], problem);
    }
    const badCies: CieInput[] = [
      { version: 9 },
      { augmentation: 'zR', data: bytes([0x7f, 0x1b]) },
      { augmentation: 'x', data: Buffer.alloc(0) },
      { augmentation: 'zP', data: bytes([1, 0x00]) },
    ];
    for (const common of badCies) {
      const data = ehFrame(common, start);
      assert.deepEqual(await compileRows(data), []);
      assert.equal((await problemsOf(data)).length, 1);
    }
  });

  it('beyond the file have no rows there', async () => {
    const rows = await compileRows(
      ehFrame({}, [{ start: CODE_ADDRESS + 0xff0, sizeBytes: 0x7fffffff, instructions: bytes(0) }]),
    );
    assert.deepEqual(rows, ['401ff0 rsp+8 ra-8', '402000 gap']);
  });
});

describe('unwind tables: trampolines of signal handlers', () => {
  const call = Buffer.from('48c7c00f0000000f05', 'hex');

  it("are known by glibc's expressions and, where nothing describes them, by their instructions", async () => {
    const place = (register: number, offset: number) => [0x10, register, 3, 0x77, 0x80 | (offset & 0x7f), offset >> 7];
    const expressions = bytes([0x0f, 4, 0x77, 0xa0, 1, 0x06], place(6, 120), place(7, 160), place(16, 168));
    const described = await compileRows(
      ehFrame({ augmentation: 'zRS', instructions: bytes(X86_START) }, [{ instructions: expressions }]),
    );
    assert.deepEqual(described, ['401000 expression signal', END]);
    const file = elfWith([ehFrameSection(ehFrame({}, [{ instructions: bytes(0) }]))]);
    call.copy(file, 0x1080);
    assert.deepEqual(rowsOf(await compileFile(file), file), [
      '401000 rsp+8 ra-8',
      END,
      '40107f expression signal',
      '401089 gap',
    ]);
    // Close behind a function, whose last byte is where the walker looks.
    const close = elfWith([ehFrameSection(ehFrame({}, [{ sizeBytes: 0x80, instructions: bytes(0) }]))]);
    call.copy(close, 0x1080);
    assert.deepEqual(rowsOf(await compileFile(close), close), [
      '401000 rsp+8 ra-8',
      '40107f expression signal',
      '401089 gap',
    ]);
    // The same bytes in a function that has rows are that function's business.
    const covered = elfWith([ehFrameSection(ehFrame({}, [{ sizeBytes: 0x100, instructions: bytes(0) }]))]);
    call.copy(covered, 0x1080);
    assert.deepEqual(rowsOf(await compileFile(covered), covered), ['401000 rsp+8 ra-8', '401100 gap']);
  });
});

describe('unwind tables: code of linkers', () => {
  const stubs = (data: Buffer, name = '.plt') => ({ name, type: 1, flags: 6, address: CODE_ADDRESS + 0x800, data });
  const rows = async (file: Buffer) => rowsOf(await compileFile(file), file);

  it('knows jump stubs by their instructions', async () => {
    const first = bytes([0xff, 0x35], u32(8), [0xff, 0x25], u32(16), [0x0f, 0x1f, 0x40, 0]);
    const lazy = bytes([0xff, 0x25], u32(1), 0x68, u32(0), 0xe9, u32(0));
    const protectedLazy = bytes([0xf3, 0x0f, 0x1e, 0xfa, 0x68], u32(0), 0xe9, u32(0), [0x66, 0x90]);
    const bound = bytes([0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25], u32(1), [0x0f, 0x1f, 0x44, 0, 0]);
    const table = ['401800 rsp+16 ra-8', '401806 rsp+24 ra-8', '401810 expression ra-8', '401830 gap'];
    assert.deepEqual(await rows(elfWith([stubs(bytes(first, lazy, lazy))])), table);
    assert.deepEqual(await rows(elfWith([stubs(bytes(first, protectedLazy, protectedLazy))])), table);
    assert.deepEqual(await rows(elfWith([stubs(bytes(bound), '.plt.sec')])), ['401800 rsp+8 ra-8', '401810 gap']);
    assert.deepEqual(await rows(elfWith([stubs(Buffer.alloc(64, 0x90))])), []);
    const push = bytes(u32(0xa9bf7bf0), Buffer.alloc(28), Buffer.alloc(32));
    const arm = ['401800 sp+0', '401804 sp+16 ra-8', '401820 sp+0', '401840 gap'];
    assert.deepEqual(await rows(elfWith([stubs(push)], 'aarch64')), arm);
    assert.deepEqual(await rows(elfWith([stubs(Buffer.alloc(64))], 'aarch64')), []);
    // What the file says itself goes before.
    const said = ehFrame({}, [{ start: CODE_ADDRESS + 0x810, sizeBytes: 0x10, instructions: bytes([0x0e, 32]) }]);
    const both = elfWith([ehFrameSection(said), stubs(bytes(first, lazy, lazy))]);
    assert.deepEqual(await rows(both), ['401810 rsp+32 ra-8', '401820 gap']);
  });

  it('ends stacks at the entry', async () => {
    const enter = (file: Buffer) => {
      file.writeUInt32LE(CODE_ADDRESS + 0x20, 24);
      return rows(file);
    };
    assert.deepEqual(await enter(elfWith([])), ['401020 end', '401040 gap']);
    const near = ehFrame({}, [{ start: CODE_ADDRESS + 0x60, instructions: bytes(0) }]);
    assert.deepEqual(await enter(elfWith([ehFrameSection(near)])), ['401020 end', '401060 rsp+8 ra-8', '4010a0 gap']);
    const over = ehFrame({}, [{ instructions: bytes(0) }]);
    assert.deepEqual(await enter(elfWith([ehFrameSection(over)])), ['401000 rsp+8 ra-8', END]);
  });
});

describe('unwind tables: cache entries', () => {
  it('come back as they were, or not at all', async () => {
    const data = ehFrame({}, [{ instructions: bytes([0x41, 0x0e, 16, 0x86, 2, 0x41, 0x0d, 10, 0x41, 0x09, 7, 8]) }]);
    const table = await compileFile(elfWith([ehFrameSection(data)]));
    assert.ok(table.rows.length > 4 * ROW_WORDS && table.wideRules.length > 0 && table.unexpressible.length > 0);
    const entry = encodeTable(table);
    assert.deepEqual(decodeTable(Buffer.from(entry)), table);
    for (let at = 0; at < entry.length; at++) {
      const damaged = Buffer.from(entry);
      damaged[at] ^= 0x10;
      // The last word of the header is of no meaning yet.
      if (at < 20 || at >= 24) assert.equal(decodeTable(damaged), null, `byte ${at}`);
      assert.equal(decodeTable(Buffer.from(entry.subarray(0, at))), null);
    }
  });
});
