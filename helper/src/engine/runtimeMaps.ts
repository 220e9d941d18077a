// What runtimes want BPF to know of processes, into the maps of the objects that are loaded: values by pid, in maps that the runtimes'
// own headers declare.

import { native } from '../bpf/libbpf';
import { BpfLoadError } from '../bpf/object';
import type { RuntimeKernel } from '../runtimes/processRuntimes';
import type { MapValue, RuntimePlugin } from '../runtimes/types';
import type { KernelSession } from './kernelSession';

export class RuntimeMaps implements RuntimeKernel {
  private readonly key = Buffer.alloc(4);
  /** Numbers of the runtimes that BPF was told of, by process. */
  private readonly told = new Map<number, Set<number>>();

  constructor(
    private readonly session: Pick<KernelSession, 'mapFd' | 'targetMap' | 'log'>,
    /** Throws BpfLoadError. */
    private readonly loadWalker: (object: string, runtime: number) => void,
  ) {}

  load({ object, id, number }: RuntimePlugin): string | null {
    if (object === null) return null;
    try {
      this.loadWalker(object, number);
      return null;
    } catch (error) {
      if (!(error instanceof BpfLoadError)) throw error;
      this.session.log('warn', [error.message, ...error.log].join('\n'));
      return `the kernel refused the program that walks ${id} frames (${error.message})`;
    }
  }

  set(pid: number, runtime: number, values: readonly MapValue[]): void {
    for (const { map, value } of values) {
      const fd = this.session.mapFd(map);
      if (fd === null) continue;
      this.key.writeUInt32LE(pid);
      const result = native().libbpf.update(fd, this.key, Buffer.from(value), 0);
      // Without its data the walker leaves the process alone.
      if (result < 0)
        this.session.log('warn', `${map} has no room for process ${pid}: ${native().system.nameOf(-result)}`);
    }
    const told = this.told.get(pid) ?? new Set();
    this.told.set(pid, told.add(runtime));
    this.session.targetMap?.setRuntimes(pid, told);
  }

  delete(pid: number, runtime: number, maps: readonly string[]): void {
    const told = this.told.get(pid);
    if (told?.delete(runtime)) this.session.targetMap?.setRuntimes(pid, told);
    if (told?.size === 0) this.told.delete(pid);
    for (const map of maps) {
      const fd = this.session.mapFd(map);
      if (fd === null) continue;
      this.key.writeUInt32LE(pid);
      native().libbpf.delete(fd, this.key);
    }
  }
}
