// One stack of two: the native frames as the walker found them, and behind them the chain of Python's. Natively each call of the
// evaluation loop is a frame of that function; the chain has a mark wherever such a call began. So the pieces of the chain
// between marks go, one after another, where the loop's frames stand. The interpreter's own C functions are left out: what they work
// is the Python line's work. Everything else stays: C extensions, libraries, the C library.
//
// Both are whole in nearly all samples, and then have the same number. A call of the loop that has just begun or is about to return
// has no piece yet or any more: it is the innermost, so that whole chains are counted from the outermost. A native walk that
// ended early has fewer: then both are counted from the innermost, and what is left of the chain goes to the outer end.

import { PYTHON_MARK, PYTHON_SAME_CODE } from '../../abi/runtimePython.gen';
import type { RawFrame, RuntimeFrame } from '../../process/types';
import { garbageCollection, notNamedYet } from '../attachedRuntime';
import type { ShownFrame } from '../types';

/** What a native frame is to the interpreter. */
export type NativeRole = 'evaluation' | 'lockWait' | 'collection' | 'interpreter' | 'other';

const NOT_NAMED_YET = notNamedYet('Python', 'python');
const COLLECTION = garbageCollection('python');

interface Chain {
  /** Indexes of frames, innermost first, for each call of the evaluation loop. */
  pieces: number[][];
  /** It came to its end. */
  whole: boolean;
  /** It was longer than the limit: what is not in it has a mark that says so. */
  cut: boolean;
  /** Index of the mark that says so; null: the thread had the interpreter's lock. */
  withoutLock: number | null;
}

/** `eachFrame`: every Python frame has a native call of its own, and there are no marks. Indexes of `user`. */
export function splice(
  user: readonly RawFrame[],
  isOurs: (frame: RuntimeFrame) => boolean,
  roleOf: (address: number, isInnermost: boolean) => NativeRole,
  eachFrame: boolean,
): ShownFrame[] {
  const chain = chainOf(user, isOurs, eachFrame);
  if (!user.some((frame) => isChain(frame, isOurs))) return withoutChain(user, roleOf);
  if (chain.pieces.length === 0)
    return user.flatMap((frame, index) => (typeof frame !== 'number' && isOurs(frame) ? [] : [index]));
  const roles = user.map((frame, index) => (typeof frame === 'number' ? roleOf(frame, index === 0) : 'other'));
  const calls = roles.filter((role) => role === 'evaluation').length;
  /** Calls of the loop, innermost first, that have no piece. */
  let without = chain.whole ? Math.max(0, calls - chain.pieces.length) : 0;
  let next = 0;
  const shown: ShownFrame[] = [];
  if (calls === 0) {
    const place = roles.indexOf('interpreter');
    for (let i = 0; i < user.length; i++) {
      if (i === place) shown.push(...chain.pieces.flat());
      if (roles[i] === 'other' && !isChain(user[i], isOurs)) shown.push(i);
    }
    if (place < 0) shown.push(...chain.pieces.flat());
    return shown;
  }
  let waits = false;
  for (let i = 0; i < user.length; i++) {
    if (roles[i] === 'evaluation') {
      if (without > 0) without--;
      else if (next < chain.pieces.length) shown.push(...chain.pieces[next++]);
      // The chain ended early: the loop's frames are all there is.
      else if (!chain.cut) shown.push(i);
    } else if (roles[i] === 'lockWait') {
      if (chain.withoutLock !== null && !waits) {
        shown.push(chain.withoutLock);
        waits = true;
      }
    } else if (roles[i] === 'collection') {
      if (shown.at(-1) !== COLLECTION) shown.push(COLLECTION);
    } else if (roles[i] === 'other' && !isChain(user[i], isOurs)) shown.push(i);
  }
  while (next < chain.pieces.length) shown.push(...chain.pieces[next++]);
  return shown;
}

/**
 * The interpreter ran, and nobody sent what: the stack came before BPF knew of the process. Each call of the evaluation loop stands
 * for functions that are not known, and the interpreter's own functions for their work.
 */
function withoutChain(
  user: readonly RawFrame[],
  roleOf: (address: number, isInnermost: boolean) => NativeRole,
): ShownFrame[] {
  const roles = user.map((frame, index) => (typeof frame === 'number' ? roleOf(frame, index === 0) : 'other'));
  if (!roles.includes('evaluation')) return [...user.keys()];
  const shown: ShownFrame[] = [];
  for (const [i, role] of roles.entries())
    if (role === 'other') shown.push(i);
    else if (role === 'evaluation' && shown.at(-1) !== NOT_NAMED_YET) shown.push(NOT_NAMED_YET);
  return shown;
}

/** Else it is a mark. */
export function isFunction({ words, data }: RuntimeFrame): boolean {
  return words.length > 0 || data >= Number(PYTHON_SAME_CODE);
}

function isChain(frame: RawFrame, isOurs: (frame: RuntimeFrame) => boolean): boolean {
  return typeof frame !== 'number' && isOurs(frame);
}

function chainOf(user: readonly RawFrame[], isOurs: (frame: RuntimeFrame) => boolean, eachFrame: boolean): Chain {
  const pieces: number[][] = [];
  let piece: number[] = [];
  let whole = true;
  let cut = false;
  let withoutLock: number | null = null;
  const endPiece = () => {
    // At the end of the chain there may be a mark more; one before all frames is of a call that has none.
    if (piece.length > 0 || pieces.length === 0) pieces.push(piece);
    piece = [];
  };
  user.forEach((frame, index) => {
    if (typeof frame === 'number' || !isOurs(frame)) return;
    if (isFunction(frame)) {
      piece.push(index);
      if (eachFrame) endPiece();
    } else if (frame.data === PYTHON_MARK.PYTHON_MARK_ENTRY) endPiece();
    else if (frame.data === PYTHON_MARK.PYTHON_MARK_NO_LOCK) withoutLock = index;
    else if (frame.data === PYTHON_MARK.PYTHON_MARK_ANEW) {
      pieces.length = 0;
      piece = [];
    } else {
      piece.push(index);
      whole = false;
      cut = frame.data === PYTHON_MARK.PYTHON_MARK_TOO_DEEP;
    }
  });
  if (piece.length > 0) endPiece();
  return { pieces, whole, cut, withoutLock };
}
