// What a trace of flows tells: one row for each direction of each flow, and a summary. Both are the tracer's section of a
// recording. Bytes are frames with their link header; one large packet of GSO or GRO is one packet, its segments stand beside.

/** Names of how far a connection has come. */
export type TcpState = 'unanswered' | 'refused' | 'opening' | 'established' | 'closing' | 'closed' | 'reset';

export interface FlowTcp {
  state: TcpState;
  /** From a segment of this direction to its acknowledgement, as the device saw both; the mean. Null: none was timed. */
  rttUs: number | null;
  /** From SYN to the handshake's third packet; null: not seen whole. */
  handshakeUs: number | null;
  retransmits: number;
  outOfOrder: number;
  zeroWindows: number;
  duplicateAcks: number;
}

export interface FlowHttp {
  /** Requests by method, and answers by class of status (`2xx`), of both directions. */
  [what: string]: number;
}

export interface FlowDns {
  queries: number;
  /** By code: `0` is no error, `3` no such name. */
  answers: Record<string, number>;
  /** Of answers to the query before them. */
  latencyMs: { mean: number; max: number } | null;
  names: string[];
}

export interface FlowRow {
  src: string;
  sport: number;
  dst: string;
  dport: number;
  /** `tcp`, `udp`, `icmp`, `icmpv6`, `sctp` or the protocol's number. */
  proto: string | number;
  packets: number;
  bytes: number;
  segments: number;
  wireBytes: number;
  /** From `startedAt` on. */
  firstNs: number;
  lastNs: number;
  tcp: FlowTcp | null;
  /** `http/1`, `tls`, …; null: not recognized. */
  protocol: string | null;
  /** The server's name that the client asked for (TLS, QUIC). */
  sni: string | null;
  alpn: string[] | null;
  tlsVersion: string | null;
  http: FlowHttp | null;
  dns: FlowDns | null;
  /** ICMP errors that speak of packets of this direction. */
  icmpErrors: number;
  /** Of the sending end, where it is on this machine; */
  pid: number | null;
  process: string | null;
  /** and of the other one. */
  peerPid: number | null;
  peerProcess: string | null;
  interface: string;
}

export interface FlowSummary {
  packets: number;
  bytes: number;
  flows: number;
  /** Flows whose place others took before they were read to their end. */
  evicted: number;
  /** Packets whose headers were not walked to their end, by reason. */
  notParsed: Record<string, number>;
  /** Left out by the filter. */
  filtered: number;
  /** Share of the packets after the first ones of a flow that was looked at; counts are scaled exactly. 1: all. */
  sampled: number;
  /** First payloads that were sent to be read, and had no room. */
  headsLost: number;
  /** Flows beyond what a recording holds. */
  leftOut: number;
  startedAt: string;
}

export interface FlowSection {
  summary: FlowSummary;
  /** Those of the most bytes first. */
  rows: FlowRow[];
}

export interface FlowLiveRow extends FlowRow {
  bytesPerSecond: number;
  packetsPerSecond: number;
}

export interface FlowLive {
  rows: FlowLiveRow[];
  summary: FlowSummary;
}
