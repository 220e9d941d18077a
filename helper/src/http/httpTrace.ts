// One HTTP trace from its attach to its summary: takes its spans from the ring, reads its exact counts and sets how many spans are
// sent. It knows nothing of where its rows and spans go.

import { HTTP_CONNECTION_KIND, HTTP_EVENT_KIND, HTTP_UNCOUNTED } from '../abi/httpEvents.gen';
import type { Words } from '../abi/words';
import type {
  AttachStep,
  HttpHandler,
  HttpLive,
  HttpLiveRow,
  HttpOptions,
  HttpRouteRow,
  HttpSection,
  HttpSpan,
} from '../protocol';
import { type DecodedSpan, decodeSpan } from './decodeSpan';
import { Exemplars } from './exemplars';
import { LEFT_OUT } from './filter';
import { HTTP2_LOST, Http2 } from './http2/http2';
import { UNKNOWN } from './http2/shape';
import { type HttpCounters, KernelCounts, type SeriesRow } from './kernelCounts';
import { LatencyHistogram } from './latency';
import { Links, type ThreadHabit } from './links';
import { foldByRoute } from './redact';
import { OTHER_ROUTE } from './routeShapes';
import { isFailed, type RouteTable, routeTable, webSocketTable } from './routeTable';
import { FIRST_RATES, spanRates } from './spanBudget';
import type { TraceObject } from './traceObject';

/** How often rates are set anew. */
const TICK_MS = 1_000;
const FIRST_TICK_MS = 200;
/** More do not fit on a screen. */
const LIVE_ROWS = 50;
/** Spans that are kept for their links alone. */
const RELATED_MOST = 1_000;

const REASONS: Record<keyof typeof HTTP_UNCOUNTED, string> = {
  HTTP_REQUEST_UNSEEN: 'request before attach',
  HTTP_QUEUE_FULL: 'pipelined too deep',
  HTTP_BAD_HEAD: 'not HTTP after all',
  HTTP_UNREADABLE: 'bytes not readable',
  HTTP_NO_SERIES: 'too many rows',
  HTTP_LEFT_OUT: LEFT_OUT,
  HTTP_UNCOUNTED_KINDS: '',
};

/** Of what was counted up to some moment. */
interface Totals {
  atMs: number;
  requests: number;
  errors: number;
  latency: LatencyHistogram;
}

/** What is found out about the targets beside the trace. */
export interface KnownOfTargets {
  habitOf(pid: number): ThreadHabit;
  handlerOf(method: string, route: string): HttpHandler | null;
}

export class HttpTrace {
  private readonly counts: KernelCounts;
  private readonly exemplars = new Exemplars();
  private readonly links: Links;
  private last: Totals = { atMs: 0, requests: 0, errors: 0, latency: new LatencyHistogram() };
  private rates = FIRST_RATES;
  private nextTickMs: number;
  private table: RouteTable = routeTable([]);
  /** The kernel's key of a span's route. */
  private readonly routeIds = new WeakMap<HttpSpan, bigint>();
  private readonly http2: Http2;
  /** What came between the last two looks. */
  private interval: { rows: RouteTable; seconds: number } | null = null;
  private lastSeries: SeriesRow[] = [];

  constructor(
    private readonly object: TraceObject,
    possibleCpus: number,
    private readonly options: HttpOptions,
    private readonly known: KnownOfTargets = { habitOf: () => 'unknown', handlerOf: () => null },
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.counts = new KernelCounts((name) => object.mapFd(name), possibleCpus);
    this.links = new Links(known.habitOf);
    this.nextTickMs = nowMs() + FIRST_TICK_MS;
    this.http2 = new Http2(options, (span) => this.addSpan(span));
    this.http2.rates = this.rates;
    this.counts.setRates(FIRST_RATES);
    if (this.options.filter) this.counts.setFilter(this.options.filter);
  }

  /**
   * Once all processes are targets that are to be: sockets that carried something before are marked, so that their heads are looked for,
   * and their bodies not taken for heads. Null: there is no program for it.
   */
  markOld(program: string | null): AttachStep {
    const step: AttachStep = { what: 'sockets open before', taken: null, refused: [] };
    try {
      if (program === null) throw new Error('not in this kernel: those of Unix are taken for new ones');
      this.object.runIterator(program);
      step.taken = 'marked by an iterator';
    } catch (error) {
      step.refused.push({ rung: 'iterator', why: error instanceof Error ? error.message : String(error) });
    }
    this.rates = { ...FIRST_RATES, ready: true };
    this.counts.setRates(this.rates);
    return step;
  }

