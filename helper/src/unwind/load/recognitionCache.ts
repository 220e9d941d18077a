// What files hold of language runtimes, kept for the next run by build-id: a Node.js is looked through for some hundred ms, in which
// its samples have no names yet. Entries are of one build of this program, so that a change of any plug-in needs no
// version to be counted up.
//
// An entry: CRC-32 of the rest, then JSON, in which buffers stand as Buffer.toJSON() writes them. Little-endian.

import { statSync } from 'node:fs';
import { crc32 } from '../../bytes/crc32';
import { DiskCache } from '../../bytes/diskCache';
import type { ElfFile } from '../../elf/parser';
import type { RecognizedFile } from '../../runtimes/recognizedFiles';

const VERSION = 'runtimes-v1';
const MAX_ENTRY_BYTES = 4 * 1024 * 1024;
const CHECKSUM_BYTES = 4;

export class RecognitionCache {
  private constructor(
    private readonly entries: DiskCache,
    /** Tells builds of this program apart. */
    private readonly build: string,
  ) {}

  /** Null where there is no cache folder, or it cannot be used. `program`: a file that is made anew with each build. */
  static open(cacheDir: string | null, program: string): RecognitionCache | null {
    const entries = cacheDir === null ? null : DiskCache.open(cacheDir, VERSION);
    if (!entries) return null;
    const { size, mtimeMs } = statSync(program);
    return new RecognitionCache(entries, `${size.toString(36)}-${Math.floor(mtimeMs).toString(36)}`);
  }

  load(elf: ElfFile): RecognizedFile | null {
    const key = this.keyOf(elf);
    const bytes = key === null ? null : this.entries.load(key, MAX_ENTRY_BYTES);
    if (!bytes || bytes.length < CHECKSUM_BYTES || bytes.readUInt32LE() !== crc32(bytes.subarray(CHECKSUM_BYTES)))
      return null;
    try {
      return JSON.parse(bytes.toString('utf8', CHECKSUM_BYTES), withBuffers) as RecognizedFile;
    } catch {
      return null;
    }
  }

  save(elf: ElfFile, recognized: RecognizedFile): void {
    const key = this.keyOf(elf);
    if (key === null) return;
    const json = Buffer.from(JSON.stringify(recognized));
    const bytes = Buffer.alloc(CHECKSUM_BYTES + json.length);
    bytes.writeUInt32LE(crc32(json));
    json.copy(bytes, CHECKSUM_BYTES);
    this.entries.save(key, bytes);
  }

  /** The size tells a stripped file from a whole one, and a build-id that lies. */
  private keyOf({ buildId, source }: ElfFile): string | null {
    return buildId ? `${buildId}-${source.sizeBytes}-${this.build}` : null;
  }
}

function withBuffers(_: string, value: unknown): unknown {
  const isBuffer = typeof value === 'object' && value !== null && (value as { type?: unknown }).type === 'Buffer';
  return isBuffer ? Buffer.from((value as { data: number[] }).data) : value;
}
