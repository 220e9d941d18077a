// Samples whose stacks are walked in user space: the rules on stacks made by hand, the record from its bytes, and who waits
// for what. The same walk on real stacks, against gdb: helper/test/root/unwind.test.ts.

import assert from 'node:assert/strict';
import { EVENT_KIND, RAW_BLOCK_BYTES, RAW_SAMPLE_EVENT } from '../../src/abi/events.gen';
import type { SampleRecord, StackRecord } from '../../src/abi/records';
import type { Words } from '../../src/abi/words';
import type { Code } from '../../src/process/processes';
import type { ProcessRecord } from '../../src/process/types';
import { BROKEN_STACKS_SAID, mostFrequentCause } from '../../src/protocol';
import { type GoroutineLayout, goroutineOfRaw } from '../../src/runtimes/go/goroutines';
import type { CodeTable } from '../../src/unwind/load/code';
import type { PlacedTable } from '../../src/unwind/load/tables';
import { RawSample } from '../../src/unwind/raw/rawSample';
import { RawStacks, type RawTables } from '../../src/unwind/raw/rawStacks';
import { type RawThread, type WideRule, walkRaw } from '../../src/unwind/raw/walk';
import * as rows from '../../src/unwind/rows';

const CODE = 0x40_0000;
const TOP = 0x7fff_0000_0000;
const SP = TOP - 0x4000;
const X86 = { ip: 16, sp: 19, fp: 4 };

const rule = (kind: number, cfa: number, fpPlace = 0) =>
  (kind | ((cfa & 0x3fff) << rows.UNWIND_CFA_SHIFT) | (fpPlace << rows.UNWIND_FP_SHIFT)) >>> 0;

/** A stack of words by address; `fp` and the registers as given. */
function thread(words: Record<number, number>, registers: Record<number, number> = {}): RawThread {
  const all = new Float64Array(34);
  for (const [place, value] of Object.entries({ [X86.ip]: CODE, [X86.sp]: SP, ...registers }))
    all[Number(place)] = value;
  const word = (address: number) => words[address] ?? null;
  return { registers: all, word, returnAddress: word, entry: TOP, entryGap: 256, runtimeLow: 0, runtimeHigh: 0 };
}

function walk(of: RawThread, ruleOf: Record<number, number>, wide: WideRule | null = null, maxFrames = 127) {
  return walkRaw(
    'x86-64',
    of,
    { ruleAt: (address) => ruleOf[address] ?? rows.UNWIND_NONE, wideRule: () => wide },
    maxFrames,
  );
}

