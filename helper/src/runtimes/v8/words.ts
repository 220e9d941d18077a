// The words of V8's frames as bpf/lib/unwind_v8.bpf.h leaves them (bpf/runtime_v8.h), and the map value that it reads.

import {
  V8_DATA_SHIFT,
  V8_FRAME_KIND,
  V8_FRAME_TOP,
  V8_PROCESS,
  V8_TOP_PC,
  V8_TOP_RETURN,
} from '../../abi/runtimeV8.gen';
import type { RuntimeFrame } from '../../process/types';
import type { V8Layout } from './layoutShape';
import type { AddressRange } from './types';

/** Map of the kernel's program; its key is the pid. */
export const V8_MAP = 'v8_processes';

const KIND_MASK = 15;
const TWO_32 = 4_294_967_296;

export interface FrameFunction {
  /** SharedFunctionInfo. */
  shared: number;
  /** 0: it has none, as builtins have. */
  scriptId: number;
  literalId: number;
}

/** What stands at the frame pointer. */
export type FrameFound =
  | { kind: 'unreadable' | 'no function' }
  /** One of V8's own, by its v8dbg_frametype_. */
  | { kind: 'marked'; type: number }
  | { kind: 'machine' | 'builtin'; function: FrameFunction }
  | { kind: 'interpreted'; function: FrameFunction; bytecodeOffset: number; registerOffset: number | null };

export interface FrameWords {
  found: FrameFound;
  /** Of the code that ran, or a return address; null: in a builtin at the top, or in interpreted code. */
  pc: number | null;
  /** The innermost frame, which was interrupted in V8's code. */
  isTop: boolean;
  /** Where the code at the top returns to, should it have no frame of its own. */
  returnAddress: number | null;
}

/** Null where the words are none of V8's. */
export function decodeWords({ data, words }: RuntimeFrame): FrameWords | null {
  const isTop = (data & V8_FRAME_TOP) !== 0;
  if (words.length !== (isTop ? V8_TOP_RETURN + 1 : 2)) return null;
  const [ids, place] = words;
  const kind = data & KIND_MASK;
  const value = Math.floor(data / 2 ** V8_DATA_SHIFT);
  const found = foundOf(kind, value, ids, place);
  if (!found) return null;
  const pc = isTop ? Number(words[V8_TOP_PC]) : found.kind === 'interpreted' ? 0 : Number(place);
  return { found, pc: pc || null, isTop, returnAddress: isTop ? Number(words[V8_TOP_RETURN]) || null : null };
}

function foundOf(kind: number, value: number, ids: bigint, place: bigint): FrameFound | null {
  const called: FrameFunction = {
    shared: value * 8 + 1,
    scriptId: Number(ids >> 32n),
    literalId: Number(ids & 0xffffffffn),
  };
  switch (kind) {
    case V8_FRAME_KIND.V8_FRAME_UNREADABLE:
      return { kind: 'unreadable' };
    case V8_FRAME_KIND.V8_FRAME_NO_FUNCTION:
      return { kind: 'no function' };
    case V8_FRAME_KIND.V8_FRAME_MARKED:
      return { kind: 'marked', type: value };
    case V8_FRAME_KIND.V8_FRAME_MACHINE:
      return { kind: 'machine', function: called };
    case V8_FRAME_KIND.V8_FRAME_BUILTIN:
      return { kind: 'builtin', function: called };
    case V8_FRAME_KIND.V8_FRAME_INTERPRETED: {
      const registerOffset = Number(place >> 32n);
      return {
        kind: 'interpreted',
        function: called,
        bytecodeOffset: Number(place & 0xffffffffn),
        registerOffset: registerOffset === 0 ? null : registerOffset,
      };
    }
    default:
      return null;
  }
}

/** struct v8_process. `builtins`: one or two places of the same code. */
export function processValue(
  layout: V8Layout,
  builtins: readonly AddressRange[],
  generated: AddressRange | null,
): Uint8Array {
  const bytes = Buffer.alloc(V8_PROCESS.byteLength);
  const word = (at: number, value: number) => {
    bytes.writeUInt32LE(value % TWO_32, at);
    bytes.writeUInt32LE(Math.floor(value / TWO_32), at + 4);
  };
  builtins.slice(0, V8_PROCESS.builtinsLength).forEach(({ start }, i) => {
    word(V8_PROCESS.builtins + i * 8, start);
  });
  if (builtins.length > 0) word(V8_PROCESS.builtinsBytes, builtins[0].end - builtins[0].start);
  if (generated) {
    word(V8_PROCESS.generated, generated.start);
    word(V8_PROCESS.generatedBytes, generated.end - generated.start);
  }
  const { types } = layout;
  for (const [at, value] of [
    [V8_PROCESS.firstFunctionType, types.firstFunction],
    [V8_PROCESS.lastFunctionType, types.lastFunction],
    [V8_PROCESS.sharedType, types.shared],
    [V8_PROCESS.bytecodeArrayType, types.bytecodeArray],
    [V8_PROCESS.functionShared, layout.function.shared],
    [V8_PROCESS.sharedScript, layout.shared.script],
    [V8_PROCESS.sharedLiteralId, layout.shared.literalId],
    [V8_PROCESS.scriptId, layout.script.id],
  ])
    bytes.writeUInt16LE(value & 0xffff, at);
  return bytes;
}
