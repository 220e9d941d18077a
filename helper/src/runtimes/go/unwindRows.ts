// Unwind rows of Go's functions, from the tables that Go's own runtime unwinds by (pclntab: for each function, how far the stack
// pointer has moved at each pc). They are in stripped programs, too, and cost less than inflating .debug_frame. Layout: pcsp of
// _func in runtime/runtime2.go; what a frame looks like: "Stack frame layout" in runtime/stack.go; flags:
// internal/abi/symtab.go (funcFlag, Go 1.17 and later).
//
// x86-64: UNWIND_GO, which says where the CFA is in the first frame; beyond it frame pointers hold, also where the runtime
// switches stacks. arm64: x30 lies at sp and x29 below it, so a row tells all.

import {
  UNWIND_CFA_BITS,
  UNWIND_CFA_SHIFT,
  UNWIND_END,
  UNWIND_EXACT,
  UNWIND_FP_BITS,
  UNWIND_FP_SHIFT,
  UNWIND_GO,
  UNWIND_RA_BESIDE_FP,
  UNWIND_RA_IN_LR,
  UNWIND_RA_SHIFT,
  UNWIND_SIGNAL_RETURN,
  UNWIND_SP,
} from '../../abi/unwindRows.gen';
import { FormatError } from '../../bytes/cursor';
import { type ByteSource, cstringAt } from '../../bytes/source';
import type { UnwindRowSink } from '../types';
import { MAX_FUNCTIONS, MAX_NAMES_BYTES, MAX_PCSP_BYTES, MAX_PCSP_READ_BYTES } from './limits';
import type { Pclntab } from './pclntab/types';

const TOP_OF_STACK = 1;
const WRITES_SP = 2;
/** Nothing calls these: a goroutine's and a thread's first frame, the program's entry. */
const ENTRIES = new Set(['runtime.goexit', 'runtime.mstart', 'runtime.rt0_go']);
const NAME_AT = 0;
const PCSP_AT = 12;
const PAGE_BYTES = 65_536;
const OVERLAP_BYTES = 8;
/** Of one table: 8 MiB, all of it in nearly every program. */
const MAX_PAGES = 128;
const CFA_LIMIT = 2 ** (UNWIND_CFA_BITS - 1) * 8;
const PLACE_LIMIT = 2 ** UNWIND_FP_BITS * 8;

/**
 * What Go's signal handling enters without a call (runtime/signal_*.go, preempt.go): the interrupted instruction stands where
 * a return address would, and on the way out of a handler there is the trampoline that Go brings along.
 */
type Special = 'injected' | 'trampoline';
const SPECIAL = new Map<string, Special>([
  ['runtime.sigpanic', 'injected'],
  ['runtime.sigpanic0', 'injected'],
  ['runtime.asyncPreempt', 'injected'],
  ['runtime.debugCallV2', 'injected'],
  ['runtime.sigreturn', 'trampoline'],
  ['runtime.sigreturn__sigaction', 'trampoline'],
]);

/** Throws FormatError where the table is damaged; functions before that are in the rows. */
export function addGoRows(
  table: Pclntab,
  code: { baseAddress: number; endAddress: number },
  rows: UnwindRowSink,
  hasLinkRegister: boolean,
): void {
  const { functionCount, textStart } = table;
  const entryBytes = table.version === '1.18' || table.version === '1.20' ? 4 : table.pointerBytes;
  // Fields of _func behind its entry: name, args, deferreturn, pcsp, …; flags behind those that came later.
  const flagsAt = table.version === '1.2' ? null : table.version === '1.20' ? 37 : 33;
  if (functionCount > MAX_FUNCTIONS) throw new FormatError(`${functionCount} Go functions`);
  const index = new Window(table.functionTable);
  const functions = new Window(table.functions);
  const values = new Window(table.pcValues);
  const rowBytes = 2 * entryBytes;
  let readBytes = 0;
  const specials = specialFunctions(table.names);
  const entryOf = (i: number) => index.unsigned(i * rowBytes, entryBytes) + textStart;
  for (let i = 0; i < functionCount; i++) {
    const start = entryOf(i);
    const end = entryOf(i + 1);
    if (!(start >= code.baseAddress && start < end && end <= code.endAddress)) continue;
    const at = index.unsigned(i * rowBytes + entryBytes, entryBytes) + entryBytes;
    const flags = flagsAt === null ? 0 : functions.unsigned(at + flagsAt, 1);
    const pc = start - code.baseAddress;
    const special = specials.get(functions.unsigned(at + NAME_AT, 4));
    if (special === 'trampoline') {
      // From one byte earlier: the walker looks for the caller of a handler at its return address minus 1.
      rows.beginFrame(Math.max(0, pc - 1), end - code.baseAddress);
      rows.add(Math.max(0, pc - 1), UNWIND_SIGNAL_RETURN | UNWIND_EXACT);
      continue;
    }
    rows.beginFrame(pc, end - code.baseAddress);
    const bits = special === 'injected' ? UNWIND_EXACT : 0;
    if (flags & TOP_OF_STACK && ENTRIES.has(cstringAt(table.names, functions.unsigned(at + NAME_AT, 4))))
      rows.add(pc, UNWIND_END);
    // It moves to another stack at some place within.
    else if (flags & WRITES_SP) rows.add(pc, UNWIND_GO | bits);
    else {
      const shape = { pc, sizeBytes: end - start, quantum: table.quantum, bits };
      readBytes += addRows(values, functions.unsigned(at + PCSP_AT, 4), shape, rows, hasLinkRegister);
    }
    if (readBytes > MAX_PCSP_READ_BYTES) throw new FormatError("more in Go's tables than functions need");
  }
}

