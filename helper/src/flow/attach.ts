// Programs on a network device, by links alone (tcx from 6.6, XDP from 5.9): descriptors of this process, so that the kernel takes them
// away however it ends. Layout: union bpf_attr, link_create, include/uapi/linux/bpf.h.

import { native } from '../bpf/libbpf';

const BPF_LINK_CREATE = 28;
const ATTRIBUTE_BYTES = 64;
const ATTACH = { xdp: 37, ingress: 46, egress: 47 } as const;
/** Ours runs before the others, which may end a packet's way through the programs. */
const BPF_F_BEFORE = 1 << 3;
const XDP_FLAGS = { generic: 1 << 1, native: 1 << 2 } as const;

/** The link's descriptor; or the error's name. */
export function attachDevice(
  programFd: number,
  device: number,
  where: 'ingress' | 'egress' | { xdp: 'generic' | 'native' },
): number | string {
  const { system } = native();
  const attributes = Buffer.alloc(ATTRIBUTE_BYTES);
  attributes.writeUInt32LE(programFd, 0);
  attributes.writeUInt32LE(device, 4);
  attributes.writeUInt32LE(typeof where === 'string' ? ATTACH[where] : ATTACH.xdp, 8);
  attributes.writeUInt32LE(typeof where === 'string' ? BPF_F_BEFORE : XDP_FLAGS[where.xdp], 12);
  const link = system.bpf(BPF_LINK_CREATE, attributes, ATTRIBUTE_BYTES);
  return link < 0 ? system.errnoName() : link;
}
