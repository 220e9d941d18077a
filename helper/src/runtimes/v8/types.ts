// What the parts of this folder tell one another about a V8 in a program file, and what they find of a frame.

import type { RuntimeImage } from '../types';

/** What a program or library with V8 in it says of itself: read once a file, in a worker thread. */
export interface V8Image extends RuntimeImage {
  runtime: 'node';
  v8Version: V8Version;
  /** The `v8dbg_` constants without their prefix (tools/gen-postmortem-metadata.py of V8). */
  constants: Record<string, number>;
  /** Lengths of bytecodes: a table for each operand scale, one after another. Null where the file is stripped of it. */
  bytecodeSizes: Uint8Array | null;
  /** The builtins' code, as virtual addresses of the file, and where it is in the file. Null where it was not found. */
  blob: (AddressRange & { fileOffset: number }) | null;
  /** The builtins' symbols, ordered by start. */
  builtins: { starts: number[]; names: string[] };
  /** Code of functions that collect garbage on a thread that has to wait for it; empty where the file is stripped of their symbols. */
  collection: AddressRange[];
}

/** major, minor, build, patch */
export type V8Version = readonly [number, number, number, number];

export interface AddressRange {
  start: number;
  end: number;
}

/** How a JavaScript function runs. */
export type Tier = 'interpreted' | 'baseline' | 'maglev' | 'turbofan';

/** A function in a script, and where it stands in it. */
export interface ScriptPlace {
  /** Empty: it has no name. */
  functionName: string;
  /** The class that it is a member of, and where the class's name stands; left out: of none, or it is not known. */
  memberOf?: { className: string; line: number | null; column: number | null };
  /** Where the name stands in the script, where the function's text says it. */
  nameLine: number | null;
  nameColumn: number | null;
  /** `/srv/app.js`, `file:///srv/app.mjs`, `node:fs`, `wasm://wasm/…`; empty: evaluated code without a name. */
  scriptName: string;
  /** What the script says of its source map; null: nothing. Data URLs are whole. */
  sourceMapUrl: string | null;
  /** From 1, as Error().stack counts; null: unknown. */
  line: number | null;
  column: number | null;
  /** Where the function's text starts. */
  functionLine: number | null;
  functionColumn: number | null;
  tier: Tier;
  /** It has no frame of its own: it was inlined into the one after it. */
  inlined: boolean;
}

/** Why a frame could not be read: it is shown as `[v8: stale frame]` and counted by reason. */
export type StaleReason =
  | 'unreadable memory'
  | 'no function in the frame'
  | 'function was replaced'
  | 'no code at the address'
  | 'code of another function';
