// From what the kernel's program read of a JavaScript frame to the functions that ran there: with what inlining put there, with
// positions in their scripts. What does not fit together is told as stale, never shown as a plausible function.

import { Codes, type JitCode } from './codes';
import { bytecodeOf, type FunctionIds, idsOf, nameOffset, readFunction } from './functions';
import { Heap } from './heap';
import type { ReadMemory } from './heapMemory';
import type { V8Layout } from './layoutShape';
import { bytecodeOfBaselinePc, isBytecodeBoundary, positionAt } from './positions';
import { type LineAndColumn, placeOf, type Script, Scripts } from './scripts';
import { smi } from './tagged';
import type { ScriptPlace, StaleReason, Tier } from './types';

/** Functions of one process that are kept by name. */
const MAX_FUNCTIONS = 50_000;
/** Places of one function. */
const MAX_PLACES = 10_000;
/** Of one function. */
const MAX_BYTECODE_BYTES = 1024 * 1024;

export interface JsFrame {
  /** SharedFunctionInfo, with the ids that it had when the frame was read. */
  shared: number;
  scriptId: number;
  literalId: number;
  at: InterpretedPlace | MachinePlace | UnknownPlace;
}

export interface InterpretedPlace {
  kind: 'interpreted';
  /** As the frame has it: from the BytecodeArray's tagged address. */
  bytecodeOffset: number;
  /** What the interpreter's register said: later, where it is the beginning of a bytecode. Null: nothing. */
  registerOffset: number | null;
}

export interface MachinePlace {
  kind: 'machine';
  /** Of the instruction that ran, or a return address. */
  pc: number;
  isReturnAddress: boolean;
}

/** Somewhere in the function. */
export interface UnknownPlace {
  kind: 'unknown';
}

/** A function without its position: what all of its frames share. Kept also for when its process has ended. */
interface KnownFunction {
  shared: number;
  name: string;
  script: Script;
  start: LineAndColumn | null;
  nameAt: LineAndColumn | null;
  memberOf: { className: string; at: LineAndColumn | null } | null;
  bytecode: KnownBytecode | null;
  /** By offset, tier and being inlined: the same objects again, so that each is shown once. */
  places: Map<string, ScriptPlace>;
}

/** Code of the interpreter. */
interface KnownBytecode {
  object: number;
  /** Null: the function was compiled without. */
  positions: Uint8Array | null;
  bytes: Uint8Array | null;
  /** By bytecode offset, what was looked up before. */
  offsets: Map<number, number | null>;
}

export class Frames {
  readonly heap: Heap;
  readonly codes: Codes;
  private readonly scripts: Scripts;
  private readonly functions = new Map<string, KnownFunction>();

  constructor(
    readMemory: ReadMemory,
    layout: V8Layout,
    private readonly bytecodeSizes: Uint8Array | null,
  ) {
    this.heap = new Heap(readMemory, layout);
    this.codes = new Codes(this.heap);
    this.scripts = new Scripts(this.heap);
  }

  /** Before the frames that came together are read: memory may have changed since the last ones. */
  beginRound(): void {
    this.heap.beginRound();
    this.codes.beginRound();
  }

  /** Innermost first. */
  resolve(frame: JsFrame): ScriptPlace[] | StaleReason {
    const known = this.functionOf(frame);
    if (typeof known === 'string') return known;
    switch (frame.at.kind) {
      case 'interpreted':
        return this.interpreted(known, frame.at);
      case 'machine':
        return this.machine(known, frame.at);
      case 'unknown':
        return [this.place(known, null, 'turbofan')];
    }
  }

  /** The function that the code at an address was made of; null: it is no function's. */
  codeAt(pc: number): JitCode | null {
    return this.codes.at(pc);
  }

  /** The ids of the function of machine code; null where there is no code, or it does not say. */
  ownerOf(code: JitCode): { shared: number; scriptId: number; literalId: number } | null {
    const ids = code.shared === 0 ? null : idsOf(this.heap, code.shared);
    return ids && { shared: code.shared, ...ids };
  }

  /**
   * A function that has a script although the kernel's program saw none: a debugger is attached, and keeps it elsewhere. Null: it
   * has none, as builtins have none.
   */
  debugged({
    shared,
    scriptId,
    literalId,
  }: FunctionIds & { shared: number }): (FunctionIds & { shared: number }) | null {
    if (scriptId !== 0) return null;
    const ids = idsOf(this.heap, shared);
    return ids && ids.literalId === literalId ? { shared, ...ids } : null;
  }

  /** Whether this machine code was made of that function. */
  belongs(code: JitCode, of: FunctionIds & { shared: number }): boolean {
    const known = this.functionOf(of);
    return typeof known !== 'string' && this.isOf(code, known);
  }

  private functionOf({ shared, scriptId, literalId }: FunctionIds & { shared: number }): KnownFunction | StaleReason {
    const key = `${shared} ${scriptId} ${literalId}`;
    const known = this.functions.get(key);
    // It may have moved since: what it was still holds.
    if (known) return known;
    const read = readFunction(this.heap, shared);
    if (!read) return this.heap.word(shared, 0) === 0 ? 'unreadable memory' : 'function was replaced';
    if (read.scriptId !== scriptId || read.literalId !== literalId) return 'function was replaced';
    const script = this.scripts.of(read.script, scriptId);
    const at = (offset: number | null) => (offset === null ? null : placeOf(script, offset));
    const nameAt = script.sourceMapUrl === null ? null : nameOffset(this.heap, read);
    const memberOf = read.start === null ? null : (script.members.get(read.start) ?? null);
    const found = {
      shared,
      name: read.name,
      script,
      start: at(read.start),
      nameAt: at(nameAt),
      memberOf: memberOf && { className: memberOf.name, at: at(memberOf.at) },
      bytecode: null,
      places: new Map(),
    };
    if (this.functions.size >= MAX_FUNCTIONS) this.functions.clear();
    this.functions.set(key, found);
    return found;
  }

