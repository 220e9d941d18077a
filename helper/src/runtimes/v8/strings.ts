// V8's strings in all their forms: in one piece of one or two bytes a unit, joined (cons), cut out of others (sliced), replaced by
// others (thin), outside of the heap (external). Bounded in length and depth, since a target may show any.
// Layouts: src/objects/string.tq; the tags of the instance type: src/objects/instance-type.h.

import type { HeapMemory } from './heapMemory';
import { smi } from './tagged';

const LENGTH = 12;
const CHARACTERS = 16;
const FIRST = 16;
const SECOND = 24;
const SLICE_OFFSET = 24;
const EXTERNAL_DATA = 24;

const ONE_BYTE = 8;
const REPRESENTATION = 7;
const SEQUENTIAL = 0;
const CONS = 1;
const EXTERNAL = 2;
const SLICED = 3;
const THIN = 5;

/** Of joined strings in one: a text put together piece by piece has as many as pieces. */
const MAX_PIECES = 100_000;

/** What is asked of the heap that the strings lie in. */
export interface StringHeap {
  memory: HeapMemory;
  isString(object: number): boolean;
  typeOf(object: number): number;
  word(object: number, offset: number): number;
  u32(object: number, offset: number): number;
  object(object: number, offset: number): number;
}

/** Null where it is no string, cannot be read, or is longer than `maxUnits` without being cut there. */
export function readString(heap: StringHeap, object: number, maxUnits: number, isCut: boolean): string | null {
  if (!heap.isString(object)) return null;
  const whole = heap.u32(object, LENGTH);
  return whole > maxUnits && !isCut ? null : readPart(heap, object, 0, Math.min(whole, maxUnits));
}

/** Null where it is no string that has as much, or cannot be read. */
export function readPart(heap: StringHeap, object: number, firstUnit: number, units: number): string | null {
  if (!heap.isString(object)) return null;
  const pieces: string[] = [];
  let missing = units;
  /** What is still to be read, the next one last: object, first unit, units. */
  const todo: [number, number, number][] = [[object, firstUnit, units]];
  for (let i = 0; i < MAX_PIECES && missing > 0; i++) {
    const next = todo.pop();
    if (!next) break;
    const [string, from, wanted] = next;
    const type = heap.typeOf(string);
    const length = heap.u32(string, LENGTH);
    if (!heap.isString(string) || from + wanted > length) return null;
    switch (type & REPRESENTATION) {
      case SEQUENTIAL:
      case EXTERNAL: {
        const isOneByte = (type & ONE_BYTE) !== 0;
        const unitBytes = isOneByte ? 1 : 2;
        const start =
          (type & REPRESENTATION) === SEQUENTIAL ? string - 1 + CHARACTERS : heap.word(string, EXTERNAL_DATA);
        const bytes = heap.memory.bytes(start + from * unitBytes, wanted * unitBytes);
        if (!bytes) return null;
        pieces.push(
          Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(isOneByte ? 'latin1' : 'utf16le'),
        );
        missing -= wanted;
        break;
      }
      case CONS: {
        const first = heap.object(string, FIRST);
        const firstUnits = heap.isString(first) ? heap.u32(first, LENGTH) : 0;
        const inFirst = Math.max(0, Math.min(wanted, firstUnits - from));
        if (wanted > inFirst)
          todo.push([heap.object(string, SECOND), Math.max(0, from - firstUnits), wanted - inFirst]);
        if (inFirst > 0) todo.push([first, from, inFirst]);
        break;
      }
      case SLICED: {
        const offset = smi(heap.word(string, SLICE_OFFSET));
        if (offset === null || offset < 0) return null;
        todo.push([heap.object(string, FIRST), offset + from, wanted]);
        break;
      }
      case THIN:
        todo.push([heap.object(string, FIRST), from, wanted]);
        break;
      default:
        return null;
    }
  }
  return missing === 0 ? pieces.join('') : null;
}
