// Which request made which outgoing call, and which call of one traced process is which request of another. Only what the spans
// themselves show is taken for evidence, and it is named; where two requests come into question, nothing is claimed. What the
// evidence is worth was measured by runtime: threads tell nothing of Go, where what works on a request changes them.

import type { HttpLinkEvidence, HttpSpan } from '../protocol';

/** Links of older spans stay as they are. */
const KEPT = 4_000;
/** The end of a call is seen once the call has returned: by then the other process may have read what was sent. */
const CLOCK_SLACK_NS = 1_000_000;

export interface LinkFacts {
  span: HttpSpan;
  /** Both ends of its connection, whole: `local>peer`. Null: a Unix socket. */
  ends: string | null;
  /** When it came, every request got a span. */
  complete: boolean;
}

/** How the threads of a process go from one request to another. */
export type ThreadHabit =
  /** A thread works on a request until it waits, and does what its last receive asks for before it receives again. */
  | 'event loop'
  /** What works on a request may change its thread at any time. */
  | 'changing'
  | 'unknown';

export class Links {
  private kept: LinkFacts[] = [];
  private changed = false;

  constructor(private readonly habitOf: (pid: number) => ThreadHabit) {}

  add(facts: LinkFacts): void {
    // While it lives: a process that ended has no habits any more.
    this.habitOf(facts.span.pid);
    this.kept.push(facts);
    this.changed = true;
    if (this.kept.length <= 2 * KEPT) return;
    this.link();
    this.kept = this.kept.slice(-KEPT);
  }

  reset(): void {
    this.kept = [];
  }

  /** Sets `parent` of all spans that are kept; a request that ended later may take a link back. */
  link(): void {
    if (!this.changed) return;
    this.changed = false;
    for (const { span } of this.kept) span.parent = null;
    const calls = this.kept.filter(({ span }) => span.side === 'client');
    if (calls.length === 0) return;
    const requests = this.kept.filter(({ span }) => span.side === 'server');
    this.linkAcross(calls, requests);
    for (const [pid, own] of byPid(requests)) linkWithin(calls, own, pid, this.habitOf(pid));
  }

  /** Spans that made these, or that these made, as far as they are still known; at most `most`. */
  related(spans: readonly HttpSpan[], most: number): HttpSpan[] {
    const given = new Set(spans.map(({ id }) => id));
    const parents = new Set(spans.map(({ parent }) => parent?.id));
    const found: HttpSpan[] = [];
    for (const { span } of this.kept) {
      if (found.length >= most) break;
      if (!given.has(span.id) && (parents.has(span.id) || (span.parent && given.has(span.parent.id)))) found.push(span);
    }
    return found;
  }

  /** A request is the same as one call: by its connection, else by what it carries. */
  private linkAcross(calls: readonly LinkFacts[], requests: readonly LinkFacts[]): void {
    const byEnds = grouped(calls, ({ ends }) => ends);
    const byContext = grouped(calls, ({ span }) => contextOf(span));
    for (const { span, ends } of requests) {
      const [local, peer] = ends?.split('>') ?? [];
      const around = (byEnds.get(`${peer}>${local}`) ?? []).filter((call) => surrounds(call.span, span));
      const exact = around.filter((call) => call.span.sequence === span.sequence);
      const call = onlyOne(exact) ?? onlyOne(around);
      const context = contextOf(span);
      const carrying = (context === null ? [] : (byContext.get(context) ?? [])).filter((one) =>
        surrounds(one.span, span),
      );
      const parent = call ?? onlyOne(carrying);
      if (!parent) continue;
      const evidence: HttpLinkEvidence[] = call ? ['same connection'] : [];
      if (carrying.includes(parent)) evidence.push('same trace context');
      span.parent = { id: parent.span.id, evidence };
    }
  }
}

