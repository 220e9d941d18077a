// What is kept of each stack of the kernel's table and of each thread, for those who count by them.

import type { TruncationReason } from '../protocol';

/** One stack of the kernel's table. */
export interface StackSlot {
  id: number;
  truncated: TruncationReason | null;
  /** Made up for a sample whose stack was lost. */
  missing: boolean;
  /** Node of the location tree, NO_NODE until resolved. */
  lineNode: number;
  functionNode: number;
  /** It stands in the trees, but its names may become better: its figures are counted apart until they are final. */
  provisional: boolean;
}

export interface ThreadRow {
  pid: number;
  tid: number;
  name: string;
}
