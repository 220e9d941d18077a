// What an HTTP trace needs of its loaded BPF object: so tests can do without a kernel.

import type { UprobePoints } from '../bpf/uprobeMulti';

export interface TraceObject {
  mapFd(map: string): number;
  attach(program: string): void;
  runIterator(program: string): void;
}

/** The link's descriptor, or why not. */
export type AttachUprobes = (program: string, points: UprobePoints) => number | string;
