// Gathers the rows of all functions as they stand in the file, then puts them in order: sorted by address, gaps between functions
// marked, equal neighbours merged. Typed arrays that grow; no object per row.

import { FormatError } from '../bytes/cursor';
import { orderOf } from '../bytes/order';
import { MAX_FRAMES, MAX_ROWS } from './limits';
import { ROW_WORDS, UNWIND_NONE } from './rows';

export class RowCollector {
  private rows = new Uint32Array(8_192);
  private rowWords = 0;
  /** Where the rows of the frame under construction begin. */
  private first = 0;
  /** By frame: first and last pc (exclusive), index of its first word in `rows`. Rows of a frame end where the next's begin. */
  private starts = new Uint32Array(1_024);
  private ends = new Uint32Array(1_024);
  private firsts = new Uint32Array(1_024);
  private frameCount = 0;
  /** Frames from the first to the second hold only where others do not. */
  private secondary = Number.POSITIVE_INFINITY;
  private secondaryEnd = Number.POSITIVE_INFINITY;

  get frames(): number {
    return this.frameCount;
  }

  /** pcs count from the table's base. Throws FormatError beyond the limit; what was added before stays. */
  beginFrame(start: number, end: number): void {
    if (this.frameCount === MAX_FRAMES) throw new FormatError(`more than ${MAX_FRAMES} functions`);
    if (this.frameCount === this.starts.length) {
      this.starts = grown(this.starts, MAX_FRAMES);
      this.ends = grown(this.ends, MAX_FRAMES);
      this.firsts = grown(this.firsts, MAX_FRAMES);
    }
    const i = this.frameCount++;
    this.starts[i] = start;
    this.ends[i] = end;
    this.firsts[i] = this.rowWords;
    this.first = this.rowWords;
  }

  /** Within the frame begun last, by rising pc. A second rule for the same pc takes the first one's place. */
  add(pc: number, rule: number): void {
    const at = this.rowWords;
    const { rows } = this;
    if (at > this.first) {
      if (rows[at - 1] === rule) return;
      if (rows[at - 2] === pc) {
        rows[at - 1] = rule;
        return;
      }
    }
    if (at === rows.length) {
      if (at >= MAX_ROWS * ROW_WORDS) throw new FormatError(`more than ${MAX_ROWS} rows`);
      this.rows = grown(rows, MAX_ROWS * ROW_WORDS);
    }
    this.rows[at] = pc;
    this.rows[at + 1] = rule;
    this.rowWords = at + 2;
  }

  /** Frames that are added from now on (of .debug_frame, of Go) count only where none of before begins or goes on. */
  beginSecondary(): void {
    this.secondary = this.frameCount;
  }

  /** What comes now goes before all again. */
  endSecondary(): void {
    this.secondaryEnd = this.frameCount;
  }

  /** The table's rows: pairs of pc and rule. */
  finish(): Uint32Array {
    const { rows, starts, ends, firsts, secondary, secondaryEnd } = this;
    const order = this.order();
    const frames = this.frameCount;
    // Rows, and a gap behind each frame at most.
    const out = new Uint32Array(this.rowWords + frames * ROW_WORDS);
    let used = 0;
    let lastRule = UNWIND_NONE;
    let coveredUntil = 0;
    for (let k = 0; k < frames; ) {
      const frame = order[k];
      const start = starts[frame];
      let end = ends[frame];
      for (k++; k < frames; k++) {
        const next = order[k];
        if (starts[next] >= end) break;
        if (starts[next] === start || (next >= secondary && next < secondaryEnd && frame < secondary)) continue;
        end = starts[next];
        break;
      }
      if (start > coveredUntil && lastRule !== UNWIND_NONE) {
        out[used++] = coveredUntil;
        out[used++] = lastRule = UNWIND_NONE;
      }
      const last = frame + 1 < frames ? firsts[frame + 1] : this.rowWords;
      for (let at = firsts[frame]; at < last && rows[at] < end; at += 2) {
        if (rows[at + 1] === lastRule) continue;
        out[used++] = rows[at];
        out[used++] = lastRule = rows[at + 1];
      }
      coveredUntil = end;
    }
    if (lastRule !== UNWIND_NONE) {
      out[used++] = coveredUntil;
      out[used++] = UNWIND_NONE;
    }
    return out.slice(0, used);
  }

  /** Indexes of frames by rising start; among equals .eh_frame's before .debug_frame's. */
  private order(): Uint32Array {
    const starts = this.starts.subarray(0, this.frameCount);
    for (let i = 1; i < starts.length; i++) if (starts[i] < starts[i - 1]) return orderOf(new Float64Array(starts));
    const order = new Uint32Array(starts.length);
    for (let i = 0; i < order.length; i++) order[i] = i;
    return order;
  }
}

function grown(array: Uint32Array, most: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.min(array.length * 2, most));
  larger.set(array);
  return larger;
}
