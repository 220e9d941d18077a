// Which request made which call, from spans alone: what each evidence claims, and where it claims nothing.

import assert from 'node:assert/strict';
import { type LinkFacts, Links, type ThreadHabit } from '../../src/http/links';
import type { HttpSpan } from '../../src/protocol';

const A = '127.0.0.1:8080>127.0.0.1:50000';
const MS = 1e6;
const TRACE = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: true };

let sequence = 0;
function facts(
  side: HttpSpan['side'],
  from: number,
  to: number,
  over: Partial<HttpSpan> = {},
  ends: string | null = null,
): LinkFacts {
  const id = String(++sequence);
  const span = {
    ...{
      id,
      side,
      parent: null,
      startNs: from * MS,
      firstByteNs: to * MS,
      endNs: to * MS,
      pid: 1,
      tid: 7,
      answerTid: 7,
    },
    ...{ sequence: 1, trace: null, ...over },
  } as HttpSpan;
  return { span, ends, complete: true };
}

function linked(habit: ThreadHabit, ...all: LinkFacts[]): void {
  const links = new Links(() => habit);
  for (const one of all) links.add(one);
  links.link();
}

describe('HTTP: links between requests', () => {
  it('takes the only open request of the thread for the one that called', () => {
    const request = facts('server', 0, 10);
    const [inside, before, elsewhere] = [
      facts('client', 2, 5),
      facts('client', -5, -1),
      facts('client', 2, 5, { tid: 8 }),
    ];
    linked('unknown', before, inside, elsewhere, request);
    assert.deepEqual(inside.span.parent, { id: request.span.id, evidence: ['only open request of the thread'] });
    assert.deepEqual([before.span.parent, elsewhere.span.parent], [null, null]);
  });

  it('claims nothing where two requests were open in the thread, or where not every request has a span', () => {
    const call = facts('client', 3, 5);
    linked('unknown', call, facts('server', 0, 10), facts('server', 1, 9));
    assert.equal(call.span.parent, null);
    const other = facts('client', 3, 5);
    linked('unknown', other, { ...facts('server', 0, 10), complete: false });
    assert.equal(other.span.parent, null);
  });

  it('takes a link back when a request that was open, too, ends later', () => {
    const links = new Links(() => 'unknown');
    const call = facts('client', 3, 5);
    links.add(call);
    links.add(facts('server', 2, 6));
    links.link();
    assert.ok(call.span.parent);
    links.add(facts('server', 1, 100));
    links.link();
    assert.equal(call.span.parent, null);
  });

  it('knows of an event loop that it answers what it has just received', () => {
    const [first, second] = [facts('server', 0, 11), facts('server', 1, 21)];
    const [call, other, ambiguous] = [facts('client', 2, 10), facts('client', 3, 20), facts('client', 3, 9.5)];
    linked('event loop', call, other, first, second);
    assert.deepEqual(call.span.parent, { id: first.span.id, evidence: ['answered next by the thread'] });
    // At 3 ms both were open; only the second is answered after 20.
    assert.equal(other.span.parent?.id, second.span.id);
    linked('event loop', ambiguous, call, first, second);
    assert.equal(ambiguous.span.parent, null);
    linked('unknown', call, first, second);
    assert.equal(call.span.parent, null);
  });

  it('does not believe threads of a process whose requests change theirs', () => {
    const moved = facts('server', 50, 60, { answerTid: 9 });
    const [one, two] = [facts('server', 0, 10), facts('server', 1, 10, { tid: 8, answerTid: 8 })];
    const call = facts('client', 2, 5);
    linked('unknown', call, one, two, moved);
    assert.equal(call.span.parent, null);
    const alone = facts('client', 52, 55, { tid: 33 });
    linked('changing', alone, moved);
    assert.deepEqual(alone.span.parent?.evidence, ['only open request of the process']);
  });

  it('believes a trace id more than threads', () => {
    const [one, two] = [facts('server', 0, 10, { trace: TRACE }), facts('server', 1, 9)];
    const call = facts('client', 2, 5, { trace: { ...TRACE, spanId: 'c'.repeat(16) } });
    linked('unknown', call, one, two);
    assert.deepEqual(call.span.parent, { id: one.span.id, evidence: ['same trace id'] });
  });

  it('joins a call of one process and the request of another by their connection', () => {
    const peer = A.split('>').reverse().join('>');
    const calls = [facts('client', 0, 4, {}, peer), facts('client', 5, 9, { sequence: 2 }, peer)];
    const request = facts('server', 6, 8, { pid: 2, sequence: 2 }, A);
    const stranger = facts('server', 6, 8, { pid: 2 }, '127.0.0.1:8080>127.0.0.1:50001');
    linked('unknown', ...calls, request, stranger);
    assert.deepEqual(request.span.parent, { id: calls[1].span.id, evidence: ['same connection'] });
    assert.equal(stranger.span.parent, null);
  });

  it('joins them by what they carry where a proxy is between', () => {
    const call = facts('client', 0, 9, { trace: TRACE });
    const request = facts('server', 2, 8, { pid: 2, trace: TRACE });
    linked('unknown', call, request);
    assert.deepEqual(request.span.parent, { id: call.span.id, evidence: ['same trace context'] });
  });

  it('keeps a bounded number of spans', () => {
    const links = new Links(() => 'unknown');
    for (let i = 0; i < 20_000; i++) links.add(facts('server', i, i + 1));
    assert.ok(links.related([facts('client', 0, 1).span], 10).length === 0);
    assert.ok((links as unknown as { kept: unknown[] }).kept.length <= 8_000);
  });
});
