// What a SharedFunctionInfo tells of a function: its script, its ids, its name and where its text stands.
// Layouts: src/objects/{shared-function-info,scope-info}.tq.

import type { Heap } from './heap';
import { isTagged, smi } from './tagged';

const SCOPE_FLAGS = 8;
/** Names of more variables than that lie in a table. */
const MAX_INLINED_NAMES = 75;
/** A count above it is no scope of a function that ran. */
const MAX_LOCALS = 100_000;
const HAS_CLASS_VARIABLE = 1 << 10;
const FUNCTION_NAME_MASK = 3 << 12;
const HAS_INFERRED_NAME = 1 << 14;
const SCOPE_TYPE_MASK = 15;
const WORD = 8;
const INTERPRETER_DATA_BYTECODE = 8;
const DEBUG_INFO_PLACES = [16, 24, 8];

export interface FunctionIds {
  /** Of the script within its isolate. */
  scriptId: number;
  /** Of the function within its script. */
  literalId: number;
}

export interface FunctionFacts extends FunctionIds {
  shared: number;
  script: number;
  /** Empty: it has no name. */
  name: string;
  /** Of the function's text in the script, UTF-16 units. */
  start: number | null;
}

/** Text before a function's parameters in which its name is looked for. */
const MAX_HEAD_UNITS = 256;

/** The script's object; 0 where the function has none (builtins). */
export function scriptOf(heap: Heap, shared: number): number {
  const { layout } = heap;
  const script = heap.object(shared, layout.shared.script);
  if (heap.isA(script, layout.types.script)) return script;
  if (!heap.isA(script, layout.types.debugInfo)) return 0;
  // An inspector is attached: what stood here lies in the DebugInfo.
  for (const place of DEBUG_INFO_PLACES) {
    const inner = heap.object(script, place);
    if (heap.isA(inner, layout.types.script)) return inner;
  }
  return 0;
}

export function scriptIdOf(heap: Heap, script: number): number {
  return smi(heap.word(script, heap.layout.script.id)) ?? -1;
}

/** Null where it is no SharedFunctionInfo of a script's function. */
export function idsOf(heap: Heap, shared: number): FunctionIds | null {
  if (!heap.isA(shared, heap.layout.types.shared)) return null;
  const script = scriptOf(heap, shared);
  if (script === 0) return null;
  return { scriptId: scriptIdOf(heap, script), literalId: heap.u32(shared, heap.layout.shared.literalId) };
}

export function readFunction(heap: Heap, shared: number): FunctionFacts | null {
  const ids = idsOf(heap, shared);
  if (!ids) return null;
  const named = readScope(heap, heap.object(shared, heap.layout.shared.nameOrScopeInfo));
  return { ...ids, ...named, shared, script: scriptOf(heap, shared) };
}

/** Of a function that was not compiled yet: its name in place of its scope. */
function readScope(heap: Heap, nameOrScope: number): { name: string; start: number | null } {
  if (heap.isString(nameOrScope)) return { name: heap.name(nameOrScope), start: null };
  if (!heap.isA(nameOrScope, heap.layout.types.scopeInfo)) return { name: '', start: null };
  const { scopeInfo: layout } = heap.layout;
  const flagsWord = heap.word(nameOrScope, SCOPE_FLAGS);
  const flags = layout.flagsAreSmi ? (smi(flagsWord) ?? 0) : flagsWord % 2 ** 32;
  const locals = smi(heap.word(nameOrScope, layout.localCount));
  if (locals === null || locals < 0 || locals > MAX_LOCALS) return { name: '', start: null };
  let at = layout.first;
  if (layout.hasModuleCountFirst && (flags & SCOPE_TYPE_MASK) === layout.moduleType) at += WORD;
  at += (locals < MAX_INLINED_NAMES ? locals : 1) * WORD + locals * WORD;
  if (flags & HAS_CLASS_VARIABLE) at += WORD;
  let name = '';
  if (flags & FUNCTION_NAME_MASK) {
    name = heap.name(heap.object(nameOrScope, at));
    at += 2 * WORD;
  }
  if (flags & HAS_INFERRED_NAME) {
    if (name === '') name = heap.name(heap.object(nameOrScope, at));
    at += WORD;
  }
  return { name, start: smi(heap.word(nameOrScope, layout.start ?? at)) };
}

/** The function's bytecode, whatever it runs as; 0 where it has none now. */
export function bytecodeOf(heap: Heap, shared: number): number {
  for (const place of heap.layout.shared.data) {
    const found = bytecodeBehind(heap, heap.object(shared, place));
    if (found !== 0) return found;
  }
  return 0;
}

/** Through baseline code and interpreter data; in versions with a wrapper around each, through that, too. */
export function bytecodeBehind(heap: Heap, data: number): number {
  const { types, code } = heap.layout;
  let object = data;
  for (let i = 0; i < 3 && isTagged(object); i++) {
    if (heap.isA(object, types.bytecodeArray)) return object;
    if (heap.isA(object, types.code)) object = heap.object(object, code.deopt);
    else if (heap.isA(object, types.interpreterData)) object = heap.object(object, INTERPRETER_DATA_BYTECODE);
    else if (heap.isA(object, types.codeWrapper) || heap.isA(object, types.bytecodeWrapper))
      object = heap.object(object, WORD);
    else return 0;
  }
  return 0;
}

/**
 * Where the identifier stands that gave the function its name, UTF-16 units; null: not where names of functions stand. A function's
 * text starts with its parameters: `function name(`, `name(` of a method, `name = (`, `name: async (`.
 */
export function nameOffset(heap: Heap, { script, name, start }: FunctionFacts): number | null {
  if (start === null || start === 0) return null;
  const identifier = name.slice(name.lastIndexOf('.') + 1);
  const from = Math.max(0, start - MAX_HEAD_UNITS);
  const head = heap.substring(heap.object(script, heap.layout.script.source), from, start - from);
  if (identifier === '' || head === null) return null;
  const at = head.lastIndexOf(identifier);
  if (at < 0) return null;
  const isWhole = !/[\w$\u0080-\uffff]/.test(head.charAt(at - 1));
  const between = head.slice(at + identifier.length);
  return isWhole && /^\s*(?:[=:]\s*)?(?:async\b\s*)?(?:function\b\s*)?\*?\s*$/.test(between) ? from + at : null;
}

/** Of a function without a script; empty: it has none. */
export function readBuiltinName(heap: Heap, shared: number): string {
  if (!heap.isA(shared, heap.layout.types.shared)) return '';
  return heap.name(heap.object(shared, heap.layout.shared.nameOrScopeInfo));
}