describe('walking a raw stack', () => {
  const [A, B] = [CODE + 0x100, CODE + 0x200];

  it('goes by sp and by fp, and keeps what the caller had in fp', () => {
    const fpOfCaller = SP + 0x40;
    const of = thread({ [SP + 8]: A, [SP]: fpOfCaller, [fpOfCaller + 8]: B });
    const found = walk(of, {
      [CODE]: rule(rows.UNWIND_SP, 2, 2),
      [A - 1]: rule(rows.UNWIND_FP, 2),
      [B - 1]: rows.UNWIND_END,
    });
    assert.deepEqual(found, { frames: [CODE, A, B], exact: [], end: null, firstGuess: null, missing: null });
  });

  it('looks a return address up by the call before it, and an interrupted instruction by itself', () => {
    const signal = SP + 8;
    const interrupted = { sp: SP + 0x400, ip: B };
    const of = thread({
      [SP]: A,
      [signal + rows.UNWIND_SIGNAL_X86_SP]: interrupted.sp,
      [signal + rows.UNWIND_SIGNAL_X86_IP]: interrupted.ip,
      [signal + rows.UNWIND_SIGNAL_X86_FP]: 0,
    });
    const signalReturn = rows.UNWIND_SIGNAL_RETURN | rows.UNWIND_EXACT;
    for (const trampoline of [A - 1, A]) {
      const { frames, exact, end } = walk(of, {
        [CODE]: rule(rows.UNWIND_SP, 1),
        [trampoline]: signalReturn,
        [B]: rows.UNWIND_END,
      });
      assert.deepEqual(frames, [CODE, A, B]);
      assert.deepEqual(exact, [1, 2]);
      assert.equal(end, null);
    }
  });

  it('ends where a stack was made by hand: at the first instruction of a function that nothing called', () => {
    const { frames, exact, end } = walk(thread({ [SP]: A, [SP + 8]: B }), {
      [CODE]: rule(rows.UNWIND_SP, 1),
      [A]: rule(rows.UNWIND_SP, 1),
    });
    assert.deepEqual([frames, exact, end], [[CODE, A], [1], null]);
  });

  it('knows jump stubs, realigned frames and rules that are rare', () => {
    const stub = CODE + 11;
    assert.deepEqual(
      walk(thread({ [SP + 8]: A }, { [X86.ip]: stub }), { [stub]: rule(rows.UNWIND_PLT, 11), [A - 1]: rows.UNWIND_END })
        .frames,
      [stub, A],
    );
    const fp = SP + 0x80;
    const realigned = thread({ [fp - 8]: SP + 0x200, [fp]: 77, [SP + 0x1f8]: A }, { [X86.fp]: fp });
    assert.deepEqual(walk(realigned, { [CODE]: rule(rows.UNWIND_DEREF_FP, -1, 1), [A - 1]: rows.UNWIND_END }).frames, [
      CODE,
      A,
    ]);
    const byRbx = {
      cfaOffset: 16,
      fpOffset: 0,
      raOffset: -8,
      cfaBase: 3,
      fpBase: 6,
      raBase: rows.UNWIND_BASE_CFA,
      cfaAddend: 0,
    };
    const of = thread({ [SP + 0x108]: A }, { 5: SP + 0x100 });
    assert.deepEqual(walk(of, { [CODE]: rows.UNWIND_WIDE, [A - 1]: rows.UNWIND_END }, byRbx).frames, [CODE, A]);
    // Behind the first frame rbx is not known.
    const second = thread({ [SP]: A, [SP + 0x108]: B }, { 5: SP + 0x100 });
    const { end } = walk(second, { [CODE]: rule(rows.UNWIND_SP, 1), [A - 1]: rows.UNWIND_WIDE }, byRbx);
    assert.equal(end, 'unexpressible');
  });

  it('says where it had to guess, what was missing, and that it was too deep', () => {
    const fp = SP + 0x40;
    const guessed = walk(thread({ [fp]: 0, [fp + 8]: A }, { [X86.fp]: fp }), {});
    assert.deepEqual(guessed, { frames: [CODE, A], exact: [], end: 'noUnwindInfo', firstGuess: CODE, missing: null });
    const cut = walk(thread({}), { [CODE]: rule(rows.UNWIND_SP, 2) });
    assert.deepEqual([cut.end, cut.missing], ['unreadableStack', SP + 8]);
    const back = { [CODE]: rule(rows.UNWIND_SP, 1), [A - 1]: rule(rows.UNWIND_SP, 1) };
    const deep = walk(thread(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [SP + 8 * i, A]))), back, null, 5);
    assert.deepEqual([deep.frames.length, deep.end], [5, 'tooDeep']);
  });

  it('takes a chain that ends close below the entry for whole, and no other', () => {
    const near = TOP - 0x20;
    const ends = (sp: number) =>
      walk(thread({ [sp]: A, [sp + 8]: 0 }, { [X86.sp]: sp }), {
        [CODE]: rule(rows.UNWIND_SP, 1),
        [A - 1]: rule(rows.UNWIND_SP, 1),
      }).end;
    assert.equal(ends(near), null);
    assert.equal(ends(SP), 'unknown');
  });

  it('follows no number that is no address', () => {
    const values = [2 ** 63, 2 ** 64, Number.MAX_SAFE_INTEGER, 1, 0xfff];
    for (const value of values) {
      const { end } = walk(thread({ [SP]: value }), { [CODE]: rule(rows.UNWIND_SP, 1) });
      assert.equal(end, 'badAddress', String(value));
      assert.equal(walk(thread({}, { [X86.fp]: value }), { [CODE]: rule(rows.UNWIND_FP, 2) }).end, 'badAddress');
    }
  });

  it('goes over from the thread\u2019s stack to the goroutine\u2019s, so many times', () => {
    const [here, there] = [SP + 0x10, 0xc0_0000_0000];
    const of = thread({ [here]: there, [here + 8]: A, [there]: 0, [there + 8]: B }, { [X86.fp]: here });
    const { frames, end } = walk(of, { [CODE]: rows.UNWIND_GO, [A - 1]: rows.UNWIND_GO, [B - 1]: rows.UNWIND_END });
    assert.deepEqual([frames, end], [[CODE, A, B], null]);
    const circle = thread({ [here]: there, [here + 8]: A, [there]: here, [there + 8]: A }, { [X86.fp]: here });
    assert.equal(walk(circle, { [CODE]: rows.UNWIND_GO, [A - 1]: rows.UNWIND_GO }).end, 'badAddress');
  });

  it('takes off what signs a return address, and keeps the link register for the first frame', () => {
    const registers = { 16: 0, 19: 0, 32: CODE, 31: SP, 30: A };
    const inLr = (rows.UNWIND_RA_IN_LR << rows.UNWIND_RA_SHIFT) | rule(rows.UNWIND_SP, 2);
    const rules = { [CODE]: inLr, [A - 1]: inLr };
    const { frames, end } = walkRaw(
      'aarch64',
      thread({}, registers),
      { ruleAt: (address) => rules[address], wideRule: () => null },
      127,
    );
    assert.deepEqual([frames, end], [[CODE, A], 'unknown']);
  });
});

