// What a worker found out about one address, before it becomes a Frame: the parsers make it, the pool carries it.

import type { RuntimeId } from '../protocol';

/**
 * One function at an address. An address has several where functions were inlined: innermost first, the last is the one
 * that the linker knows. `file`, `line` and `column` are where that function stood: the line executed for the innermost,
 * the call of the one before it for the others.
 */
export interface Place {
  /**
   * Virtual address in the file, for `libfoo.so+0x1234`: of the function's start where there is no name and its bounds are known.
   * Null where the file does not say.
   */
  address: number | null;
  /** Null: no symbol. */
  name: string | null;
  fullName: string | null;
  /** As the linker knows it. */
  linkageName: string | null;
  file: string | null;
  line: number | null;
  column: number | null;
  functionFile: string | null;
  functionLine: number | null;
  sourceMd5: string | null;
  /** Whose tables named it; null: debug information or a symbol table. */
  runtime: RuntimeId | null;
  /** The function has no code of its own here: it stands in the one after it. */
  inlined: boolean;
}

/** A place of which nothing is known yet. */
export function nowhere(address: number | null, inlined = false): Place {
  return {
    address,
    name: null,
    fullName: null,
    linkageName: null,
    file: null,
    line: null,
    column: null,
    functionFile: null,
    functionLine: null,
    sourceMd5: null,
    runtime: null,
    inlined,
  };
}
