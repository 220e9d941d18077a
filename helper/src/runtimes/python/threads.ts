// The threads of an interpreter and their frames, read from outside: what shows that a layout fits, and where the place of a
// thread's own state is found by its value (threadSlot.ts). Samples do not come this way: BPF walks the frames on the thread itself
// (bpf/lib/unwind_python.bpf.h), while here the target runs on meanwhile.
// Layout: CPython's Include/internal/pycore_runtime.h, pycore_interp.h, Include/cpython/pystate.h.

import { PYTHON_SHIM_OWNER } from '../../abi/runtimePython.gen';
import type { Memory } from '../types';
import { pointerAt } from './codeObject';
import type { PythonLayout } from './layout';

export interface ThreadState {
  address: number;
  interpreter: number;
  /** pthread_self() of the thread: on x86-64 its thread pointer. */
  threadId: number;
  /** As the target's PID namespace has it; null: the version does not keep it. */
  nativeThreadId: number | null;
}

export interface FrameState {
  code: number;
  /** Bytes from the first instruction; negative: not begun. */
  position: number;
  /** With it a native call of the evaluation loop began. */
  isEntry: boolean;
}

const MAX_INTERPRETERS = 1_024;
const MAX_THREADS = 1_024;
const MAX_FRAMES = 4_096;
const POINTER_BYTES = 8;
/** References are tagged in their lowest two bits from 3.14 on (Include/internal/pycore_stackref.h). */
const REFERENCE_ALIGN = 4;
const OBJECT_TYPE = 8;

export function readPointer(memory: Memory, address: number): number | null {
  const bytes = memory.read(address, POINTER_BYTES);
  return bytes && pointerAt(bytes, 0);
}

/** The state of the first interpreter, which runs all others: the last of their list. Null: there is none, or the list has no end. */
export function mainInterpreter(memory: Memory, layout: PythonLayout, runtimeAddress: number): number | null {
  let interpreter = readPointer(memory, runtimeAddress + layout.interpretersHead);
  for (let i = 0; interpreter && i < MAX_INTERPRETERS; i++) {
    const next = readPointer(memory, interpreter + layout.interpreter.next);
    if (next === 0) return interpreter;
    interpreter = next;
  }
  return null;
}

/** Of all its interpreters, at most as many as the bounds say; empty: it is not set up yet, or cannot be read. */
export function readThreads(memory: Memory, layout: PythonLayout, runtimeAddress: number): ThreadState[] {
  const threads: ThreadState[] = [];
  let interpreter = readPointer(memory, runtimeAddress + layout.interpretersHead);
  for (let i = 0; interpreter && i < MAX_INTERPRETERS; i++) {
    let thread = readPointer(memory, interpreter + layout.interpreter.threadsHead);
    while (thread && threads.length < MAX_THREADS) {
      const bytes = memory.read(thread, threadBytes(layout));
      if (!bytes || pointerAt(bytes, layout.thread.interpreter) !== interpreter) break;
      threads.push({
        address: thread,
        interpreter,
        threadId: pointerAt(bytes, layout.thread.threadId),
        nativeThreadId: layout.thread.nativeThreadId === null ? null : pointerAt(bytes, layout.thread.nativeThreadId),
      });
      thread = pointerAt(bytes, layout.thread.next);
    }
    interpreter = readPointer(memory, interpreter + layout.interpreter.next);
  }
  return threads;
}

function threadBytes({ thread }: PythonLayout): number {
  return Math.max(thread.next, thread.interpreter, thread.threadId, thread.nativeThreadId ?? 0) + POINTER_BYTES;
}

/** Innermost first. What changes meanwhile may tear the chain: it ends there. */
export function readFrames(memory: Memory, layout: PythonLayout, thread: ThreadState, most = MAX_FRAMES): FrameState[] {
  let at = readPointer(memory, thread.address + layout.thread.frame);
  if (at && layout.thread.call) at = readPointer(memory, at + layout.thread.call.frame);
  const frames: FrameState[] = [];
  for (let i = 0; at && i < most; i++) {
    const bytes = memory.read(at, frameBytes(layout));
    if (!bytes) break;
    at = pointerAt(bytes, layout.frame.back);
    const entry = layout.frame.entry === null ? 0 : bytes[layout.frame.entry];
    if (layout.frame.mark === 'shim' && entry >= PYTHON_SHIM_OWNER) {
      const last = frames.at(-1);
      if (last) last.isEntry = true;
      continue;
    }
    const reference = pointerAt(bytes, layout.frame.code);
    const code = reference - (reference % REFERENCE_ALIGN);
    const position = positionIn(memory, layout, bytes, code);
    if (code !== 0 && position !== null)
      frames.push({
        code,
        position,
        isEntry: layout.frame.mark === 'everyFrame' || (layout.frame.mark === 'flag' && entry !== 0),
      });
  }
  return frames;
}

export function frameBytes({ frame }: PythonLayout): number {
  return Math.max(frame.back, frame.code, frame.position, frame.entry ?? 0, frame.tlbcIndex ?? 0) + POINTER_BYTES;
}

function positionIn(memory: Memory, layout: PythonLayout, frame: Buffer, code: number): number | null {
  const at = layout.frame.position;
  if (layout.position === 'bytes') return frame.readInt32LE(at);
  if (layout.position === 'units') return frame.readInt32LE(at) * 2;
  let start = code + layout.code.instructions;
  const copy = layout.frame.tlbcIndex === null ? 0 : frame.readInt32LE(layout.frame.tlbcIndex);
  if (copy > 0 && layout.code.tlbc !== null) {
    // Without the lock threads run copies of the code: an array of pointers to them behind its length.
    const table = readPointer(memory, code + layout.code.tlbc);
    const found = table && readPointer(memory, table + POINTER_BYTES + copy * POINTER_BYTES);
    if (!found) return null;
    start = found;
  }
  return pointerAt(frame, at) - start;
}

/** Whether an object is of the type of code objects, told by the type's own name. Types never move: what was found is kept. */
export class CodeTypes {
  private known: number | null = null;
  private readonly others = new Set<number>();

  constructor(
    private readonly memory: Memory,
    private readonly layout: PythonLayout,
  ) {}

  isCodeType(type: number): boolean {
    if (this.known !== null) return type === this.known;
    if (this.others.has(type)) return false;
    const name = readPointer(this.memory, type + this.layout.typeName);
    if (name && this.memory.read(name, 5)?.toString('latin1') === 'code\0') this.known = type;
    else if (this.others.size < 64) this.others.add(type);
    return type === this.known;
  }

  isCode(address: number): boolean {
    const type = readPointer(this.memory, address + OBJECT_TYPE);
    return type !== null && this.isCodeType(type);
  }
}