  /** A record of kind EVENT_HTTP_SPAN. */
  take(words: Words, at: number): void {
    this.addSpan(decodeSpan(words, at, this.options.truncateAddresses ?? false));
  }

  /** Records of HTTP/2, by kind. */
  takers(): [kind: number, take: (words: Words, at: number) => void][] {
    const { EVENT_HTTP2_CONNECTION, EVENT_HTTP2_BLOCK, EVENT_HTTP2_END } = HTTP_EVENT_KIND;
    return [
      [EVENT_HTTP2_CONNECTION, (words, at) => this.http2.takeConnection(words, at)],
      [EVENT_HTTP2_BLOCK, (words, at) => this.http2.takeBlock(words, at)],
      [EVENT_HTTP2_END, (words, at) => this.http2.takeEnd(words, at)],
    ];
  }

  private addSpan({ span, routeId, ends }: DecodedSpan): void {
    this.routeIds.set(span, routeId);
    const complete = this.rates.spanEvery === 1 && this.rates.errorEvery === 1;
    this.links.add({ span, ends, complete });
    this.exemplars.add(span);
  }

  private series(): SeriesRow[] {
    return [...this.counts.series(), ...this.http2.series()];
  }

  /** To be called often: sets rates once a second. */
  tick(): void {
    const now = this.nowMs();
    if (now < this.nextTickMs) return;
    const series = this.series();
    const totals = totalsOf(series, now);
    const seconds = Math.max(0.001, (now - (this.last.atMs || now - FIRST_TICK_MS)) / 1000);
    this.rates = spanRates(
      totals.requests - this.last.requests,
      totals.errors - this.last.errors,
      totals.latency.since(this.last.latency),
      seconds,
    );
    this.counts.setRates(this.rates);
    this.http2.rates = this.rates;
    this.interval = { rows: routeTable(since(series, this.lastSeries)), seconds };
    this.lastSeries = series;
    this.last = totals;
    this.nextTickMs = now + TICK_MS;
  }

  /**
   * Names change as more shapes are seen. What is a parameter of the route is none of the target's to show: a piece that looked like
   * a word may be somebody's name.
   */
  private named(span: HttpSpan): HttpSpan {
    const name = this.table.nameOf(this.routeIds.get(span) ?? 0n);
    const route = name?.route ?? OTHER_ROUTE;
    const target = span.target === null ? null : foldByRoute(span.target, route);
    return { ...span, route, target, method: span.method || (name?.method ?? '*') };
  }

  private withHandlers(rows: HttpRouteRow[]): HttpRouteRow[] {
    return rows.map((row) => ({ ...row, handler: this.known.handlerOf(row.method, row.route) }));
  }

  /** What could not be counted is met, too: a recording of it is not empty. */
  progress(): { count: number; lost: number } {
    const { requests, spansLost, uncounted, connections } = this.counts.counters();
    const others = connections[HTTP_CONNECTION_KIND.HTTP_CONNECTIONS_TLS];
    const unseen = uncounted[HTTP_UNCOUNTED.HTTP_REQUEST_UNSEEN] + uncounted[HTTP_UNCOUNTED.HTTP_UNREADABLE];
    return { count: requests + (requests === 0 ? others + unseen : 0), lost: spansLost };
  }

  live(): HttpLive {
    const { routes, clients, uncounted } = this.section();
    const { rows, seconds } = this.interval ?? { rows: null, seconds: 1 };
    const most = this.options.allRowsLive ? Number.POSITIVE_INFINITY : LIVE_ROWS;
    return {
      routes: routes.slice(0, most).map((row) => liveRow(row, rows?.routes ?? [], seconds)),
      clients: clients.slice(0, most).map((row) => liveRow(row, rows?.clients ?? [], seconds)),
      uncounted,
    };
  }

