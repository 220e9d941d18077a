// The frames of a stack in which runtimes have their part: native ones as the symbolizer names them, a runtime's as its plug-in
// does, in the order that the plug-in says.

import type { Address, RawFrame, RuntimeFrame } from '../process/types';
import { unnamedRuntimeFrame } from './attachedRuntime';
import type { Frame } from './frame';
import type { ProcessRuntimes } from './processRuntimes';

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
  if (!user.some(isRuntimeFrame)) return nameAddresses(kernel, user as Address[], exact);
  const shown = splice(runtimes, pid, user);
  // In their order on the stack: what is exact counts by it.
  const natives = shown.filter((i) => !isRuntimeFrame(user[i])).sort((a, b) => a - b);
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
  const own = new Map<number, Frame[] | Promise<Frame[]>>();
  for (const i of shown) {
    const frame = user[i];
    if (isRuntimeFrame(frame))
      own.set(i, runtimes.runtimeOf(pid, frame.runtime)?.resolve(frame) ?? [unnamedRuntimeFrame(null)]);
  }
  const placeOf = new Map(natives.map((i, n) => [i, kernel.length + n]));
  const together = (found: Frame[][], ownFrames: ReadonlyMap<number, Frame[]>): Frame[][] => [
    ...found.slice(0, kernel.length),
    ...shown.map((i) => ownFrames.get(i) ?? found[placeOf.get(i)!]),
  ];
  if (!(named instanceof Promise) && ![...own.values()].some((frames) => frames instanceof Promise))
    return together(named, own as Map<number, Frame[]>);
  const all = [...own].map(async ([i, frames]): Promise<[number, Frame[]]> => [i, await frames]);
  return Promise.all([named, Promise.all(all)]).then(([found, frames]) => together(found, new Map(frames)));
}

/** Indexes of `user`, innermost first. */
function splice(runtimes: Pick<ProcessRuntimes, 'runtimesOf'>, pid: number, user: readonly RawFrame[]): number[] {
  let shown = [...user.keys()];
  for (const runtime of runtimes.runtimesOf(pid)) {
    const order = runtime.splice(shown.map((i) => user[i]));
    if (order) shown = order.map((i) => shown[i]);
  }
  return shown;
}

function isRuntimeFrame(frame: RawFrame): frame is RuntimeFrame {
  return typeof frame !== 'number';
}
