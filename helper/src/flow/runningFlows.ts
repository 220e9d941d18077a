// Flows as a tracer of a recording: loads the programs, once for each network namespace, keeps them on the devices that are there, looks
// at the kernel's table each second, and tells the recording what it found.

import { randomBytes } from 'node:crypto';
import { FLOW_EVENT_KIND, FLOW_GROUPS, FLOW_NOT_PARSED } from '../abi/flowEvents.gen';
import { BpfLoadError, type BpfObject } from '../bpf/object';
import { canViewNativeMemory } from '../bpf/probe';
import type { KernelSession } from '../engine/kernelSession';
import type { RunningTracer } from '../engine/tracer';
import {
  type ErrorReport,
  errorReport,
  type FlowLive,
  type FlowOptions,
  type FlowRow,
  type FlowSection,
  type FlowSummary,
  tracerError,
} from '../protocol';
import type { FlowEntry } from './decodeFlow';
import { NetworkNamespace } from './devices';
import { parseFilters } from './filter';
import { FlowLog } from './flowLog';
import { type FlowControl, FlowMaps } from './flowMaps';
import { Heads } from './heads';
import { Owners } from './owners';
import { Place } from './place';
import { rowsOf } from './rows';

const LOOK_EVERY_MS = 1_000;
/** The coarse clock is behind by a tick at the most: CONFIG_HZ is 100 or more. */
const TICK_NS = 10_000_000n;
/** A recording holds no more. */
const ROWS_MOST = 20_000;
const LIVE_ROWS = 40;
const SAMPLE_AFTER = 1_000;
const OWNER_PROGRAMS = ['flow_sent', 'flow_received'];

/** Throws BpfLoadError, NETNS_UNKNOWN, INTERFACE_UNKNOWN or DEVICES_REFUSED. */
export async function startFlows(options: FlowOptions, session: KernelSession): Promise<RunningTracer> {
  const namespaces = namespacesOf(session);
  const ingress = options.ingress ?? 'tc';
  const only = 'interface' in session.target ? session.target.interface : null;
  const places: Place[] = [];
  try {
    for (const [number, namespace] of namespaces.entries()) {
      const { object, xdpProgram } = loadObject(session, number, ingress !== 'tc');
      places.push(new Place(namespace, object, ingress, xdpProgram, only));
    }
    const running = new RunningFlows(options, session, places);
    running.begin(only);
    return running;
  } catch (error) {
    for (const place of places) place.close();
    throw error;
  }
}

function namespacesOf({ target }: KernelSession): NetworkNamespace[] {
  const paths =
    'pids' in target
      ? target.pids.map((pid) => `/proc/${pid}/ns/net`)
      : 'netns' in target
        ? [target.netns]
        : ['/proc/self/ns/net'];
  const found: NetworkNamespace[] = [];
  for (const path of paths) {
    try {
      const namespace = new NetworkNamespace(path);
      if (found.some(({ inode }) => inode === namespace.inode)) namespace.close();
      else found.push(namespace);
      namespace.inside(() => {});
    } catch (error) {
      for (const one of found) one.close();
      throw tracerError('NETNS_UNKNOWN', path, error instanceof Error ? error.message : String(error));
    }
  }
  return found;
}

/** With as much as this kernel takes: frames in several buffers (5.18), who uses a socket (6.3). */
function loadObject(session: KernelSession, place: number, atXdp: boolean): { object: BpfObject; xdpProgram: string } {
  const load = (owners: boolean, frags: boolean) =>
    session.load(
      'xdp_tracer',
      (object) => {
        object.setAutoload('flow_xdp', atXdp && !frags);
        object.setAutoload('flow_xdp_frags', atXdp && frags);
        object.setAutoload('flow_tc_bare', true);
        // They see the sockets of all namespaces.
        for (const program of OWNER_PROGRAMS) object.setAutoload(program, owners && place === 0);
      },
      { place },
    );
  const attempts = [
    [true, true],
    [false, true],
    [false, false],
  ] as const;
  for (const [owners, frags] of attempts) {
    try {
      const object = load(owners, frags);
      if (place === 0) attachOwners(session, object, owners);
      return { object, xdpProgram: frags ? 'flow_xdp_frags' : 'flow_xdp' };
    } catch (error) {
      if (!(error instanceof BpfLoadError) || !(owners || frags)) throw error;
      session.log('debug', [error.message, ...error.log.slice(-20)].join('\n'));
    }
  }
  throw tracerError('DEVICES_REFUSED', 'the programs do not load');
}

