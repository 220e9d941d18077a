// Places in one file, without a process: what `ebpf-tracer symbolize` asks. The same worker, debug files and parsers as in a
// recording, only that virtual addresses are given. Called by cli/symbolize.ts.

import { closeSync } from 'node:fs';
import { orderOf } from './bytes/order';
import { MAX_BATCH_ADDRESSES, ONE_FILE_YOUNG_HEAP_MIB } from './limits';
import { openDebugFiles } from './normalize/debugFiles';
import { OWN_ROOT, openRegular } from './normalize/roots';
import type { DebugHandle, FileHandle, Place } from './pool/messages';
import { WorkerPool } from './pool/pool';

export class OneFile {
  private readonly debug: DebugHandle[] = [];
  /** What was wrong with the file or its debug files, in plain sentences. */
  readonly problems = new Set<string>();

  private constructor(
    private readonly pool: WorkerPool,
    private readonly file: FileHandle,
  ) {}

  /**
   * Null where the file cannot be opened or is no regular file; rejects with a plain sentence where it is no program.
   * `path` is absolute, without symbolic links. `debugFolders`: the user's, as in DebugSources.
   */
  static async open(
    path: string,
    cacheDir: string | null,
    debugFolders: readonly string[] = [],
  ): Promise<OneFile | null> {
    const opened = openRegular(path);
    if (!opened) return null;
    const file = { id: 1, fd: opened.fd, sizeBytes: opened.sizeBytes, path };
    const one = new OneFile(new WorkerPool(1, cacheDir, { youngHeapMib: ONE_FILE_YOUNG_HEAP_MIB }), file);
    try {
      const { description } = await one.pool.request(0, { kind: 'describe', file });
      let lastId = file.id;
      if (description?.wantsDebugFile)
        one.debug.push(...openDebugFiles({ path, root: OWN_ROOT }, description, () => ++lastId, debugFolders));
      return one;
    } catch (error) {
      await one.close();
      throw error;
    }
  }

  /**
   * `onPlaces` gets the places of each address (its index in `addresses`), innermost inlined function first, at least one
   * entry, in the order in which they are found. Rejects where the file is too much.
   */
  async places(addresses: number[], onPlaces: (index: number, places: Place[]) => void): Promise<void> {
    // Neighbours share what is read for them. In pieces, so that the caller can use one while the next is looked for.
    const order = orderOf(Float64Array.from(addresses));
    const requests: Promise<void>[] = [];
    for (let first = 0; first < order.length; first += MAX_BATCH_ADDRESSES) {
      const piece = order.subarray(first, first + MAX_BATCH_ADDRESSES);
      requests.push(
        this.ask(
          piece,
          Float64Array.from(piece, (i) => addresses[i]),
          onPlaces,
        ),
      );
    }
    await Promise.all(requests);
  }

  private async ask(
    indexes: Uint32Array,
    addresses: Float64Array,
    onPlaces: (index: number, places: Place[]) => void,
  ): Promise<void> {
    const { file, debug } = this;
    const answer = await this.pool.request(0, { kind: 'addresses', file, debug, addresses });
    for (const problem of answer.problems) this.problems.add(problem);
    answer.places.forEach((places, i) => {
      onPlaces(indexes[i], places);
    });
  }

  async close(): Promise<void> {
    await this.pool.close();
    for (const { fd } of [this.file, ...this.debug]) closeSync(fd);
  }
}
