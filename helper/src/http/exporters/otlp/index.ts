// OpenTelemetry's protocol: to a collector over HTTP in protobuf, or to files of JSON lines, one for spans and one for metrics, since
// such a file holds one kind (https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/). What encodes is a bundle of its
// own (encode.ts), loaded at the end of a trace.

import { resolve } from 'node:path';
import { tracerError } from '../../../protocol';
import { workerFile } from '../../../workers/thread';
import type { ExportFile, HttpExport, HttpExporter } from '../types';

export interface OtlpEncoder {
  traceLine(found: HttpExport): string;
  metricsLine(found: HttpExport): string;
  /** `base`: without /v1/traces. Rejects with what the collector, or the way to it, said. */
  send(base: string, found: HttpExport): Promise<void>;
}

const encoder = (): OtlpEncoder => require(workerFile(__dirname, 'otlp.js', 'encode.js'));

export const OTLP: HttpExporter = {
  option: 'otlp',
  value: 'FILE|URL',
  help:
    'Write spans and metrics as OTLP: to a collector (http://127.0.0.1:4318; headers from OTEL_EXPORTER_OTLP_HEADERS), or as JSON lines to ' +
    'FILE and to another file of that name with ".metrics" in it.',
  open: (given) => {
    if (!/^[a-z]+:\/\//i.test(given)) return { files: filesAt(resolve(given)) };
    const base = baseOf(given);
    return {
      finish: async (found) => {
        try {
          await encoder().send(base, found);
        } catch (error) {
          throw tracerError('OTLP_NOT_SENT', base, error instanceof Error ? error.message : String(error));
        }
      },
    };
  },
};

function baseOf(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash)
    throw tracerError(
      'USAGE',
      `--otlp ${given}: write a file, or a collector's address such as http://127.0.0.1:4318.`,
    );
  return url.href.replace(/\/(?:v1\/(?:traces|metrics))?$/, '');
}

function filesAt(path: string): ExportFile[] {
  const metrics = path.replace(/(\.[^./]+)?$/, '.metrics$1');
  const begins = (text: string) => (start: Buffer) => start.toString('latin1').startsWith(text);
  return [
    { path, isOurs: begins('{"resourceSpans":'), pieces: (found) => [encoder().traceLine(found)] },
    { path: metrics, isOurs: begins('{"resourceMetrics":'), pieces: (found) => [encoder().metricsLine(found)] },
  ];
}
