// The registry of runtimes, and what the helper makes of any plug-in: attached with the files of a process, told to BPF, let go with
// the process; what it throws and what it returns wrongly costs no more than its own frames.

import assert from 'node:assert/strict';
import { closeSync, fstatSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FormatError } from '../../src/bytes/cursor';
import { BufferSource, FileSource } from '../../src/bytes/source';
import { ElfFile } from '../../src/elf/parser';
import { FileStore } from '../../src/process/fileStore';
import type { MappedFile } from '../../src/process/files';
import { ProcessTable } from '../../src/process/table';
import { FIRST_FORMER_PID, type RawFrame, type RuntimeFrame } from '../../src/process/types';
import { RUNTIMES, recognizeRuntimes } from '../../src/runtimes';
import { EMPTY_FRAME, type Frame } from '../../src/runtimes/frame';
import { ProcessMemory } from '../../src/runtimes/processMemory';
import { ProcessRuntimes, type RuntimeKernel } from '../../src/runtimes/processRuntimes';
import { namedFrames } from '../../src/runtimes/stackFrames';
import {
  MAX_MEMORY_READ_BYTES,
  type MappedImage,
  type MapValue,
  type RuntimePlugin,
  type RuntimeProcess,
  type TracedProcess,
} from '../../src/runtimes/types';
import { withRuntimes } from '../../src/unwind/load/code';
import { RecognitionCache } from '../../src/unwind/load/recognitionCache';
import { mappedFile, nodesCode } from './mappedFile';

const NUMBER = 7;
const CHILD = 2 ** 22 + 1;
const IMAGE = { runtime: 'ruby' as const, version: '3.4' };

class ToyProcess implements RuntimeProcess {
  state: RuntimeProcess['state'] = { status: 'named' };
  mapValues: MapValue[] = [{ map: 'toy', value: Uint8Array.of(1) }];
  ranges = [{ start: 0x2000, end: 0x3000 }];
  contextKind = null;
  released = 0;
  changes = 0;
  refreshes = 0;
  splice?: RuntimeProcess['splice'];

  constructor(
    readonly traced: TracedProcess,
    readonly mapped: MappedImage,
  ) {}

  mappingsChanged(): void {
    this.changes++;
  }
  refresh(): void {
    this.refreshes++;
  }
  resolve({ data }: RuntimeFrame): Frame[] | Promise<Frame[]> {
    if (data === 13) throw new Error('the object is gone');
    if (data === 14) return Promise.reject(new Error('the object is gone'));
    if (data === 0) return [];
    return [{ ...EMPTY_FRAME, name: data === 1 ? '' : `f${data}`, kind: 'interpreted' }];
  }
  release(): void {
    this.released++;
  }
}

class Toy implements RuntimePlugin {
  readonly id = 'ruby' as const;
  readonly number = NUMBER;
  readonly object: string | null = 'unwind_toy';
  readonly attached: ToyProcess[] = [];
  failure: string | null = null;

  recognize(): typeof IMAGE | null {
    return IMAGE;
  }
  attach(traced: TracedProcess, mapped: MappedImage): RuntimeProcess {
    if (this.failure) throw new Error(this.failure);
    const process = new ToyProcess(traced, mapped);
    this.attached.push(process);
    return process;
  }
}

class ToyKernel implements RuntimeKernel {
  readonly calls: string[] = [];
  refusal: string | null = null;

  load({ object }: RuntimePlugin): string | null {
    this.calls.push(`load ${object}`);
    return this.refusal;
  }
  set(pid: number, _runtime: number, values: readonly MapValue[]): void {
    this.calls.push(`set ${pid} ${values.map(({ map, value }) => `${map}=${value.join()}`)}`);
  }
  delete(pid: number, _runtime: number, maps: readonly string[]): void {
    this.calls.push(`delete ${pid} ${maps}`);
  }
  take(): string[] {
    return this.calls.splice(0);
  }
}

const head = (data: number, runtime = NUMBER): RuntimeFrame => ({ runtime, data, words: [] });

