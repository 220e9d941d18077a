// Loads stack_tracer.bpf.c: sample_stack, and the walks by tables to which it hands over (sample_native for user stacks,
// sample_kernel for the kernel's). What the verifier takes quickly comes at once, so that the first samples are walked by
// tables already; the rest is loaded while sample_stack samples: the same object file once more, with the first one's maps.

import { basename } from 'node:path';
import { type AttachStep, MAX_FRAMES_DEFAULT } from '../protocol';
import { native } from './libbpf';
import { BpfLoadError, type BpfObject, type ObjectLoader, type TracerSettings } from './object';
import { hasLoop } from './probe';

const OBJECT = 'stack_tracer';
const SAMPLING = 'sample_stack';
/** Places in the map `walkers` (bpf/lib/scratch.bpf.h); a runtime's is `runtime` and its number. */
const SLOT = { kernel: 0, native: 1, finish: 2, runtime: 32 };

/** Programs that walk alike, best first, and what the report calls them. */
const RUNGS = [
  { program: 'sample_native', rung: 'tables, bpf_loop', isThere: hasLoop, deep: true, passes: true },
  { program: 'sample_native_bounded', rung: 'tables, bounded loop', isThere: () => true, deep: false, passes: true },
  {
    program: 'sample_native_alone',
    rung: 'tables, bounded loop, no walkers of runtimes',
    isThere: () => true,
    deep: false,
    passes: false,
  },
];

export interface LoadedTracer {
  tracer: BpfObject;
  /** sample_native is in it, and gets its samples. */
  walks: boolean;
  log: string[];
}

export interface NativeWalker {
  /** False where no rung could be taken: then frame pointers are all there is. */
  walks: boolean;
  /** Walkers of runtimes can follow. */
  passes: boolean;
  step: AttachStep;
  log: string[];
}

/** In the place of those until they are loaded: keeps raw what they would walk. */
const RAW = 'sample_raw';

/** How the object is loaded: `setUp` beside choosing its program, and its settings. */
export interface WalkerObject {
  setUp(object: BpfObject): void;
  settings: Pick<TracerSettings, 'keepRaw' | 'maxFrames' | 'countKernel'>;
}

/**
 * sample_stack, with sample_native where the kernel has bpf_loop: that takes 15 to 20 ms more; else with sample_raw. Throws
 * BpfLoadError.
 */
export function loadTracer(loader: ObjectLoader, how: WalkerObject): LoadedTracer {
  const [{ program, isThere }] = RUNGS;
  const log: string[] = [];
  const first = [
    ...(!loader.without.has(program) && isThere() ? [program] : []),
    ...(how.settings.keepRaw ? [RAW] : []),
  ];
  for (const walker of first)
    try {
      return { tracer: openTracer(loader, how, walker), walks: walker === program, log };
    } catch (error) {
      if (!(error instanceof BpfLoadError)) throw error;
      log.push([error.message, ...error.log].join('\n'));
    }
  return { tracer: openTracer(loader, how, null), walks: false, log };
}

function openTracer(loader: ObjectLoader, how: WalkerObject, walker: string | null): BpfObject {
  const tracer = loader.load(
    OBJECT,
    (object) => {
      if (walker) object.setAutoload(walker, true);
      how.setUp(object);
    },
    how.settings,
  );
  if (walker) handOver(tracer, tracer, walker, SLOT.native);
  return tracer;
}

export function loadNativeWalker(
  loader: ObjectLoader,
  { tracer, walks }: LoadedTracer,
  how: WalkerObject,
): NativeWalker {
  const refused: AttachStep['refused'] = [];
  const log: string[] = [];
  /** Without bpf_loop the verifier would have to follow each frame. */
  const shallow = how.settings.maxFrames > MAX_FRAMES_DEFAULT ? `, at most ${MAX_FRAMES_DEFAULT} frames` : '';
  for (const { program, rung, isThere, deep, passes } of RUNGS) {
    const why = loader.without.has(program) ? 'switched off' : isThere() ? null : 'not in this kernel';
    if (why) {
      refused.push({ rung, why });
      continue;
    }
    try {
      if (!walks) loadBeside(loader, tracer, how, program, SLOT.native);
      return { walks: true, passes, step: { what: 'unwinding', taken: deep ? rung : rung + shallow, refused }, log };
    } catch (error) {
      if (!(error instanceof BpfLoadError)) throw error;
      refused.push({ rung, why: error.message });
      log.push([error.message, ...error.log].join('\n'));
    }
  }
  return { walks: false, passes: false, step: { what: 'unwinding', taken: `frame pointers${shallow}`, refused }, log };
}

/** The walk of kernel stacks; only where that of user stacks is loaded, in which it ends. Throws BpfLoadError. */
export function loadKernelWalker(loader: ObjectLoader, { tracer }: LoadedTracer, how: WalkerObject): void {
  loadBeside(loader, tracer, how, 'sample_kernel', SLOT.kernel);
}

/** What a sample that walkers of runtimes have had in hand ends with; before the first of them. Throws BpfLoadError. */
export function loadEnding(loader: ObjectLoader, { tracer }: LoadedTracer, how: WalkerObject): void {
  loadBeside(loader, tracer, how, 'sample_finish', SLOT.finish);
}

/**
 * The walker of a runtime: program `sample_NAME` of the object `unwind_NAME`, where the kernel has no bpf_loop `sample_NAME_bounded`
 * if there is such a one. Throws BpfLoadError.
 */
export function loadRuntimeWalker(
  loader: ObjectLoader,
  { tracer }: LoadedTracer,
  how: WalkerObject,
  object: string,
  runtime: number,
): void {
  const looping = hasLoop() && !loader.without.has(RUNGS[0].program);
  const whole = basename(object).replace(/^unwind_/, 'sample_');
  let program = whole;
  const walker = loader.load(
    object,
    (opened) => {
      const bounded = `${whole}_bounded`;
      if (opened.hasProgram(bounded)) {
        if (!looping) program = bounded;
        opened.setAutoload(bounded, !looping);
      }
      opened.setAutoload(whole, program === whole);
    },
    how.settings,
  );
  try {
    handOver(tracer, walker, program, SLOT.runtime + runtime);
  } catch (error) {
    loader.unload(walker);
    throw error;
  }
}

/** Loads `program` with the maps of `tracer`; from then on sample_stack goes on there. */
function loadBeside(loader: ObjectLoader, tracer: BpfObject, how: WalkerObject, program: string, slot: number): void {
  const object = loader.load(
    OBJECT,
    (opened) => {
      opened.setAutoload(SAMPLING, false);
      opened.setAutoload(program, true);
    },
    how.settings,
  );
  try {
    handOver(tracer, object, program, slot);
  } catch (error) {
    loader.unload(object);
    throw error;
  }
}

function handOver(tracer: BpfObject, object: BpfObject, program: string, slot: number): void {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(slot);
  const value = Buffer.alloc(4);
  value.writeInt32LE(object.programFd(program));
  const { libbpf, system } = native();
  const result = libbpf.update(tracer.mapFd('walkers'), key, value, 0);
  if (result < 0) throw new BpfLoadError('Handing over to the walker', system.nameOf(-result), []);
}
