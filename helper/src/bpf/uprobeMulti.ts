// Many probes of one file by one link (BPF_LINK_CREATE with BPF_TRACE_UPROBE_MULTI, 6.6): attached and removed within milliseconds
// together, where single ones take some 100 ms each to be removed. By the system call, because libbpf has it from 1.3 on only.
// Layout: union bpf_attr, link_create.uprobe_multi, include/uapi/linux/bpf.h.

import { native } from './libbpf';

/** enum bpf_attach_type: what the program must have been loaded for. */
export const BPF_TRACE_UPROBE_MULTI = 48;
export const BPF_LINK_CREATE = 28;
const ATTRIBUTE_BYTES = 64;

export interface UprobePoints {
  /** As the helper reaches it, /proc/self/fd/N for one that it has open. */
  path: string;
  /** Offsets in the file. */
  offsets: readonly number[];
  /** As bpf_get_attach_cookie() tells it, one an offset. */
  cookies: readonly bigint[];
  /** Only this process. */
  pid: number;
}

/** Descriptors of links, to be closed, here of one; or the error's name. */
export function attachUprobes(programFd: number, { path, offsets, cookies, pid }: UprobePoints): number[] | string {
  const { system } = native();
  const name = Buffer.from(`${path}\0`, 'utf8');
  const nameBytes = (name.length + 7) & ~7;
  const numbers = Buffer.alloc(16 * offsets.length);
  offsets.forEach((offset, i) => {
    numbers.writeBigUInt64LE(BigInt(offset), 8 * i);
    numbers.writeBigUInt64LE(cookies[i], 8 * (offsets.length + i));
  });
  const memory = system.allocate(nameBytes + numbers.length);
  if (memory === 0n) return 'ENOMEM';
  try {
    system.copy(memory, name, name.length);
    system.copy(memory + BigInt(nameBytes), numbers, numbers.length);
    const attributes = Buffer.alloc(ATTRIBUTE_BYTES);
    attributes.writeUInt32LE(programFd, 0);
    attributes.writeUInt32LE(BPF_TRACE_UPROBE_MULTI, 8);
    attributes.writeBigUInt64LE(memory, 16);
    attributes.writeBigUInt64LE(memory + BigInt(nameBytes), 24);
    attributes.writeBigUInt64LE(memory + BigInt(nameBytes + 8 * offsets.length), 40);
    attributes.writeUInt32LE(offsets.length, 48);
    attributes.writeUInt32LE(pid, 56);
    const link = system.bpf(BPF_LINK_CREATE, attributes, ATTRIBUTE_BYTES);
    return link < 0 ? system.errnoName() : [link];
  } finally {
    system.free(memory);
  }
}
