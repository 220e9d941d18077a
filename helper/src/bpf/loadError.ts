// Turns a refusal of the kernel into the error that names its cause, by looking at what the machine lets us do: BTF,
// lockdown, capabilities, RLIMIT_MEMLOCK.

import { effectiveCapabilities, statusMask } from '../client/capabilities';
import { refusal } from '../client/rights';
import { textOf } from '../client/surroundings';
import { kernelObstacle } from '../privilege/kernelObstacle';
import { errorReport, TracerError, tracerError } from '../protocol';
import { BpfLoadError } from './object';
import { countsMemoryByCgroup } from './probe';

/** What the maps of a recording need where RLIMIT_MEMLOCK still counts. */
const MEMLOCK_BYTES = 8 << 20;

const MEMLOCK = errorReport('MEMLOCK');

function memlockTooLow({ errno }: BpfLoadError): boolean {
  if (errno !== 'EPERM') return false;
  const limit = /^Max locked memory\s+(\S+)/m.exec(textOf('/proc/self/limits') ?? '')?.[1];
  return limit !== undefined && limit !== 'unlimited' && Number(limit) < MEMLOCK_BYTES && !countsMemoryByCgroup();
}

/**
 * `log` gets the end of what libbpf and the verifier said. Never returns for an error that is not ours to explain:
 * throws it again.
 */
export function explainLoadError(error: unknown, log?: (level: 'warn', text: string) => void): TracerError {
  if (!(error instanceof BpfLoadError)) throw error;
  log?.('warn', [error.message, ...error.log].join('\n'));
  const forbidden = error.errno === 'EPERM' || error.errno === 'EACCES';
  // Rights first: without them, what the kernel allows cannot be tried.
  const effective = effectiveCapabilities();
  const bounding = statusMask(textOf('/proc/self/status') ?? '', 'CapBnd');
  const cause =
    (forbidden ? refusal(effective, bounding) : null) ?? (memlockTooLow(error) ? MEMLOCK : kernelObstacle());
  if (cause) return new TracerError(cause);
  return tracerError('KERNEL_NO_BPF', error.message);
}
