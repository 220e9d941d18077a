// The listener of Prometheus's scrapes, on the loopback address alone.

import { createServer, type Server } from 'node:http';
import { type HttpLive, tracerError } from '../../../protocol';
import type { HelperFigures, OpenExport } from '../types';
import { metricsText } from './text';

const HOST = '127.0.0.1';
const TEXT = 'text/plain; version=0.0.4; charset=utf-8';

/** Throws USAGE. */
export async function serveMetrics(given: string): Promise<OpenExport> {
  const port = /^\d{1,5}$/.test(given) ? Number(given) : 0;
  if (port < 1 || port > 65_535) throw tracerError('USAGE', `--metrics ${given}: write a port from 1 to 65535.`);
  return new MetricsServer(await listen(port));
}

class MetricsServer implements OpenExport {
  private latest: { live: HttpLive; helper: HelperFigures } | null = null;

  constructor(private readonly server: Server) {
    server.on('request', (request, response) => {
      request.resume();
      // A page of the user's browser must not read it: its name for this address is another.
      const isOurs = isLoopback(request.headers.host);
      if (!isOurs || request.url !== '/metrics' || request.method !== 'GET') {
        response.writeHead(isOurs ? 404 : 403, { 'content-type': 'text/plain' });
        response.end('/metrics\n');
        return;
      }
      response.writeHead(200, { 'content-type': TEXT });
      response.end(this.latest ? metricsText(this.latest.live, this.latest.helper) : '');
    });
  }

  progress(live: HttpLive, helper: HelperFigures): void {
    this.latest = { live, helper };
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const isLoopback = (host: string | undefined) => /^(?:127\.0\.0\.1|localhost)(?::\d+)?$/.test(host ?? '');

function listen(port: number): Promise<Server> {
  const server = createServer();
  server.maxConnections = 16;
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        tracerError(
          'USAGE',
          `--metrics ${port}: ${error.code === 'EADDRINUSE' ? 'another program listens there' : error.message}.`,
        ),
      ),
    );
    server.listen({ port, host: HOST }, () => resolve(server));
  });
}