/** A record of a stack of two blocks, of which the second did not come. */
function rawWords(
  pid: number,
  generation = 1,
  user: Record<number, bigint> = {},
  moreBytes = 0,
): { words: Words; at: number } {
  const R = RAW_SAMPLE_EVENT;
  const sizeBytes = R.stack + 2 * RAW_BLOCK_BYTES + moreBytes;
  const buffer = new ArrayBuffer(sizeBytes + 64);
  const bytes = Buffer.from(buffer, 64);
  bytes.writeUInt32LE(EVENT_KIND.EVENT_RAW_SAMPLE, R.headerKind);
  bytes.writeUInt32LE(sizeBytes, R.headerSizeBytes);
  bytes.writeBigUInt64LE(1_000n, R.headerTimeNs);
  for (const [offset, value] of [
    [R.pid, pid],
    [R.tid, pid + 1],
    [R.cpu, 3],
    [R.generation, generation],
    [R.stackBytes, 2 * RAW_BLOCK_BYTES],
    [R.stackBlocks, 1],
    [R.kernelCount, 1],
  ])
    bytes.writeUInt32LE(value, offset);
  bytes.write('worker', R.comm);
  bytes.writeBigUInt64LE(BigInt(CODE), R.registers + 8 * X86.ip);
  bytes.writeBigUInt64LE(BigInt(SP), R.registers + 8 * X86.sp);
  bytes.writeBigUInt64LE(BigInt(TOP), R.entry);
  bytes.writeBigUInt64LE(BigInt(SP), R.stackAddress);
  bytes.writeBigUInt64LE(0xffff_ffff_8100_0010n, R.kernel);
  bytes.writeBigUInt64LE(7n, R.runtimeWords + 8);
  bytes.writeBigUInt64LE(9n, R.runtimeWords + 16);
  for (const [offset, value] of Object.entries(user)) bytes.writeBigUInt64LE(value, R.stack + Number(offset));
  return { words: { u32: new Uint32Array(buffer), u64: new BigUint64Array(buffer) }, at: 16 };
}

function rawSample(pid: number, generation = 1, user: Record<number, bigint> = {}, signed = false): RawSample {
  const { words, at } = rawWords(pid, generation, user);
  return new RawSample(words, at, signed);
}