  /** As it is now, or was when it could be read last. */
  private bytecodeOf(known: KnownFunction): KnownBytecode | null {
    const { heap } = this;
    const object = bytecodeOf(heap, known.shared);
    if (object === 0 || object === known.bytecode?.object) return known.bytecode;
    const { length, firstByte, positions } = heap.layout.bytecodeArray;
    const sizeBytes = smi(heap.word(object, length)) ?? 0;
    const isSound = sizeBytes > 0 && sizeBytes <= MAX_BYTECODE_BYTES;
    known.bytecode = {
      object,
      positions: heap.byteArray(heap.object(object, positions)),
      bytes: isSound ? heap.memory.bytes(object - 1 + firstByte, sizeBytes) : null,
      offsets: new Map(),
    };
    return known.bytecode;
  }

  private interpreted(known: KnownFunction, at: InterpretedPlace): ScriptPlace[] {
    const bytecode = this.bytecodeOf(known);
    const first = this.heap.layout.bytecodeArray.firstByte - 1;
    let offset = at.bytecodeOffset - first;
    if (at.registerOffset !== null && this.bytecodeSizes && bytecode?.bytes) {
      const registerOffset = at.registerOffset - first;
      if (registerOffset >= 0 && isBytecodeBoundary(bytecode.bytes, this.bytecodeSizes, registerOffset))
        offset = registerOffset;
    }
    return [this.place(known, this.sourceOffset(bytecode, offset), 'interpreted')];
  }

  private machine(known: KnownFunction, at: MachinePlace): ScriptPlace[] | StaleReason {
    const code = this.codes.at(at.pc);
    if (!code) return 'no code at the address';
    // A copy of the interpreter's entry (--interpreted-frames-native-stack): it does not say of which function.
    if (code.tier === 'interpreted') return [this.place(known, null, 'interpreted')];
    if (!this.isOf(code, known)) return 'code of another function';
    const offset = at.pc - code.start;
    if (code.tier === 'baseline') return [this.baseline(known, code, offset, at.isReturnAddress)];
    const places = this.codes.placesAt(code, offset);
    if (places.length === 0) return 'unreadable memory';
    const found: ScriptPlace[] = [];
    for (const place of places) {
      if (!place.inlined) {
        found.push(this.place(known, place.offset, code.tier));
        continue;
      }
      const inner = this.functionOf(place);
      if (typeof inner === 'string') return inner;
      found.push(this.place(inner, place.offset, code.tier, true));
    }
    return found;
  }

  private baseline(known: KnownFunction, code: JitCode, offset: number, isReturnAddress: boolean): ScriptPlace {
    const bytecode = this.bytecodeOf(known);
    if (!bytecode?.bytes || !this.bytecodeSizes) return this.place(known, null, 'baseline');
    const at = bytecodeOfBaselinePc(code.table, bytecode.bytes, this.bytecodeSizes, offset, isReturnAddress);
    return this.place(known, at === null ? null : this.sourceOffset(bytecode, at), 'baseline');
  }

  private isOf(code: JitCode, known: KnownFunction): boolean {
    if (code.bytecode === 0) return code.shared === known.shared;
    return code.bytecode === this.bytecodeOf(known)?.object;
  }

  private sourceOffset(bytecode: KnownBytecode | null, offset: number): number | null {
    if (!bytecode?.positions) return null;
    let found = bytecode.offsets.get(offset);
    if (found === undefined) {
      found = positionAt(bytecode.positions, offset, this.heap.layout.hasUnsignedPositions)?.offset ?? null;
      if (bytecode.offsets.size < MAX_PLACES) bytecode.offsets.set(offset, found);
    }
    return found;
  }

  private place(known: KnownFunction, offset: number | null, tier: Tier, inlined = false): ScriptPlace {
    const key = `${offset} ${tier} ${inlined}`;
    let place = known.places.get(key);
    if (!place) {
      place = placeIn(known, offset, tier, inlined);
      if (known.places.size < MAX_PLACES) known.places.set(key, place);
    }
    return place;
  }
}

/** Where no position is known: the function's start. */
function placeIn(
  { name, script, start, nameAt, memberOf }: KnownFunction,
  offset: number | null,
  tier: Tier,
  inlined: boolean,
): ScriptPlace {
  const at = (offset === null ? null : placeOf(script, offset)) ?? start;
  return {
    functionName: name,
    ...(memberOf && {
      memberOf: {
        className: memberOf.className,
        line: memberOf.at?.line ?? null,
        column: memberOf.at?.column ?? null,
      },
    }),
    nameLine: nameAt?.line ?? null,
    nameColumn: nameAt?.column ?? null,
    scriptName: script.name,
    sourceMapUrl: script.sourceMapUrl,
    line: at?.line ?? null,
    column: at?.column ?? null,
    functionLine: start?.line ?? null,
    functionColumn: start?.column ?? null,
    tier,
    inlined,
  };
}
