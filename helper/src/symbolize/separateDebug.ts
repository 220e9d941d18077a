// The separate debug files of mapped files: found once a file, when its first addresses come, in the user's folders, in the
// system's, from the user's servers; looked for again when there are more places. Open until their file is closed.

import { openDebugFiles } from '../elf/debugFiles';
import type { DebugHandle, FileHandle } from '../elf/handles';
import type { MappedFile } from '../process/files';
import { closeTouched } from '../process/patience';
import { openRegular } from '../process/roots';
import { Downloads } from './debuginfod/downloads';
import type { WorkerPool } from './pool/pool';
import type { DebugSources, SymbolizerOptions } from './types';

export class SeparateDebug {
  private readonly byFile = new Map<MappedFile, Promise<DebugHandle[]>>();
  private readonly sources: DebugSources = { folders: [], servers: [] };
  private readonly downloads: Downloads;
  private readonly retired: DebugHandle[] = [];

  constructor(
    private readonly pool: WorkerPool,
    private readonly options: SymbolizerOptions,
  ) {
    this.downloads = new Downloads(options.cacheDir, options.log);
  }

  /** Are some of them new? */
  addSources({ folders, servers }: DebugSources): boolean {
    const added = [
      ...addNew(this.sources.folders, folders),
      // Written with and without a slash at the end it is one server.
      ...addNew(
        this.sources.servers,
        servers.map((url) => url.replace(/\/+$/, '')),
      ),
    ];
    if (added.length > 0) this.downloads.setServers(this.sources.servers);
    return added.length > 0;
  }

  /** Looked for at the first call: the target's file system may be gone later. */
  of(file: MappedFile, handle: FileHandle): Promise<DebugHandle[]> {
    let found = this.byFile.get(file);
    if (!found) {
      found = this.pool.request(file.id, { kind: 'describe', file: handle }).then(({ description }) => {
        if (!description?.wantsDebugFile) return [];
        const { reserveId } = this.options.files;
        const handles = openDebugFiles(file, description, reserveId, this.sources.folders);
        if (handles.length > 0 || description.buildId === null) return handles;
        return this.download(file, description.buildId);
      });
      this.byFile.set(file, found);
    }
    return found;
  }

  /** There are more places than when these files were first asked about: forgets what was found, and says of which files. */
  async retire(forgotten: (files: MappedFile[]) => void): Promise<void> {
    const files = [...this.byFile.keys()];
    const old = [...this.byFile.values()];
    this.byFile.clear();
    forgotten(files);
    // Questions under way may still name the debug files of before: those stay open to the end.
    for (const found of old) this.retired.push(...(await found.catch(() => [])));
    await this.pool.forget(files.map(({ id }) => id)).catch(() => {});
  }

  /** Takes out those of files that are no longer mapped; the caller closes them. */
  async take(files: readonly MappedFile[]): Promise<DebugHandle[]> {
    const taken = await Promise.all(
      files.map(async (file) => {
        const handles = await this.byFile.get(file)?.catch(() => []);
        this.byFile.delete(file);
        return handles ?? [];
      }),
    );
    return taken.flat();
  }

  stopDownloads(): void {
    this.downloads.close();
  }

  /** No worker reads any more. */
  closeAll(): void {
    for (const { fd } of this.retired.splice(0)) closeTouched(fd);
  }

  private async download(file: MappedFile, buildId: string): Promise<DebugHandle[]> {
    const { path, why } = await this.downloads.find(buildId, file.baseName);
    if (why !== null) file.why ??= `its debug file was not downloaded: ${why}`;
    const opened = path === null ? null : openRegular(path);
    if (path === null || !opened) return [];
    return [{ id: this.options.files.reserveId(), fd: opened.fd, sizeBytes: opened.sizeBytes, path, crc: null }];
  }
}

/** Appends what is not in the list yet; returns it. */
function addNew(list: string[], more: readonly string[]): string[] {
  const added = [...new Set(more)].filter((one) => !list.includes(one));
  list.push(...added);
  return added;
}