describe('runtimes', () => {
  const pid = process.pid;
  let files: FileStore;
  let table: ProcessTable;
  let toy: Toy;
  let kernel: ToyKernel;
  let runtimes: ProcessRuntimes;
  let program: MappedFile;

  beforeEach(() => {
    files = new FileStore();
    table = new ProcessTable(files);
    table.add(pid);
    toy = new Toy();
    kernel = new ToyKernel();
    runtimes = new ProcessRuntimes(table, [toy]);
    const code = table.codeOf(pid).find((one) => 'file' in one);
    assert.ok(code && 'file' in code);
    program = code.file;
  });
  afterEach(async () => {
    runtimes.close();
    table.close();
    await files.close();
  });

  const recognize = (images = [IMAGE]) => {
    const code = table.codeOf(pid).find((one) => 'file' in one && one.file === program)!;
    const { fileOffset, start, end } = code;
    const segments = [{ fileOffset: fileOffset + 64, address: 0x40_0000 + 64, sizeBytes: end - start - 64 }];
    runtimes.recognized(program, { images, segments });
    return code;
  };

  it('are attached where their file is mapped, told to BPF, and let go with their process', async () => {
    runtimes.update();
    assert.equal(toy.attached.length, 0);
    const code = recognize();
    const [own] = toy.attached;
    assert.equal(own.traced.pid, pid);
    assert.equal(own.mapped.path, program.path);
    assert.equal(own.mapped.bias, code.start - 0x40_0000, 'virtual addresses of the file and of the process');
    assert.deepEqual(kernel.take(), [], 'not connected');
    const changed: number[] = [];
    runtimes.onRangesChanged((one) => changed.push(one));
    runtimes.connect(kernel);
    assert.deepEqual(kernel.take(), ['load unwind_toy', `set ${pid} toy=1`]);
    assert.deepEqual(runtimes.rangesOf(pid), [{ start: 0x2000, end: 0x3000, runtime: NUMBER }]);

    // A child has the same code, and a runtime of its own.
    table.record({ kind: 'fork', timeNs: 0, pid: CHILD, parentPid: pid });
    runtimes.update();
    assert.deepEqual(kernel.take(), [`set ${CHILD} toy=1`], 'the program is there already');
    assert.equal(toy.attached.length, 2);
    assert.deepEqual(changed, [CHILD]);
    own.mapValues = [];
    own.ranges = [];
    own.traced.changed();
    runtimes.update();
    assert.deepEqual(kernel.take(), [`delete ${pid} toy`]);
    assert.deepEqual(changed, [CHILD, pid]);
    runtimes.update();
    assert.deepEqual(kernel.take(), [], 'nothing changed');

    table.record({ kind: 'exit', timeNs: 0, pid: CHILD });
    assert.deepEqual(kernel.take(), [`delete ${CHILD} toy`]);
    assert.equal(toy.attached[1].released, 0, 'names of its last stacks are still to come');
    assert.ok(runtimes.runtimeOf(CHILD, NUMBER));
    assert.deepEqual(runtimes.reports(), [
      { status: 'named', runtime: 'ruby', version: '3.4', processes: 2, problems: [] },
    ]);
    for (const deadline = Date.now() + 20_000; toy.attached[1].released === 0 && Date.now() < deadline; )
      await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(toy.attached[1].released, 1);
    assert.equal(runtimes.reports()[0].processes, 2, 'it is counted all the same');
  });

  it('end with an exec; for stacks of the program that was left there is still the one that it had', () => {
    recognize();
    runtimes.connect(kernel);
    kernel.take();
    const former = FIRST_FORMER_PID + 1;
    table.record({ kind: 'fork', timeNs: 0, pid: former, parentPid: pid });
    table.record({ kind: 'exec', timeNs: 0, pid, name: 'x' });
    const [left] = toy.attached;
    assert.deepEqual(kernel.take(), [`delete ${pid} toy`]);
    assert.equal(left.released, 0);
    const [found] = runtimes.runtimeOf(former, NUMBER)!.resolve(head(2)) as Frame[];
    assert.equal(found.name, 'f2');
    runtimes.update();
    assert.equal(toy.attached.length, 2, 'the same program once more');
    assert.equal(kernel.take().length, 1, 'nothing is told of what is no process');
    runtimes.close();
    assert.equal(left.released, 1);
  });

  it('that cannot be read say why, each reason counted', () => {
    toy.failure = 'version 3.9 is not known';
    recognize();
    const [report] = runtimes.reports();
    assert.deepEqual(report, {
      status: 'nativeOnly',
      reason: 'version 3.9 is not known',
      fix: null,
      runtime: 'ruby',
      version: '3.4',
      processes: 1,
      problems: [{ why: 'version 3.9 is not known', count: 1 }],
    });
    runtimes.connect(kernel);
    assert.deepEqual(kernel.take(), []);
  });

  it('whose program the kernel refuses say so', () => {
    kernel.refusal = 'the kernel refused it';
    recognize();
    runtimes.connect(kernel);
    table.record({ kind: 'fork', timeNs: 0, pid: CHILD, parentPid: pid });
    runtimes.update();
    assert.deepEqual(kernel.take(), ['load unwind_toy'], 'asked once, and nothing told');
    const [{ status, processes }] = runtimes.reports();
    assert.deepEqual([status, processes], ['nativeOnly', 2]);
    assert.deepEqual(runtimes.rangesOf(pid), [], 'its frames are native ones');
    toy.attached[0].splice = () => assert.fail('asked');
    const named = namedFrames(runtimes, { pid, kernel: [], user: [0x10], exact: [] }, (_, user) =>
      user.map((address) => [{ ...EMPTY_FRAME, name: `${address}` }]),
    );
    assert.deepEqual((named as Frame[][]).flat()[0].name, '16');
  });

  it('that are not set up yet are asked again', async () => {
    recognize();
    const [own] = toy.attached;
    own.state = { status: 'waiting' };
    for (const deadline = Date.now() + 10_000; own.refreshes === 0 && Date.now() < deadline; ) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      runtimes.update();
    }
    assert.ok(own.refreshes > 0);
    own.state = { status: 'named' };
    const { refreshes } = own;
    await new Promise((resolve) => setTimeout(resolve, 120));
    runtimes.update();
    assert.equal(own.refreshes, refreshes);
  });

  it('are settled in a process when all its files were looked into, and none is waited for', () => {
    const settled: number[] = [];
    runtimes.onSettled((of) => settled.push(of));
    runtimes.connect(kernel);
    runtimes.update();
    assert.equal(runtimes.isSettled(pid), false);
    const nothing = { images: [], segments: [] };
    recognize();
    toy.attached[0].state = { status: 'waiting' };
    for (const code of table.codeOf(pid)) if ('file' in code) runtimes.recognized(code.file, nothing);
    runtimes.update();
    assert.deepEqual([runtimes.isSettled(pid), settled], [false, []], 'its runtime is not set up yet');
    toy.attached[0].state = { status: 'named' };
    toy.attached[0].traced.changed();
    runtimes.update();
    assert.deepEqual([runtimes.isSettled(pid), settled], [true, [pid]]);
  });

  it('are not waited for where nobody looks for them any more', () => {
    const settled: number[] = [];
    runtimes.onSettled((of) => settled.push(of));
    runtimes.update();
    runtimes.disconnect();
    assert.deepEqual([runtimes.isSettled(pid), runtimes.isSettled(pid + 1), settled], [true, true, [pid]]);
  });

  describe('in stacks', () => {
    const frameOf = (name: string): Frame => ({ ...EMPTY_FRAME, name, kind: 'native' });
    const asked: { user: number[]; exact: readonly number[] }[] = [];
    const nameAddresses = (kernelPart: number[], user: number[], exact: readonly number[]) => {
      asked.push({ user, exact });
      return [...kernelPart, ...user].map((address) => [frameOf(`0x${address.toString(16)}`)]);
    };
    const names = (frames: Frame[][]) => frames.flat().map(({ name }) => name);
    const stack = (user: RawFrame[], exact: number[] = []) => ({ pid, kernel: [-5], user, exact });

    beforeEach(() => {
      asked.length = 0;
      recognize();
    });

    it('of addresses alone nothing is done', () => {
      const exact = [2];
      const named = namedFrames(runtimes, stack([0x10, 0x20], exact), nameAddresses) as Frame[][];
      assert.deepEqual(names(named), ['0x-5', '0x10', '0x20']);
      assert.equal(asked[0].exact, exact);
    });

    it('their frames stand in the order that the plug-in says, and native ones keep what they are', () => {
      toy.attached[0].splice = () => [3, 2, 0];
      const user = [0x10, 0x20, 0x30, head(2), head(3)];
      const named = namedFrames(runtimes, stack(user, [0, 3]), nameAddresses) as Frame[][];
      assert.deepEqual(names(named), ['0x-5', 'f2', '0x30', '0x10']);
      assert.deepEqual(asked, [{ user: [0x10, 0x30], exact: [0, 2] }], 'the second address was exact, and is still');
      assert.deepEqual(named[1][0].runtime, 'ruby');
    });

    it('a return address stays one where a runtime’s frame lies further in', () => {
      const named = namedFrames(runtimes, stack([head(2), 0x20, 0x30]), nameAddresses) as Frame[][];
      assert.deepEqual(asked[0].user, [0x1f, 0x30], 'the first is taken for an instruction');
      assert.deepEqual(names(named), ['0x-5', 'f2', '0x1f', '0x30']);
    });

    it('a frame of the plug-in’s own stands for what nobody can name, among addresses alone, too', () => {
      toy.attached[0].splice = (user) => [...user.keys()].map((i) => (i === 1 ? frameOf('not named') : i));
      const named = namedFrames(runtimes, stack([0x10, 0x20, 0x30], [0, 3]), nameAddresses) as Frame[][];
      assert.deepEqual(names(named), ['0x-5', '0x10', 'not named', '0x30']);
      assert.equal(named[2][0].runtime, 'ruby');
      assert.deepEqual(asked, [{ user: [0x10, 0x30], exact: [0, 2] }]);
      toy.attached[0].splice = () => Array.from({ length: 10_000 }, () => frameOf('x'));
      assert.deepEqual(names(namedFrames(runtimes, stack([0x10]), nameAddresses) as Frame[][]), ['0x-5', '0x10']);
    });

    it('are asked once, at once, and may answer later', async () => {
      const later = head(2);
      const own = toy.attached[0];
      let calls = 0;
      own.resolve = () => {
        calls++;
        return Promise.resolve([frameOf('late')]);
      };
      const first = namedFrames(runtimes, stack([0x10, later]), nameAddresses);
      assert.equal(calls, 1);
      assert.deepEqual(names(await first), ['0x-5', '0x10', 'late']);
      assert.deepEqual(names(await namedFrames(runtimes, stack([0x10, later]), nameAddresses)), [
        '0x-5',
        '0x10',
        'late',
      ]);
      assert.equal(calls, 1);
    });

    it('what a plug-in does wrong costs its own frames, and is counted', async () => {
      const own = toy.attached[0];
      const user = [0x10, head(13), head(14), head(1), head(0), head(9, 8)];
      for (const order of [[0, 0], [7], [-1], [0.5], null]) {
        own.splice = order ? () => order : undefined;
        const named = await namedFrames(runtimes, stack([...user]), nameAddresses);
        assert.deepEqual(names(named), ['0x-5', '0x10', '[ruby]', '[ruby]', '[ruby]', '[runtime]'], `${order}`);
      }
      own.resolve = () => Array.from({ length: 10_000 }, () => ({ ...EMPTY_FRAME, name: 'x'.repeat(1e6) }));
      const big = (await namedFrames(runtimes, stack([0x10, head(2)]), nameAddresses)).at(-1)!;
      assert.equal(big.length, 128);
      assert.ok(big.every(({ name }) => name.length <= 4_096));
      const { problems } = runtimes.reports()[0];
      assert.deepEqual(problems, [
        { why: 'a stack was put together wrongly', count: 4 },
        // Once a frame, however often its stack is named.
        { why: 'the object is gone', count: 2 },
      ]);
    });
  });

  it('are each registered with a number and a name of its own', () => {
    const numbers = RUNTIMES.map(({ number }) => number);
    assert.equal(new Set(numbers).size, RUNTIMES.length);
    assert.ok(numbers.every((number) => Number.isInteger(number) && number >= 1 && number <= 63));
    assert.equal(new Set(RUNTIMES.map(({ id }) => id)).size, RUNTIMES.length);
  });

  it('that choke on a file leave it to the others', () => {
    const header = Buffer.alloc(64);
    header.write('7f454c46020101', 'hex');
    header.writeUInt16LE(62, 18);
    const elf = ElfFile.parse(new BufferSource(header));
    const damaged = new Toy();
    damaged.recognize = () => {
      throw new FormatError('damaged');
    };
    const problems: string[] = [];
    const found = recognizeRuntimes(elf, (text) => problems.push(text), [damaged, toy]);
    assert.deepEqual(found.images, [IMAGE]);
    assert.deepEqual(problems, ['ruby: damaged']);
  });

  it('read memory within bounds only', () => {
    const memory = new ProcessMemory(pid);
    const { start } = table.codeOf(pid).find((one) => 'file' in one)!;
    assert.equal(memory.read(start, 16)?.length, 16);
    for (const [from, sizeBytes] of [
      [start, 0],
      [start, -1],
      [start, MAX_MEMORY_READ_BYTES + 1],
      [Number.NaN, 8],
      [-8, 8],
      [2 ** 60, 8],
      [1.5, 8],
    ])
      assert.equal(memory.read(from, sizeBytes), null, `${from} ${sizeBytes}`);
    const [first, none, last] = memory.readAll([
      { start, sizeBytes: 8 },
      { start: 8, sizeBytes: 8 },
      { start: start + 8, sizeBytes: 8 },
    ]);
    assert.equal(none, null);
    assert.deepEqual(Buffer.concat([first!, last!]), memory.read(start, 16));
  });
});