function attachOwners(session: KernelSession, object: BpfObject, loaded: boolean): void {
  if (loaded) for (const program of OWNER_PROGRAMS) object.attach(program);
  session.report({
    what: 'whose sockets flows are',
    taken: loaded ? "the socket layer's tracepoints, and lists of sockets" : 'lists of sockets',
    refused: loaded ? [] : [{ rung: 'tracepoints', why: 'Linux 6.3 or later is needed' }],
  });
}

class RunningFlows implements RunningTracer {
  private readonly maps: FlowMaps;
  private readonly log: FlowLog;
  private readonly owners: Owners;
  private readonly heads = new Heads();
  private readonly pids: Set<number> | null;
  private readonly startNs = process.hrtime.bigint();
  private readonly startedAt = new Date().toISOString();
  private readonly control: FlowControl;
  private readonly step = {
    what: 'packets of devices',
    taken: null as string | null,
    refused: [] as { rung: string; why: string }[],
  };
  private lookedAtMs = 0;
  private before = new Map<number, [number, number][]>();
  private ended: { section: FlowSection; live: FlowLive } | null = null;
  private intervalS = 1;

  constructor(
    private readonly options: FlowOptions,
    private readonly session: KernelSession,
    private readonly places: readonly Place[],
  ) {
    this.maps = new FlowMaps((name) => session.mapFd(name)!, FLOW_GROUPS, session.possibleCpus, canViewNativeMemory());
    this.log = new FlowLog(this.maps, FLOW_GROUPS);
    this.owners = new Owners(this.maps, places);
    this.pids = 'pids' in session.target ? new Set(session.target.pids) : null;
    this.control = {
      readNs: 0n,
      seed: randomBytes(8).readBigUInt64LE(),
      groups: FLOW_GROUPS,
      analysis: true,
      protocols: true,
      sampleEvery: options.sampleEvery ?? 0,
      sampleAfter: SAMPLE_AFTER,
      heads: true,
      rules: parseFilters(options.filter ?? []),
    };
  }

  begin(only: string | null): void {
    const { session } = this;
    this.maps.control(this.control);
    session.on(FLOW_EVENT_KIND.EVENT_FLOW_HEAD, (words, at) => this.heads.take(words, at));
    if (this.pids) {
      session.onAdopted((pid) => this.pids?.add(pid));
      session.onProcess(({ kind, pid }) => void (kind === 'fork' && this.pids?.add(pid)));
    }
    session.report(this.step);
    this.followDevices();
    if (this.step.taken === null) {
      const [place] = this.places;
      if (only !== null && ![...place.names.values()].includes(only)) throw tracerError('INTERFACE_UNKNOWN', only);
      throw tracerError(
        'DEVICES_REFUSED',
        this.step.refused.map(({ rung, why }) => `${rung}: ${why}`).join('; ') || 'there is none',
      );
    }
    session.regularly(() => {
      const now = performance.now();
      if (now - this.lookedAtMs < LOOK_EVERY_MS) return;
      this.intervalS = this.lookedAtMs > 0 ? (now - this.lookedAtMs) / 1000 : 1;
      this.lookedAtMs = now;
      this.followDevices();
      this.look();
    });
  }

  private followDevices(): void {
    for (const place of this.places) {
      try {
        place.update();
      } catch (error) {
        place.refused.add(`namespace: ${error instanceof Error ? error.message : error}`);
      }
    }
    const taken = this.places.flatMap((place) => [...place.taken]);
    this.step.taken = taken.length > 0 ? taken.slice(0, 20).join(', ') : null;
    this.step.refused = this.places
      .flatMap((place) => [...place.refused])
      .slice(0, 20)
      .map((text) => ({ rung: text.slice(0, text.indexOf(':')), why: text.slice(text.indexOf(':') + 2) }));
  }

  private look(): void {
    const now = process.hrtime.bigint() - TICK_NS;
    this.log.update(now);
    this.control.readNs = now;
    this.maps.control(this.control);
    if (this.log.packets > 0) this.session.sink.taken(Number(this.startNs));
  }

  progress(): { count: number; lost: number } {
    if (this.ended) return { count: this.ended.section.summary.packets, lost: 0 };
    return { count: this.log.packets, lost: 0 };
  }

