// What an HTTP trace needs of its loaded BPF object: so tests can do without a kernel.

import type { UprobePoints } from '../bpf/uprobeMulti';

export interface TraceObject {
  mapFd(map: string): number;
  runIterator(program: string): void;
}

/** Descriptors of links, or why there are none. */
export type AttachUprobes = (program: string, points: UprobePoints) => number[] | string;
