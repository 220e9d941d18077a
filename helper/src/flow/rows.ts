// From a flow as the kernel counted it to the two rows that are shown, one a direction.

import { FLOW_DNS_MESSAGE, FLOW_HTTP_MESSAGE, FLOW_PROTOCOL } from '../abi/flowEvents.gen';
import type { FlowDns, FlowHttp, FlowRow, FlowTcp, TcpState } from '../protocol';
import type { FlowDirection, FlowEntry } from './decodeFlow';
import { IP_PROTOCOLS } from './filter';
import type { Hello } from './heads';
import type { Owner } from './owners';

const TCP = IP_PROTOCOLS.tcp;
const FIN = 1;
const RST = 4;
const PROTO_NAMES = new Map(Object.entries(IP_PROTOCOLS).map(([name, number]) => [number, name]));
const PROTOCOLS: Record<number, string> = {
  [FLOW_PROTOCOL.FLOW_HTTP1]: 'http/1',
  [FLOW_PROTOCOL.FLOW_HTTP2]: 'http/2',
  [FLOW_PROTOCOL.FLOW_TLS]: 'tls',
  [FLOW_PROTOCOL.FLOW_DNS]: 'dns',
  [FLOW_PROTOCOL.FLOW_QUIC]: 'quic',
  [FLOW_PROTOCOL.FLOW_POSTGRES]: 'postgres',
  [FLOW_PROTOCOL.FLOW_MYSQL]: 'mysql',
  [FLOW_PROTOCOL.FLOW_REDIS]: 'redis',
  [FLOW_PROTOCOL.FLOW_WEBSOCKET]: 'websocket',
};

/** What is known beside the kernel's counts. */
export interface FlowContext {
  startNs: number;
  device: string;
  owners: [Owner | null, Owner | null];
  hello: Hello | null;
  names: string[];
}

/** Of directions that have packets. */
export function rowsOf(flow: FlowEntry, context: FlowContext): FlowRow[] {
  return ([0, 1] as const)
    .filter((from) => flow.directions[from].packets > 0)
    .map((from) => rowOf(flow, from, context));
}

function rowOf(flow: FlowEntry, from: 0 | 1, { startNs, device, owners, hello, names }: FlowContext): FlowRow {
  const { ends, directions, ipProtocol, protocol } = flow;
  const { packets, bytes, segments, wireBytes, icmpErrors } = directions[from];
  const to = from === 0 ? 1 : 0;
  return {
    src: ends[from].address,
    sport: ends[from].port,
    dst: ends[to].address,
    dport: ends[to].port,
    proto: PROTO_NAMES.get(ipProtocol) ?? ipProtocol,
    packets,
    bytes,
    segments,
    wireBytes,
    firstNs: Math.max(0, flow.firstNs - startNs),
    lastNs: Math.max(0, flow.lastNs - startNs),
    tcp: ipProtocol === TCP ? tcpOf(flow, directions[from]) : null,
    protocol: PROTOCOLS[protocol] ?? null,
    sni: hello?.sni ?? null,
    alpn: hello && hello.alpn.length > 0 ? hello.alpn : null,
    tlsVersion: hello?.version ?? null,
    http:
      protocol === FLOW_PROTOCOL.FLOW_HTTP1 || protocol === FLOW_PROTOCOL.FLOW_WEBSOCKET ? httpOf(flow.messages) : null,
    dns: protocol === FLOW_PROTOCOL.FLOW_DNS ? dnsOf(flow, names) : null,
    icmpErrors,
    pid: owners[from]?.pid ?? null,
    process: owners[from]?.name ?? null,
    peerPid: owners[to]?.pid ?? null,
    peerProcess: owners[to]?.name ?? null,
    interface: device,
  };
}

const us = (ns: number) => Math.round(ns / 100) / 10;

function tcpOf(flow: FlowEntry, direction: FlowDirection): FlowTcp {
  const { rttSumNs, rttCount, retransmits, outOfOrder, zeroWindows, duplicateAcks } = direction;
  return {
    state: tcpState(flow),
    rttUs: rttCount > 0 ? us(rttSumNs / rttCount) : null,
    handshakeUs: flow.handshakeNs === null ? null : us(flow.handshakeNs),
    retransmits,
    outOfOrder,
    zeroWindows,
    duplicateAcks,
  };
}

export function tcpState({ opener, answered, shaken, directions }: FlowEntry): TcpState {
  const [one, other] = directions;
  if (opener !== null && !answered) {
    const peer = directions[1 - opener];
    return peer.flags & RST || directions[opener].icmpErrors > 0 ? 'refused' : 'unanswered';
  }
  if ((one.flags | other.flags) & RST) return 'reset';
  if (one.flags & other.flags & FIN) return 'closed';
  if ((one.flags | other.flags) & FIN) return 'closing';
  return opener !== null && !shaken ? 'opening' : 'established';
}

function httpOf(messages: readonly number[]): FlowHttp {
  const counts = Object.entries(FLOW_HTTP_MESSAGE).map(([name, place]) => {
    const short = name.slice('FLOW_HTTP_'.length);
    return [/^\d/.test(short) ? short.toLowerCase() : short, messages[place]] as const;
  });
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

function dnsOf({ messages, latencySumNs, latencyMaxNs }: FlowEntry, names: string[]): FlowDns {
  const { FLOW_DNS_QUERIES, FLOW_DNS_TIMED, FLOW_DNS_RCODES } = FLOW_DNS_MESSAGE;
  const answers = messages.slice(FLOW_DNS_RCODES).map((count, code) => [String(code), count] as const);
  const timed = messages[FLOW_DNS_TIMED];
  return {
    queries: messages[FLOW_DNS_QUERIES],
    answers: Object.fromEntries(answers.filter(([, count]) => count > 0)),
    latencyMs: timed > 0 ? { mean: latencySumNs / timed / 1e6, max: latencyMaxNs / 1e6 } : null,
    names,
  };
}
