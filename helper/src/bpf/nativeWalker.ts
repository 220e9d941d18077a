// Loads sample_native of stack_tracer.bpf.c, the walk by unwind tables, and hands it to sample_stack, which samples
// already: the same object file once more, with the first one's maps. Called by stack/capture.ts after everything else.

import type { AttachStep } from '../protocol';
import { native } from './libbpf';
import { BpfLoadError, BpfObject, type TracerSettings } from './object';
import { hasLoop } from './probe';

const SHARED_MAPS = ['targets', 'events', 'counters', 'known_stacks', 'scratches', 'unwind_chunks', 'walkers'];
const SAMPLING = 'sample_stack';

/** Programs that walk alike, best first, and what the report calls them. */
const RUNGS = [
  { program: 'sample_native', rung: 'tables, bpf_loop', isThere: hasLoop },
  { program: 'sample_native_bounded', rung: 'tables, bounded loop', isThere: () => true },
];

export interface NativeWalker {
  /** Null where no rung could be taken: then frame pointers are all there is. */
  object: BpfObject | null;
  step: AttachStep;
  log: string[];
}

/** `prepare` sets map types and sizes up as they were for `tracer`. */
export function loadNativeWalker(
  tracer: BpfObject,
  settings: TracerSettings,
  prepare: (object: BpfObject) => void,
  without: string[],
): NativeWalker {
  const refused: AttachStep['refused'] = [];
  const log: string[] = [];
  for (const { program, rung, isThere } of RUNGS) {
    const why = without.includes(program) ? 'switched off' : isThere() ? null : 'not in this kernel';
    if (why) {
      refused.push({ rung, why });
      continue;
    }
    let object: BpfObject | null = null;
    try {
      object = new BpfObject('stack_tracer');
      object.setAutoload(SAMPLING, false);
      object.setAutoload(program, true);
      object.configure(settings);
      prepare(object);
      for (const map of SHARED_MAPS) object.reuseMap(map, tracer.mapFd(map));
      object.load();
      hand(tracer, object, program);
      return { object, step: { what: 'unwinding', taken: rung, refused }, log };
    } catch (error) {
      object?.close();
      if (!(error instanceof BpfLoadError)) throw error;
      refused.push({ rung, why: error.message });
      log.push([error.message, ...error.log].join('\n'));
    }
  }
  return { object: null, step: { what: 'unwinding', taken: 'frame pointers', refused }, log };
}

/** From now on sample_stack goes on there, for processes that have tables. */
function hand(tracer: BpfObject, object: BpfObject, program: string): void {
  const { libbpf, system } = native();
  const value = Buffer.alloc(4);
  value.writeInt32LE(object.programFd(program));
  const result = libbpf.update(tracer.mapFd('walkers'), Buffer.alloc(4), value, 0);
  if (result < 0) throw new BpfLoadError('Handing over to the walker', system.nameOf(-result), []);
}
