// Whose sockets the ends of a flow are: as calls on sockets told it in the kernel, else from the kernel's lists of sockets and the open
// files of processes (proc_pid_net(5)), which are read seldom and only where something is still unknown.

import { readdirSync, readFileSync } from 'node:fs';
import { FLOW_KEY } from '../abi/flowEvents.gen';
import { socketInodes } from '../process/ports';
import { addressText, type FlowEntry } from './decodeFlow';
import { addressBytes } from './filter';
import type { FlowMaps } from './flowMaps';
import type { Place } from './place';

export interface Owner {
  pid: number;
  name: string;
}

const LISTS = [
  ['tcp', 6],
  ['tcp6', 6],
  ['udp', 17],
  ['udp6', 17],
] as const;
const READ_AGAIN_MS = 5_000;
const MAPPED = '::ffff:';

export class Owners {
  /** `place protocol local:port remote:port` -> inode. */
  private sockets = new Map<string, string>();
  private processes = new Map<string, Owner>();
  private readAtMs = Number.NEGATIVE_INFINITY;
  private readonly known = new Map<number, [Owner | null, Owner | null]>();

  constructor(
    private readonly maps: Pick<FlowMaps, 'owner'>,
    private readonly places: readonly Place[],
  ) {}

  /** Of the ends, in the flow's order. */
  of(flow: FlowEntry): [Owner | null, Owner | null] {
    const known = this.known.get(flow.serial) ?? [null, null];
    const place = this.places[flow.place];
    if (!place || (known[0] && known[1])) return known;
    const found = [0, 1].map((end) => known[end] ?? this.told(flow, place.inode, end) ?? this.listed(flow, end)) as [
      Owner | null,
      Owner | null,
    ];
    this.known.set(flow.serial, found);
    return found;
  }

  private told(flow: FlowEntry, namespace: number, end: number): Owner | null {
    const exact = this.maps.owner(keyOf(flow, namespace));
    if (exact?.pids[end]) return { pid: exact.pids[end], name: exact.names[end] };
    // A socket without a connection: its own end alone is known, or its port alone.
    for (const address of [flow.ends[end].address, '']) {
      const alone = this.maps.owner(loneKey(flow, namespace, end, address));
      if (alone?.pids[1]) return { pid: alone.pids[1], name: alone.names[1] };
    }
    return null;
  }

  private listed({ place, ipProtocol, ends }: FlowEntry, end: number): Owner | null {
    const local = ends[end];
    const remote = ends[1 - end];
    const any = ['0.0.0.0', '::'];
    const at = (address: string, port: number) => `${address}:${port}`;
    const locals = [local.address, ...any].map((address) => at(address, local.port));
    const remotes = [at(remote.address, remote.port), ...any.map((address) => at(address, 0))];
    for (const here of locals)
      for (const there of remotes) {
        const owner = this.processes.get(this.sockets.get(`${place} ${ipProtocol} ${here} ${there}`) ?? '');
        if (owner) return owner;
      }
    return null;
  }

  /** Reads the lists anew, where the last time is some seconds ago. */
  refresh(nowMs: number, force = false): void {
    if (!force && nowMs - this.readAtMs < READ_AGAIN_MS) return;
    this.readAtMs = nowMs;
    this.sockets = new Map();
    this.places.forEach((place, number) => {
      for (const [name, protocol] of LISTS)
        for (const [ends, inode] of parseSockets(place.read(`net/${name}`)))
          this.sockets.set(`${number} ${protocol} ${ends}`, inode);
    });
    const wanted = new Set(this.sockets.values());
    this.processes = new Map();
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      for (const inode of socketInodes(Number(entry)))
        if (wanted.has(inode)) this.processes.set(inode, { pid: Number(entry), name: nameOf(entry) });
    }
  }
}

function nameOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();
  } catch {
    return '';
  }
}

/** `local:port remote:port` -> inode. */
export function parseSockets(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n').slice(1)) {
    const [, local, remote, , , , , , , inode] = line.trim().split(/\s+/);
    if (inode && inode !== '0') found.set(`${endText(local)} ${endText(remote)}`, inode);
  }
  return found;
}

/** `0100007F:0050`: words of four bytes as the machine has them. IPv4 in IPv6 is IPv4. */
function endText(text: string): string {
  const [address, port] = text.split(':');
  const bytes = Buffer.from(address, 'hex');
  if (bytes.length % 4 !== 0) return text;
  bytes.swap32();
  const shown = addressText(bytes.length === 16 && isMapped(bytes) ? bytes.subarray(12) : bytes);
  return `${shown.replace(MAPPED, '')}:${Number.parseInt(port, 16)}`;
}

const isMapped = (bytes: Buffer) => bytes.readBigUInt64BE(0) === 0n && bytes.readUInt32BE(8) === 0xffff;

function emptyKey(family: 4 | 6, protocol: number, namespace: number): Buffer {
  const key = Buffer.alloc(FLOW_KEY.byteLength);
  key[FLOW_KEY.kind] = protocol;
  key[FLOW_KEY.kind + 1] = family === 4 ? 2 : 10;
  key.writeUInt32LE(namespace, FLOW_KEY.kind + 4);
  return key;
}

function keyOf({ family, ipProtocol, ends }: FlowEntry, namespace: number): Buffer {
  const key = emptyKey(family, ipProtocol, namespace);
  ends.forEach(({ address, port }, i) => {
    addressBytes(address)?.copy(key, FLOW_KEY.address + i * (family === 4 ? 4 : 16));
    key.writeUInt16BE(port, FLOW_KEY.ends + 2 * i);
  });
  return key;
}

/** The other end is 0, which is always the first one. */
function loneKey({ family, ipProtocol, ends }: FlowEntry, namespace: number, end: number, address: string): Buffer {
  const key = emptyKey(family, ipProtocol, namespace);
  addressBytes(address)?.copy(key, FLOW_KEY.address + (family === 4 ? 4 : 16));
  key.writeUInt16BE(ends[end].port, FLOW_KEY.ends + 2);
  return key;
}
