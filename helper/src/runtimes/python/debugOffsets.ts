// What an interpreter says of its own structures, from 3.13 on: `_Py_DebugOffsets` at the beginning of `_PyRuntime`, a list of 64-bit
// words. Which fields it has differs by minor version, so that each has its list here; an unknown minor is read by the
// nearest list, and believed like every other layout only when it leads to what it should (pythonProcess.ts).
//
// Sources: Include/internal/pycore_runtime.h of 3.13, Include/internal/pycore_debug_offsets.h of 3.14.10 and 3.15.2.

const COOKIE = 'xdebugpy';
const WORD_BYTES = 8;
const HEADER_WORDS = 3;
/** An offset of a structure; `_PyRuntimeState` and `PyInterpreterState` have some hundred KiB. */
const MAX_OFFSET = 16 * 1024 * 1024;
export const DEBUG_OFFSETS_BYTES = 1_024;

type Fields = readonly [group: string, fields: string][];

const RUNTIME = 'size finalizing interpreters_head';
const INTERPRETER =
  'size id next threads_head gc imports_modules sysdict builtins ceval_gil gil_runtime_state gil_runtime_state_enabled gil_runtime_state_locked gil_runtime_state_holder';
const INTERPRETER_3_14 = `${INTERPRETER.replace('threads_head', 'threads_head threads_main')} code_object_generation tlbc_generation`;
const THREAD = 'size prev next interp current_frame thread_id native_thread_id datastack_chunk status';
const THREAD_3_15 =
  'size prev next interp current_frame base_frame last_profiled_frame last_profiled_frame_seq thread_id native_thread_id datastack_chunk status holds_gil gil_requested current_exception exc_state';
const FRAME = 'size previous executable instr_ptr localsplus owner';
const CODE =
  'size filename name qualname linetable firstlineno argcount localsplusnames localspluskinds co_code_adaptive';

const FRAME_3_14 = `${FRAME} stackpointer tlbc_index`;
const CODE_3_14 = `${CODE} co_tlbc`;
const OBJECT: Fields = [['object', 'size ob_type']];
const TYPE = 'size tp_name tp_repr tp_flags';
const SEQUENCES: Fields = [
  ['tuple', 'size ob_item ob_size'],
  ['list', 'size ob_item ob_size'],
];
const SETS: Fields = [['set', 'size used table mask']];
const NUMBERS: Fields = [
  ['dict', 'size ma_keys ma_values'],
  ['float', 'size ob_fval'],
  ['long', 'size lv_tag ob_digit'],
  ['bytes', 'size ob_size ob_sval'],
];
const TEXT = 'size state length asciiobject_size';

/** As far as anything of it is used; the groups behind follow in the headers. */
const LISTS: Record<number, Fields> = {
  13: [
    ['runtime', RUNTIME],
    ['interpreter', INTERPRETER],
    ['thread', THREAD],
    ['frame', FRAME],
    ['code', CODE],
    ...OBJECT,
    ['type', TYPE],
    ...SEQUENCES,
    ...NUMBERS,
    ['text', TEXT],
  ],
  14: [
    ['runtime', RUNTIME],
    ['interpreter', INTERPRETER_3_14],
    ['thread', THREAD],
    ['frame', FRAME_3_14],
    ['code', CODE_3_14],
    ...OBJECT,
    ['type', TYPE],
    ...SEQUENCES,
    ...SETS,
    ...NUMBERS,
    ['text', TEXT],
  ],
  15: [
    ['runtime', RUNTIME],
    ['interpreter', INTERPRETER_3_14],
    ['thread', THREAD_3_15],
    ['errorItem', 'exc_value'],
    ['frame', FRAME_3_14],
    ['code', CODE_3_14],
    ...OBJECT,
    ['type', `${TYPE} tp_basicsize tp_dictoffset`],
    ['heapType', 'size ht_cached_keys'],
    ...SEQUENCES,
    ...SETS,
    ...NUMBERS,
    ['text', `${TEXT} compactunicodeobject_size`],
  ],
};

export const NEWEST_KNOWN_MINOR = 15;

export interface DebugOffsets {
  versionHex: number;
  /** Built without a global interpreter lock. */
  freeThreaded: boolean;
  /** By `group.field`; null where this version has no such field, or the value is absurd. */
  offset(name: string): number | null;
}

/** `bytes`: the beginning of `_PyRuntime`. Null: an interpreter that has no such list. */
export function parseDebugOffsets(bytes: Buffer): DebugOffsets | null {
  if (bytes.length < HEADER_WORDS * WORD_BYTES || bytes.toString('latin1', 0, WORD_BYTES) !== COOKIE) return null;
  const versionHex = Number(bytes.readBigUInt64LE(WORD_BYTES) & 0xffffffffn);
  const minor = (versionHex >>> 16) & 0xff;
  const list = LISTS[minor] ?? LISTS[NEWEST_KNOWN_MINOR];
  const offsets = new Map<string, number>();
  let at = HEADER_WORDS * WORD_BYTES;
  for (const [group, fields] of list)
    for (const field of fields.split(' ')) {
      if (at + WORD_BYTES > bytes.length) break;
      const value = bytes.readBigUInt64LE(at);
      if (value <= MAX_OFFSET) offsets.set(`${group}.${field}`, Number(value));
      at += WORD_BYTES;
    }
  return {
    versionHex,
    freeThreaded: bytes.readBigUInt64LE(2 * WORD_BYTES) !== 0n,
    offset: (name) => offsets.get(name) ?? null,
  };
}