describe('what was recognized', () => {
  const opened: number[] = [];
  const elfOf = (path: string): ElfFile => {
    const fd = openSync(path, 'r');
    opened.push(fd);
    return ElfFile.parse(new FileSource(fd, fd, fstatSync(fd).size));
  };
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'recognized-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    for (const fd of opened.splice(0)) closeSync(fd);
  });

  it('is the same from the cache; another build, a damaged entry and a file without a build-id are looked at anew', () => {
    const node = elfOf(nodesCode());
    const recognized = recognizeRuntimes(node, assert.fail);
    assert.equal(recognized.images[0]?.runtime, 'node');
    const save = (elf: ElfFile) => RecognitionCache.open(folder, __filename)!.save(elf, recognized);
    const cache = RecognitionCache.open(folder, __filename)!;
    save(node);
    if (!node.buildId) assert.equal(cache.load(node), null);
    // Node's own builds have no build-id, the C library has one.
    const elf = node.buildId ? node : elfOf(mappedFile(/\/libc[.-].*so/)!);
    assert.ok(elf.buildId);
    save(elf);
    assert.deepEqual(cache.load(elf), recognized);
    const program = join(folder, 'program');
    writeFileSync(program, 'another build');
    assert.equal(RecognitionCache.open(folder, program)!.load(elf), null);
    const entries = join(folder, 'runtimes-v1');
    const [entry] = readdirSync(entries);
    const bytes = readFileSync(join(entries, entry));
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(join(entries, entry), bytes);
    assert.equal(cache.load(elf), null);
    assert.equal(RecognitionCache.open(null, __filename), null);
  });
});

