// The ways to start the helper with rights are tried in an order until one works. What they share, whoever has them: how a way that
// does not work leads to the next, what ends all of them, and what is said where none is left.

import { type ErrorReport, type ReadyLine, TracerError, tracerError } from '../protocol';
import type { ClientLog, StartResult } from './startProcess';

export type RungResult =
  | { kind: 'ready'; ready: ReadyLine }
  /** Not this way; `report` is what to say if no other way is left. */
  | { kind: 'next'; why: string; report?: ErrorReport };

/** Throws TracerError to end the ladder: cancelled, password rejected, a failure that no other rung can mend. */
export type Rung = () => Promise<RungResult>;

/** Throws TracerError; SUDO_ABSENT where there is no rung at all. */
export async function climb<Id extends string>(
  order: readonly Id[],
  rungs: Record<Id, Rung>,
  log: ClientLog,
): Promise<ReadyLine> {
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

/** What all rungs share: ready is ready, and what the helper itself reports ends the ladder. Throws TracerError. */
export function settled(
  result: StartResult,
  onExit: (exited: Extract<StartResult, { kind: 'exited' }>) => RungResult,
): RungResult {
  switch (result.kind) {
    case 'ready':
      return result;
    case 'report':
      throw new TracerError(result.report);
    case 'timeout':
      throw tracerError('HELPER_START', 'it did not answer in time');
    case 'exited':
      return onExit(result);
  }
}
