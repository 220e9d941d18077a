// Where separate debug files may lie: in folders that the user names, and by build-id and by debug link in the target's file
// system and in ours. Called before a file's first addresses are symbolized; the worker checks that a candidate belongs to
// the program. Places: "Debugging Information in Separate Files" in GDB's manual.

import { posix } from 'node:path';
import { OWN_ROOT, openRegular, pathInRoot, type Root } from '../process/roots';
import type { DebugHandle, Description } from './handles';

const DEBUG_FOLDER = '/usr/lib/debug';

/**
 * Opens all candidates that exist, best first. `reserveId` numbers them for the worker. `folders`: the user's own (absolute,
 * ours), either laid out as /usr/lib/debug is, or as the root that debug packages were unpacked into, or with debug files
 * right in them.
 */
export function openDebugFiles(
  file: { path: string; root: Root },
  { buildId, debugLink }: Description,
  reserveId: () => number,
  folders: readonly string[] = [],
): DebugHandle[] {
  const handles: DebugHandle[] = [];
  const add = (root: Root, path: string, crc: number | null) => {
    const real = pathInRoot(root, path);
    const opened = real === null ? null : openRegular(real);
    if (opened) handles.push({ id: reserveId(), fd: opened.fd, sizeBytes: opened.sizeBytes, path, crc });
    return opened !== null;
  };
  const byBuildId = (root: Root, folder: string) =>
    buildId !== null &&
    buildId.length > 2 &&
    add(root, `${folder}/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`, null);
  const byLink = (root: Root, places: string[]) => {
    if (!debugLink) return;
    for (const place of places)
      if (`${place}/${debugLink.name}` !== file.path) add(root, `${place}/${debugLink.name}`, debugLink.crc);
  };
  const folder = posix.dirname(file.path);
  for (const own of folders) {
    if (byBuildId(OWN_ROOT, own) || byBuildId(OWN_ROOT, `${own}${DEBUG_FOLDER}`)) return handles;
    byLink(OWN_ROOT, [own, `${own}${folder}`, `${own}${DEBUG_FOLDER}${folder}`]);
  }
  for (const root of file.root === OWN_ROOT ? [OWN_ROOT] : [file.root, OWN_ROOT]) {
    if (byBuildId(root, DEBUG_FOLDER)) return handles;
    byLink(root, [folder, `${folder}/.debug`, `${DEBUG_FOLDER}${folder}`]);
  }
  return handles;
}
