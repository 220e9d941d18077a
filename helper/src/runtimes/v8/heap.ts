// Objects of V8's heap by their types: every object is checked for being what it is taken for before a field of it is believed.
// Addresses are tagged (their lowest bit is 1), as V8's own fields have them.

import { HeapMemory, isAddress, type ReadMemory } from './heapMemory';
import type { V8Layout } from './layoutShape';
import { readPart, readString } from './strings';
import { isTagged, smi } from './tagged';

const MAP_INSTANCE_TYPE = 12;
const ARRAY_LENGTH = 8;
const ARRAY_DATA = 16;
/** Of the tables that belong to one function. */
const MAX_TABLE_BYTES = 1024 * 1024;
const MAX_NAME_UNITS = 512;
/** An object that moved has moved once, perhaps twice. */
const MAX_FORWARDS = 4;

export class Heap {
  readonly memory: HeapMemory;

  constructor(
    readMemory: ReadMemory,
    readonly layout: V8Layout,
  ) {
    this.memory = new HeapMemory(readMemory);
  }

  beginRound(): void {
    this.memory.beginRound();
  }

  /** A field of a tagged object, as a number; 0 where it cannot be read. */
  word(object: number, offset: number): number {
    return isTagged(object) ? this.memory.u64(object - 1 + offset) : 0;
  }

  u32(object: number, offset: number): number {
    return isTagged(object) ? this.memory.u32(object - 1 + offset) : 0;
  }

  /** A field that holds an object: where that has gone, in a collection that is at work. 0: none. */
  object(object: number, offset: number): number {
    return this.followed(this.word(object, offset));
  }

  /** Where a moved object is now. */
  followed(tagged: number): number {
    let object = tagged;
    for (let i = 0; i < MAX_FORWARDS; i++) {
      if (!isTagged(object)) return 0;
      const map = this.memory.u64(object - 1);
      if (map % 4 === 1) return object;
      if (map % 4 !== 0 || !isAddress(map)) return 0;
      object = map + 1;
    }
    return 0;
  }

  /** -1 where it is no object. */
  typeOf(object: number): number {
    const map = this.word(object, 0);
    return isTagged(map) ? this.memory.u16(map - 1 + MAP_INSTANCE_TYPE) : -1;
  }

  isA(object: number, type: number): boolean {
    return type >= 0 && this.typeOf(object) === type;
  }

  isFunction(object: number): boolean {
    const type = this.typeOf(object);
    return type >= this.layout.types.firstFunction && type <= this.layout.types.lastFunction;
  }

  isString(object: number): boolean {
    const type = this.typeOf(object);
    return type >= 0 && type < this.layout.types.firstNonstring;
  }

  /** Null where it is no string, or one of more than `maxUnits`: then with `isCut` its beginning. */
  string(object: number, maxUnits: number, isCut = false): string | null {
    return readString(this, object, maxUnits, isCut);
  }

  /** Null where the string does not have as much. */
  substring(object: number, firstUnit: number, units: number): string | null {
    return readPart(this, object, firstUnit, units);
  }

  name(object: number): string {
    return this.string(object, MAX_NAME_UNITS, true) ?? '';
  }

  /** Elements of any array, by its own length; 0 where there is no such one. */
  element(array: number, index: number): number {
    return index >= 0 && index < this.length(array) ? this.word(array, ARRAY_DATA + index * 8) : 0;
  }

  /** Of any array: the length lies at the same place. */
  length(array: number): number {
    const length = smi(this.word(array, ARRAY_LENGTH));
    return length !== null && length >= 0 && length <= MAX_TABLE_BYTES ? length : 0;
  }

  /** The bytes of a byte array; null where it is absurd or cannot be read. */
  byteArray(array: number): Uint8Array | null {
    const length = smi(this.word(array, ARRAY_LENGTH));
    if (length === null || length < 0 || length > MAX_TABLE_BYTES) return null;
    return this.memory.bytes(array - 1 + ARRAY_DATA, length);
  }
}
