// All flows of a recording: those in the kernel's table as they were when it was last looked at, and those whose place another one has
// taken since. A look costs what has changed: entries without a packet since the last one are passed over.

import { FLOW, FLOW_GROUP_FLOWS, FLOW_RARE, FLOW_SIDE } from '../abi/flowEvents.gen';
import { decodeFlow, type FlowEntry } from './decodeFlow';

/** Flows that ended and are kept: 100 MB. Further ones are counted. */
const ENDED_MOST = 200_000;

/** What this needs of the maps. */
export interface FlowTable {
  /** Calls `visit` with each group of the table, as bytes that are valid during the call. */
  eachGroup(visit: (group: number, bytes: Buffer, at: number) => void): void;
}

function countAt(bytes: Buffer, at: number, what: 'packets'): number {
  let total = 0;
  for (const number of [0, 1]) {
    total += Number(bytes.readBigUInt64LE(at + FLOW.sides + number * FLOW_SIDE.byteLength + FLOW_SIDE[what]));
    total += Number(bytes.readBigUInt64LE(at + FLOW.rare + number * FLOW_RARE.byteLength + FLOW_RARE[what]));
  }
  return total;
}

export class FlowLog {
  /** Ended flows beyond the bound. */
  forgotten = 0;
  private readonly shadow: Buffer;
  private readonly ended: Buffer[] = [];
  private lastReadNs = 0n;
  /** Of all flows, as of the last look. */
  packets = 0;

  constructor(
    private readonly table: FlowTable,
    groups: number,
  ) {
    this.shadow = Buffer.alloc(groups * FLOW_GROUP_FLOWS * FLOW.byteLength);
  }

  /** `nowNs`: a time before this look, less than the coarse clock is behind. */
  update(nowNs: bigint): void {
    const since = this.lastReadNs;
    this.table.eachGroup((group, bytes, at) => {
      for (let way = 0; way < FLOW_GROUP_FLOWS; way++) {
        const from = at + way * FLOW.byteLength;
        if (bytes.readBigUInt64LE(from + FLOW.lastNs) < since) continue;
        if (bytes.readBigUInt64LE(from + FLOW.keyKind) === 0n) continue;
        const to = (group * FLOW_GROUP_FLOWS + way) * FLOW.byteLength;
        const before = this.shadow.readBigUInt64LE(to + FLOW.serial);
        if (before !== 0n && before !== bytes.readBigUInt64LE(from + FLOW.serial)) this.keep(to);
        else this.packets -= countAt(this.shadow, to, 'packets');
        bytes.copy(this.shadow, to, from, from + FLOW.byteLength);
        this.packets += countAt(this.shadow, to, 'packets');
      }
    });
    this.lastReadNs = nowNs;
  }

  private keep(at: number): void {
    if (this.ended.length >= ENDED_MOST) this.forgotten++;
    else this.ended.push(Buffer.from(this.shadow.subarray(at, at + FLOW.byteLength)));
  }

  *all(): Generator<FlowEntry> {
    for (const bytes of this.ended) {
      const flow = decodeFlow(bytes, 0);
      if (flow) yield flow;
    }
    for (let at = 0; at < this.shadow.length; at += FLOW.byteLength) {
      const flow = decodeFlow(this.shadow, at);
      if (flow) yield flow;
    }
  }

  /** Of those that are in the kernel's table. */
  tablePackets(): number {
    return this.sum('packets');
  }

  tableBytes(): number {
    return this.sum('bytes');
  }

  private sum(what: 'packets' | 'bytes'): number {
    let total = 0;
    for (let at = 0; at < this.shadow.length; at += FLOW.byteLength) {
      const flow = this.shadow.readBigUInt64LE(at + FLOW.keyKind) === 0n ? null : decodeFlow(this.shadow, at);
      if (flow) total += flow.directions[0][what] + flow.directions[1][what];
    }
    return total;
  }

  /** Ended flows are forgotten. */
  reset(): void {
    this.ended.length = 0;
  }
}
