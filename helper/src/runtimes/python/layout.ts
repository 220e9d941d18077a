// Where CPython's structures have their fields, by version, in one shape for all: what decode.ts, threads.ts and BPF
// (bpf/lib/unwind_python.bpf.h) read by. From the process itself where it tells (3.13 and later, debugOffsets.ts), else from the
// table here, which is the DWARF of builds of 3.8.18, 3.9.18, 3.10.13, 3.11.7 and 3.12.1 on x86-64, compared with Debian's 3.9 and
// 3.11. Within a minor version the structures stay as they are; arm64 lays them out the same (LP64).
//
// Sources: Include/internal/pycore_frame.h, pycore_interpframe_structs.h (3.14), pycore_pystate.h, pycore_runtime.h,
// Include/cpython/{code,frameobject,pystate,unicodeobject,bytesobject}.h.

import { PYTHON_PRINT_FROM, PYTHON_PRINT_WORDS } from '../../abi/runtimePython.gen';
import type { DebugOffsets } from './debugOffsets';
import type { LineTableFormat } from './lines';

/** Which frames are the first that a native call of the evaluation loop runs: there the native stack goes on. */
export type EntryMark =
  /** Each frame has a native call of its own (3.8 to 3.10). */
  | 'everyFrame'
  /** A byte in the frame says so (3.11). */
  | 'flag'
  /** A frame without a function stands before it (3.12 and later): told by the frame's owner. */
  | 'shim';

export interface PythonLayout {
  from: 'debugOffsets' | 'table';
  minor: number;
  freeThreaded: boolean;
  /** Of `_PyRuntime`. */
  interpretersHead: number;
  /** The key of the thread-specific data that names a thread's state, u32; null: the version has none, or it is not known. */
  threadKey: number | null;
  /** The state of the thread that has the interpreter lock (up to 3.11); null: elsewhere. */
  lockHolder: number | null;
  interpreter: {
    next: number;
    threadsHead: number;
    /** Pointer to the state of the interpreter's lock, and in that state: who had it last, and whether it is taken (i32). */
    lock: { pointer: number; holder: number; locked: number } | null;
  };
  thread: {
    next: number;
    interpreter: number;
    frame: number;
    /**
     * The thread points to a structure of the evaluation loop's last call, in which are the pointer to the frame and to the call before
     * (3.11, 3.12); null: it points to the frame.
     */
    call: { frame: number; previous: number } | null;
    threadId: number;
    nativeThreadId: number | null;
    /** Pointer to the task of asyncio that runs, and in that the pointer to its name; null: elsewhere (before 3.14). */
    task: { running: number; name: number } | null;
  };
  frame: {
    back: number;
    code: number;
    position: number;
    entry: number | null;
    mark: EntryMark;
    tlbcIndex: number | null;
  };
  /** What `position` is: the byte (3.8, 3.9) or unit (3.10) of code, or a pointer to the instruction. */
  position: 'bytes' | 'units' | 'pointer';
  code: {
    fileName: number;
    name: number;
    qualifiedName: number | null;
    firstLine: number;
    lineTable: number;
    /** Of the first instruction; 0 where positions are no pointers. */
    instructions: number;
    tlbc: number | null;
  };
  lineTable: LineTableFormat;
  /** Of text objects: length in characters, the word of flags, and where characters begin (ASCII, others). */
  text: { length: number; state: number; kindShift: number; ascii: number; others: number };
  bytes: { length: number; data: number };
  typeName: number;
}

/** Of a frame; BPF has as much room. */
export const MAX_FRAME_BYTES = 128;
/** Of a text object's header, for its length and flags. */
export const TEXT_HEADER_BYTES = 40;
const MAX_HEADER_BYTES = 256;
/** Fits 16 bits. */
const MAX_FIELD = 0xfff0;

const TEXT = { length: 16, state: 32, kindShift: 2, ascii: 48, others: 72 };
const TEXT_3_12 = { ...TEXT, ascii: 40, others: 56 };
const BYTES = { length: 16, data: 32 };
const TYPE_NAME = 24;
const CODE_3_8 = {
  fileName: 104,
  name: 112,
  qualifiedName: null,
  firstLine: 40,
  lineTable: 120,
  instructions: 0,
  tlbc: null,
};
const CODE_3_11 = {
  fileName: 112,
  name: 120,
  qualifiedName: 128,
  firstLine: 72,
  lineTable: 136,
  instructions: 184,
  tlbc: null,
};
/** Of `struct _gil_runtime_state`. */
const LOCK_HOLDER = 8;
const LOCK_TAKEN = 16;

