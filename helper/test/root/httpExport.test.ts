// What `ebpf-tracer http` writes for other programs, read by those others: HAR by har-validator, OTLP by Google's protobuf, metrics by
// Prometheus's own parser for Python. And 1,000 secrets in the requests, of which none may be in anything that comes out.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, get, type IncomingHttpHeaders, request } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HttpReport } from '../../src/protocol';
import { type CliRun, jsonOf, startCli } from './cli';
import { freePort } from './freePort';
import { until } from './helperProcess';

const SERVER = `const http = require('http');
  http.createServer((q, s) => {
    if (q.url.startsWith('/calls')) return http.get({ port: PORT, host: '127.0.0.1', path: '/called', headers: { traceparent: q.headers.traceparent } },
      (a) => { a.resume(); a.on('end', () => s.end('done')); });
    s.statusCode = q.url.startsWith('/broken') ? 500 : 200;
    s.setHeader('location', 'http://x/' + encodeURIComponent(q.url)); s.setHeader('set-cookie', 'sid=' + q.url); s.end(q.url); })
  .listen(PORT, '127.0.0.1');`;

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

/** Of two sources: which secrets a request has, and how it carries them. */
function secretRequests(): { path: string; headers: Record<string, string>; secrets: string[] }[] {
  let seed = 11;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
  const word = (length: number) =>
    Array.from({ length }, () => letters[Math.floor(random() * letters.length)]).join('');
  const card = () => {
    const digits = `4${Array.from({ length: 14 }, () => Math.floor(random() * 10)).join('')}`;
    const sum = [...digits].reverse().reduce((total, digit, i) => {
      const value = Number(digit) * (i % 2 === 0 ? 2 : 1);
      return total + (value > 9 ? value - 9 : value);
    }, 0);
    return digits + String((10 - (sum % 10)) % 10);
  };
  const hex = (text: string) => [...text].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join('');
  const kinds: ((secret: string) => { path: string; headers?: Record<string, string>; secrets?: string[] })[] = [
    (s) => ({ path: `/search?q=${s}` }),
    (s) => ({ path: `/search?${s}` }),
    (s) => ({ path: `/search?a=1&b=${hex(s)}`, secrets: [s, hex(s)] }),
    (s) => ({ path: `http://user:${s}@127.0.0.1/absolute` }),
    (s) => ({ path: `/mail/${s}@example.org/inbox` }),
    (s) => ({ path: `/mail/${s}%40example.org` }),
    () => ((c) => ({ path: `/cards/${c}`, secrets: [c] }))(card()),
    (s) => ({ path: `/keys/ghp_${s}${s}`, secrets: [s] }),
    (s) => ({ path: `/matrix;jsessionid=${s}/x` }),
    (s) => ({ path: `/people/${s.toLowerCase().replace(/\d/g, 'x')}`, secrets: [s.toLowerCase().replace(/\d/g, 'x')] }),
    (s) => ({ path: '/headers', headers: { authorization: `Bearer ${s}`, cookie: `sid=${s}`, 'x-api-key': s } }),
    (s) => ({
      path: '/context',
      headers: { tracestate: `vendor=${s}`, traceparent: `00-${TRACE}-00f067aa0ba902b7-01` },
    }),
    (s) => ({ path: '/location', headers: { referer: `http://x/?${s}`, location: s } }),
    (s) => ({ path: `/broken?reset=${s}` }),
  ];
  return Array.from({ length: 1_000 }, (_, i) => {
    const secret = word(16);
    const { path, headers = {}, secrets = [secret] } = kinds[i % kinds.length](secret);
    return { path, headers, secrets };
  });
}

