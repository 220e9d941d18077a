// Probes of one file by one link each, where the kernel has no uprobe_multi (before 6.6): a perf event of the uprobe PMU and a link with a
// cookie (BPF_LINK_CREATE with BPF_PERF_EVENT, 5.15). Layouts: struct perf_event_attr, include/uapi/linux/perf_event.h (config1 is
// uprobe_path, config2 probe_offset); union bpf_attr, link_create.perf_event, include/uapi/linux/bpf.h.

import { readFileSync } from 'node:fs';
import { native } from './libbpf';
import { openProbe } from './perfEvent';
import { BPF_LINK_CREATE, type UprobePoints } from './uprobeMulti';

const BPF_PERF_EVENT = 41;
const ATTRIBUTE_BYTES = 64;

/** A number that the kernel gives out; null: it has no such PMU. */
function uprobePmu(): number | null {
  try {
    return Number(readFileSync('/sys/bus/event_source/devices/uprobe/type', 'utf8'));
  } catch {
    return null;
  }
}

/** The links' descriptors, to be closed; or the error's name, and nothing is attached. */
export function attachSingly(programFd: number, { path, offsets, cookies, pid }: UprobePoints): number[] | string {
  const { system } = native();
  const type = uprobePmu();
  if (type === null) return 'no uprobe PMU';
  const name = Buffer.from(`${path}\0`, 'utf8');
  const memory = system.allocate(name.length);
  if (memory === 0n) return 'ENOMEM';
  const links: number[] = [];
  const failed = (why: string) => {
    for (const link of links) system.close(link);
    return why;
  };
  try {
    system.copy(memory, name, name.length);
    for (let i = 0; i < offsets.length; i++) {
      const event = openProbe({ type, path: memory, offset: BigInt(offsets[i]), pid });
      if (typeof event === 'string') return failed(event);
      const attributes = Buffer.alloc(ATTRIBUTE_BYTES);
      attributes.writeUInt32LE(programFd, 0);
      attributes.writeUInt32LE(event, 4);
      attributes.writeUInt32LE(BPF_PERF_EVENT, 8);
      attributes.writeBigUInt64LE(cookies[i], 16);
      const link = system.bpf(BPF_LINK_CREATE, attributes, ATTRIBUTE_BYTES);
      const why = link < 0 ? system.errnoName() : null;
      // The link holds the event.
      system.close(event);
      if (why !== null) return failed(why);
      links.push(link);
    }
    return links;
  } finally {
    system.free(memory);
  }
}