const LAYOUT_3_8: PythonLayout = {
  from: 'table',
  minor: 8,
  freeThreaded: false,
  interpretersHead: 32,
  threadKey: 1_396,
  lockHolder: 1_368,
  interpreter: { next: 0, threadsHead: 8, lock: null },
  thread: { next: 8, interpreter: 16, frame: 24, call: null, threadId: 176, nativeThreadId: null, task: null },
  frame: { back: 24, code: 32, position: 104, entry: null, mark: 'everyFrame', tlbcIndex: null },
  position: 'bytes',
  code: CODE_3_8,
  lineTable: 'lnotab',
  text: TEXT,
  bytes: BYTES,
  typeName: TYPE_NAME,
};

const LAYOUT_3_9: PythonLayout = { ...LAYOUT_3_8, minor: 9, threadKey: 588, lockHolder: 568 };

const LAYOUT_3_10: PythonLayout = {
  ...LAYOUT_3_9,
  minor: 10,
  frame: { ...LAYOUT_3_8.frame, position: 96 },
  position: 'units',
  lineTable: 'ranges',
};

const LAYOUT_3_11: PythonLayout = {
  ...LAYOUT_3_10,
  minor: 11,
  interpretersHead: 40,
  threadKey: 596,
  lockHolder: 576,
  interpreter: { next: 0, threadsHead: 16, lock: null },
  thread: {
    next: 8,
    interpreter: 16,
    frame: 56,
    call: { frame: 8, previous: 16 },
    threadId: 152,
    nativeThreadId: 160,
    task: null,
  },
  frame: { back: 48, code: 32, position: 56, entry: 68, mark: 'flag', tlbcIndex: null },
  position: 'pointer',
  code: CODE_3_11,
  lineTable: 'locations',
};

const LAYOUT_3_12: PythonLayout = {
  ...LAYOUT_3_11,
  minor: 12,
  threadKey: 1_548,
  lockHolder: null,
  interpreter: { next: 0, threadsHead: 72, lock: { pointer: 384, holder: LOCK_HOLDER, locked: LOCK_TAKEN } },
  thread: {
    next: 8,
    interpreter: 16,
    frame: 56,
    call: { frame: 0, previous: 8 },
    threadId: 136,
    nativeThreadId: 144,
    task: null,
  },
  frame: { back: 8, code: 0, position: 56, entry: 70, mark: 'shim', tlbcIndex: null },
  code: { ...CODE_3_11, firstLine: 68, instructions: 192 },
  text: TEXT_3_12,
};

const TABLE = [LAYOUT_3_8, LAYOUT_3_9, LAYOUT_3_10, LAYOUT_3_11, LAYOUT_3_12];
/** The debug offsets leave it out: in 3.13.0, Debian's 3.13.5 and 3.14.10. 3.15 keeps the state in a thread-local variable instead. */
const THREAD_KEYS: Record<number, number> = { 13: 2_164, 14: 2_340 };

/**
 * struct _PyThreadStateImpl and TaskObj (Modules/_asynciomodule.c), which the section .AsyncioDebug tells: of `_asyncio` in 3.14, a
 * file that is mapped late, of the program in 3.15. Read from Debian's 3.14.10 and 3.15.2. Whether a task is there is seen by
 * the type of its name.
 */
const TASKS: Record<number, PythonLayout['thread']['task']> = {
  14: { running: 872, name: 136 },
  15: { running: 1_032, name: 136 },
};

/** Of a version that does not tell itself; null: it has to (3.13 and later), or is too old. */
export function layoutFromTable(minor: number): PythonLayout | null {
  return TABLE.find((layout) => layout.minor === minor) ?? null;
}

