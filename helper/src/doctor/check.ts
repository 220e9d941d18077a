// "Check This Machine": what works here, and what to do about what does not. Every answer is found by trying or by reading what the
// kernel says of itself, never from version strings. Without rights, what it cannot see is `unknown`, with the reason.

import { arch, release } from 'node:os';
import { effectiveCapabilities } from '../client/capabilities';
import { mayTrace } from '../client/rights';
import { type CheckItem, type CheckReport, toErrorReport } from '../protocol';
import { type Check, unknown } from './finding';
import { KERNEL_CHECKS } from './kernelChecks';
import { POLICY_CHECKS } from './policyChecks';
import { RIGHTS_CHECKS } from './rightsChecks';
import { SYMBOL_CHECKS } from './symbolChecks';
import { tryRecording } from './trial';

const CHECKS = [...RIGHTS_CHECKS, ...KERNEL_CHECKS, ...POLICY_CHECKS, ...SYMBOL_CHECKS];

/** Never throws: a check that fails is an item that says so. */
export async function checkMachine(): Promise<CheckReport> {
  const privileged = mayTrace(effectiveCapabilities());
  const items = CHECKS.map((check) => itemOf(check, privileged));
  const report = { kernel: `Linux ${release()}`, arch: arch() };
  if (!privileged) return { ...report, items, attach: [] };
  const { finding, attach } = await tryRecording();
  return { ...report, items: [{ id: 'trial', title: 'A recording', ...finding }, ...items], attach };
}

function itemOf({ id, title, run }: Check, privileged: boolean): CheckItem {
  try {
    return { id, title, ...run(privileged) };
  } catch (error) {
    const { message, fix } = toErrorReport(error);
    return { id, title, ...unknown(message, fix) };
  }
}
