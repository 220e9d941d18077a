// A Node.js program that stands still, and its stacks by its memory alone: V8's frames are followed by frame pointer from the first
// place on the stack that leads to an entry frame, as the kernel's programs do from the registers.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync, realpathSync } from 'node:fs';
import { FileSource } from '../../../src/bytes/source';
import { ElfFile } from '../../../src/elf/parser';
import { readMaps } from '../../../src/process/maps';
import { Frames } from '../../../src/runtimes/v8/frames';
import { idsOf } from '../../../src/runtimes/v8/functions';
import type { ReadMemory } from '../../../src/runtimes/v8/heapMemory';
import { readV8Image } from '../../../src/runtimes/v8/image';
import { layoutOf } from '../../../src/runtimes/v8/layout';
import type { V8Layout } from '../../../src/runtimes/v8/layoutShape';
import type { ScriptPlace, V8Image } from '../../../src/runtimes/v8/types';

const MAX_FRAMES = 1_000;
const CONTEXT = 8;
const FUNCTION = 16;
const BYTECODES = 32;
const BYTECODE_OFFSET = 36;

let lastFileId = 1_000_000;

/** Where V8's code is: in the program, or in the library in which a distribution keeps it. */
export function codeFileOf(program: string): string {
  const { stdout } = spawnSync('ldd', [program], { encoding: 'utf8' });
  return /=> (\/\S*libnode\.so\S*)/.exec(stdout ?? '')?.[1] ?? program;
}

export function imageOf(program: string): V8Image {
  const fd = openSync(program, 'r');
  try {
    const image = readV8Image(ElfFile.parse(new FileSource(++lastFileId, fd, fstatSync(fd).size)));
    if (!image) throw new Error(`${program} is not recognized`);
    return image;
  } finally {
    closeSync(fd);
  }
}

export interface Blocked {
  child: ChildProcess;
  /** Of V8 itself, from the innermost. */
  told: string[];
}

/** Resolves when it has told its stack and stands still. */
export async function startBlocked(program: string, args: string[]): Promise<Blocked> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  await new Promise<void>((done, fail) => {
    child.once('exit', (code) => fail(new Error(`${args.join(' ')} ended with ${code}: ${text}`)));
    child.stdout!.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\nready\n')) done();
    });
  });
  const told = text
    .split('\n')
    .filter((line) => /^ {4}at (?!async )/.test(line))
    .map((line) => line.slice(7));
  return { child, told };
}

export interface ReadStack {
  /** As V8 has them, without its builtins. */
  places: (ScriptPlace | string)[];
  /** What was looked at, for a test that has no such program. */
  asked: Parameters<Frames['resolve']>[0][];
}

/** Of the thread whose stack holds a function of that name. */
export function readStack(
  pid: number,
  program: string,
  image: V8Image,
  holds: string,
  read = memoryOf(pid),
): ReadStack {
  const layout = layoutOf(image);
  if (typeof layout === 'string') throw new Error(layout);
  const frames = new Frames(read, layout, image.bytecodeSizes);
  for (let attempt = 0; attempt < 50; attempt++) {
    frames.beginRound();
    for (const tid of readdirSync(`/proc/${pid}/task`)) {
      const found = stackOf(pid, Number(tid), program, image, layout, frames);
      if (found?.places.some((place) => typeof place !== 'string' && place.functionName === holds)) return found;
    }
    // It has told its stack, and is on its way to where it waits.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
  throw new Error(`no stack with ${holds}`);
}

export function memoryOf(pid: number): ReadMemory {
  const fd = openSync(`/proc/${pid}/mem`, 'r');
  return (address, sizeBytes) => {
    const bytes = new Uint8Array(sizeBytes);
    try {
      return readSync(fd, bytes, 0, sizeBytes, address) === sizeBytes ? bytes : null;
    } catch {
      return null;
    }
  };
}

function stackOf(
  pid: number,
  tid: number,
  program: string,
  image: V8Image,
  layout: V8Layout,
  frames: Frames,
): ReadStack | null {
  const maps = readMaps(pid) ?? [];
  const registers = readFileSync(`/proc/${pid}/task/${tid}/syscall`, 'utf8').trim().split(' ');
  const sp = Number(registers.at(-2));
  const stack = maps.find(({ start, end }) => sp >= start && sp < end);
  if (!stack) return null;
  const { memory } = frames.heap;
  const isCode = (at: number) => maps.some(({ start, end, executable }) => executable && at >= start && at < end);
  const chainFrom = (from: number): { fp: number; pc: number }[] => {
    const chain: { fp: number; pc: number }[] = [];
    for (let fp = from; chain.length < MAX_FRAMES; ) {
      const next = memory.u64(fp);
      const pc = memory.u64(fp + 8);
      if (!(next > fp && next < stack.end) || !isCode(pc)) break;
      chain.push({ fp: next, pc });
      fp = next;
    }
    return chain;
  };
  const marker = (fp: number) => memory.u64(fp - CONTEXT) / 2;
  for (let at = sp; at < stack.end - 16 && at < sp + 65_536; at += 8) {
    const chain = chainFrom(at);
    const entry = chain.findLastIndex(({ fp }) => layout.frameTypes.get(marker(fp)) === 'EntryFrame');
    if (entry > 2)
      return decode(chain.slice(0, entry), { program: realpathSync(program), maps, image, layout, frames });
  }
  return null;
}

interface Around {
  program: string;
  maps: NonNullable<ReturnType<typeof readMaps>>;
  image: V8Image;
  layout: V8Layout;
  frames: Frames;
}

function decode(chain: { fp: number; pc: number }[], { program, maps, image, layout, frames }: Around): ReadStack {
  const { heap } = frames;
  const { memory } = heap;
  const blob = image.blob!;
  const isBuiltin = (pc: number) => {
    const map = maps.find(({ start, end }) => pc >= start && pc < end);
    const offset = map && map.path === program ? pc - map.start + map.fileOffset - blob.fileOffset : -1;
    return offset >= 0 && offset < blob.end - blob.start;
  };
  const found: ReadStack = { places: [], asked: [] };
  for (const { fp, pc } of chain) {
    const called = heap.followed(memory.u64(fp - FUNCTION));
    if (memory.u64(fp - CONTEXT) % 2 === 0 || !heap.isFunction(called)) continue;
    const shared = heap.object(called, layout.function.shared);
    const ids = idsOf(heap, shared);
    if (!ids) continue;
    let at: Parameters<Frames['resolve']>[0]['at'] = { kind: 'machine', pc, isReturnAddress: true };
    if (isBuiltin(pc)) {
      if (!heap.isA(memory.u64(fp - BYTECODES), layout.types.bytecodeArray)) continue;
      at = { kind: 'interpreted', bytecodeOffset: memory.u32(fp - BYTECODE_OFFSET), registerOffset: null };
    }
    const asked = { shared, ...ids, at };
    const places = frames.resolve(asked);
    found.asked.push(asked);
    if (typeof places === 'string') found.places.push(places);
    else found.places.push(...places);
  }
  return found;
}