/** Null where something that is needed is missing or absurd. */
export function layoutFromOffsets(offsets: DebugOffsets): PythonLayout | null {
  const minor = (offsets.versionHex >>> 16) & 0xff;
  const at = offsets.offset;
  let complete = true;
  const need = (name: string): number => {
    const value = at(name);
    if (value === null) complete = false;
    return value ?? 0;
  };
  const lockPointer = at('interpreter.ceval_gil');
  const state = at('interpreter.gil_runtime_state');
  const holder = at('interpreter.gil_runtime_state_holder');
  const locked = at('interpreter.gil_runtime_state_locked');
  const hasLock = !offsets.freeThreaded && lockPointer && state && holder !== null && locked !== null;
  const ascii = need('text.asciiobject_size');
  const layout: PythonLayout = {
    from: 'debugOffsets',
    minor,
    freeThreaded: offsets.freeThreaded,
    interpretersHead: need('runtime.interpreters_head'),
    threadKey: offsets.freeThreaded ? null : (THREAD_KEYS[minor] ?? null),
    lockHolder: null,
    interpreter: {
      next: need('interpreter.next'),
      threadsHead: need('interpreter.threads_head'),
      // Holder and `locked` count from the interpreter, as the state itself does.
      lock: hasLock ? { pointer: lockPointer, holder: holder - state, locked: locked - state } : null,
    },
    thread: {
      next: need('thread.next'),
      interpreter: need('thread.interp'),
      frame: need('thread.current_frame'),
      call: null,
      threadId: need('thread.thread_id'),
      nativeThreadId: need('thread.native_thread_id'),
      task: offsets.freeThreaded ? null : (TASKS[minor] ?? null),
    },
    frame: {
      back: need('frame.previous'),
      code: need('frame.executable'),
      position: need('frame.instr_ptr'),
      entry: need('frame.owner'),
      mark: 'shim',
      tlbcIndex: offsets.freeThreaded ? at('frame.tlbc_index') : null,
    },
    position: 'pointer',
    code: {
      fileName: need('code.filename'),
      name: need('code.name'),
      qualifiedName: need('code.qualname'),
      firstLine: need('code.firstlineno'),
      lineTable: need('code.linetable'),
      instructions: need('code.co_code_adaptive'),
      tlbc: offsets.freeThreaded ? at('code.co_tlbc') : null,
    },
    lineTable: 'locations',
    text: {
      length: need('text.length'),
      state: need('text.state'),
      // Without the lock the two bits of `interned` are a byte from 3.14 on.
      kindShift: offsets.freeThreaded && minor >= 14 ? 8 : 2,
      ascii,
      // PyCompactUnicodeObject adds the UTF-8 form: its length and pointer.
      others: at('text.compactunicodeobject_size') ?? ascii + 16,
    },
    bytes: { length: need('bytes.ob_size'), data: need('bytes.ob_sval') },
    typeName: need('type.tp_name'),
  };
  return complete && isPlausible(layout) ? layout : null;
}

/** What is read of a frame and of a code object is read at once, into so much room. */
function isPlausible({ thread, frame, code, text, bytes, interpreter }: PythonLayout): boolean {
  const isWithin = (end: number, ...offsets: (number | null)[]) =>
    offsets.every((offset) => offset === null || (offset % 1 === 0 && offset >= 0 && offset <= end - 8));
  const isNamed = [code.fileName, code.name, code.qualifiedName, code.firstLine, code.lineTable].every(
    (offset) => offset === null || offset >= PYTHON_PRINT_FROM,
  );
  const lock = interpreter.lock ?? { pointer: 0, holder: 0, locked: 0 };
  return (
    isNamed &&
    [frame.back, frame.code, frame.position].every((offset) => offset % 8 === 0) &&
    isWithin(MAX_FRAME_BYTES, frame.back, frame.code, frame.position, frame.entry, frame.tlbcIndex) &&
    isWithin(PYTHON_PRINT_FROM + PYTHON_PRINT_WORDS * 8, code.fileName, code.name, code.qualifiedName) &&
    isWithin(PYTHON_PRINT_FROM + PYTHON_PRINT_WORDS * 8, code.firstLine, code.lineTable) &&
    isWithin(MAX_FIELD, code.instructions, code.tlbc, lock.holder, lock.locked) &&
    isWithin(MAX_FIELD, thread.next, thread.interpreter, thread.frame, thread.threadId, thread.nativeThreadId) &&
    isWithin(TEXT_HEADER_BYTES + 4, text.length, text.state) &&
    isWithin(MAX_HEADER_BYTES, text.ascii, text.others, bytes.length, bytes.data) &&
    bytes.length + 8 <= bytes.data
  );
}
