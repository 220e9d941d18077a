// Is a file the one that was mapped? Where the kernel told of a mapping by its build-id alone, the file was opened by its name,
// behind which another build may lie by then.

import { FormatError } from '../bytes/cursor';
import type { ElfFile } from './parser';

export const OTHER_BUILD = 'the file was replaced by another build while it was recorded';

/** `expected`: lower-case hex, maybe only the beginning; null: not known. Throws a FormatError with OTHER_BUILD. */
export function checkBuild({ buildId }: Pick<ElfFile, 'buildId'>, expected: string | null): void {
  if (expected !== null && buildId !== null && !buildId.startsWith(expected)) throw new FormatError(OTHER_BUILD);
}
