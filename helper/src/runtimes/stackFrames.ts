// The frames of a stack in which runtimes have their part: native ones as the symbolizer names them, a runtime's as its plug-in
// does, in the order that the plug-in says.

import type { Address, RawFrame, RuntimeFrame } from '../process/types';
import { type AttachedRuntime, unnamedRuntimeFrame } from './attachedRuntime';
import type { Frame } from './frame';
import type { ProcessRuntimes } from './processRuntimes';
import type { ShownFrame } from './types';

export interface RawStack {
  pid: number;
  /** As StackRecord has them. */
  kernel: Address[];
  user: readonly RawFrame[];
  exact: readonly number[];
}

type Frames = Frame[][] | Promise<Frame[][]>;

/** As Symbolizer.resolve names addresses. */
export type NameAddresses = (kernel: Address[], user: Address[], exact: readonly number[]) => Frames;

/** One array for each frame that is shown: kernel ones first, then the user stack's, innermost first. */
export function namedFrames(
  runtimes: Pick<ProcessRuntimes, 'runtimesOf' | 'runtimeOf'>,
  { pid, kernel, user, exact }: RawStack,
  nameAddresses: NameAddresses,
): Frames {
  const all = runtimes.runtimesOf(pid);
  if (!user.some(isRuntimeFrame) && !all.some((runtime) => runtime.splices))
    return nameAddresses(kernel, user as Address[], exact);
  const shown = splice(all, user);
  // In their order on the stack: what is exact counts by it.
  const natives = shown.filter((i) => typeof i === 'number' && !isRuntimeFrame(user[i])) as number[];
  natives.sort((a, b) => a - b);
  const stillExact = exact.filter((at) => at < kernel.length);
  const addresses = natives.map((i, n) => {
    const address = user[i] as Address;
    if (exact.includes(kernel.length + i)) stillExact.push(kernel.length + n);
    // The first address is taken for an instruction, not for a place to return to, unless it is none.
    else if (n === 0 && i > 0) return address - 1;
    return address;
  });
  const named = nameAddresses(kernel, addresses, stillExact);
  // At once, whatever else is waited for: objects move.
  const own = shown.map((i): Frame[] | Promise<Frame[]> | null => {
    if (typeof i !== 'number') return [i];
    const frame = user[i];
    if (!isRuntimeFrame(frame)) return null;
    return runtimes.runtimeOf(pid, frame.runtime)?.resolve(frame) ?? [unnamedRuntimeFrame(null)];
  });
  const placeOf = new Map(natives.map((i, n) => [i, kernel.length + n]));
  const together = (found: Frame[][], ownFrames: readonly (Frame[] | null)[]): Frame[][] => [
    ...found.slice(0, kernel.length),
    ...shown.map((i, n) => ownFrames[n] ?? found[placeOf.get(i as number)!]),
  ];
  if (!(named instanceof Promise) && !own.some((frames) => frames instanceof Promise))
    return together(named, own as (Frame[] | null)[]);
  return Promise.all([named, Promise.all(own)]).then(([found, frames]) => together(found, frames));
}

/** Innermost first. */
function splice(runtimes: readonly AttachedRuntime[], user: readonly RawFrame[]): ShownFrame[] {
  let shown: ShownFrame[] = [...user.keys()];
  for (const runtime of runtimes) {
    const indexes = shown.filter((i) => typeof i === 'number');
    const order = runtime.splice(indexes.map((i) => user[i]));
    if (!order) continue;
    // What another runtime has put in stays behind the frame that it stood behind.
    const behind = new Map<number, Frame[]>();
    let last = -1;
    for (const one of shown)
      if (typeof one === 'number') last = one;
      else behind.set(last, [...(behind.get(last) ?? []), one]);
    shown = [
      ...(behind.get(-1) ?? []),
      ...order.flatMap((i) => (typeof i === 'number' ? [indexes[i], ...(behind.get(indexes[i]) ?? [])] : [i])),
    ];
  }
  return shown;
}

function isRuntimeFrame(frame: RawFrame): frame is RuntimeFrame {
  return typeof frame !== 'number';
}
