// xdp_tracer.o on packets that a test hands it (BPF_PROG_TEST_RUN): nothing is attached, no device sees anything.

import { FLOW_COUNTERS, FLOW_GROUP, FLOW_GROUPS } from '../../src/abi/flowEvents.gen';
import { possibleCpuCount } from '../../src/bpf/cpus';
import { native } from '../../src/bpf/libbpf';
import { BpfObject } from '../../src/bpf/object';
import type { FlowEntry } from '../../src/flow/decodeFlow';
import { type FlowControl, FlowMaps } from '../../src/flow/flowMaps';

const BPF_PROG_TEST_RUN = 10;
const ATTRIBUTE_BYTES = 80;
const PACKET_BYTES_MAX = 1 << 16;
/** sizeof(struct __sk_buff), include/uapi/linux/bpf.h. */
const SKB_BYTES = 192;
const SKB = { ifindex: 40, gsoSegs: 164, gsoSize: 176 };

export const PASS = { flow_xdp: 2, flow_tc: 0xffff_ffff, flow_tc_bare: 0xffff_ffff } as const;
export type FlowProgram = keyof typeof PASS;

const DEFAULTS: FlowControl = {
  readNs: 0n,
  seed: 0n,
  groups: FLOW_GROUPS,
  analysis: true,
  protocols: true,
  sampleEvery: 0,
  sampleAfter: 0,
  heads: false,
  rules: [],
};

export class FlowRun {
  readonly maps: FlowMaps;
  private readonly object: BpfObject;
  private readonly packet: bigint;
  private readonly context: bigint;

  constructor(groups = FLOW_GROUPS, path = 'xdp_tracer') {
    const { system } = native();
    this.object = new BpfObject(path);
    this.object.configure({
      useRingBuffer: true,
      countKernel: true,
      useTaskPtRegs: false,
      followChildren: false,
      pidNsInode: 0,
      keepRaw: false,
      maxFrames: 127,
      rights: null,
    });
    if (groups !== FLOW_GROUPS) this.object.setMaxEntries('flows', groups);
    this.object.setAutoload('flow_tc_bare', true);
    this.object.load();
    this.maps = new FlowMaps((name) => this.object.mapFd(name), groups, possibleCpuCount(), false);
    this.packet = system.allocate(PACKET_BYTES_MAX);
    this.context = system.allocate(SKB_BYTES);
    if (groups !== FLOW_GROUPS) this.set({ groups });
  }

  /** As it was loaded. */
  clear(): void {
    const { libbpf } = native();
    const keys = Buffer.alloc(4 * FLOW_GROUPS);
    for (let i = 0; i < FLOW_GROUPS; i++) keys.writeUInt32LE(i, 4 * i);
    const count = Buffer.alloc(4);
    count.writeUInt32LE(FLOW_GROUPS);
    libbpf.updateBatch(
      this.object.mapFd('flows'),
      keys,
      Buffer.alloc(FLOW_GROUPS * FLOW_GROUP.byteLength),
      count,
      null,
    );
    const zero = Buffer.alloc(4);
    libbpf.update(this.object.mapFd('flow_gate'), zero, Buffer.alloc(64), 0);
    libbpf.update(
      this.object.mapFd('flow_counters'),
      zero,
      Buffer.alloc(FLOW_COUNTERS.byteLength * possibleCpuCount()),
      0,
    );
    this.set({});
  }

  set(control: Partial<FlowControl>): void {
    this.maps.control({ ...DEFAULTS, ...control });
  }

  /** What the program returned, and how long one run took on average, as the kernel measured it. */
  run(program: FlowProgram, packet: Buffer, repeat = 1, segments = 0): { returned: number; ns: number } {
    const { system } = native();
    system.copy(this.packet, packet, packet.length);
    const attributes = Buffer.alloc(ATTRIBUTE_BYTES);
    attributes.writeUInt32LE(this.object.programFd(program), 0);
    attributes.writeUInt32LE(packet.length, 8);
    attributes.writeBigUInt64LE(this.packet, 16);
    attributes.writeUInt32LE(repeat, 32);
    if (segments > 0) {
      const skb = Buffer.alloc(SKB_BYTES);
      skb.writeUInt32LE(segments, SKB.gsoSegs);
      skb.writeUInt32LE(1448, SKB.gsoSize);
      system.copy(this.context, skb, SKB_BYTES);
      attributes.writeUInt32LE(SKB_BYTES, 40);
      attributes.writeBigUInt64LE(this.context, 48);
    }
    if (system.bpf(BPF_PROG_TEST_RUN, attributes, ATTRIBUTE_BYTES) < 0)
      throw new Error(`test run of ${packet.length} bytes: ${system.errnoName()}`);
    return { returned: attributes.readUInt32LE(4), ns: attributes.readUInt32LE(36) };
  }

  flows(): FlowEntry[] {
    return [...this.maps.flows()].sort((a, b) => a.serial - b.serial);
  }

  close(): void {
    const { system } = native();
    this.maps.close();
    this.object.close();
    system.free(this.packet);
    system.free(this.context);
  }
}
