// What the programs of a session have counted (struct capture_counters of bpf/events.h): one set a CPU, added up here.

import { CAPTURE_COUNTERS } from '../abi/events.gen';
import { native } from '../bpf/libbpf';

export type KernelCounters = Record<Exclude<keyof typeof CAPTURE_COUNTERS, 'byteLength'>, number>;

const NAMES = Object.keys(CAPTURE_COUNTERS).filter((name) => name !== 'byteLength') as (keyof KernelCounters)[];

export const NO_COUNTS = Object.fromEntries(NAMES.map((name) => [name, 0])) as KernelCounters;

/** `fd`: of the map `counters`. Null where it cannot be read. */
export function readKernelCounters(fd: number, cpus: number): KernelCounters | null {
  const value = Buffer.alloc(CAPTURE_COUNTERS.byteLength * cpus);
  if (native().libbpf.lookup(fd, Buffer.alloc(4), value) < 0) return null;
  const sums = { ...NO_COUNTS };
  for (let at = 0; at < value.length; at += CAPTURE_COUNTERS.byteLength)
    for (const name of NAMES) sums[name] += Number(value.readBigUInt64LE(at + CAPTURE_COUNTERS[name]));
  return sums;
}
