// Code that several units of .debug_info say is theirs: identical functions that were folded, or functions that the linker threw
// away beside the one that is there. Few files have any; who is right is found out when somebody asks for the code.

import type { IntervalList } from '../../bytes/intervals';
import { orderOf } from '../../bytes/order';
import { countNotAbove } from '../../bytes/search';

/** Ranges that lie over each other in one piece, directly or through others. More of them are not told apart: the first unit wins. */
const MAX_RANGES_PER_PIECE = 256;
/** Of all pieces. */
const MAX_CONTESTED = 262_144;

/** Pieces by address, without overlaps; the ranges of piece `i` are those from `first[i]` to `first[i + 1]`. */
export interface Contested {
  pieceLows: Float64Array;
  pieceHighs: Float64Array;
  first: Uint32Array;
  lows: Float64Array;
  highs: Float64Array;
  owners: Int32Array;
}

export function contestedRanges({ lows, highs, owners, count }: IntervalList): Contested {
  const order = orderOf(lows.subarray(0, count));
  const kept: number[] = [];
  const pieceLows: number[] = [];
  const pieceHighs: number[] = [];
  const first: number[] = [];
  for (let from = 0; from < count; ) {
    let high = highs[order[from]];
    let next = from + 1;
    let hasOthers = false;
    for (; next < count && lows[order[next]] < high; next++) {
      if (owners[order[next]] !== owners[order[from]]) hasOthers = true;
      high = Math.max(high, highs[order[next]]);
    }
    if (hasOthers && next - from <= MAX_RANGES_PER_PIECE && kept.length + next - from <= MAX_CONTESTED) {
      pieceLows.push(lows[order[from]]);
      pieceHighs.push(high);
      first.push(kept.length);
      for (let i = from; i < next; i++) kept.push(order[i]);
    }
    from = next;
  }
  first.push(kept.length);
  return {
    pieceLows: Float64Array.from(pieceLows),
    pieceHighs: Float64Array.from(pieceHighs),
    first: Uint32Array.from(first),
    lows: Float64Array.from(kept, (i) => lows[i]),
    highs: Float64Array.from(kept, (i) => highs[i]),
    owners: Int32Array.from(kept, (i) => owners[i]),
  };
}

/** Owners of the ranges that hold the address, rising and each once; none where the code is not contested. */
export function contestedAt(contested: Contested, address: number): number[] {
  const { pieceLows, pieceHighs, first, lows, highs, owners } = contested;
  const piece = countNotAbove(pieceLows, address) - 1;
  if (piece < 0 || address >= pieceHighs[piece]) return [];
  const found = new Set<number>();
  for (let i = first[piece]; i < first[piece + 1]; i++)
    if (lows[i] <= address && address < highs[i]) found.add(owners[i]);
  return [...found].sort((a, b) => a - b);
}

export function sizeOfContested({ pieceLows, lows }: Contested): number {
  return pieceLows.length * 20 + lows.length * 20;
}
