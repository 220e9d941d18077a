// Where separate debug files may lie: by build-id and by debug link, in the target's file system and in ours. Called by
// batches.ts before a file's first addresses are symbolized; the worker checks that a candidate belongs to the program.
// Places: "Debugging Information in Separate Files" in GDB's manual.

import { posix } from 'node:path';
import type { DebugHandle, Description } from '../pool/messages';
import type { MappedFile } from './files';
import { OWN_ROOT, openRegular, pathInRoot, type Root } from './roots';

const DEBUG_FOLDER = '/usr/lib/debug';

/** Opens all candidates that exist, best first. `reserveId` numbers them for the worker. */
export function openDebugFiles(
  file: Pick<MappedFile, 'path' | 'root'>,
  found: Description,
  reserveId: () => number,
): DebugHandle[] {
  const handles: DebugHandle[] = [];
  const add = (root: Root, path: string, crc: number | null) => {
    const real = pathInRoot(root, path);
    const opened = real === null ? null : openRegular(real);
    if (opened) handles.push({ id: reserveId(), fd: opened.fd, sizeBytes: opened.sizeBytes, path, crc });
  };
  const roots = file.root === OWN_ROOT ? [OWN_ROOT] : [file.root, OWN_ROOT];
  for (const root of roots) {
    const { buildId, debugLink } = found;
    if (buildId !== null && buildId.length > 2)
      add(root, `${DEBUG_FOLDER}/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`, null);
    if (handles.length > 0) return handles;
    if (debugLink) {
      const folder = posix.dirname(file.path);
      for (const place of [folder, `${folder}/.debug`, `${DEBUG_FOLDER}${folder}`])
        if (`${place}/${debugLink.name}` !== file.path) add(root, `${place}/${debugLink.name}`, debugLink.crc);
    }
  }
  return handles;
}