  live(): FlowLive {
    if (this.ended) return this.ended.live;
    const flows = [...this.log.all()].sort((a, b) => b.lastNs - a.lastNs).slice(0, LIVE_ROWS);
    const before = this.before;
    this.before = new Map(flows.map(({ serial, directions }) => [serial, directions.map((d) => [d.packets, d.bytes])]));
    this.owners.refresh(performance.now());
    const rows = flows
      .filter((flow) => this.isWanted(flow))
      .flatMap((flow) => {
        const known = before.get(flow.serial) ?? [
          [0, 0],
          [0, 0],
        ];
        const sides = ([0, 1] as const).filter((i) => flow.directions[i].packets > 0);
        return this.rows(flow).map((row, i) => ({
          ...row,
          packetsPerSecond: (row.packets - known[sides[i]][0]) / this.intervalS,
          bytesPerSecond: (row.bytes - known[sides[i]][1]) / this.intervalS,
        }));
      });
    return { rows: rows.sort((a, b) => b.bytesPerSecond - a.bytesPerSecond), summary: this.count([]) };
  }

  private isWanted(flow: FlowEntry): boolean {
    if (!this.pids) return true;
    return this.owners.of(flow).some((owner) => owner !== null && this.pids!.has(owner.pid));
  }

  private rows(flow: FlowEntry): FlowRow[] {
    return rowsOf(flow, {
      startNs: Number(this.startNs),
      device: this.places[flow.place]?.names.get(flow.device) ?? `#${flow.device}`,
      owners: this.owners.of(flow),
      hello: this.heads.hello(flow.serial),
      names: this.heads.namesOf(flow.serial),
    });
  }

  section(): FlowSection {
    if (this.ended) return this.ended.section;
    this.look();
    const flows = [...this.log.all()];
    this.owners.refresh(performance.now());
    const wanted = flows.filter((flow) => this.isWanted(flow));
    const bytesOf = ({ directions: [one, other] }: FlowEntry) => one.bytes + other.bytes;
    wanted.sort((a, b) => bytesOf(b) - bytesOf(a));
    const kept = wanted.slice(0, ROWS_MOST / 2);
    return {
      summary: this.count(wanted, wanted.length - kept.length),
      rows: kept.flatMap((flow) => this.rows(flow)),
    };
  }

  /** Of a process: what its flows come to. Else everything that the devices saw, exactly. */
  private count(wanted: readonly FlowEntry[], leftOut = 0): FlowSummary {
    const { created, evicted, gonePackets, goneBytes } = this.maps.totals();
    const { notParsed, outsideBytes, filtered, headsLost } = this.maps.counters();
    const outside = notParsed.slice(0, FLOW_NOT_PARSED.FLOW_UNKNOWN_HEADER).reduce((sum, count) => sum + count, 0);
    const sum = (what: 'packets' | 'bytes') =>
      wanted.reduce((total, { directions: [one, other] }) => total + one[what] + other[what], 0);
    const { sampleEvery = 0 } = this.options;
    return {
      packets: this.pids ? sum('packets') : this.log.tablePackets() + gonePackets + outside,
      bytes: this.pids ? sum('bytes') : this.log.tableBytes() + goneBytes + outsideBytes,
      flows: this.pids ? wanted.length : created,
      evicted: evicted + this.log.forgotten,
      notParsed: Object.fromEntries(
        Object.entries(FLOW_NOT_PARSED)
          .filter(([, place]) => notParsed[place] > 0)
          .map(([name, place]) => [name.slice('FLOW_'.length).toLowerCase().replaceAll('_', ' '), notParsed[place]]),
      ),
      filtered,
      sampled: sampleEvery > 1 ? 1 / sampleEvery : 1,
      headsLost,
      leftOut,
      startedAt: this.startedAt,
    };
  }

  summary(): FlowSection {
    const { summary, rows } = this.section();
    return { summary, rows: rows.slice(0, LIVE_ROWS) };
  }

  whyEmpty(): ErrorReport {
    return errorReport('NOTHING_RECORDED_QUIET', 'packets');
  }

  reset(): void {
    this.log.reset();
  }

  stop(): void {
    if (this.ended) return;
    this.owners.refresh(performance.now(), true);
    const section = this.section();
    this.ended = { section, live: { rows: [], summary: section.summary } };
    for (const place of this.places) place.close();
    this.maps.close();
  }
}
