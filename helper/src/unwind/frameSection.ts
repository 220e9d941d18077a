// Goes through .eh_frame or .debug_frame entry by entry and has each function's program run. Reads through a window, so a section
// of any size costs a megabyte. Entries that make no sense are counted and left out, the others hold. Layout: LSB Core, "Exception
// Frames"; DWARF 5, section 6.4.1.

import { FormatError } from '../bytes/cursor';
import type { ByteSource } from '../bytes/source';
import type { CfaMachine } from './cfaMachine';
import { type Cie, parseCie } from './cie';
import {
  MAX_CIE_BYTES,
  MAX_CIE_BYTES_IN_ALL,
  MAX_CIES,
  MAX_ENTRY_BYTES,
  MAX_SECTION_BYTES,
  WINDOW_BYTES,
} from './limits';
import { DW_EH_PE_uleb128, type PointerReader } from './pointers';
import type { Architecture } from './registers';
import type { RowCollector } from './rowCollector';
import type { RuleEncoder } from './ruleEncoder';

const EXTENDED_LENGTH = 0xffffffff;
const EH_CIE_ID = 0;
const DEBUG_CIE_ID = 0xffffffff;
const PCREL_SDATA4 = 0x1b;

/** Executable code that the table covers, in virtual addresses. */
export interface CodeRange {
  baseAddress: number;
  endAddress: number;
}

export interface CompileParts {
  arch: Architecture;
  code: CodeRange;
  encoder: RuleEncoder;
  machine: CfaMachine;
  pointers: PointerReader;
  rows: RowCollector;
  /** Where entries of code that the linker threw away are to be expected: which are of living code. */
  isLive?: (start: number, end: number) => boolean;
}

export class FrameSection {
  /** Entries left out, by reason. */
  readonly leftOut = new Map<string, number>();
  private readonly cies = new Map<number, Cie | null>();
  private lastCieAt = -1;
  private lastCie: Cie | null = null;
  private cieBytes = 0;
  private window: Buffer = Buffer.alloc(0);
  /** Offset of the window in the section. */
  private windowAt = 0;

  constructor(
    private readonly source: ByteSource,
    private readonly address: number,
    private readonly isEh: boolean,
    private readonly parts: CompileParts,
    /** The section's end is not known, a length of zero ends it. */
    private readonly endsWithZero = false,
  ) {
    if (source.sizeBytes > MAX_SECTION_BYTES) throw new FormatError(`an unwind section of ${source.sizeBytes} bytes`);
  }

  /** Throws FormatError where the section cannot be read further; the functions before it are in the rows. */
  compile(): void {
    const { sizeBytes } = this.source;
    for (let at = 0; at + 4 <= sizeBytes; ) {
      this.need(at, Math.min(12, sizeBytes - at));
      let headBytes = 4;
      let lengthBytes = this.u32(at);
      if (lengthBytes === EXTENDED_LENGTH) {
        headBytes = 12;
        if (at + headBytes > sizeBytes) throw new FormatError('the section ends in the middle of an entry');
        lengthBytes = this.u32(at + 4) + this.u32(at + 8) * 2 ** 32;
      }
      const entryAt = at + headBytes;
      // A length of zero ends the part of one object file; others may follow.
      if (lengthBytes === 0 && this.endsWithZero) return;
      if (lengthBytes > 0) {
        if (!(entryAt + lengthBytes <= sizeBytes)) throw new FormatError('an entry goes beyond the section');
        if (lengthBytes > MAX_ENTRY_BYTES) throw new FormatError(`an entry of ${lengthBytes} bytes`);
        this.need(at, headBytes + lengthBytes);
        this.entry(entryAt, lengthBytes, headBytes === 12 && !this.isEh ? 8 : 4);
      }
      at = entryAt + lengthBytes;
    }
  }

  private entry(at: number, lengthBytes: number, idBytes: number): void {
    if (lengthBytes < idBytes) return void this.leaveOut('is too short');
    const id = this.u32(at);
    if (this.isEh ? id === EH_CIE_ID : id === DEBUG_CIE_ID && (idBytes === 4 || this.u32(at + 4) === DEBUG_CIE_ID))
      return;
    const cieAt = this.isEh ? at - id : idBytes === 8 ? id + this.u32(at + 4) * 2 ** 32 : id;
    let cie = this.lastCie;
    if (cieAt !== this.lastCieAt) {
      const known = this.cies.get(cieAt);
      cie = known === undefined ? this.readCie(cieAt) : known;
      this.lastCie = cie;
      this.lastCieAt = cieAt;
    }
    if (cie) this.fde(at - this.windowAt + idBytes, at - this.windowAt + lengthBytes, cie);
  }

