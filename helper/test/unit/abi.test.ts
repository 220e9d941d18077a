// The records as the decoders read them: sizes and places that other code relies on, and each record from bytes.

import assert from 'node:assert/strict';
import { decodeProcess, decodeStack, kindOf, SampleDecoder, timeNsOf } from '../../src/abi/decode';
import {
  CAPTURE_COUNTERS,
  EVENT_HEADER,
  EVENT_KIND,
  EVENTS_MAX_USER_WORDS,
  LABEL_KIND,
  METRIC,
  PROCESS_EVENT,
  RAW_SAMPLE_EVENT,
  SAMPLE_EVENT,
  STACK_EVENT,
  TARGET,
  THREAD_EVENT,
  WALK_END,
} from '../../src/abi/events.gen';
import type { Words } from '../../src/abi/words';
import { MAX_FRAMES_DEFAULT } from '../../src/protocol';
import { RawSample } from '../../src/unwind/raw/rawSample';

/** A record somewhere in a buffer, as in a ring. */
function record(byteLength: number, fill: (bytes: Buffer) => void): { words: Words; at: number } {
  const buffer = new ArrayBuffer(4096);
  fill(Buffer.from(buffer, 64, byteLength));
  return { words: { u32: new Uint32Array(buffer), u64: new BigUint64Array(buffer) }, at: 16 };
}

function header(bytes: Buffer, kind: number, timeNs: bigint): void {
  bytes.writeUInt32LE(kind, EVENT_HEADER.kind);
  bytes.writeUInt32LE(bytes.length, EVENT_HEADER.sizeBytes);
  bytes.writeBigUInt64LE(timeNs, EVENT_HEADER.timeNs);
}

function named(decoder: SampleDecoder, tid: number, name: string): void {
  const { words, at } = record(THREAD_EVENT.byteLength, (bytes) => {
    header(bytes, EVENT_KIND.EVENT_THREAD, 1n);
    bytes.writeUInt32LE(tid, THREAD_EVENT.tid);
    bytes.write(name, THREAD_EVENT.comm);
  });
  decoder.thread(words, at);
}