/** Calls of one process to the requests that made them. */
function linkWithin(all: readonly LinkFacts[], requests: LinkFacts[], pid: number, habit: ThreadHabit): void {
  const calls = all.filter(({ span }) => span.pid === pid);
  if (calls.length === 0) return;
  const changes =
    habit === 'changing' || requests.some(({ span: { tid, answerTid } }) => answerTid > 0 && tid !== answerTid);
  requests.sort((a, b) => a.span.startNs - b.span.startNs);
  for (const call of calls) {
    const open = openAt(requests, call.span);
    const found: { request: LinkFacts; evidence: HttpLinkEvidence }[] = [];
    const named = onlyOne(
      open.filter(({ span }) => span.trace !== null && span.trace.traceId === call.span.trace?.traceId),
    );
    if (named) found.push({ request: named, evidence: 'same trace id' });
    if (call.complete && open.every(({ complete }) => complete)) {
      const candidates = changes ? open : open.filter(({ span }) => span.tid === call.span.tid);
      const single = onlyOne(candidates);
      if (single)
        found.push({
          request: single,
          evidence: changes ? 'only open request of the process' : 'only open request of the thread',
        });
      else if (habit === 'event loop' && !changes) {
        const next = answeredNext(candidates, call, calls, requests);
        if (next) found.push({ request: next, evidence: 'answered next by the thread' });
      }
    }
    const parent = found[0]?.request;
    if (!parent) continue;
    const evidence = found.filter(({ request }) => request === parent).map((one) => one.evidence);
    call.span.parent = { id: parent.span.id, evidence };
  }
}

/** Sorted by start; those that had been read when the call was sent, and were not answered. */
function openAt(requests: readonly LinkFacts[], call: HttpSpan): LinkFacts[] {
  const open: LinkFacts[] = [];
  for (const request of requests) {
    if (request.span.startNs > call.startNs) break;
    if (request.span.endNs >= call.startNs) open.push(request);
  }
  return open;
}

/** Nothing else began or ended in the thread between the end of the call's answer and the first byte of the request's. */
function answeredNext(
  candidates: readonly LinkFacts[],
  call: LinkFacts,
  calls: readonly LinkFacts[],
  requests: readonly LinkFacts[],
): LinkFacts | null {
  const after = candidates
    .filter(({ span }) => span.firstByteNs !== null && span.firstByteNs >= call.span.endNs)
    .sort((a, b) => a.span.firstByteNs! - b.span.firstByteNs!);
  const [next] = after;
  if (!next) return null;
  const within = (timeNs: number) => timeNs > call.span.endNs && timeNs < next.span.firstByteNs!;
  const isBusy =
    calls.some((other) => other !== call && other.span.tid === call.span.tid && within(other.span.endNs)) ||
    requests.some(({ span }) => span.tid === call.span.tid && within(span.startNs));
  return isBusy ? null : next;
}

function surrounds(call: HttpSpan, request: HttpSpan): boolean {
  return call.startNs <= request.startNs + CLOCK_SLACK_NS && request.startNs <= call.endNs;
}

const contextOf = ({ trace }: HttpSpan) => (trace === null ? null : `${trace.traceId} ${trace.spanId}`);

const onlyOne = (list: readonly LinkFacts[]): LinkFacts | null => (list.length === 1 ? list[0] : null);

function grouped(list: readonly LinkFacts[], keyOf: (facts: LinkFacts) => string | null): Map<string, LinkFacts[]> {
  const groups = new Map<string, LinkFacts[]>();
  for (const facts of list) {
    const key = keyOf(facts);
    if (key === null) continue;
    const group = groups.get(key);
    if (group) group.push(facts);
    else groups.set(key, [facts]);
  }
  return groups;
}

function byPid(list: readonly LinkFacts[]): Map<number, LinkFacts[]> {
  const groups = new Map<number, LinkFacts[]>();
  for (const facts of list) {
    const group = groups.get(facts.span.pid);
    if (group) group.push(facts);
    else groups.set(facts.span.pid, [facts]);
  }
  return groups;
}
