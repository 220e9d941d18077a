// CodeLens of HTTP routes over their handlers: of the active recording, of one under way, quiet while nothing changes, marked beyond the
// thresholds.

import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { HttpRouteRow } from '../../../helper/src/protocol';
import type { FigureContext } from '../../src/annotate/figures';
import type { RecordingSession } from '../../src/session/recordingSession';
import { EventEmitter, withFakeVsCode } from '../fakes/fakeVsCode';

const { HttpFigures } = withFakeVsCode(
  () => require('../../src/annotate/httpFigures') as typeof import('../../src/annotate/httpFigures'),
);

describe('figures of HTTP routes', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'ebpf-tracer-http-figures-')));
  const file = join(folder, 'server.ts');
  writeFileSync(file, '');
  after(() => rmSync(folder, { recursive: true }));

  const row = (more: Partial<HttpRouteRow> = {}): HttpRouteRow => ({
    ...{ method: 'GET', route: '/users/:id', protocol: 'HTTP/1.1', tls: false, count: 1_204, errors: 3, statuses: {} },
    ...{ bytesIn: 0, bytesOut: 0, p50Ms: 3.14, p90Ms: 9, p99Ms: 48, maxMs: 50, firstByteMs: 1 },
    latency: { sumMs: 0, counts: [] },
    handler: { function: 'user', file, line: 7, confidence: 0.9, evidence: ['its declaration'] },
    ...more,
  });
  const section = (routes: HttpRouteRow[]) => ({
    ...{ requests: 1, routesExact: true, uncounted: {}, spans: 0, spanRate: 1, lost: 0, connections: 1 },
    ...{ routes, clients: [], websockets: [], exemplars: [], clock: { monotonicNs: 0, unixMs: 0 } },
  });

  /** A window with one recording open and `start` to begin another. */
  function setUp(routes: HttpRouteRow[] | null) {
    const changed = new EventEmitter<void>();
    const started = new EventEmitter<RecordingSession>();
    const extra = { complete: true, sources: [], cwd: null, sections: { http: routes && section(routes) } };
    const profiles = {
      active: routes && { path: '/old', extra },
      locator: { find: async (path: string) => (path === file ? path : null) },
      onDidChange: changed.event,
    };
    const sessions = { list: () => [], onDidStart: started.event };
    const context = { profiles, sessions } as unknown as Pick<FigureContext, 'profiles' | 'sessions'>;
    const figures = new HttpFigures(context);
    let said = 0;
    figures.onDidChange(() => said++);
    const of = (path = file) => figures.figuresOf({ scheme: 'file', fsPath: path } as never);
    const settled = async (count: number) => {
      const until = Date.now() + 10_000;
      while (said < count && Date.now() < until) await delay(5);
      // What comes too often would come now.
      await delay(30);
      assert.equal(said, count);
    };
    return { profiles, changed, started, of, settled };
  }
  const titles = (of: ReturnType<typeof setUp>['of']) =>
    (of()?.lenses() ?? []).map(({ line, title }) => [line, title.replaceAll('\u202f', ' ')]);

  it('stand above the handler, of the active recording', async () => {
    const { of, settled } = setUp([row(), row({ route: '/none', handler: null })]);
    await settled(1);
    assert.deepEqual(titles(of), [[7, 'GET /users/:id · p50 3.1 ms · p99 48 ms · 0.2 % errors · 1,204 req']]);
    assert.deepEqual(of()?.lenses()[0].arguments, ['/old', 'server\nGET\n/users/:id\nHTTP/1.1\nfalse']);
    assert.deepEqual(of()?.warnings?.(), []);
    assert.equal(of('/elsewhere.ts'), null);
  });

  it('begin with a warning, and mark the line, beyond the thresholds', async () => {
    const { of, settled } = setUp([
      row({ p99Ms: 900, handler: { ...row().handler!, line: 3 } }),
      row({ count: 10, errors: 5, handler: { ...row().handler!, line: 5 } }),
      row({ route: '/$(sync~spin)' }),
    ]);
    await settled(1);
    assert.deepEqual(of()?.warnings?.().sort(), [3, 5]);
    const [seventh] = titles(of).filter(([line]) => line === 7);
    assert.match(String(seventh[1]), /^GET \/\\\$\(sync~spin\)/);
    for (const [, title] of titles(of).filter(([line]) => line !== 7))
      assert.match(String(title), /^\$\(warning\) GET/);
  });

  it('follow a recording under way, are quiet while nothing comes, and stay until its end is loaded', async () => {
    const { of, settled, started, profiles, changed } = setUp(null);
    const progress = new EventEmitter<void>();
    const session = {
      subject: { output: '/new', tracers: ['http'] },
      tracers: [
        { id: 'http', unit: 'requests', count: 0, lost: 0, live: { routes: [row()], clients: [], uncounted: {} } },
      ],
      onDidChange: progress.event,
    };
    started.fire(session as unknown as RecordingSession);
    for (let i = 0; i < 5; i++) progress.fire();
    await settled(1);
    assert.equal(of()?.final, false);
    session.tracers[0].live = { routes: [row({ count: 1_205 })], clients: [], uncounted: {} };
    progress.fire();
    await settled(2);
    assert.match(String(titles(of)[0][1]), /1,205 req$/);
    const extra = { complete: true, sources: [], cwd: null, sections: { http: section([row({ count: 1_300 })]) } };
    profiles.active = { path: '/new', extra };
    changed.fire();
    await settled(3);
    assert.match(String(titles(of)[0][1]), /1,300 req$/);
    assert.equal(of()?.final, true);
  });

  it('show nothing of what is no row, and no more lenses on a line than can be read', async () => {
    const { of, settled } = setUp([{ count: 'x' } as unknown as HttpRouteRow]);
    await settled(0);
    assert.equal(of(), null);
    const many = setUp(Array.from({ length: 9 }, (_, i) => row({ route: `/${i}` })));
    await many.settled(1);
    assert.equal(titles(many.of).length, 3);
    assert.match(String(titles(many.of)[2][1]), /and 6 more$/);
  });
});
