// Places in one file, without a process: what `ebpf-tracer symbolize` asks. The same worker, debug files and parsers as in a
// recording, only that virtual addresses are given.

import { closeSync } from 'node:fs';
import { openDebugFiles } from '../elf/debugFiles';
import type { DebugHandle, FileHandle } from '../elf/handles';
import { OWN_ROOT, openRegular } from '../process/roots';
import { ONE_FILE_YOUNG_HEAP_MIB } from './limits';
import type { Place } from './place';
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
    const { file, debug } = this;
    const positions = Float64Array.from(addresses);
    const task = { kind: 'addresses', file, debug, positions } as const;
    // Not by a name of its own, which would keep all answers until the last one.
    await Promise.all(
      (await this.pool.requestPlaces(0, task)).map(async ({ indexes, answer }) => {
        const { problems, places } = await answer;
        for (const problem of problems) this.problems.add(problem);
        places.forEach((found, i) => {
          onPlaces(indexes[i], found);
        });
      }),
    );
  }

  async close(): Promise<void> {
    await this.pool.close();
    for (const { fd } of [this.file, ...this.debug]) closeSync(fd);
  }
}
