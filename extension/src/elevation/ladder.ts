// Which ways to start the helper with rights exist here, in DESIGN.md's order: already privileged, sudo without a question, sudo with our
// password box, sudo in a terminal, pkexec on a local desktop. Pure, so that the order is tested without root.

import type { ElevationMethod } from '../settings';

export type RungId = 'direct' | 'sudo' | 'askpass' | 'terminal' | 'pkexec';

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
