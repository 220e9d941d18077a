// The maps of xdp_tracer.o from the helper's side: the table of flows, mapped into memory so that looking at it is no system call,
// its totals and counters, and what is set while it runs.

import {
  FLOW,
  FLOW_CONTROL,
  FLOW_COUNTERS,
  FLOW_FAMILY_IPV4,
  FLOW_FAMILY_IPV6,
  FLOW_GROUP,
  FLOW_GROUP_FLOWS,
  FLOW_GROUPS,
  FLOW_KIND_FAMILY_SHIFT,
  FLOW_NOT_PARSED,
  FLOW_OWNER,
  FLOW_RULE,
  FLOW_TOTALS,
} from '../abi/flowEvents.gen';
import { MAP_SHARED, native, PROT_READ } from '../bpf/libbpf';
import { decodeFlow, type FlowEntry } from './decodeFlow';

/** Before struct flow_totals in the map's value: a lock, and a word that stays 0. */
const GATE_HEAD_BYTES = 16;
const COPIED_GROUPS = 256;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

export interface FlowCounters {
  /** By enum flow_not_parsed. */
  notParsed: number[];
  outsideBytes: number;
  filtered: number;
  heads: number;
  headsLost: number;
}

export interface FlowTotals {
  created: number;
  evicted: number;
  gonePackets: number;
  goneBytes: number;
}

/** What is null may be anything. */
export interface FlowRule {
  /** Of either end, 4 or 16 bytes, */
  address: Buffer | null;
  /** of which so many bits count. */
  prefixBits: number;
  /** Of either end. */
  port: number | null;
  ipProtocol: number | null;
  except: boolean;
}

export interface FlowControl {
  readNs: bigint;
  seed: bigint;
  groups: number;
  analysis: boolean;
  protocols: boolean;
  /** One packet in so many; 0: each. */
  sampleEvery: number;
  sampleAfter: number;
  heads: boolean;
  rules: readonly FlowRule[];
}

export type MapFds = (name: string) => number;

export class FlowMaps {
  private readonly address: bigint;
  private readonly table: Buffer;
  private readonly tableBytes: number;
  private readonly copies: boolean;
  private readonly zero = Buffer.alloc(4);

  /** `groups`: elements of the map `flows`. */
  constructor(
    private readonly fds: MapFds,
    private readonly groups: number,
    private readonly possibleCpus: number,
    zeroCopy: boolean,
  ) {
    const { system } = native();
    const page = system.pageBytes;
    this.tableBytes = Math.ceil((groups * FLOW_GROUP.byteLength) / page) * page;
    this.address = system.mmap(null, this.tableBytes, PROT_READ, MAP_SHARED, fds('flows'), 0);
    if (this.address === MAP_FAILED) throw new Error(`mmap of flows: ${system.errnoName()}`);
    this.copies = !zeroCopy;
    this.table = zeroCopy
      ? Buffer.from(system.view(this.address, this.tableBytes))
      : Buffer.alloc(FLOW_GROUP.byteLength * Math.min(groups, COPIED_GROUPS));
  }

  control({ groups, rules, ...settings }: FlowControl): void {
    const value = Buffer.alloc(FLOW_CONTROL.byteLength);
    value.writeBigUInt64LE(settings.readNs, FLOW_CONTROL.readNs);
    value.writeBigUInt64LE(settings.seed, FLOW_CONTROL.seed);
    value.writeUInt32LE(groups > FLOW_GROUPS ? groups - 1 : 0, FLOW_CONTROL.moreGroups);
    value.writeUInt32LE(Number(!settings.analysis), FLOW_CONTROL.noAnalysis);
    value.writeUInt32LE(Number(!settings.protocols), FLOW_CONTROL.noProtocols);
    value.writeUInt32LE(settings.sampleEvery, FLOW_CONTROL.sampleEvery);
    value.writeUInt32LE(settings.sampleAfter, FLOW_CONTROL.sampleAfter);
    value.writeUInt32LE(Number(settings.heads), FLOW_CONTROL.heads);
    value.writeUInt32LE(rules.length, FLOW_CONTROL.ruleCount);
    rules.forEach((rule, i) => {
      writeRule(rule, value.subarray(FLOW_CONTROL.rules + i * FLOW_RULE.byteLength));
    });
    native().libbpf.update(this.fds('flow_control'), this.zero, value, 0);
  }