describe('code of runtimes', () => {
  const range = (start: number, runtime?: number) => ({
    start,
    base: 5n,
    placed: null,
    flags: 1,
    ...(runtime ? { runtime } : {}),
  });
  const starts = (cut: { start: number; runtime?: number }[]) =>
    cut.map(({ start, runtime }) => `${start}${runtime ? `:${runtime}` : ''}`).join(' ');
  const cut = (...runtimes: [number, number, number][]) =>
    starts(
      withRuntimes(
        [range(100), range(200), range(300)],
        runtimes.map(([start, end, runtime]) => ({ start, end, runtime })),
      ),
    );

  it('cuts ranges where it begins and ends, over several of them, without overlaps', () => {
    assert.equal(cut(), '100 200 300');
    assert.equal(cut([120, 140, 3]), '100 120:3 140 200 300');
    assert.equal(cut([100, 200, 3]), '100:3 200 300');
    assert.equal(cut([150, 250, 3]), '100 150:3 200:3 250 300');
    assert.equal(cut([120, 140, 3], [130, 150, 4]), '100 120:3 140:4 150 200 300');
    assert.equal(cut([0, 50, 3], [110, 120, 4]), '100 110:4 120 200 300');
    assert.equal(cut([310, 320, 3]), '100 200 300 310:3 320');
    const [, marked] = withRuntimes([range(100)], [{ start: 120, end: 140, runtime: 3 }]);
    assert.deepEqual(marked, { ...range(120, 3) });
  });
});