  section(): HttpSection {
    const counters = this.counts.counters();
    const series = this.series();
    this.table = routeTable(series);
    const { routes, clients } = this.table;
    const requests = routes.reduce((sum, { count }) => sum + count, 0);
    return {
      requests,
      routesExact: !series.some(({ method, shape }) => method === UNKNOWN || shape === UNKNOWN),
      uncounted: added(uncountedOf(counters), this.http2.uncounted()),
      spans: counters.spans + this.http2.spans,
      spanRate: 1 / this.rates.spanEvery,
      lost: counters.spansLost,
      connections:
        counters.connections[HTTP_CONNECTION_KIND.HTTP_CONNECTIONS_HTTP1] +
        counters.connections[HTTP_CONNECTION_KIND.HTTP_CONNECTIONS_HTTP2],
      routes: this.withHandlers(routes),
      clients,
      websockets: webSocketTable(this.counts.webSockets(), this.table),
      clock: clockNow(),
      exemplars: this.linkedExemplars(),
    };
  }

  /** With the calls that they made and the requests that made them; a parent that is not kept itself is left out. */
  private linkedExemplars(): HttpSpan[] {
    this.links.link();
    const chosen = this.exemplars.all();
    const kept = [...chosen, ...this.links.related(chosen, RELATED_MOST)].sort((a, b) => a.startNs - b.startNs);
    const ids = new Set(kept.map(({ id }) => id));
    return kept.map((span) => {
      const shown = this.named(span);
      return shown.parent && !ids.has(shown.parent.id) ? { ...shown, parent: null } : shown;
    });
  }

  /** Before the object is closed. What is in the ring still comes. */
  stop(): void {
    this.counts.freeze();
  }

  reset(): void {
    this.exemplars.reset();
    this.links.reset();
  }
}

/** Node's clock of high resolution is CLOCK_MONOTONIC, as BPF's. */
const clockNow = () => ({ monotonicNs: Number(process.hrtime.bigint()), unixMs: Date.now() });

/** The rows with what `before` had not counted yet. */
function since(series: readonly SeriesRow[], before: readonly SeriesRow[]): SeriesRow[] {
  const known = new Map(before.map((row) => [row.key, row]));
  return series.map((row) => {
    const earlier = known.get(row.key);
    if (!earlier) return row;
    return {
      ...row,
      count: row.count - earlier.count,
      latency: row.latency.map((count, i) => count - earlier.latency[i]),
    };
  });
}

function liveRow(row: HttpRouteRow, recent: readonly HttpRouteRow[], seconds: number): HttpLiveRow {
  const now = recent.find(
    ({ method, route, protocol, tls }) =>
      method === row.method && route === row.route && protocol === row.protocol && tls === row.tls,
  );
  if (!now) return { ...row, perSecond: 0 };
  const { p50Ms, p90Ms, p99Ms, count } = now;
  return { ...row, p50Ms, p90Ms, p99Ms, perSecond: count / seconds };
}

function totalsOf(series: readonly SeriesRow[], atMs: number): Totals {
  const totals: Totals = { atMs, requests: 0, errors: 0, latency: new LatencyHistogram() };
  for (const row of series) {
    totals.requests += row.count;
    if (isFailed(row)) totals.errors += row.count;
    totals.latency.add(row.latency, row.latencyMaxNs);
  }
  return totals;
}

function added(first: Record<string, number>, second: Record<string, number>): Record<string, number> {
  const sum = { ...first };
  for (const [reason, number] of Object.entries(second)) sum[reason] = (sum[reason] ?? 0) + number;
  return sum;
}

/** Reasons that occurred. Requests that still wait for their answer are one of them. */
function uncountedOf(counters: HttpCounters): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [name, reason] of Object.entries(REASONS)) {
    const number = counters.uncounted[HTTP_UNCOUNTED[name as keyof typeof HTTP_UNCOUNTED]];
    if (reason && number) found[reason] = number;
  }
  const { HTTP_CONNECTIONS_TLS, HTTP_CONNECTIONS_PLAINTEXT } = HTTP_CONNECTION_KIND;
  const tls = counters.connections[HTTP_CONNECTIONS_TLS] - counters.connections[HTTP_CONNECTIONS_PLAINTEXT];
  const waiting = counters.requests - counters.answered - counters.dropped;
  if (counters.http2EndsLost > 0) found[HTTP2_LOST] = counters.http2EndsLost;
  if (tls > 0) found['TLS connections, not decoded'] = tls;
  if (waiting > 0) found['not answered yet'] = waiting;
  return found;
}
