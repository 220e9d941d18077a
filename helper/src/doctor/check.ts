// "Check This Machine": what works here, and what to do about what does not. Every answer is found by trying or by
// reading what the kernel says of itself, never from version strings. Called by services.ts (with the helper's rights)
// and by the command line without any; then what it cannot see is `unknown`, with the reason.

import { arch, release } from 'node:os';
import { effectiveCapabilities } from '../privilege/capabilities';
import { mayTrace } from '../privilege/rights';
import type { CheckItem, CheckReport } from '../protocol';
import { kernelItems } from './kernelItems';
import { policyItems } from './policyItems';
import { rightsItems } from './rightsItems';
import { symbolItems } from './symbolItems';
import { type Trial, trialItem } from './trial';

/** Never throws: a check that fails is an item that says so. */
export async function checkMachine(): Promise<CheckReport> {
  const privileged = mayTrace(effectiveCapabilities());
  const trial: Trial = privileged ? await trialItem() : { item: null, attach: [] };
  const groups = [rightsItems, kernelItems, policyItems, symbolItems];
  const items = groups.flatMap((group) => guarded(group, privileged));
  if (trial.item) items.unshift(trial.item);
  return { kernel: `Linux ${release()}`, arch: arch(), items, attach: trial.attach };
}

function guarded(group: (privileged: boolean) => CheckItem[], privileged: boolean): CheckItem[] {
  try {
    return group(privileged);
  } catch (error) {
    return [{ id: group.name, title: group.name, status: 'unknown', detail: String(error), fix: null }];
  }
}
