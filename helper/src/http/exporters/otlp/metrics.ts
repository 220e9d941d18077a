// The routes' exact counts and histograms as OpenTelemetry's metrics, since the trace's start.

import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { HTTP_LATENCY_BOUNDS_S, type HttpRouteRow } from '../../../protocol';
import { calendarMs } from '../spanTimes';
import type { HttpExport } from '../types';
import { handlerAttributes, routeAttributes, SCOPE, timeOf } from './attributes';

interface Span {
  startTime: HrTime;
  endTime: HrTime;
}

export function metricsOf({ section, startedNs }: HttpExport, resource: Resource): ResourceMetrics {
  const time = {
    startTime: timeOf(calendarMs(section, startedNs)),
    endTime: timeOf(section.clock.unixMs),
  };
  const metrics = [
    ...sideMetrics('http.server', 'incoming requests', section.routes, time),
    ...sideMetrics('http.client', 'outgoing calls', section.clients, time),
    counter('ebpf_tracer.http.uncounted', 'What is in no row, by reason.', '{request}', time, (add) => {
      for (const [reason, count] of Object.entries(section.uncounted)) add({ reason }, count);
    }),
  ];
  const filled = metrics.filter(({ dataPoints }) => dataPoints.length > 0);
  return { resource, scopeMetrics: [{ scope: SCOPE, metrics: filled }] };
}

function sideMetrics(name: string, what: string, rows: readonly HttpRouteRow[], time: Span): MetricData[] {
  return [
    {
      ...described(
        `${name}.request.duration`,
        `Times of ${what}, from the first byte to the answer's last.`,
        's',
        ValueType.DOUBLE,
      ),
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: rows.map((row) => ({
        ...time,
        attributes: { ...routeAttributes(row), ...handlerAttributes(row.handler) },
        value: {
          buckets: { boundaries: [...HTTP_LATENCY_BOUNDS_S], counts: row.latency.counts },
          sum: row.latency.sumMs / 1_000,
          count: row.latency.counts.reduce((sum, count) => sum + count, 0),
          max: row.maxMs / 1_000,
        },
      })),
    },
    counter(
      `${name}.requests`,
      `Number of ${what} by status; without one: no answer came.`,
      '{request}',
      time,
      (add) => {
        for (const row of rows) {
          let answered = 0;
          for (const [status, count] of Object.entries(row.statuses)) {
            answered += count;
            add({ ...routeAttributes(row), ...statusAttribute(status) }, count);
          }
          if (row.count > answered) add(routeAttributes(row), row.count - answered);
        }
      },
    ),
    counter(`${name}.io`, `Plaintext bytes of ${what}, with heads.`, 'By', time, (add) => {
      for (const row of rows) {
        add({ ...routeAttributes(row), 'network.io.direction': 'receive' }, row.bytesIn);
        add({ ...routeAttributes(row), 'network.io.direction': 'transmit' }, row.bytesOut);
      }
    }),
  ];
}

/** `200`, `grpc:5`; `?` is none that is known. */
function statusAttribute(status: string): Attributes {
  const [, grpc, code] = /^(grpc:)?(\d+)$/.exec(status) ?? [];
  if (code === undefined) return {};
  return { [grpc ? 'rpc.grpc.status_code' : 'http.response.status_code']: Number(code) };
}

const described = (name: string, description: string, unit: string, valueType: ValueType) => ({
  descriptor: { name, description, unit, valueType },
  aggregationTemporality: AggregationTemporality.CUMULATIVE,
});

function counter(
  name: string,
  description: string,
  unit: string,
  time: Span,
  fill: (add: (attributes: Attributes, value: number) => void) => void,
): MetricData {
  const dataPoints: { startTime: HrTime; endTime: HrTime; attributes: Attributes; value: number }[] = [];
  fill((attributes, value) => void dataPoints.push({ ...time, attributes, value }));
  return {
    ...described(name, description, unit, ValueType.INT),
    dataPointType: DataPointType.SUM,
    isMonotonic: true,
    dataPoints,
  };
}
