// Prometheus text (https://prometheus.io/docs/instrumenting/exposition_formats/, 0.0.4) for as long as the trace runs: the routes'
// counts and histograms, and what the helper itself costs.

import type { HttpExporter } from '../types';

export const PROMETHEUS: HttpExporter = {
  option: 'metrics',
  value: 'PORT',
  help: 'Serve the figures so far to Prometheus at http://127.0.0.1:PORT/metrics while the trace runs.',
  allRowsLive: true,
  open: async (given) => (await import('./server')).serveMetrics(given),
};
