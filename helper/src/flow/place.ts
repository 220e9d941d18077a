// The tracer in one network namespace: which of its devices carry our programs, looked at again and again, because devices come, go
// and move.

import { readFileSync } from 'node:fs';
import { native } from '../bpf/libbpf';
import type { BpfObject } from '../bpf/object';
import { attachDevice } from './attach';
import { type Device, listDevices, type NetworkNamespace } from './devices';

export type Ingress = 'tc' | 'generic' | 'native';

interface Carried {
  device: Device;
  links: number[];
}

export class Place {
  /** Of devices that are or were here, by index. */
  readonly names = new Map<number, string>();
  /** What was refused, `device: why`; once each. */
  readonly refused = new Set<string>();
  readonly taken = new Set<string>();
  private readonly carried = new Map<number, Carried>();
  private readonly hopeless = new Set<string>();

  constructor(
    private readonly namespace: NetworkNamespace,
    private readonly object: BpfObject,
    private readonly ingress: Ingress,
    private readonly xdpProgram: string,
    /** Null: all of them. */
    private readonly only: string | null,
  ) {}

  get inode(): number {
    return this.namespace.inode;
  }

  /** A file below /proc/self of a thread that is there. Empty: it cannot be read. */
  read(file: string): string {
    try {
      return this.namespace.inside(() => readFileSync(`/proc/thread-self/${file}`, 'latin1'));
    } catch {
      return '';
    }
  }

  update(): void {
    this.namespace.inside(() => {
      const here = listDevices().filter(({ name }) => this.only === null || name === this.only);
      const indexes = new Set(here.map(({ index }) => index));
      // Its links went with the device, or stay on it in another namespace, where it is no longer ours to count.
      for (const index of [...this.carried.keys()]) if (!indexes.has(index)) this.leave(index);
      for (const device of here) {
        this.names.set(device.index, device.name);
        if (!this.carried.has(device.index)) this.carry(device);
      }
    });
  }

  private carry(device: Device): void {
    const key = `${device.index} ${device.name}`;
    if (this.hopeless.has(key)) return;
    if (device.link === null) {
      this.hopeless.add(key);
      this.refused.add(`${device.name}: frames of a kind that is not read`);
      return;
    }
    const program = device.link === 'bare' ? 'flow_tc_bare' : 'flow_tc';
    const links: number[] = [];
    const put = (where: Parameters<typeof attachDevice>[2], name: string): boolean => {
      const link = attachDevice(this.object.programFd(name), device.index, where);
      if (typeof link === 'number') links.push(link);
      else
        this.refused.add(`${device.name}, ${typeof where === 'string' ? `TC ${where}` : `XDP ${where.xdp}`}: ${link}`);
      return typeof link === 'number';
    };
    // What goes out of loopback comes in there: once is enough.
    const atXdp =
      this.ingress !== 'tc' && !device.loopback && device.link === 'ethernet'
        ? put({ xdp: this.ingress }, this.xdpProgram) ||
          (this.ingress === 'native' && put({ xdp: 'generic' }, this.xdpProgram))
        : false;
    const incoming = atXdp || put('ingress', program);
    const outgoing = device.loopback || put('egress', program);
    if (links.length > 0) {
      this.carried.set(device.index, { device, links });
      this.taken.add(`${device.name}: ${atXdp ? 'XDP' : 'TC'}`);
    }
    if (!incoming || !outgoing) this.hopeless.add(key);
  }

  private leave(index: number): void {
    for (const link of this.carried.get(index)?.links ?? []) native().system.close(link);
    this.carried.delete(index);
  }

  close(): void {
    for (const index of [...this.carried.keys()]) this.leave(index);
    this.namespace.close();
  }
}
