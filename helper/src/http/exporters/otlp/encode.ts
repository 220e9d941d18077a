// Entry of the bundle dist/otlp.js: the only place that loads OpenTelemetry's packages, which are larger than all else of the command
// line together.

import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { JsonMetricsSerializer, JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { HttpExport } from '../types';
import { metricsOf } from './metrics';
import { spansOf } from './spans';

const TIMEOUT_MS = 10_000;

const resourceOf = ({ title, tracerVersion }: HttpExport) =>
  resourceFromAttributes({
    'service.name': title,
    'telemetry.distro.name': 'universal-ebpf-tracer',
    'telemetry.distro.version': tracerVersion,
  });

const text = (bytes: Uint8Array | undefined) => `${Buffer.from(bytes ?? []).toString('utf8')}\n`;

export const traceLine = (found: HttpExport): string =>
  text(JsonTraceSerializer.serializeRequest(spansOf(found, resourceOf(found))));

export const metricsLine = (found: HttpExport): string =>
  text(JsonMetricsSerializer.serializeRequest(metricsOf(found, resourceOf(found))));

interface Exporter<Data> {
  export(data: Data, done: (result: { code: number; error?: Error }) => void): void;
  shutdown(): Promise<void>;
}

export async function send(base: string, found: HttpExport): Promise<void> {
  const resource = resourceOf(found);
  const settings = (path: string) => ({ url: `${base}/v1/${path}`, timeoutMillis: TIMEOUT_MS });
  await exported(new OTLPTraceExporter(settings('traces')), spansOf(found, resource));
  await exported(new OTLPMetricExporter(settings('metrics')), metricsOf(found, resource));
}

async function exported<Data>(exporter: Exporter<Data>, data: Data): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      exporter.export(data, ({ code, error }) => (code === 0 ? resolve() : reject(error ?? new Error('refused'))));
    });
  } finally {
    await exporter.shutdown();
  }
}