describe('ebpf-tracer http: what it writes for other programs', function () {
  this.timeout(180_000);
  let folder: string;
  let target: ChildProcess | null = null;

  before(async function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: needs root');
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'http-export-'));
    await trace();
  });

  after(() => {
    target?.kill('SIGKILL');
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  function ask(port: number, path: string, headers: Record<string, string> = {}): Promise<string> {
    return new Promise((resolve, reject) => {
      get({ port, host: '127.0.0.1', path, headers, agent }, (answer) => {
        let text = '';
        answer.on('data', (chunk) => (text += chunk));
        answer.once('end', () => resolve(text));
      }).once('error', reject);
    });
  }

  async function tracing(run: CliRun): Promise<void> {
    let said = '';
    run.child.stderr!.on('data', (chunk) => (said += chunk));
    await until(() => said.includes('Tracing ') || run.child.exitCode !== null, 'Tracing …');
  }

  const files: Record<string, string> = {};
  const received: { url: string; headers: IncomingHttpHeaders; body: Buffer }[] = [];
  let report: HttpReport;
  let metrics = '';

  async function trace(): Promise<void> {
    const [port, metricsPort, collectorPort] = [await freePort(), await freePort(), await freePort()];
    target = spawn(process.execPath, ['-e', SERVER.replaceAll('PORT', String(port))], { stdio: 'ignore', cwd: folder });
    for (let up = false; !up; )
      up = await ask(port, '/first').then(
        () => true,
        () => false,
      );
    const collector = createServer((asked, answer) => {
      const chunks: Buffer[] = [];
      asked.on('data', (chunk) => chunks.push(chunk));
      asked.on('end', () => {
        received.push({ url: asked.url!, headers: asked.headers, body: Buffer.concat(chunks) });
        answer.setHeader('content-type', 'application/x-protobuf');
        answer.end();
      });
    });
    await new Promise<void>((resolve) => collector.listen(collectorPort, '127.0.0.1', resolve));
    try {
      const scraped = (row: RegExp) =>
        until(() => {
          void ask(metricsPort, '/metrics').then(
            (text) => {
              metrics = text;
            },
            () => {},
          );
          return row.test(metrics);
        }, `metrics with ${row}`);
      for (const name of ['har', 'jsonl', 'otlp', 'recording']) files[name] = join(folder, `out.${name}`);
      const common = ['http', '--pid', String(target.pid), '--json'];
      const toFiles = ['--har', files.har, '--jsonl', files.jsonl, '--otlp', files.otlp, '--output', files.recording];
      const run = startCli([...common, ...toFiles, '--metrics', String(metricsPort)]);
      await tracing(run);
      // On a connection of the tracer's own time: of an older one the first request cannot be counted.
      agent.destroy();
      // While there is little to do every request gets a span.
      await ask(port, '/warm');
      await scraped(/"\/warm"/);
      for (let i = 0; i < 5; i++) await ask(port, '/calls', { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` });
      for (const { path, headers } of secretRequests()) await ask(port, path, headers);
      await ask(port, '/last');
      await scraped(/http_server_requests_total\{.*"\/last"/);
      run.child.kill('SIGINT');
      const result = await run.ended;
      assert.equal(result.code, 0, result.stderr);
      files.stderr = join(folder, 'stderr');
      writeFileSync(files.stderr, result.stderr);
      files.stdout = join(folder, 'stdout');
      writeFileSync(files.stdout, result.stdout);
      report = jsonOf<HttpReport>(result);
      files.metricsLines = join(folder, 'out.metrics.otlp');
      files.metrics = join(folder, 'metrics');
      writeFileSync(files.metrics, metrics);

      // A few names are words of the route, like any other; many are its parameter.
      const withoutNames = secretRequests()
        .filter(({ path }) => !path.startsWith('/people'))
        .slice(0, 100);
      const sent = startCli([...common, '--otlp', `http://127.0.0.1:${collectorPort}`]);
      await tracing(sent);
      agent.destroy();
      for (const { path, headers } of withoutNames) await ask(port, path, headers);
      sent.child.kill('SIGINT');
      const second = await sent.ended;
      assert.equal(second.code, 0, second.stderr);
      for (const [i, { body }] of received.entries()) {
        files[`sent${i}`] = join(folder, `sent${i}`);
        writeFileSync(files[`sent${i}`], body);
      }
    } finally {
      agent.destroy();
      collector.closeAllConnections();
      collector.close();
    }
  }

  it('lets none of 1,000 secrets out', () => {
    const requests = secretRequests();
    assert.ok(report.requests >= 1_010);
    for (const [name, path] of Object.entries(files)) {
      const text = readFileSync(path, 'latin1');
      assert.ok(name === 'stderr' || text.length > 50, name);
      const out = requests.flatMap(({ secrets }) => secrets).filter((secret) => text.includes(secret));
      assert.deepEqual(out.slice(0, 3), [], name);
    }
  });

  it('writes the names that the conventions have, and links', () => {
    const [line] = readFileSync(files.otlp, 'utf8').split('\n');
    const spans = JSON.parse(line).resourceSpans[0].scopeSpans[0].spans;
    const called = spans.filter(({ name }: { name: string }) => name === 'GET /called');
    assert.equal(called.length, 10);
    const ids = new Map(spans.map((span: { spanId: string }) => [span.spanId, span]));
    for (const span of called) {
      assert.equal(span.traceId, TRACE);
      const parent = ids.get(span.parentSpanId) as { name: string } | undefined;
      assert.equal(parent?.name, span.kind === 2 ? 'GET /called' : 'GET /calls');
    }
    const lines = readFileSync(files.jsonl, 'utf8').trim().split('\n');
    assert.equal(lines.length, spans.length);
    assert.ok(JSON.parse(lines[0]).startedAt.startsWith('20'));
  });

  it('overwrites nothing that is not its own, and takes no port that is taken', async () => {
    const strange = join(folder, 'strange');
    writeFileSync(strange, '{"log":{}}');
    for (const option of ['--har', '--jsonl', '--otlp']) {
      const { code, stdout } = await startCli(['http', '--pid', String(target!.pid), '--json', option, strange]).ended;
      assert.equal(code, 1, option);
      assert.equal(JSON.parse(stdout).error.code, 'OUTPUT_EXISTS', option);
    }
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const run = await startCli(['http', '--pid', String(target!.pid), '--json', '--metrics', String(port)]).ended;
    taken.close();
    assert.match(JSON.parse(run.stdout).error.message, /another program listens there/);
  });

  it('answers no page of a browser that calls it by another name', async () => {
    const { serveMetrics } = await import('../../src/http/exporters/prometheus/server');
    const port = await freePort();
    const open = await serveMetrics(String(port));
    const status = (headers: Record<string, string>) =>
      new Promise((resolve) =>
        request({ port, host: '127.0.0.1', path: '/metrics', headers }, (a) => resolve(a.resume().statusCode)).end(),
      );
    assert.equal(await status({ host: `evil.example:${port}` }), 403);
    assert.equal(await status({}), 200);
    await open.close!();
  });

  it('writes HAR that har-validator takes', async function () {
    if (
      spawnSync('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', 'har-validator@5.1.5'], {
        timeout: 60_000,
      }).status !== 0
    ) {
      console.log('      skipped: npm has no har-validator');
      this.skip();
    }
    const { har } = createRequire(join(folder, 'x.js'))('har-validator/lib/promise');
    const archive = JSON.parse(readFileSync(files.har, 'utf8'));
    await har(archive);
    assert.ok(archive.log.entries.length > 100);
    archive.log.entries[0].time = 'x';
    await assert.rejects(har(archive));
  });

  it('sends OTLP that Google’s protobuf decodes, and metrics that Prometheus’s parser reads', function () {
    const packages = join(folder, 'python');
    const pip = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--target',
      packages,
      'opentelemetry-proto==1.45.2',
      'prometheus-client',
    ];
    if (spawnSync('python3', pip, { timeout: 90_000 }).status !== 0) {
      console.log('      skipped: PyPI has no opentelemetry-proto');
      this.skip();
    }
    assert.deepEqual(
      received.map(({ url }) => url),
      ['/v1/traces', '/v1/metrics'],
    );
    const code = `
import json, sys
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from prometheus_client.parser import text_string_to_metric_families
folder = sys.argv[1]
read = lambda name: open(folder + "/" + name, "rb").read()
traces = ExportTraceServiceRequest.FromString(read("sent0"))
metrics = ExportMetricsServiceRequest.FromString(read("sent1"))
spans = traces.resource_spans[0].scope_spans[0].spans
keys = sorted({a.key for s in spans for a in s.attributes})
times = all(0 < s.end_time_unix_nano - s.start_time_unix_nano < 60e9 for s in spans)
duration = [m for m in metrics.resource_metrics[0].scope_metrics[0].metrics if m.name == "http.server.request.duration"][0]
points = duration.histogram.data_points
families = {f.name: f for f in text_string_to_metric_families(read("metrics").decode())}
requests = sum(s.value for s in families["http_server_requests"].samples)
buckets = [s for s in families["http_server_request_duration_seconds"].samples if s.labels.get("le") == "+Inf"]
print(json.dumps({"spans": len(spans), "keys": keys, "times": times,
  "count": sum(p.count for p in points), "buckets": sum(sum(p.bucket_counts) for p in points), "bounds": list(points[0].explicit_bounds),
  "requests": requests, "inf": sum(b.value for b in buckets), "families": sorted(families)}))
`;
    const run = spawnSync('python3', ['-c', code, folder], {
      env: { ...process.env, PYTHONPATH: packages },
      encoding: 'utf8',
    });
    assert.equal(run.status, 0, run.stderr);
    const found = JSON.parse(run.stdout);
    assert.equal(found.count, 100, run.stdout);
    assert.equal(found.buckets, 100);
    assert.equal(found.bounds[0], 0.005);
    assert.ok(found.spans >= 5 && found.times, run.stdout);
    for (const key of ['http.request.method', 'http.route', 'http.response.status_code', 'server.port', 'url.path'])
      assert.ok(found.keys.includes(key), key);
    assert.ok(found.requests >= 1_005 && found.inf === found.requests, run.stdout);
    for (const family of ['ebpf_tracer_helper_cpu_seconds', 'http_client_request_duration_seconds'])
      assert.ok(found.families.includes(family), run.stdout);
  });
});