describe('a raw sample', () => {
  it('is decoded with what of its stack could be read', () => {
    const raw = rawSample(42, 1, { 8: 0x1234_5678_9abcn, [RAW_BLOCK_BYTES]: 5n });
    assert.deepEqual([raw.pid, raw.tid, raw.cpu, raw.threadName, raw.timeNs], [42, 43, 3, 'worker', 1_000]);
    assert.deepEqual(raw.kernel, [-0x7eff_fff0]);
    assert.equal(raw.word(SP + 8), 0x1234_5678_9abc);
    assert.equal(raw.word(SP + RAW_BLOCK_BYTES), null, 'a block that did not come');
    assert.equal(raw.word(SP - 8), null);
    assert.equal(raw.word(SP + 2 * RAW_BLOCK_BYTES), null);
    assert.ok(raw.isBeyondCopy(SP + 2 * RAW_BLOCK_BYTES));
    assert.ok(!raw.isBeyondCopy(SP + RAW_BLOCK_BYTES) && !raw.isBeyondCopy(TOP));
  });

  it('says of a stack that it was switched from, too, where the copy ends and the stack does not', () => {
    const R = RAW_SAMPLE_EVENT;
    const switched = 0xc000_0000;
    const copyOf = (blocks: number) => {
      const { words, at } = rawWords(1, 1, {}, blocks * RAW_BLOCK_BYTES);
      for (const [offset, value] of [
        [R.switchedAddress, switched],
        [R.switchedBytes, blocks * RAW_BLOCK_BYTES],
        [R.switchedOffset, 2 * RAW_BLOCK_BYTES],
        [R.switchedBlocks, 2 ** blocks - 1],
      ])
        words.u32[at + offset / 4] = value;
      return new RawSample(words, at, false);
    };
    const end = (blocks: number) => switched + blocks * RAW_BLOCK_BYTES;
    assert.equal(copyOf(16).word(end(16) - 8), 0);
    assert.ok(copyOf(16).isBeyondCopy(end(16)), 'as much as a copy can hold: it goes on');
    assert.ok(!copyOf(16).isBeyondCopy(end(16) + 2 ** 30) && !copyOf(16).isBeyondCopy(switched - 8));
    assert.ok(!copyOf(6).isBeyondCopy(end(6)), 'all there was of it');
  });

  it('takes the signature off return addresses only', () => {
    const raw = rawSample(1, 1, { 8: 0x00ab_1234_5678_9abcn }, true);
    assert.equal(raw.returnAddress(SP + 8), 0x1234_5678_9abc);
    assert.notEqual(raw.word(SP + 8), 0x1234_5678_9abc);
  });

  it('knows its goroutine by the layout, also on the thread\u2019s own stack', () => {
    const { runtimeWords } = rawSample(1);
    const goroutine = (layout: GoroutineLayout, isArm64 = false) => goroutineOfRaw(layout, runtimeWords, isArm64);
    assert.equal(goroutine({ tls: -8, goid: 160, curg: 192 }), 7);
    assert.equal(goroutine({ tls: -8, goid: 152, curg: 184 }), 9, 'of the goroutine that it works for');
    assert.equal(goroutine({ tls: -96, goid: 160, curg: 192 }), 0, 'g lies elsewhere');
    assert.equal(goroutine({ tls: -96, goid: 160, curg: 192 }, true), 7, 'in a register');
    assert.equal(goroutine({ tls: -8, goid: 1_000, curg: 2_000 }), 0);
  });

  it('holds nothing of the target once it is wiped', () => {
    const { words, at } = rawWords(1, 1, { 8: 1n });
    const raw = new RawSample(words, at, false);
    const copies = (raw as unknown as { pieces: { words: Uint32Array }[] }).pieces.map((piece) => piece.words);
    assert.ok(copies.some((copy) => copy.some((word) => word !== 0)));
    raw.wipe();
    assert.ok(copies.every((copy) => copy.every((word) => word === 0)));
    assert.equal(raw.word(SP + 8), null);
    assert.equal(raw.sizeBytes, 0);
  });

  it('never reads beyond its record, whatever the record says', () => {
    const R = RAW_SAMPLE_EVENT;
    const { words, at } = rawWords(1);
    for (const [offset, value] of [
      [R.stackBytes, 0xffff_ffff],
      [R.switchedBytes, 0xffff_ffff],
      [R.switchedOffset, 0xffff_fff8],
      [R.kernelCount, 0xffff_ffff],
    ])
      words.u32[at + offset / 4] = value;
    const raw = new RawSample(words, at, false);
    assert.ok(raw.sizeBytes <= 2 * RAW_BLOCK_BYTES);
    assert.equal(raw.kernel.length, R.kernelLength);
  });
});

