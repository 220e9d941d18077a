// Names of generated code, as a worker finds them: each file that names some is kept parsed and brought up to date when the
// main thread has seen it change.

import { messageOf } from '../bytes/cursor';
import type { JitSource } from '../process/generatedCode';
import { JitDump } from './jitdump/resolver';
import { PerfMap } from './perfmap/resolver';
import type { Place } from './place';

/** What a format of such files offers. */
export interface JitResolver {
  /** Takes in the file as it is now, of which `sizeBytes` count. */
  update(sizeBytes: number): void;
  /** Innermost first, empty where the file names no code at `address`. */
  placesAt(address: number): Place[];
  problem: string | null;
}

const FORMATS: Record<JitSource['kind'], new (fd: number) => JitResolver> = {
  perfMap: PerfMap,
  jitdump: JitDump,
};

export class JitResolvers {
  private readonly known = new Map<number, { resolver: JitResolver; version: number }>();

  /** The first source that names an address is believed. A file that cannot be read costs its own names. */
  answer(sources: readonly JitSource[], positions: Float64Array): { places: Place[][]; problems: string[] } {
    const problems: string[] = [];
    const resolvers: JitResolver[] = [];
    for (const source of sources) {
      try {
        const resolver = this.resolverOf(source);
        resolvers.push(resolver);
        if (resolver.problem !== null) problems.push(`${source.path}: ${resolver.problem}`);
      } catch (error) {
        problems.push(`${source.path}: ${messageOf(error)}`);
      }
    }
    const placesAt = (address: number) => {
      for (const resolver of resolvers) {
        const places = resolver.placesAt(address);
        if (places.length > 0) return places;
      }
      return [];
    };
    return { places: Array.from(positions, placesAt), problems };
  }

  forget(id: number): void {
    this.known.delete(id);
  }

  private resolverOf({ kind, id, fd, sizeBytes, version }: JitSource): JitResolver {
    let known = this.known.get(id);
    if (!known) {
      known = { resolver: new FORMATS[kind](fd), version: 0 };
      this.known.set(id, known);
    }
    // Questions about an earlier state of the file may come later.
    if (version > known.version) {
      known.version = version;
      known.resolver.update(sizeBytes);
    }
    return known.resolver;
  }
}
