// The ways to start the helper with rights, tried in DESIGN.md's order until one works: already privileged, sudo
// without a question, sudo with our password box, sudo in a terminal, pkexec on a local desktop. Pure: the rungs are
// handed in (rungs.ts), so the order and the endings are tested without root. Called by helperHost.ts.

import { type ErrorReport, type ReadyLine, TracerError, tracerError } from '../../../helper/src/protocol';
import type { Log } from '../log';
import type { ElevationMethod } from '../settings';

export type RungId = 'direct' | 'sudo' | 'askpass' | 'terminal' | 'pkexec';

export type RungResult =
  | { kind: 'ready'; ready: ReadyLine }
  /** Not this way; `report` is what to say if no other way is left. */
  | { kind: 'next'; why: string; report?: ErrorReport };

/** Throws TracerError to end the ladder: cancelled, password rejected, a failure that no other rung can mend. */
export type Rung = () => Promise<RungResult>;

export interface Surroundings {
  privileged: boolean;
  hasSudo: boolean;
  hasPkexec: boolean;
  /** A graphical session on this very machine, where a polkit dialog would be seen. */
  localDesktop: boolean;
  noNewPrivileges: boolean;
  method: ElevationMethod;
}

/** Which rungs exist here, in order. */
export function rungsFor(here: Surroundings): RungId[] {
  if (here.privileged) return ['direct'];
  if (here.noNewPrivileges) return [];
  const asking: RungId[] = here.method === 'auto' ? ['askpass', 'terminal'] : [];
  if (here.method === 'askpass' || here.method === 'terminal') asking.push(here.method);
  const rungs: RungId[] = here.hasSudo && here.method !== 'pkexec' ? ['sudo', ...asking] : [];
  if (here.hasPkexec && here.localDesktop && (here.method === 'auto' || here.method === 'pkexec')) rungs.push('pkexec');
  return rungs;
}

export async function climb(order: RungId[], rungs: Record<RungId, Rung>, log: Log): Promise<ReadyLine> {
  if (order.length === 0) throw tracerError('SUDO_ABSENT');
  let lastReport: ErrorReport | undefined;
  for (const id of order) {
    const result = await rungs[id]();
    if (result.kind === 'ready') {
      log.info(`administrator rights by: ${id}`);
      return result.ready;
    }
    log.info(`administrator rights not by ${id}: ${result.why}`);
    lastReport = result.report ?? lastReport;
  }
  throw lastReport ? new TracerError(lastReport) : tracerError('NO_PRIVILEGE', 'no way to get them worked here');
}
