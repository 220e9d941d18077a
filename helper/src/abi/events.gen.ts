// Generated from the BPF objects' BTF by generate.mjs (bpf/events.h): do not edit, run it again.

/** enum event_kind */
export const EVENT_KIND = {
  EVENT_SAMPLE: 1,
  EVENT_STACK: 2,
  EVENT_FORK: 3,
  EVENT_EXEC: 4,
  EVENT_EXIT: 5,
} as const;

/** enum walk_end */
export const WALK_END = {
  WALK_WHOLE: 0,
  WALK_NO_FRAME_POINTER: 1,
  WALK_TOO_DEEP: 2,
  WALK_BAD_ADDRESS: 3,
  WALK_NO_UNWIND_INFO: 4,
  WALK_UNREADABLE_STACK: 5,
  WALK_UNKNOWN: 6,
  WALK_UNEXPRESSIBLE: 7,
  WALK_32BIT: 8,
} as const;

/** enum target_state */
export const TARGET_STATE = {
  TARGET_HELD: 0,
  TARGET_ACTIVE: 1,
  TARGET_EXITED: 2,
} as const;

/** enum targets_added */
export const TARGETS_ADDED = {
  TARGETS_ADDED_BY_HELPER: 0,
  TARGETS_ADDED_BY_BPF: 1,
  TARGETS_ADDED_WORDS: 2,
} as const;

/** struct event_header: offsets in bytes. */
export const EVENT_HEADER = {
  byteLength: 16,
  kind: 0,
  sizeBytes: 4,
  timeNs: 8,
} as const;

/** struct sample_event: offsets in bytes. */
export const SAMPLE_EVENT = {
  byteLength: 56,
  headerKind: 0,
  headerSizeBytes: 4,
  headerTimeNs: 8,
  stackId: 16,
  pid: 24,
  tid: 28,
  cpu: 32,
  goroutine: 36,
  comm: 40,
  commLength: 16,
} as const;

/** struct stack_event: offsets in bytes. */
export const STACK_EVENT = {
  byteLength: 9240,
  headerKind: 0,
  headerSizeBytes: 4,
  headerTimeNs: 8,
  stackId: 16,
  pid: 24,
  generation: 28,
  userEnd: 32,
  userCount: 36,
  kernelCount: 38,
  frames: 40,
  framesLength: 1150,
} as const;

/** struct process_event: offsets in bytes. */
export const PROCESS_EVENT = {
  byteLength: 48,
  headerKind: 0,
  headerSizeBytes: 4,
  headerTimeNs: 8,
  pid: 16,
  parentPid: 20,
  generation: 24,
  reserved: 28,
  comm: 32,
  commLength: 16,
} as const;

/** struct target: offsets in bytes. */
export const TARGET = {
  byteLength: 24,
  generation: 0,
  state: 4,
  codeId: 8,
  codePage: 12,
  goTls: 16,
  goGoid: 20,
  goCurg: 22,
} as const;

/** struct capture_counters: offsets in bytes. */
export const CAPTURE_COUNTERS = {
  byteLength: 64,
  taken: 0,
  lost: 8,
  filtered: 16,
  unfollowed: 24,
  lostProcess: 32,
  tableFrames: 40,
  tableMisses: 48,
  pointerFrames: 56,
} as const;

/** struct kernel_unwind_tables: offsets in bytes. */
export const KERNEL_UNWIND_TABLES = {
  byteLength: 64,
  addresses: 0,
  entries: 8,
  rows: 16,
  textStart: 24,
  textBytes: 32,
  trampolines: 40,
  trampolinesLength: 2,
  function: 56,
} as const;

/** struct tracer_settings: offsets in bytes. */
export const TRACER_SETTINGS = {
  byteLength: 24,
  useRingBuffer: 0,
  countKernel: 4,
  useTaskPtRegs: 8,
  followChildren: 12,
  pidNsInode: 16,
  maxFrames: 20,
} as const;