describe('records of bpf/events.h', () => {
  it('have the sizes that were promised', () => {
    // With the ring's own 8 bytes a known stack costs at most 64.
    assert.ok(SAMPLE_EVENT.byteLength + 8 <= 64);
    assert.equal(STACK_EVENT.wordsLength, EVENTS_MAX_USER_WORDS + MAX_FRAMES_DEFAULT);
    assert.equal(STACK_EVENT.byteLength, STACK_EVENT.words + 8 * STACK_EVENT.wordsLength);
    assert.equal(EVENT_HEADER.byteLength, 16);
    assert.equal(TARGET.byteLength, 32);
  });

  it('keep 64-bit fields where a 64-bit view can read them', () => {
    for (const offset of [
      SAMPLE_EVENT.stackId,
      SAMPLE_EVENT.value,
      STACK_EVENT.stackId,
      STACK_EVENT.words,
      EVENT_HEADER.timeNs,
    ])
      assert.equal(offset % 8, 0);
    for (const struct of [SAMPLE_EVENT, THREAD_EVENT, PROCESS_EVENT, CAPTURE_COUNTERS])
      assert.equal(struct.byteLength % 8, 0);
    // Decoded together, as one word.
    assert.deepEqual([STACK_EVENT.userEnd % 4, STACK_EVENT.userWords], [0, STACK_EVENT.userEnd + 2]);
    assert.deepEqual([STACK_EVENT.userFrames % 4, STACK_EVENT.kernelCount], [0, STACK_EVENT.userFrames + 2]);
    assert.deepEqual([SAMPLE_EVENT.metric % 4, SAMPLE_EVENT.labelKind], [0, SAMPLE_EVENT.metric + 2]);
  });

  it('begin with the header', () => {
    for (const struct of [SAMPLE_EVENT, STACK_EVENT, THREAD_EVENT, PROCESS_EVENT]) {
      assert.equal(struct.headerKind, EVENT_HEADER.kind);
      assert.equal(struct.headerTimeNs, EVENT_HEADER.timeNs);
    }
  });

  it('decode a sample, with the name that its thread had last', () => {
    const { words, at } = record(SAMPLE_EVENT.byteLength, (bytes) => {
      header(bytes, EVENT_KIND.EVENT_SAMPLE, 9_007_199_254_740_991n);
      bytes.writeBigUInt64LE(0xfedc_ba98_7654_3210n, SAMPLE_EVENT.stackId);
      bytes.writeBigUInt64LE(5_000_000_000n, SAMPLE_EVENT.value);
      bytes.writeBigUInt64LE(3n << 32n, SAMPLE_EVENT.label);
      bytes.writeUInt32LE(4_000_000, SAMPLE_EVENT.pid);
      bytes.writeUInt32LE(4_000_001, SAMPLE_EVENT.tid);
      bytes.writeUInt32LE(255, SAMPLE_EVENT.cpu);
      bytes.writeUInt16LE(METRIC.METRIC_CPU, SAMPLE_EVENT.metric);
      bytes.writeUInt16LE(LABEL_KIND.LABEL_GOROUTINE, SAMPLE_EVENT.labelKind);
    });
    assert.equal(kindOf(words, at), EVENT_KIND.EVENT_SAMPLE);
    const decoder = new SampleDecoder();
    const expected = {
      stackId: 0xfedc_ba98_7654_3210n,
      timeNs: 9_007_199_254_740_991,
      pid: 4_000_000,
      tid: 4_000_001,
      cpu: 255,
      metric: 'cpu',
      value: 5_000_000_000,
      label: { kind: 'goroutine', id: 3 * 2 ** 32 },
      threadName: '',
    };
    assert.deepEqual(decoder.decode(words, at), expected);
    named(decoder, 4_000_001, 'grün und gelb'); // 14 bytes
    assert.deepEqual(decoder.decode(words, at), { ...expected, threadName: 'grün und gelb' });
    named(decoder, 4_000_001, '0123456789abcdef');
    assert.equal(decoder.decode(words, at).threadName, '0123456789abcdef');
    words.u32[at + SAMPLE_EVENT.metric / 4] = 0;
    assert.equal(decoder.decode(words, at).label, null);
  });

  it('remember names of threads up to a bound, and forget those first that were told longest ago', () => {
    const { words, at } = record(SAMPLE_EVENT.byteLength, () => {});
    const decoder = new SampleDecoder(2);
    const nameOf = (tid: number) => {
      words.u32[at + SAMPLE_EVENT.tid / 4] = tid;
      return decoder.decode(words, at).threadName;
    };
    for (const [tid, name] of [
      [1, 'a'],
      [2, 'b'],
      [1, 'c'],
      [3, 'd'],
    ] as const)
      named(decoder, tid, name);
    assert.deepEqual([1, 2, 3].map(nameOf), ['c', '', 'd']);
  });

  it('decode a stack: user addresses positive, kernel addresses negative', () => {
    const { words, at } = record(STACK_EVENT.words + 8 * 4, (bytes) => {
      header(bytes, EVENT_KIND.EVENT_STACK, 77n);
      bytes.writeBigUInt64LE(5n, STACK_EVENT.stackId);
      bytes.writeUInt32LE(12, STACK_EVENT.pid);
      bytes.writeUInt32LE(34, STACK_EVENT.generation);
      bytes.writeUInt16LE(WALK_END.WALK_WHOLE, STACK_EVENT.userEnd);
      bytes.writeUInt16LE(2, STACK_EVENT.userWords);
      bytes.writeUInt16LE(2, STACK_EVENT.kernelCount);
      for (const [i, address] of [
        0x5555_5555_1234n,
        0x7fff_ffff_fff8n,
        0xffff_ffff_8100_0010n,
        0xffff_8880_0000_0000n,
      ].entries())
        bytes.writeBigUInt64LE(address, STACK_EVENT.words + 8 * i);
    });
    assert.equal(timeNsOf(words, at), 77);
    assert.deepEqual(decodeStack(words, at), {
      stackId: 5n,
      pid: 12,
      generation: 34,
      user: [0x5555_5555_1234, 0x7fff_ffff_fff8],
      kernel: [-0x7eff_fff0, -0x7780_0000_0000],
      exact: [],
      truncated: null,
    });
  });

  it('decode which addresses of a stack are exact, of either half of memory and with five levels of pages', () => {
    const user = [0x5555_5555_1234n, 0x7fff_ffff_fff8n, 0xff_ffff_ffff_f000n, 0x1000n];
    const kernel = [0xffff_ffff_8100_0010n, 0xff11_0000_0000_0000n, 0xffff_8880_0000_0000n];
    const FRAME_EXACT = 1n << 61n;
    const { words, at } = record(STACK_EVENT.words + 8 * 7, (bytes) => {
      bytes.writeUInt16LE(user.length, STACK_EVENT.userWords);
      bytes.writeUInt16LE(kernel.length, STACK_EVENT.kernelCount);
      for (const [i, address] of [...user, ...kernel].entries())
        bytes.writeBigUInt64LE(i % 2 === 0 ? address ^ FRAME_EXACT : address, STACK_EVENT.words + 8 * i);
    });
    const stack = decodeStack(words, at);
    assert.deepEqual(stack.user, user.map(Number));
    assert.deepEqual(
      stack.kernel,
      kernel.map((address) => Number(BigInt.asIntN(64, address))),
    );
    // Marked: words 0, 2, 4, 6; words 0 and 4 are the first of their part, exact anyway.
    assert.deepEqual(stack.exact, [kernel.length - 1, kernel.length + 2]);
  });

  describe('decode frames of runtimes', () => {
    const head = (runtime: bigint, words: number, data: bigint) =>
      (1n << 62n) | (runtime << 56n) | (BigInt(words) << 52n) | data;
    const userOf = (words: bigint[], kernel: bigint[] = [], userWords = words.length) => {
      const all = [...words, ...kernel];
      const { words: bytes, at } = record(STACK_EVENT.words + 8 * all.length, (to) => {
        to.writeUInt16LE(userWords, STACK_EVENT.userWords);
        to.writeUInt16LE(kernel.length, STACK_EVENT.kernelCount);
        for (const [i, word] of all.entries()) to.writeBigUInt64LE(word, STACK_EVENT.words + 8 * i);
      });
      return decodeStack(bytes, at);
    };
    const EXACT = 1n << 61n;

    it('between addresses, with their words, and count frames where addresses are exact', () => {
      const user = [
        0x1000n,
        head(2n, 2, 5n),
        0xffff_ffff_ffff_ffffn,
        EXACT,
        0x2000n ^ EXACT,
        0x3000n,
        head(31n, 0, 2n ** 52n - 1n),
      ];
      assert.deepEqual(userOf(user, [0xffff_ffff_8100_0010n]), {
        stackId: 0n,
        pid: 0,
        generation: 0,
        user: [
          0x1000,
          { runtime: 2, data: 5, words: [2n ** 64n - 1n, EXACT] },
          0x2000,
          0x3000,
          { runtime: 31, data: 2 ** 52 - 1, words: [] },
        ],
        kernel: [-0x7eff_fff0],
        exact: [3],
        truncated: null,
      });
    });

    it('that stand first, and never more words than the stack has', () => {
      assert.deepEqual(userOf([head(63n, 15, 1n), 7n]).user, [{ runtime: 63, data: 1, words: [7n] }]);
      const longest = userOf([head(1n, 1, 0n)], [], 0xffff).user;
      assert.ok(longest.length <= STACK_EVENT.wordsLength);
    });
  });

  it('decode every way in which a walk can end, and only one of them as whole', () => {
    const ends = Object.entries(WALK_END).map(([name, end]) => {
      const { words, at } = record(STACK_EVENT.words, (bytes) => bytes.writeUInt16LE(end, STACK_EVENT.userEnd));
      return [name, decodeStack(words, at).truncated];
    });
    assert.deepEqual(Object.fromEntries(ends), {
      WALK_WHOLE: null,
      WALK_NO_FRAME_POINTER: 'noFramePointer',
      WALK_TOO_DEEP: 'tooDeep',
      WALK_BAD_ADDRESS: 'badAddress',
      WALK_NO_UNWIND_INFO: 'noUnwindInfo',
      WALK_UNREADABLE_STACK: 'unreadableStack',
      WALK_UNKNOWN: 'unknown',
      WALK_UNEXPRESSIBLE: 'unexpressible',
      WALK_32BIT: 'code32Bit',
      WALK_TABLES_NOT_READY: 'tablesNotReady',
    });
    const { words, at } = record(STACK_EVENT.words, (bytes) => bytes.writeUInt16LE(99, STACK_EVENT.userEnd));
    assert.equal(decodeStack(words, at).truncated, 'unknown');
  });

  it('decode a raw sample; more of it in rawSamples.test.ts', () => {
    const { words, at } = record(RAW_SAMPLE_EVENT.stack + 64, (bytes) => {
      header(bytes, EVENT_KIND.EVENT_RAW_SAMPLE, 77n);
      bytes.writeUInt32LE(12, RAW_SAMPLE_EVENT.pid);
      bytes.writeUInt32LE(64, RAW_SAMPLE_EVENT.stackBytes);
      bytes.writeUInt32LE(1, RAW_SAMPLE_EVENT.stackBlocks);
      bytes.writeBigUInt64LE(0x7fff_0000_0000n, RAW_SAMPLE_EVENT.stackAddress);
      bytes.writeBigUInt64LE(0x5555_5555_1234n, RAW_SAMPLE_EVENT.stack + 8);
    });
    assert.equal(kindOf(words, at), EVENT_KIND.EVENT_RAW_SAMPLE);
    const raw = new RawSample(words, at, false);
    assert.deepEqual([raw.timeNs, raw.pid, raw.word(0x7fff_0000_0008)], [77, 12, 0x5555_5555_1234]);
    assert.equal(raw.word(0x7fff_0000_0040), null);
  });

  it('decode fork, exec and exit', () => {
    const kinds = [
      ['fork', EVENT_KIND.EVENT_FORK],
      ['exec', EVENT_KIND.EVENT_EXEC],
      ['exit', EVENT_KIND.EVENT_EXIT],
      ['refused', EVENT_KIND.EVENT_REFUSED],
    ] as const;
    for (const [kind, value] of kinds) {
      const { words, at } = record(PROCESS_EVENT.byteLength, (bytes) => {
        header(bytes, value, 1_000_000n);
        bytes.writeUInt32LE(3, PROCESS_EVENT.pid);
        bytes.writeUInt32LE(2, PROCESS_EVENT.parentPid);
        bytes.write('cc1plus', PROCESS_EVENT.comm);
      });
      assert.deepEqual(decodeProcess(words, at), { kind, timeNs: 1_000_000, pid: 3, parentPid: 2, name: 'cc1plus' });
    }
    const { words, at } = record(PROCESS_EVENT.byteLength, (bytes) => header(bytes, EVENT_KIND.EVENT_SAMPLE, 1n));
    assert.equal(decodeProcess(words, at), null);
  });
});
