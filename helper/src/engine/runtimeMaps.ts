// What runtimes want BPF to know of processes, into the maps of the objects that are loaded: values by pid, in maps that the runtimes'
// own headers declare.

import { native } from '../bpf/libbpf';
import { BpfLoadError } from '../bpf/object';
import type { RuntimeKernel } from '../runtimes/processRuntimes';
import type { MapValue, RuntimePlugin } from '../runtimes/types';
import type { KernelSession } from './kernelSession';

export class RuntimeMaps implements RuntimeKernel {
  private readonly key = Buffer.alloc(4);

  constructor(private readonly session: Pick<KernelSession, 'load' | 'mapFd' | 'log'>) {}

  load({ object, id }: RuntimePlugin): string | null {
    if (object === null) return null;
    try {
      this.session.load(object);
      return null;
    } catch (error) {
      if (!(error instanceof BpfLoadError)) throw error;
      this.session.log('warn', [error.message, ...error.log].join('\n'));
      return `the kernel refused the program that walks ${id} frames (${error.message})`;
    }
  }

  set(pid: number, values: readonly MapValue[]): void {
    for (const { map, value } of values) {
      const fd = this.session.mapFd(map);
      if (fd === null) continue;
      this.key.writeUInt32LE(pid);
      native().libbpf.update(fd, this.key, Buffer.from(value), 0);
    }
  }

  delete(pid: number, maps: readonly string[]): void {
    for (const map of maps) {
      const fd = this.session.mapFd(map);
      if (fd === null) continue;
      this.key.writeUInt32LE(pid);
      native().libbpf.delete(fd, this.key);
    }
  }
}