  /** `at` and `end` in the window. */
  private fde(at: number, end: number, cie: Cie): void {
    const { pointers, code, rows, machine, isLive } = this.parts;
    const bytes = this.window;
    const address = this.address + this.windowAt;
    let start: number;
    let sizeBytes: number;
    let next = at + cie.segmentBytes;
    pointers.use(bytes, address);
    if (cie.pointerEncoding === PCREL_SDATA4 && next + 8 <= end) {
      // What all toolchains write on both architectures.
      start = address + next + (i32(bytes, next) | 0);
      sizeBytes = i32(bytes, next + 4);
      next += 8;
    } else {
      start = pointers.read(next, end, cie.pointerEncoding, cie.addressBytes);
      sizeBytes = pointers.read(pointers.nextAt, end, cie.pointerEncoding & 0x0f, cie.addressBytes);
      next = pointers.nextAt;
    }
    if (!(sizeBytes >= 0) || Number.isNaN(start)) return void this.leaveOut('has no readable address');
    // Code that the linker left out: its entry lies at 0 or beside all code.
    if (!(start >= code.baseAddress && start < code.endAddress) || sizeBytes === 0) return;
    if (isLive && !isLive(start, start + sizeBytes)) return;
    if (cie.hasData) {
      const short = bytes[next];
      if (next < end && short < 0x80) next += 1 + short;
      else next = pointers.read(next, end, DW_EH_PE_uleb128, cie.addressBytes) + pointers.nextAt;
      if (!(next <= end)) return void this.leaveOut('has augmentation data beyond its end');
    }
    const pc = start - code.baseAddress;
    const pcEnd = Math.min(start + sizeBytes, code.endAddress) - code.baseAddress;
    pointers.functionAddress = start;
    rows.beginFrame(pc, pcEnd);
    machine.run(bytes, next, end, cie, pc, pcEnd);
  }

  /** Null: not readable; its functions have no rows. */
  private readCie(at: number): Cie | null {
    if (this.cies.size >= MAX_CIES) this.cies.clear();
    let cie: Cie | null = null;
    try {
      cie = this.parseCieAt(at);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.leaveOut(`refers to a common entry that cannot be read (${error.message})`);
    }
    this.cies.set(at, cie);
    return cie;
  }

  private parseCieAt(at: number): Cie {
    const { source, isEh } = this;
    if (!(at >= 0 && at + 8 <= source.sizeBytes)) throw new FormatError('outside of the section');
    const head = source.readUpTo(at, 24);
    let headBytes = 4;
    let lengthBytes = head.readUInt32LE(0);
    if (lengthBytes === EXTENDED_LENGTH && head.length === 24) {
      headBytes = 12;
      lengthBytes = head.readUInt32LE(4) + head.readUInt32LE(8) * 2 ** 32;
    }
    const idBytes = headBytes === 12 && !isEh ? 8 : 4;
    if (head.readUInt32LE(headBytes) !== (isEh ? EH_CIE_ID : DEBUG_CIE_ID)) throw new FormatError('it is none');
    lengthBytes -= idBytes;
    if (!(lengthBytes > 0 && lengthBytes <= MAX_CIE_BYTES)) throw new FormatError(`of ${lengthBytes} bytes`);
    this.cieBytes += lengthBytes;
    if (this.cieBytes > MAX_CIE_BYTES_IN_ALL) throw new FormatError('too many of them');
    const { machine, pointers, encoder } = this.parts;
    const from = at + headBytes + idBytes;
    const bytes = source.read(from, lengthBytes);
    pointers.use(bytes, this.address + from);
    const cie = parseCie(bytes, isEh, machine, pointers);
    cie.initialRule = encoder.initialRule(cie.initialState, cie.isSignalFrame);
    return cie;
  }

  /** Sees to it that the window holds these bytes of the section. */
  private need(at: number, lengthBytes: number): void {
    if (at >= this.windowAt && at + lengthBytes <= this.windowAt + this.window.length) return;
    this.window = this.source.readUpTo(at, Math.max(WINDOW_BYTES, lengthBytes));
    this.windowAt = at;
  }

  private u32(at: number): number {
    return i32(this.window, at - this.windowAt) >>> 0;
  }

  private leaveOut(why: string): void {
    if (this.leftOut.size < 8 || this.leftOut.has(why)) this.leftOut.set(why, (this.leftOut.get(why) ?? 0) + 1);
  }
}

function i32(bytes: Buffer, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}
