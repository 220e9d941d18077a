// One entry of the kernel's table of flows as numbers and texts: bytes of `struct flow` (bpf/flow_events.h) in, both directions out.
// Whatever the bytes are, something comes out or null: a CPU may be writing them meanwhile.

import {
  FLOW,
  FLOW_FAMILY_IPV4,
  FLOW_KEY,
  FLOW_KIND_LIVE_SHIFT,
  FLOW_MESSAGES,
  FLOW_RARE,
  FLOW_SIDE,
} from '../abi/flowEvents.gen';

export interface FlowEnd {
  address: string;
  port: number;
}

/** What was seen of one direction. */
export interface FlowDirection {
  packets: number;
  bytes: number;
  /** On the wire, where one large packet stands for several. */
  segments: number;
  wireBytes: number;
  minBytes: number;
  maxBytes: number;
  /** All flags of TCP that were seen. */
  flags: number;
  rttSumNs: number;
  rttMinNs: number;
  rttCount: number;
  retransmits: number;
  outOfOrder: number;
  zeroWindows: number;
  duplicateAcks: number;
  keepAlives: number;
  windowProbes: number;
  icmpErrors: number;
}

export interface FlowEntry {
  serial: number;
  /** Which of the recording's network namespaces. */
  place: number;
  device: number;
  ipProtocol: number;
  family: 4 | 6;
  /** Another connection between the same ends has taken over. */
  ended: boolean;
  /** The flow's ends; direction i is of packets that ends[i] sent. */
  ends: [FlowEnd, FlowEnd];
  directions: [FlowDirection, FlowDirection];
  firstNs: number;
  lastNs: number;
  /** Null: not seen whole. */
  handshakeNs: number | null;
  /** Index of the end that sent SYN first; null: not seen. */
  opener: 0 | 1 | null;
  /** SYN was answered by SYN and ACK; */
  answered: boolean;
  /** and that by an ACK. */
  shaken: boolean;
  protocol: number;
  messages: number[];
  latencySumNs: number;
  latencyMaxNs: number;
}

const u64 = (bytes: Buffer, at: number) => Number(bytes.readBigUInt64LE(at));

/** Null: nothing is there. */
export function decodeFlow(bytes: Buffer, at: number): FlowEntry | null {
  const kind = bytes.readBigUInt64LE(at + FLOW.keyKind);
  if (kind === 0n) return null;
  const family = Number((kind >> 8n) & 0xffn) === FLOW_FAMILY_IPV4 ? 4 : 6;
  const opener = bytes[at + FLOW.opener];
  const handshake = u64(bytes, at + FLOW.handshakeNs);
  return {
    serial: u64(bytes, at + FLOW.serial),
    place: Number((kind >> 16n) & 0xffffn),
    device: bytes.readUInt32LE(at + FLOW.keyEnds + 4),
    ipProtocol: Number(kind & 0xffn),
    family,
    ended: ((kind >> BigInt(FLOW_KIND_LIVE_SHIFT)) & 1n) === 0n,
    ends: endsOf(bytes, at, family),
    directions: [directionOf(bytes, at, 0), directionOf(bytes, at, 1)],
    firstNs: u64(bytes, at + FLOW.firstNs),
    lastNs: Math.max(u64(bytes, at + FLOW.lastNs), u64(bytes, at + FLOW.firstNs)),
    handshakeNs: handshake > 0 ? handshake : null,
    opener: opener === 1 ? 0 : opener === 2 ? 1 : null,
    answered: bytes[at + FLOW.answered] > 0,
    shaken: bytes[at + FLOW.answered] > 1,
    protocol: bytes[at + FLOW.protocol],
    messages: Array.from({ length: FLOW_MESSAGES }, (_, i) => bytes.readUInt32LE(at + FLOW.messages + 4 * i)),
    latencySumNs: u64(bytes, at + FLOW.latencySumNs),
    latencyMaxNs: u64(bytes, at + FLOW.latencyMaxNs),
  };
}

/** The two ends of a key that lies at `at`. */
export function endsOf(bytes: Buffer, at: number, family: 4 | 6): [FlowEnd, FlowEnd] {
  const address = at + FLOW_KEY.address;
  const length = family === 4 ? 4 : 16;
  return [0, 1].map((end) => ({
    address: addressText(bytes.subarray(address + end * length, address + (end + 1) * length)),
    port: bytes.readUInt16BE(at + FLOW_KEY.ends + 2 * end),
  })) as [FlowEnd, FlowEnd];
}

/** 4 or 16 bytes. IPv6 as RFC 5952 wants it: the longest run of zeros, of two words at least, is left out. */
export function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const words = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i));
  let best = { from: 0, length: 1 };
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (from + length < 8 && words[from + length] === 0) length++;
    if (length > best.length) best = { from, length };
  }
  const text = (part: number[]) => part.map((word) => word.toString(16)).join(':');
  if (best.length < 2) return text(words);
  return `${text(words.slice(0, best.from))}::${text(words.slice(best.from + best.length))}`;
}

function directionOf(bytes: Buffer, at: number, number: 0 | 1): FlowDirection {
  const side = at + FLOW.sides + number * FLOW_SIDE.byteLength;
  const rare = at + FLOW.rare + number * FLOW_RARE.byteLength;
  const counted = u64(bytes, side + FLOW_SIDE.packets) + u64(bytes, rare + FLOW_RARE.packets);
  const countedBytes = u64(bytes, side + FLOW_SIDE.bytes) + u64(bytes, rare + FLOW_RARE.bytes);
  // Under sampling: those that came since the last one that counted, of the mean size.
  const skipped = bytes.readUInt16LE(side + FLOW_SIDE.skipped);
  const packets = counted + skipped;
  const all = countedBytes + (counted > 0 ? Math.round((countedBytes / counted) * skipped) : 0);
  const rareCount = (offset: number) => bytes.readUInt32LE(rare + offset);
  return {
    packets,
    bytes: all,
    segments: packets + u64(bytes, rare + FLOW_RARE.moreSegments),
    wireBytes: all + u64(bytes, rare + FLOW_RARE.moreBytes),
    minBytes: bytes.readUInt32LE(side + FLOW_SIDE.minBytes),
    maxBytes: bytes.readUInt32LE(side + FLOW_SIDE.maxBytes),
    flags: bytes[side + FLOW_SIDE.flags],
    rttSumNs: u64(bytes, rare + FLOW_RARE.rttSumNs),
    rttMinNs: u64(bytes, rare + FLOW_RARE.rttMinNs),
    rttCount: rareCount(FLOW_RARE.rttCount),
    retransmits: rareCount(FLOW_RARE.retransmits),
    outOfOrder: rareCount(FLOW_RARE.outOfOrder),
    zeroWindows: rareCount(FLOW_RARE.zeroWindows),
    duplicateAcks: rareCount(FLOW_RARE.duplicateAcks),
    keepAlives: rareCount(FLOW_RARE.keepAlives),
    windowProbes: rareCount(FLOW_RARE.windowProbes),
    icmpErrors: rareCount(FLOW_RARE.icmpErrors),
  };
}