  eachGroup(visit: (group: number, bytes: Buffer, at: number) => void): void {
    const { system } = native();
    const atOnce = this.copies ? Math.min(this.groups, COPIED_GROUPS) : this.groups;
    for (let group = 0; group < this.groups; group += atOnce) {
      if (this.copies) system.copy(this.table, this.address + BigInt(group * FLOW_GROUP.byteLength), this.table.length);
      for (let i = 0; i < Math.min(atOnce, this.groups - group); i++)
        visit(group + i, this.table, i * FLOW_GROUP.byteLength);
    }
  }

  /** All flows that are in the table now. */
  flows(): FlowEntry[] {
    const found: FlowEntry[] = [];
    this.eachGroup((_, bytes, at) => {
      for (let way = 0; way < FLOW_GROUP_FLOWS; way++) {
        const flow = decodeFlow(bytes, at + way * FLOW.byteLength);
        if (flow) found.push(flow);
      }
    });
    return found;
  }

  /** Whose sockets the ends are, by a key of `flow_owners`; null: nobody told. */
  owner(key: Buffer): { pids: [number, number]; names: [string, string] } | null {
    const value = Buffer.alloc(FLOW_OWNER.byteLength);
    if (native().libbpf.lookup(this.fds('flow_owners'), key, value) < 0) return null;
    const name = (at: number) => value.toString('utf8', at, at + FLOW_OWNER.commFirstLength).split('\0')[0];
    return {
      pids: [value.readUInt32LE(FLOW_OWNER.pid), value.readUInt32LE(FLOW_OWNER.pid + 4)],
      names: [name(FLOW_OWNER.commFirst), name(FLOW_OWNER.commSecond)],
    };
  }

  totals(): FlowTotals {
    const value = Buffer.alloc(GATE_HEAD_BYTES + FLOW_TOTALS.byteLength);
    native().libbpf.lookup(this.fds('flow_gate'), this.zero, value);
    const number = (offset: number) => Number(value.readBigUInt64LE(GATE_HEAD_BYTES + offset));
    return {
      created: number(FLOW_TOTALS.created),
      evicted: number(FLOW_TOTALS.evicted),
      gonePackets: number(FLOW_TOTALS.gonePackets),
      goneBytes: number(FLOW_TOTALS.goneBytes),
    };
  }

  counters(): FlowCounters {
    const bytes = Buffer.alloc(FLOW_COUNTERS.byteLength * this.possibleCpus);
    native().libbpf.lookup(this.fds('flow_counters'), this.zero, bytes);
    const sum = (offset: number) => {
      let total = 0;
      for (let cpu = 0; cpu < this.possibleCpus; cpu++)
        total += Number(bytes.readBigUInt64LE(cpu * FLOW_COUNTERS.byteLength + offset));
      return total;
    };
    return {
      notParsed: Array.from({ length: FLOW_NOT_PARSED.FLOW_NOT_PARSED_KINDS }, (_, i) =>
        sum(FLOW_COUNTERS.notParsed + 8 * i),
      ),
      outsideBytes: sum(FLOW_COUNTERS.outsideBytes),
      filtered: sum(FLOW_COUNTERS.filtered),
      heads: sum(FLOW_COUNTERS.heads),
      headsLost: sum(FLOW_COUNTERS.headsLost),
    };
  }

  close(): void {
    native().system.munmap(this.address, this.tableBytes);
  }
}

/** Into a struct flow_rule of zeros. */
function writeRule({ address, prefixBits, port, ipProtocol, except }: FlowRule, to: Buffer): void {
  let [kind, mask] = [0n, 0n];
  if (address) {
    for (let i = 0; i < address.length; i++) {
      to[FLOW_RULE.mask + i] = (0xff00 >> Math.min(8, Math.max(0, prefixBits - 8 * i))) & 0xff;
      to[FLOW_RULE.address + i] = address[i] & to[FLOW_RULE.mask + i];
    }
    kind |= BigInt(address.length === 4 ? FLOW_FAMILY_IPV4 : FLOW_FAMILY_IPV6) << BigInt(FLOW_KIND_FAMILY_SHIFT);
    mask |= 0xffn << BigInt(FLOW_KIND_FAMILY_SHIFT);
  }
  if (ipProtocol !== null) {
    kind |= BigInt(ipProtocol);
    mask |= 0xffn;
  }
  to.writeBigUInt64LE(kind, FLOW_RULE.kind);
  to.writeBigUInt64LE(mask, FLOW_RULE.kindMask);
  to.writeUInt16BE(port ?? 0, FLOW_RULE.port);
  to.writeUInt16LE(port === null ? 0 : 0xffff, FLOW_RULE.portMask);
  to.writeUInt16LE(1, FLOW_RULE.used);
  to.writeUInt16LE(Number(except), FLOW_RULE.except);
}
