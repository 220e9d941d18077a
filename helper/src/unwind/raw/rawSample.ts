// A sample that was kept raw (struct raw_sample_event of bpf/events.h): decoded out of the ring, with a copy of its stack that
// nobody else holds. The copy is memory of the target: it is read by the walk, never leaves this process, and wipe()
// overwrites it.

import { framesAt, textAt, timeNsOf } from '../../abi/decode';
import { RAW_BLOCK_BYTES, RAW_SAMPLE_EVENT } from '../../abi/events.gen';
import type { Words } from '../../abi/words';
import type { Address } from '../../process/types';
import type { RawThread } from './walk';

const R = RAW_SAMPLE_EVENT;
const TWO_32 = 2 ** 32;
/** arm64 signs return addresses above these bits of the upper half. */
const ADDRESS_BITS_ABOVE = 0xffff;

/** RAW_LARGE_BYTES and RAW_STACK_MAX_BYTES of bpf/lib/raw_sample.bpf.h: what is larger is cut. */
const LARGEST_COPY_BYTES = 16 * RAW_BLOCK_BYTES;
const STACK_MAX = 2 ** 30;

/** Places in struct user_regs (bpf/lib/kernel.bpf.h). */
const X86_IP = 16;
const ARM64_PC = 32;

/** A stretch of the target's stack. */
interface Piece {
  start: number;
  /** Bit i: the block at i times RAW_BLOCK_BYTES could be read. */
  blocks: number;
  words: Uint32Array;
}

export class RawSample implements RawThread {
  readonly timeNs: number;
  readonly pid: number;
  readonly tid: number;
  readonly cpu: number;
  readonly generation: number;
  readonly threadName: string;
  readonly registers: Float64Array;
  readonly entry: number;
  readonly entryGap: number;
  readonly runtimeLow: number;
  readonly runtimeHigh: number;
  /** Innermost first. */
  readonly kernel: Address[];
  /** Indexes of those that are no return addresses, as in StackRecord. */
  readonly exactKernel: number[] = [];
  /** Of which a runtime's label may be made. */
  readonly runtimeWords: readonly number[];
  private pieces: Piece[];

  /** `at`: index of the record's first 32-bit word. `signed`: return addresses may be (arm64). */
  constructor(
    { u32 }: Words,
    at: number,
    private readonly signed: boolean,
  ) {
    const word = (offset: number) => u32[at + offset / 4];
    const long = (offset: number) => word(offset) + word(offset + 4) * TWO_32;
    this.timeNs = timeNsOf({ u32 } as Words, at);
    this.pid = word(R.pid);
    this.tid = word(R.tid);
    this.cpu = word(R.cpu);
    this.generation = word(R.generation);
    this.threadName = textAt(u32, at + R.comm / 4, R.commLength);
    this.registers = Float64Array.from({ length: R.registersLength }, (_, i) => long(R.registers + 8 * i));
    this.entry = long(R.entry);
    this.entryGap = long(R.entryGap);
    this.runtimeLow = long(R.runtimeLow);
    this.runtimeHigh = long(R.runtimeHigh);
    this.runtimeWords = Array.from({ length: R.runtimeWordsLength }, (_, i) => long(R.runtimeWords + 8 * i));
    const kernelCount = Math.min(word(R.kernelCount), R.kernelLength);
    this.kernel = framesAt(u32, at + R.kernel / 4, kernelCount, this.exactKernel, 0);
    const room = word(R.headerSizeBytes) - R.stack;
    const piece = (start: number, offset: number, bytes: number, blocks: number): Piece => {
      const from = at + (R.stack + offset) / 4;
      const kept = offset <= room ? Math.min(bytes, room - offset) & ~7 : 0;
      return { start, blocks, words: u32.slice(from, from + kept / 4) };
    };
    this.pieces = [
      piece(long(R.stackAddress), 0, word(R.stackBytes), word(R.stackBlocks)),
      piece(long(R.switchedAddress), word(R.switchedOffset), word(R.switchedBytes), word(R.switchedBlocks)),
    ];
  }

  /** Where the thread was. */
  get instruction(): number {
    return this.registers[this.signed ? ARM64_PC : X86_IP];
  }

  get sizeBytes(): number {
    return this.pieces.reduce((sum, { words }) => sum + words.byteLength, 0);
  }

  word(address: number): number | null {
    return this.read(address, 0xffff_ffff);
  }

  returnAddress(address: number): number | null {
    return this.read(address, this.signed ? ADDRESS_BITS_ABOVE : 0xffff_ffff);
  }

  private read(address: number, above: number): number | null {
    for (const { start, words, blocks } of this.pieces) {
      const index = (address - start) / 4;
      if (!(index >= 0 && index + 1 < words.length)) continue;
      if (blocks & (1 << Math.floor((address - start) / RAW_BLOCK_BYTES)))
        return words[index] + ((words[index + 1] & above) >>> 0) * TWO_32;
    }
    return null;
  }

  /** Is the address one of the stacks', but beyond the copies? */
  isBeyondCopy(address: number): boolean {
    const [{ start, words }, switched] = this.pieces;
    if (address >= start + words.byteLength && address < this.entry) return true;
    const switchedEnd = switched.start + switched.words.byteLength;
    return (
      switched.words.byteLength >= LARGEST_COPY_BYTES && address >= switchedEnd && address < switchedEnd + STACK_MAX
    );
  }

  /** Overwrites the copy of the target's memory. */
  wipe(): void {
    for (const { words } of this.pieces) words.fill(0);
    this.pieces = this.pieces.map(({ start }) => ({ start, blocks: 0, words: new Uint32Array(0) }));
    this.registers.fill(0);
  }
}
