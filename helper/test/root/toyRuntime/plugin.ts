// The toy runtime's plug-in: a runtime as any other, for the interpreter of toyTarget.c.

import type { ElfFile } from '../../../src/elf/parser';
import type { RawFrame, RuntimeFrame } from '../../../src/process/types';
import { EMPTY_FRAME, type Frame } from '../../../src/runtimes/frame';
import type {
  MappedImage,
  RuntimeImage,
  RuntimePlugin,
  RuntimeProcess,
  TracedProcess,
} from '../../../src/runtimes/types';

interface ToyImage extends RuntimeImage {
  /** Virtual address of what its section .toy holds. */
  places: number;
}

const ENTRY = 2 ** 32;
const NAME_BYTES = 16;
const THUNK_BYTES = 10;

/** `object`: path of unwind_toy.o, without its ending. */
export const toyRuntime = (object: string): RuntimePlugin<ToyImage> => ({
  id: 'perl',
  number: 30,
  object,

  recognize(elf: ElfFile): ToyImage | null {
    const section = elf.section('.toy');
    return section ? { runtime: 'perl', version: null, places: section.address } : null;
  },

  attach(process: TracedProcess, { image, bias }: MappedImage<ToyImage>): RuntimeProcess {
    return new ToyProcess(process, image.places + bias);
  },
});

const isOfChain = (frame: RawFrame): frame is RuntimeFrame => typeof frame !== 'number' && frame.words.length === 0;

class ToyProcess implements RuntimeProcess {
  readonly state = { status: 'named' } as const;
  readonly contextKind = null;
  readonly mapValues;
  readonly ranges;
  /** Where evaluate() lies. */
  private readonly loop: { start: number; end: number };
  private readonly names: number;

  constructor(
    private readonly process: TracedProcess,
    places: number,
  ) {
    const [top, start, end, names, thunkAt] = this.words(places, 5);
    const [thunk] = this.words(thunkAt, 1);
    this.loop = { start, end };
    this.names = names;
    this.mapValues = [{ map: 'toy_processes', value: new Uint8Array(BigUint64Array.of(BigInt(top)).buffer) }];
    this.ranges = [{ start: thunk, end: thunk + THUNK_BYTES }];
  }

  mappingsChanged(): void {}
  release(): void {}

  resolve({ data, words }: RuntimeFrame): Frame[] {
    const number = data % ENTRY;
    const name = this.process.memory.read(this.names + number * NAME_BYTES, NAME_BYTES)?.toString('latin1') ?? '?';
    const [text] = name.split('\0');
    return [
      {
        ...EMPTY_FRAME,
        name: words.length > 0 ? `thunk of ${text}` : text,
        kind: words.length > 0 ? 'jit' : 'interpreted',
      },
    ];
  }

  /** Each call of evaluate() has the frames up to an entry, counted from outside: the innermost call may have none yet, or none left. */
  splice(user: readonly RawFrame[]): number[] {
    const natives = [...user.keys()].filter((i) => !isOfChain(user[i]));
    const groups: number[][] = [[]];
    for (const [i, frame] of user.entries()) {
      if (!isOfChain(frame)) continue;
      groups.at(-1)!.push(i);
      if (frame.data >= ENTRY) groups.push([]);
    }
    groups.pop();
    const order: number[] = [];
    for (const i of natives.reverse()) {
      const address = user[i];
      const isCall = typeof address === 'number' && address >= this.loop.start && address < this.loop.end;
      if (isCall) order.unshift(...(groups.pop() ?? []));
      else order.unshift(i);
    }
    return order;
  }

  private words(address: number, count: number): number[] {
    const bytes = this.process.memory.read(address, 8 * count);
    if (!bytes) throw new Error('its places cannot be read');
    return Array.from({ length: count }, (_, i) => Number(bytes.readBigUInt64LE(8 * i)));
  }
}
