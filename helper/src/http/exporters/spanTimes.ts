// What exporters ask of spans alike: the calendar's time for the kernel's clock, which begins at the machine's start; ends of
// connections; protocols as OpenTelemetry numbers them.

import type { HttpProtocol, HttpSection } from '../../protocol';

/** ms since 1970, with a fraction. */
export function calendarMs({ clock }: Pick<HttpSection, 'clock'>, monotonicNs: number): number {
  return clock.unixMs + (monotonicNs - clock.monotonicNs) / 1e6;
}

/** `host:port` in its parts; a Unix socket has none. */
export function endOf(text: string): { address: string; port: number } | null {
  const match = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(text);
  return match ? { address: match[1] ?? match[2], port: Number(match[3]) } : null;
}

/** network.protocol.version */
export const versionOf = (protocol: HttpProtocol): string =>
  protocol === 'h2' || protocol === 'grpc' ? '2' : protocol.replace(/^HTTP\//, '');
