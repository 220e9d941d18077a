// The order in which the stream hands on what BPF and perf tell of processes, with a ring and mapping records of the test's.

import assert from 'node:assert/strict';
import { EVENT_KIND, PROCESS_EVENT } from '../../src/abi/events.gen';
import type { Words } from '../../src/abi/words';
import type { OnRecord } from '../../src/bpf/ringBuffer';
import { CaptureStream, INTERVAL_MAX_MS, type StreamParts } from '../../src/engine/captureStream';
import { RecordKinds } from '../../src/engine/recordKinds';
import { FileStore } from '../../src/process/fileStore';
import { ProcessTable } from '../../src/process/table';
import type { ProcessRecord } from '../../src/process/types';

const PID = 2 ** 22 + 1;

describe("the stream of a program that is another user's", () => {
  let ring: Words[];
  let mappings: ProcessRecord[];
  let told: string[];
  let refused: boolean;
  let stream: CaptureStream;

  beforeEach(() => {
    [ring, mappings, told, refused] = [[], [], [], true];
    const processes = new ProcessTable(new FileStore());
    const record = (one: ProcessRecord) => void told.push(`${one.kind} ${one.timeNs}`);
    stream = new CaptureStream({
      source: {
        snapshot: () => {},
        drain: (onRecord: OnRecord) => {
          for (const words of ring.splice(0)) onRecord(words, 0);
        },
        fill: () => 0,
        close: () => {},
      },
      mappings: { active: true, drain: () => mappings.splice(0), fill: () => 0 } as unknown as StreamParts['mappings'],
      targets: () => null,
      processes,
      kinds: new RecordKinds(),
      before: () => {},
      process: record,
      failed: (error) => {
        throw error;
      },
      intervalMaxMs: INTERVAL_MAX_MS,
      afterDrain: () => {},
      isRefused: () => refused,
    });
    stream.meet(PID, 1);
    told = [];
  });

  const bpf = (kind: number, timeNs: number) => {
    const u64 = new BigUint64Array(PROCESS_EVENT.byteLength / 8);
    const u32 = new Uint32Array(u64.buffer);
    u32[PROCESS_EVENT.headerKind / 4] = kind;
    u32[PROCESS_EVENT.pid / 4] = PID;
    u64[PROCESS_EVENT.headerTimeNs / 8] = BigInt(timeNs);
    ring.push({ u32, u64 });
  };
  const exec = (timeNs: number) => mappings.push({ kind: 'exec', timeNs, pid: PID, name: 'x' });
  const mmap = (timeNs: number) =>
    mappings.push({
      kind: 'mmap',
      timeNs,
      pid: PID,
      mapping: {
        ...{ start: 0x1000, end: 0x2000, fileOffset: 0, path: '/x', buildId: null },
        ...{ deviceMajor: 0, deviceMinor: 0, inode: 0n },
      },
    });

  it('is refused from when BPF says so, and none of its mappings is told', () => {
    exec(10);
    mmap(11);
    bpf(EVENT_KIND.EVENT_REFUSED, 20);
    mmap(30);
    stream.drain();
    assert.deepEqual(told, ['refused 20']);
  });

  it("is refused when BPF's record comes with the next drain", () => {
    exec(10);
    mmap(11);
    stream.drain();
    assert.deepEqual(told, []);
    mmap(12);
    bpf(EVENT_KIND.EVENT_REFUSED, 20);
    stream.drain();
    assert.deepEqual(told, ['refused 20']);
  });

  it("is refused from perf's time on where the ring had no room for BPF's record", () => {
    exec(10);
    stream.drain();
    stream.drain();
    assert.deepEqual(told, ['refused 10']);
  });

  it("is refused from its exec on where it was the caller's then and has hidden itself since", () => {
    exec(10);
    bpf(EVENT_KIND.EVENT_EXEC, 20);
    mmap(30);
    stream.drain();
    assert.deepEqual(told, ['refused 20']);
  });

  it("is told where it is the caller's", () => {
    refused = false;
    exec(10);
    mmap(11);
    bpf(EVENT_KIND.EVENT_EXEC, 20);
    stream.drain();
    assert.deepEqual(told, ['exec 10', 'mmap 11']);
  });
});
