// Machine code that V8 made of functions: found by an address within it, since a function's own pointer may lead to other code
// already. Instructions begin at multiples of 64 bytes, behind a header whose map tells that one begins there.
// Layouts: src/objects/{code,instruction-stream,deoptimization-data}.h.

import { bytecodeBehind, type FunctionIds, idsOf } from './functions';
import type { Heap } from './heap';
import { decodePosition, positionAt } from './positions';
import { isTagged, smi, strong } from './tagged';
import type { Tier } from './types';

const CODE_ALIGN_BYTES = 64;
/** Longer code is not looked for. */
const MAX_CODE_BYTES = 2 * 1024 * 1024;
const INLINING_POSITION_BYTES = 16;
const INLINING_FUNCTION = 8;
const WRAPPED_SHARED = 8;
/** Functions are not inlined deeper by any flag. */
const MAX_INLINE_DEPTH = 128;
const MAX_KNOWN = 20_000;
/** Of one code. */
const MAX_PLACES = 10_000;
/** CodeKind::BUILTIN in all versions: a builtin that was copied, as only the interpreter's entry is. */
const BUILTIN_KIND = 2;
/** x86-64 (src/deoptimizer/x64/deoptimizer-x64.cc). */
const DEOPT_EXIT_BYTES = 4;
const DEOPT_ENTRY_ELEMENTS = 3;
const DEOPT_ENTRY_PC = 2;

export interface JitCode {
  start: number;
  sizeBytes: number;
  tier: Tier;
  /** The Code object. */
  code: number;
  deopt: number;
  positionsArray: number;
  /** Optimized: the function; 0 otherwise. */
  shared: number;
  /** Baseline: what it was made of; 0 otherwise. */
  bytecode: number;
  /** Positions of optimized code, or lengths of baseline code. */
  table: Uint8Array;
  /** What was asked before: where it was inlined does not change as long as it is this code. */
  places: Map<number, CodePlace[]>;
}

/** A function at a place in optimized code. */
export interface CodePlace extends FunctionIds {
  shared: number;
  /** In its script, UTF-16 units. */
  offset: number | null;
  inlined: boolean;
}

export class Codes {
  /** By start: what was read, and is checked again in each round. */
  private readonly known = new Map<number, { code: JitCode; round: number }>();
  private readonly starts = new Map<number, number>();
  private readonly maps = new Set<number>();
  private round = 0;

  constructor(private readonly heap: Heap) {}

  beginRound(): void {
    this.round++;
  }

  /** The code that holds the address; null: there is none, or none of a function. */
  at(address: number): JitCode | null {
    const first = address - (address % CODE_ALIGN_BYTES);
    const start = this.starts.get(first);
    if (start !== undefined) {
      const code = this.starting(start);
      if (code && address < code.start + code.sizeBytes) return code;
    }
    const { header } = this.heap.layout.code;
    for (let at = first; at > header && first - at < MAX_CODE_BYTES; at -= CODE_ALIGN_BYTES) {
      if (!this.isStart(at)) continue;
      const code = this.starting(at);
      if (!code || address >= code.start + code.sizeBytes) return null;
      if (this.starts.size >= MAX_KNOWN) this.starts.clear();
      this.starts.set(first, at);
      return code;
    }
    return null;
  }

  /** Innermost first; empty where it cannot be read. `pcOffset`: of the instruction that ran, or behind the call. */
  placesAt(code: JitCode, pcOffset: number): readonly CodePlace[] {
    let places = code.places.get(pcOffset);
    if (!places) {
      places = this.readPlaces(code, pcOffset);
      if (places.length > 0 && code.places.size < MAX_PLACES) code.places.set(pcOffset, places);
    }
    return places;
  }

  private readPlaces(code: JitCode, pcOffset: number): CodePlace[] {
    const { heap } = this;
    // Positions belong to the code before the address, at the top of the stack, too (as V8's own profiler takes it).
    const offset = this.beforeDeoptimization(code, pcOffset) - 1;
    let position = positionAt(code.table, offset, heap.layout.hasUnsignedPositions);
    const places: CodePlace[] = [];
    if (position && position.inliningId >= 0) {
      const { deopt } = heap.layout;
      const literals = heap.object(code.deopt, 16 + deopt.literals * 8);
      const inlinings = heap.byteArray(heap.object(code.deopt, 16 + deopt.positions * 8)) ?? new Uint8Array(0);
      const view = new DataView(inlinings.buffer, inlinings.byteOffset, inlinings.byteLength);
      for (let i = 0; i < MAX_INLINE_DEPTH && position && position.inliningId >= 0; i++) {
        const entry = position.inliningId * INLINING_POSITION_BYTES;
        if (entry + INLINING_POSITION_BYTES > inlinings.length) return [];
        const index = view.getInt32(entry + INLINING_FUNCTION, true);
        const shared = index < 0 ? code.shared : heap.followed(strong(heap.element(literals, index)));
        const ids = idsOf(heap, shared);
        if (!ids) return [];
        places.push({ shared, ...ids, offset: position.offset, inlined: true });
        position = decodePosition(view.getUint32(entry, true) + view.getUint32(entry + 4, true) * 2 ** 32);
      }
    }
    const ids = idsOf(heap, code.shared);
    if (ids) places.push({ shared: code.shared, ...ids, offset: position?.offset ?? null, inlined: false });
    return ids ? places : [];
  }

