// What gRPC says in HTTP/2 (PROTOCOL-HTTP2.md of grpc/grpc): status codes, also of calls that ended without one, timeouts, and trailers that
// gRPC-Web sends as text in the body (PROTOCOL-WEB.md there).

export const GRPC_OK = 0;
const CANCELLED = 1;
const DEADLINE_EXCEEDED = 4;
const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
const INTERNAL = 13;
const UNAVAILABLE = 14;

/** Error codes of HTTP/2 (RFC 9113, 7) whose status is not INTERNAL. */
const STATUS_OF_ERROR: Record<number, number> = {
  7: UNAVAILABLE,
  8: CANCELLED,
  11: RESOURCE_EXHAUSTED,
  12: PERMISSION_DENIED,
};

export function isGrpc(contentType: string): boolean {
  return /^application\/grpc(?:$|[+;-])/i.test(contentType);
}

/** Null where it is no status. */
export function parseStatus(text: string): number | null {
  return /^\d{1,5}$/.test(text) ? Number(text) : null;
}

const UNITS_NS: Record<string, number> = { H: 3_600e9, M: 60e9, S: 1e9, m: 1e6, u: 1e3, n: 1 };

/** `grpc-timeout`, in ns. Null where it is none. */
export function parseTimeout(text: string): number | null {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  return match ? Number(match[1]) * UNITS_NS[match[2]] : null;
}

/** The caller's clock began a little before we saw its request. */
const EARLY_NS = 5e6;
const EARLY_SHARE = 0.05;

/** What a call ended with that was reset before it had a status. Who gives up at the deadline resets just as who cancels: its time tells. */
export function statusOfReset(error: number, timeoutNs: number | null, tookNs: number): number {
  const status = STATUS_OF_ERROR[error] ?? INTERNAL;
  if (status !== CANCELLED || timeoutNs === null) return status;
  return tookNs >= timeoutNs * (1 - EARLY_SHARE) - EARLY_NS ? DEADLINE_EXCEEDED : CANCELLED;
}

/** The status in trailers of gRPC-Web. Null: there is none in them. */
export function statusInText(text: string): number | null {
  const match = /^grpc-status:[ \t]*(\d{1,5})[ \t]*\r?$/im.exec(text);
  return match ? Number(match[1]) : null;
}
