// What was recorded last in this workspace, for "Record Again".

import type { Recorded } from '../settings';
import type { Tracer } from '../tracer';

const STATE_KEY = 'lastRecorded';

export type LastRecorded =
  | { kind: 'command'; line: string; title: string }
  | { kind: 'process'; pid: number; command: string; title: string; recorded: Recorded };

export const lastRecorded = (tracer: Tracer): LastRecorded | null =>
  tracer.context.workspaceState.get<LastRecorded>(STATE_KEY) ?? null;

export const rememberRecorded = (tracer: Tracer, last: LastRecorded): Thenable<void> =>
  tracer.context.workspaceState.update(STATE_KEY, last);