  /**
   * When code turns out to rest on a wrong assumption, the return addresses of its frames are made to lead into exits behind the
   * code. Each exit's entry tells the one that stood there (Deoptimizer::Deoptimizer() in src/deoptimizer/deoptimizer.cc).
   */
  private beforeDeoptimization(code: JitCode, pcOffset: number): number {
    const { heap } = this;
    const { exitStart } = heap.layout.deopt;
    const count = (element: number) => smi(heap.element(code.deopt, element)) ?? 0;
    const start = count(exitStart);
    const eager = count(exitStart + 1);
    const behindEager = pcOffset - start - eager * DEOPT_EXIT_BYTES;
    if (start <= 0 || behindEager < 0 || behindEager % DEOPT_EXIT_BYTES !== 0) return pcOffset;
    const exit = behindEager / DEOPT_EXIT_BYTES;
    if (exit >= count(exitStart + 2)) return pcOffset;
    const entry = exitStart + 3 + (eager + exit) * DEOPT_ENTRY_ELEMENTS;
    const before = count(entry + DEOPT_ENTRY_PC);
    return before > 0 && before < start ? before : pcOffset;
  }

  private isStart(at: number): boolean {
    const { heap } = this;
    const { header, backPointer } = heap.layout.code;
    const { types } = heap.layout;
    const map = heap.memory.u64(at - header);
    if (this.maps.has(map)) return true;
    if (!isTagged(map)) return false;
    const type = heap.typeOf(at - header + 1);
    if (type !== (backPointer === null ? types.code : types.instructionStream) || type < 0) return false;
    if (this.maps.size < 1_000) this.maps.add(map);
    return true;
  }

  /** Read anew where its object is another one than before. */
  private starting(start: number): JitCode | null {
    const known = this.known.get(start);
    if (known?.round === this.round) return known.code;
    const { heap } = this;
    const layout = heap.layout.code;
    const object = start - layout.header + 1;
    // The process has ended: its code was this one to the last.
    if (known && heap.memory.u64(object - 1) === 0) return known.code;
    const code = layout.backPointer === null ? object : heap.object(object, layout.backPointer);
    if (!this.isStart(start) || !heap.isA(code, heap.layout.types.code)) return null;
    if (layout.instructionStart !== null && heap.word(code, layout.instructionStart) !== start) return null;
    const sizeBytes = heap.u32(code, layout.size);
    const tier = this.tierOf(heap.u32(code, layout.flags) & layout.kindMask);
    const deopt = heap.object(code, layout.deopt);
    const positionsArray = heap.object(code, layout.positions);
    if (tier === null || sizeBytes === 0 || sizeBytes > MAX_CODE_BYTES) return null;
    if (
      known &&
      known.code.code === code &&
      known.code.sizeBytes === sizeBytes &&
      known.code.deopt === deopt &&
      known.code.positionsArray === positionsArray
    ) {
      known.round = this.round;
      return known.code;
    }
    const table = heap.byteArray(positionsArray) ?? (tier === 'interpreted' ? new Uint8Array(0) : null);
    if (!table) return null;
    const isBaseline = tier === 'baseline' || tier === 'interpreted';
    const read: JitCode = {
      start,
      sizeBytes,
      tier,
      code,
      deopt,
      positionsArray,
      shared: isBaseline ? 0 : this.sharedOf(deopt),
      bytecode: isBaseline ? bytecodeBehind(heap, deopt) : 0,
      table,
      places: new Map(),
    };
    if (this.known.size >= MAX_KNOWN) this.known.clear();
    this.known.set(start, { code: read, round: this.round });
    return read;
  }

  private sharedOf(deoptData: number): number {
    const { heap } = this;
    const { shared, isSharedWrapped } = heap.layout.deopt;
    const found = heap.followed(heap.element(deoptData, shared));
    const object = isSharedWrapped ? heap.object(found, WRAPPED_SHARED) : found;
    return heap.isA(object, heap.layout.types.shared) ? object : 0;
  }

  private tierOf(kind: number): Tier | null {
    const { interpreted, baseline, maglev, turbofan } = this.heap.layout.kinds;
    if (kind === interpreted || kind === BUILTIN_KIND) return 'interpreted';
    if (kind === baseline) return 'baseline';
    if (kind === maglev) return 'maglev';
    return kind === turbofan ? 'turbofan' : null;
  }
}
