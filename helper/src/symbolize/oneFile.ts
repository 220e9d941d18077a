// Places in one file, without a process: what `ebpf-tracer symbolize` asks. The same worker, debug files and parsers as in a
// recording, only that virtual addresses are given. Called by cli/symbolize.ts.

import { closeSync } from 'node:fs';
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
   * `path` is absolute, without symbolic links.
   */
  static async open(path: string, cacheDir: string | null): Promise<OneFile | null> {
    const opened = openRegular(path);
    if (!opened) return null;
    const file = { id: 1, fd: opened.fd, sizeBytes: opened.sizeBytes, path };
    const one = new OneFile(new WorkerPool(1, cacheDir), file);
    try {
      const { description } = await one.pool.request(0, { kind: 'describe', file });
      let lastId = file.id;
      if (description?.wantsDebugFile)
        one.debug.push(...openDebugFiles({ path, root: OWN_ROOT }, description, () => ++lastId));
      return one;
    } catch (error) {
      await one.close();
      throw error;
    }
  }

  /** One array per address, innermost inlined function first, at least one entry. Rejects where the file is too much. */
  async places(addresses: number[]): Promise<Place[][]> {
    const { file, debug } = this;
    const answer = await this.pool.request(0, {
      kind: 'addresses',
      file,
      debug,
      addresses: Float64Array.from(addresses),
    });
    for (const problem of answer.problems) this.problems.add(problem);
    return answer.places;
  }

  async close(): Promise<void> {
    await this.pool.close();
    for (const { fd } of [this.file, ...this.debug]) closeSync(fd);
  }
}
