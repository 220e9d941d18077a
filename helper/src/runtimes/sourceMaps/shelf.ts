// The maps that were read, the one used last behind the others: together they hold no more than so much text.

import { fileExists, readMapFile } from './files';
import { MAX_HELD_BYTES } from './limits';
import { locateMap } from './locate';
import { Originals } from './originals';
import { parseMap } from './parse';
import type { MappedScript, OriginalPlace } from './types';

/** Numbers of a place in a request. */
export const PLACE_NUMBERS = 4;

interface Held {
  originals: Originals;
  sizeBytes: number;
}

export class MapShelf {
  private readonly held = new Map<number, Held>();
  private heldBytes = 0;

  /** As MapRequest has them. Null where the map is not here any more, and has to be given again. Throws MapError. */
  originals(key: number, script: MappedScript | null, places: Float64Array): (OriginalPlace | null)[] | null {
    const held = this.mapOf(key, script);
    if (!held) return null;
    const { originals } = held;
    const found: (OriginalPlace | null)[] = [];
    for (let i = 0; i + PLACE_NUMBERS <= places.length; i += PLACE_NUMBERS) {
      const [line, column, nameLine, nameColumn] = places.subarray(i, i + PLACE_NUMBERS);
      found.push(
        originals.at({
          line,
          column,
          nameLine: Number.isNaN(nameLine) ? null : nameLine,
          nameColumn: Number.isNaN(nameColumn) ? null : nameColumn,
        }),
      );
    }
    return found;
  }

  private mapOf(key: number, script: MappedScript | null): Held | null {
    let held = this.held.get(key);
    if (held) this.held.delete(key);
    else if (!script) return null;
    else {
      const place = locateMap(script);
      const text = place.kind === 'text' ? place.text : readMapFile(script.rootPrefix, place.path);
      while (this.heldBytes + text.length > MAX_HELD_BYTES && this.held.size > 0) this.dropOldest();
      const map = parseMap(text, place.url);
      const exists = (path: string) => fileExists(script.rootPrefix, path);
      held = { originals: new Originals(map, script.scriptName, exists), sizeBytes: text.length };
      this.heldBytes += held.sizeBytes;
    }
    this.held.set(key, held);
    return held;
  }

  private dropOldest(): void {
    const [key, held] = this.held.entries().next().value!;
    this.held.delete(key);
    this.heldBytes -= held.sizeBytes;
  }
}
