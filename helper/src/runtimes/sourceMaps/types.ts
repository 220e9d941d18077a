// What is asked of source maps, and what they answer.

/** A script as it ran, and where it says that its map is. */
export interface MappedScript {
  /** A path or a URL, as the runtime has it. */
  scriptName: string;
  /** The text behind `sourceMappingURL=`. */
  mapUrl: string;
  /** To be put before a path in the target's file system; empty: our own. */
  rootPrefix: string;
}

/** Positions from 1, in the compiled script. */
export interface CompiledPlace {
  line: number;
  column: number;
  /** Where the identifier of the function's name stands; null: nowhere, or it has none. */
  nameLine: number | null;
  nameColumn: number | null;
}

/** Positions from 1, in the source that somebody wrote. */
export interface OriginalPlace {
  /** A path, where that could be found out; else what the map calls it. */
  file: string;
  line: number;
  column: number;
  /** What the function is called there; null: the map does not say. */
  name: string | null;
}

export interface MapRequest {
  sequence: number;
  /** Names the script. */
  key: number;
  /** Null: the thread has its map already. A map within the URL is sent once, for it may be megabytes. */
  script: MappedScript | null;
  /** Four numbers a place, NaN where there is none. */
  places: Float64Array;
}

export type MapReply =
  | { sequence: number; ok: true; originals: (OriginalPlace | null)[] }
  /** Its map had to make room for others: the script is wanted once more. */
  | { sequence: number; ok: false; again: true }
  | { sequence: number; ok: false; again: false; why: string };

/** The map cannot be used; the message is a plain sentence's second half and holds nothing of the file. */
export class MapError extends Error {}
