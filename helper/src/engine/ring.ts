// The buffer through which all records of a session come: how large it is, of which kind, and how it is read. Apart from the
// session, because it depends on the machine and on what the tracers expect to send, and on nothing else.

import { native } from '../bpf/libbpf';
import type { BpfObject } from '../bpf/object';
import { PerfBufferSource, type RecordSource, RingSource } from '../bpf/recordSource';
import { type AttachStep, tracerError } from '../protocol';
import { INTERVAL_MAX_MS } from './captureStream';

/** Name of the map in every object that sends records (bpf/lib/ringbuf.bpf.h). */
export const RECORDS_MAP = 'events';
const RING_MIN_BYTES = 1 << 20;
const RING_MAX_BYTES = 16 << 20;
/** Longer than any pause of the helper. */
const RING_SECONDS = 2;

export interface RingPlan {
  sizeBytes: number;
  /** Half a ring may come in between two drains at the most. */
  intervalMaxMs: number;
  useRingBuffer: boolean;
  zeroCopy: boolean;
  cpus: number;
}

/** `ringroom` in `without` makes it one page, so that tests see it overflow. */
export function planRing(
  bytesPerSecond: number,
  without: readonly string[],
  machine: Pick<RingPlan, 'useRingBuffer' | 'zeroCopy' | 'cpus'>,
): RingPlan {
  const wanted = 2 ** Math.ceil(Math.log2(Math.max(1, RING_SECONDS * bytesPerSecond)));
  const sizeBytes = without.includes('ringroom')
    ? native().system.pageBytes
    : Math.min(RING_MAX_BYTES, Math.max(RING_MIN_BYTES, wanted));
  const halfFullMs = (1000 * sizeBytes) / (RING_SECONDS * Math.max(1, bytesPerSecond));
  return { ...machine, sizeBytes, intervalMaxMs: Math.min(INTERVAL_MAX_MS, halfFullMs) };
}

/** Before an object is loaded: its map of records as planned. Does nothing where the object has none. */
export function prepareRing(object: BpfObject, { useRingBuffer, sizeBytes, cpus }: RingPlan): void {
  if (!object.hasMap(RECORDS_MAP)) return;
  if (useRingBuffer) object.setMaxEntries(RECORDS_MAP, sizeBytes);
  else object.usePerfBuffers(RECORDS_MAP, cpus);
}

/** Throws PERF_FORBIDDEN. */
export function openRing(object: BpfObject, { useRingBuffer, sizeBytes, zeroCopy }: RingPlan): RecordSource {
  const fd = object.mapFd(RECORDS_MAP);
  try {
    return useRingBuffer
      ? new RingSource(fd, sizeBytes, zeroCopy)
      : new PerfBufferSource(fd, Math.max(native().system.pageBytes, sizeBytes / 8), zeroCopy);
  } catch (error) {
    throw tracerError('PERF_FORBIDDEN', `its buffer could not be mapped (${(error as Error).message})`);
  }
}

export function ringStep({ useRingBuffer, zeroCopy }: RingPlan, without: readonly string[]): AttachStep {
  const rung = 'BPF ring buffer';
  const why = without.includes('ringbuf') ? 'switched off' : 'not in this kernel';
  return {
    what: 'records',
    taken: `${useRingBuffer ? rung : 'perf buffers'}, ${zeroCopy ? 'mapped' : 'copied'}`,
    refused: useRingBuffer ? [] : [{ rung, why }],
  };
}
