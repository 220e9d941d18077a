// Plug-ins for runtimes that are recognized and cannot be read yet, so that a recording says which they are, and what can be done
// today. README.md has the sources.

import { unreadable } from '../attachedRuntime';
import type { RuntimeImage, RuntimePlugin } from '../types';
import { recognizeNativeOnly } from './recognize';
import { NATIVE_ONLY_RUNTIMES, type NativeOnlyRuntime } from './table';

/** Down from the greatest: no BPF program knows these numbers, and those of coming walkers count up. */
const FIRST_NUMBER = 31;

export const NATIVE_ONLY: readonly RuntimePlugin[] = NATIVE_ONLY_RUNTIMES.map(pluginOf);

function pluginOf({ id, reason, fix }: NativeOnlyRuntime, index: number): RuntimePlugin {
  return {
    id,
    number: FIRST_NUMBER - index,
    object: null,
    recognize: (elf): RuntimeImage | null => recognizeNativeOnly(elf, id),
    attach: () => unreadable(reason, fix),
  };
}