describe('raw samples', () => {
  /** One page of rows: CODE ends at the thread's entry after one step. */
  const PAGE = new Uint32Array(1024);
  const STEP = rule(rows.UNWIND_SP, 2);
  PAGE.set([0, STEP, 0x100, rows.UNWIND_END, 0x200, rows.UNWIND_NONE]);
  const placed = { page: 0, first: 0, count: 3, levels: 0, indexCount: 0, rowCount: 3 } as PlacedTable;
  const segments = [{ fileOffset: 0, address: 0, sizeBytes: 0x1000 }];
  const file = { start: CODE, end: CODE + 0x1000, fileOffset: 0, name: 'file' } as Code;
  const generated = { start: CODE + 0x10_0000, end: CODE + 0x20_0000, fileOffset: 0, name: '[anon]' } as Code;

  /** Tables that come when `state` says so. */
  function setUp(state: CodeTable['state'] = 'waiting') {
    const tables = { state, keepsFramePointers: false, table: { placed, segments, baseAddress: 0 } };
    const got: { stacks: StackRecord[]; samples: SampleRecord[]; processes: ProcessRecord[] } = {
      stacks: [],
      samples: [],
      processes: [],
    };
    const of: RawTables = {
      codeOf: () => [file, generated],
      runtimeCodeOf: () => [],
      areReady: () => tables.state !== 'waiting',
      tableOf: (code) => (code === file ? { ...tables, table: tables.state === 'loaded' ? tables.table : null } : null),
      readPage: () => PAGE,
    };
    const raw = new RawStacks(
      'x86-64',
      127,
      () => of,
      { record: (record) => got.processes.push(record) },
      { labelOf: () => null },
      {
        stack: (record) => got.stacks.push(record),
        sample: (record) => got.samples.push(record),
      },
    );
    return { tables, got, raw };
  }
  const WHOLE = { 8: BigInt(CODE + 0x110) };

  it('wait for their tables, then come with their own time and thread', () => {
    const { tables, got, raw } = setUp();
    raw.add(rawSample(42, 1, WHOLE));
    raw.add(rawSample(42, 1, WHOLE));
    raw.update();
    assert.deepEqual([raw.waiting, got.samples.length], [2, 0]);
    tables.state = 'loaded';
    raw.update();
    assert.equal(raw.waiting, 0);
    assert.equal(got.stacks.length, 1, 'the same stack once');
    const { stackId, ...stack } = got.stacks[0];
    assert.deepEqual(stack, {
      pid: 42,
      generation: 1,
      kernel: [-0x7eff_fff0],
      user: [CODE, CODE + 0x110],
      exact: [],
      truncated: null,
    });
    assert.ok(stackId >= 1n << 64n, 'none of BPF\u2019s');
    const sample = {
      timeNs: 1_000,
      pid: 42,
      tid: 43,
      cpu: 3,
      metric: 'cpu',
      value: 1,
      label: null,
      threadName: 'worker',
    };
    assert.deepEqual(got.samples, [
      { ...sample, stackId },
      { ...sample, stackId },
    ]);
    assert.deepEqual(got.processes, []);
  });

  it('go by frame pointer in code of a runtime, and take the label that its plug-in reads', () => {
    const { tables, got } = setUp('loaded');
    const of: RawTables = {
      codeOf: () => [file, generated],
      runtimeCodeOf: () => [{ start: generated.start, end: generated.end, runtime: 5 }],
      areReady: () => true,
      tableOf: (code) => (code === file ? tables : null),
      readPage: () => PAGE,
    };
    const labelOf = (_: number, words: readonly number[]) => ({ kind: 'goroutine', id: words[1] }) as const;
    const raw = new RawStacks(
      'x86-64',
      127,
      () => of,
      { record: () => {} },
      { labelOf },
      {
        stack: (record) => got.stacks.push(record),
        sample: (record) => got.samples.push(record),
      },
    );
    const { words, at } = rawWords(42, 1, {
      16: BigInt(SP + 32),
      24: BigInt(generated.start + 9),
      32: 0n,
      40: BigInt(CODE + 0x110),
    });
    const registers = RAW_SAMPLE_EVENT.registers / 4 + at;
    words.u32[registers + 2 * X86.ip] = generated.start % 2 ** 32;
    words.u32[registers + 2 * X86.ip + 1] = generated.start / 2 ** 32;
    words.u32[registers + 2 * X86.fp] = (SP + 16) % 2 ** 32;
    words.u32[registers + 2 * X86.fp + 1] = (SP + 16) / 2 ** 32;
    raw.add(new RawSample(words, at, false));
    raw.update();
    assert.deepEqual(got.stacks[0].user, [generated.start, generated.start + 9, CODE + 0x110]);
    assert.equal(got.stacks[0].truncated, null, 'not for want of a rule');
    assert.deepEqual(got.samples[0].label, { kind: 'goroutine', id: 7 });
  });

  it('of a program that was left are walked by its own code, under a number of their own', () => {
    const { tables, got, raw } = setUp();
    raw.add(rawSample(42, 1, WHOLE));
    raw.beforeEnd(42, 2_000);
    const [fork] = got.processes;
    assert.ok(fork.kind === 'fork' && fork.parentPid === 42 && fork.pid > 2 ** 22);
    // The next program of the same process, and a straggler of the first.
    raw.add(rawSample(42, 2, WHOLE));
    raw.add(rawSample(42, 1, WHOLE));
    tables.state = 'loaded';
    raw.update();
    assert.deepEqual(
      got.samples.map(({ pid }) => pid),
      [42, 42, 42],
    );
    assert.deepEqual(got.stacks.map(({ pid }) => pid).sort(), [42, fork.pid]);
    assert.equal(got.stacks.find(({ pid }) => pid === fork.pid)!.generation, 1);
    assert.deepEqual(got.processes.at(-1), { kind: 'exit', timeNs: 1_000, pid: fork.pid });
  });

  it('of code whose place other code took are walked by what was there, by their time', () => {
    const { tables, got, raw } = setUp();
    raw.add(rawSample(42, 1, WHOLE));
    // Mapped a moment before the next two samples, which are as of that code's generation: the kernel's follows later.
    raw.beforeRemap(42, 500);
    raw.add(rawSample(42, 1, WHOLE));
    raw.beforeRemap(42, 2_000);
    raw.add(rawSample(42, 1, WHOLE));
    tables.state = 'loaded';
    raw.update();
    const [first, second] = got.processes.flatMap((record) => (record.kind === 'fork' ? [record.pid] : []));
    assert.deepEqual(
      got.stacks.map(({ pid }) => pid),
      [first, second],
      'of the second place: its own sample, and one that came late',
    );
    assert.equal(got.samples.length, 3);
  });

  it('are walked at once where their program is left and its tables are there', () => {
    const { got, raw } = setUp('loaded');
    raw.add(rawSample(42, 1, WHOLE));
    raw.beforeEnd(42, 2_000);
    assert.equal(got.samples.length, 1);
    assert.deepEqual(got.processes, []);
  });

  it('say what kept them from being whole', () => {
    const cut = (state: CodeTable['state'], at = CODE) => {
      const { got, raw } = setUp(state);
      const sample = rawSample(42, 1, {});
      sample.registers[X86.ip] = at;
      raw.add(sample);
      raw.walkAll();
      return got.stacks[0].truncated;
    };
    assert.equal(cut('waiting'), 'tablesNotReady');
    assert.equal(cut('failed'), 'unreadableFile');
    assert.equal(cut('loaded', CODE + 0x300), 'noUnwindInfo', 'a gap of the table');
    assert.equal(cut('loaded', generated.start), 'jitCode');
    PAGE[1] = rule(rows.UNWIND_SP, 1 + (2 * RAW_BLOCK_BYTES) / 8);
    assert.equal(cut('loaded'), 'tablesNotReady', 'more stack than was copied');
    PAGE[1] = STEP;
    placed.rowCount = 0;
    assert.equal(cut('loaded', CODE + 0x300), 'stripped');
    placed.rowCount = 3;
  });

  it('are bounded in number, and let go of when the recording is given up', () => {
    const { got, raw } = setUp();
    for (let i = 0; i < 5_000; i++) raw.add(rawSample(42, 1, WHOLE));
    assert.ok(raw.waiting < 5_000 && got.samples.length > 0, `${raw.waiting} wait`);
    assert.equal(raw.waiting + got.samples.length, 5_000, 'none is lost');
    raw.forget();
    assert.equal(raw.waiting, 0);
  });
});

describe('advice about stacks that are not whole', () => {
  it('follows the most frequent cause', () => {
    assert.equal(mostFrequentCause({}), null);
    assert.equal(mostFrequentCause({ jitCode: 0 }), null);
    assert.equal(mostFrequentCause({ unknown: 1, jitCode: 3, tooDeep: 2 }), 'jitCode');
    assert.ok(BROKEN_STACKS_SAID > 0 && BROKEN_STACKS_SAID < 1);
  });
});
