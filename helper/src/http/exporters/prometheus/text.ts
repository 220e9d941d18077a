// The figures of a trace as Prometheus text. Names follow OpenTelemetry's for the same figures, as its rules for Prometheus write them.

import { HTTP_LATENCY_BOUNDS_S, type HttpLive, type HttpRouteRow } from '../../../protocol';
import { versionOf } from '../spanTimes';
import type { HelperFigures } from '../types';

type Labels = Record<string, string>;

export function metricsText(live: HttpLive, helper: HelperFigures): string {
  const sides = [
    { name: 'http_server', what: 'incoming requests', rows: live.routes },
    { name: 'http_client', what: 'outgoing calls', rows: live.clients },
  ];
  const lines = sides.flatMap(({ name, what, rows }) => [
    ...family(
      `${name}_request_duration_seconds`,
      'histogram',
      `Times of ${what}, from the first byte to the answer's last.`,
    ),
    ...rows.flatMap((row) => histogram(`${name}_request_duration_seconds`, row)),
    ...family(`${name}_requests_total`, 'counter', `Number of ${what} by status; without one: no answer came.`),
    ...rows.flatMap((row) => statuses(`${name}_requests_total`, row)),
    ...family(`${name}_received_bytes_total`, 'counter', `Plaintext bytes that came with ${what}, with heads.`),
    ...rows.map((row) => line(`${name}_received_bytes_total`, labelsOf(row), row.bytesIn)),
    ...family(`${name}_sent_bytes_total`, 'counter', `Plaintext bytes that went with ${what}, with heads.`),
    ...rows.map((row) => line(`${name}_sent_bytes_total`, labelsOf(row), row.bytesOut)),
  ]);
  lines.push(
    ...family('ebpf_tracer_http_uncounted', 'gauge', 'What is in no row, by reason.'),
    ...Object.entries(live.uncounted).map(([reason, count]) => line('ebpf_tracer_http_uncounted', { reason }, count)),
    ...family('ebpf_tracer_helper_cpu_seconds_total', 'counter', 'CPU time of the helper.'),
    line('ebpf_tracer_helper_cpu_seconds_total', {}, helper.cpuMs / 1_000),
    ...family('ebpf_tracer_helper_resident_memory_bytes', 'gauge', 'Memory of the helper.'),
    line('ebpf_tracer_helper_resident_memory_bytes', {}, helper.rssBytes),
  );
  if (helper.bpfNs !== null)
    lines.push(
      ...family('ebpf_tracer_bpf_seconds_total', 'counter', 'Run time of the BPF programs.'),
      line('ebpf_tracer_bpf_seconds_total', {}, helper.bpfNs / 1e9),
    );
  return `${lines.join('\n')}\n`;
}

const family = (name: string, type: string, help: string) => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];

const labelsOf = ({ method, route, protocol, tls }: HttpRouteRow): Labels => ({
  http_request_method: method,
  http_route: route,
  network_protocol_version: versionOf(protocol),
  url_scheme: tls ? 'https' : 'http',
});

function histogram(name: string, row: HttpRouteRow): string[] {
  const labels = labelsOf(row);
  let below = 0;
  const buckets = HTTP_LATENCY_BOUNDS_S.map((bound, i) => {
    below += row.latency.counts[i];
    return line(`${name}_bucket`, { ...labels, le: String(bound) }, below);
  });
  const count = row.latency.counts.reduce((sum, one) => sum + one, 0);
  return [
    ...buckets,
    line(`${name}_bucket`, { ...labels, le: '+Inf' }, count),
    line(`${name}_sum`, labels, row.latency.sumMs / 1_000),
    line(`${name}_count`, labels, count),
  ];
}

function statuses(name: string, row: HttpRouteRow): string[] {
  const answered = Object.entries(row.statuses);
  const unanswered = row.count - answered.reduce((sum, [, count]) => sum + count, 0);
  return [...answered, ...(unanswered > 0 ? ([['', unanswered]] as const) : [])].map(([status, count]) =>
    line(name, { ...labelsOf(row), http_response_status_code: status }, count),
  );
}

function line(name: string, labels: Labels, value: number): string {
  const text = Object.entries(labels).map(([label, one]) => `${label}="${escaped(one)}"`);
  return `${name}${text.length > 0 ? `{${text.join(',')}}` : ''} ${value}`;
}

const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
