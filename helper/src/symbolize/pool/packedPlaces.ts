// Places on their way from a worker to the main thread: as numbers and one list of texts. As objects their field names would be
// written and read for every frame, and names of inlined functions, which come again and again, every time anew.

import type { Place } from '../place';

export interface PackedPlaces {
  /** Of each question: its address (NaN: none), and how many places it has. */
  addresses: Float64Array;
  counts: Uint32Array;
  /** FIELDS numbers a place; -1: null. */
  fields: Int32Array;
  texts: string[];
}

/** Seven texts, three numbers, one bit. */
const FIELDS = 11;
const NULL = -1;

export function packPlaces(places: Place[][]): PackedPlaces {
  const texts: string[] = [];
  const indexes = new Map<string, number>();
  const textIndex = (text: string | null): number => {
    if (text === null) return NULL;
    let index = indexes.get(text);
    if (index === undefined) {
      index = texts.push(text) - 1;
      indexes.set(text, index);
    }
    return index;
  };
  const counts = Uint32Array.from(places, ({ length }) => length);
  const addresses = Float64Array.from(places, ([first]) => first?.address ?? Number.NaN);
  const fields = new Int32Array(counts.reduce((sum, count) => sum + count, 0) * FIELDS);
  let at = 0;
  for (const list of places)
    for (const place of list) {
      fields[at++] = textIndex(place.name);
      fields[at++] = textIndex(place.fullName);
      fields[at++] = textIndex(place.linkageName);
      fields[at++] = textIndex(place.file);
      fields[at++] = textIndex(place.functionFile);
      fields[at++] = textIndex(place.sourceMd5);
      fields[at++] = textIndex(place.runtime);
      fields[at++] = place.line ?? NULL;
      fields[at++] = place.column ?? NULL;
      fields[at++] = place.functionLine ?? NULL;
      fields[at++] = place.inlined ? 1 : 0;
    }
  return { addresses, counts, fields, texts };
}

export function unpackPlaces({ addresses, counts, fields, texts }: PackedPlaces): Place[][] {
  let at = 0;
  const text = () => texts[fields[at++]] ?? null;
  const number = () => {
    const value = fields[at++];
    return value === NULL ? null : value;
  };
  return Array.from(counts, (count, i) => {
    const address = Number.isNaN(addresses[i]) ? null : addresses[i];
    const list: Place[] = new Array(count);
    for (let n = 0; n < count; n++)
      list[n] = {
        address,
        name: text(),
        fullName: text(),
        linkageName: text(),
        file: text(),
        functionFile: text(),
        sourceMd5: text(),
        runtime: text() as Place['runtime'],
        line: number(),
        column: number(),
        functionLine: number(),
        inlined: fields[at++] === 1,
      };
    return list;
  });
}

/** What a message hands over instead of copying it. */
export function arraysOfPlaces({ addresses, counts, fields }: PackedPlaces): ArrayBuffer[] {
  return [addresses, counts, fields].map(({ buffer }) => buffer as ArrayBuffer);
}