/** Special functions by the offset of their name. */
function specialFunctions(names: ByteSource): Map<number, Special> {
  const found = new Map<number, Special>();
  const bytes = names.readUpTo(0, MAX_NAMES_BYTES);
  for (const [name, special] of SPECIAL) {
    const at = bytes.indexOf(`\0${name}\0`);
    if (at >= 0) found.set(at + 1, special);
  }
  return found;
}

/** Pairs of (zigzag delta of the stack pointer's distance, delta of the pc), both LEB128; it begins at -1. Returns bytes read. */
function addRows(
  values: Window,
  offset: number,
  { pc, sizeBytes, quantum, bits }: { pc: number; sizeBytes: number; quantum: number; bits: number },
  rows: UnwindRowSink,
  hasLinkRegister: boolean,
): number {
  if (offset === 0) {
    rows.add(pc, UNWIND_GO | bits);
    return 0;
  }
  let value = -1;
  let covered = 0;
  const end = offset + MAX_PCSP_BYTES;
  values.seek(offset);
  while (covered < sizeBytes && values.at < end) {
    const zigzag = values.uleb();
    if (zigzag === 0 && covered > 0) break;
    value += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    rows.add(pc + covered, (ruleOf(value, hasLinkRegister) | bits) >>> 0);
    const step = values.uleb() * quantum;
    // Each pair stands for some code; a damaged one would go on for long.
    if (step === 0) break;
    covered += step;
  }
  return values.at - offset;
}

/** `distance`: of the stack pointer from where it was at the function's first instruction. */
function ruleOf(distance: number, hasLinkRegister: boolean): number {
  const cfa = hasLinkRegister ? distance : distance + 8;
  if (!(distance >= 0 && cfa < CFA_LIMIT && cfa % 8 === 0)) return UNWIND_GO;
  if (!hasLinkRegister) return UNWIND_GO | ((cfa / 8) << UNWIND_CFA_SHIFT);
  if (distance === 0) return UNWIND_SP | (UNWIND_RA_IN_LR << UNWIND_RA_SHIFT);
  const place = distance + 8;
  if (place >= PLACE_LIMIT) return UNWIND_GO;
  return (
    (UNWIND_SP |
      (UNWIND_RA_BESIDE_FP << UNWIND_RA_SHIFT) |
      ((cfa / 8) << UNWIND_CFA_SHIFT) |
      ((place / 8) << UNWIND_FP_SHIFT)) >>>
    0
  );
}

/** Reads here and there in a source: functions share tables, so places go forth and back. Throws FormatError outside of it. */
class Window {
  at = 0;
  private bytes: Buffer = Buffer.alloc(0);
  private start = 0;
  /** Oldest first. */
  private readonly pages = new Map<number, Buffer>();

  constructor(private readonly source: ByteSource) {}

  unsigned(offset: number, sizeBytes: number): number {
    this.need(offset, sizeBytes);
    const at = offset - this.start;
    if (sizeBytes === 1) return this.bytes[at];
    const low = this.bytes.readUInt32LE(at);
    return sizeBytes === 4 ? low : low + this.bytes.readUInt32LE(at + 4) * 2 ** 32;
  }

  seek(offset: number): void {
    this.at = offset;
  }

  uleb(): number {
    this.need(this.at, 1);
    let byte = this.bytes[this.at++ - this.start];
    let value = byte & 0x7f;
    for (let scale = 128; byte >= 0x80; scale *= 128) {
      if (scale > 2 ** 56) throw new FormatError('LEB128 number too long');
      this.need(this.at, 1);
      byte = this.bytes[this.at++ - this.start];
      value += (byte & 0x7f) * scale;
    }
    return value;
  }

  /** `sizeBytes` is not more than pages overlap. */
  private need(offset: number, sizeBytes: number): void {
    if (offset >= this.start && offset + sizeBytes <= this.start + this.bytes.length) return;
    if (!(offset >= 0 && offset + sizeBytes <= this.source.sizeBytes))
      throw new FormatError("offset outside of Go's tables");
    const number = Math.floor(offset / PAGE_BYTES);
    let page = this.pages.get(number);
    if (!page) {
      page = this.source.readUpTo(number * PAGE_BYTES, PAGE_BYTES + OVERLAP_BYTES);
      if (this.pages.size === MAX_PAGES) this.pages.delete(this.pages.keys().next().value!);
      this.pages.set(number, page);
    }
    this.bytes = page;
    this.start = number * PAGE_BYTES;
  }
}
