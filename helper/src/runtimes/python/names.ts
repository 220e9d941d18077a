// What a Python function is called and where its source lies, from its code object's own texts.
//
// Modules: from the file's path, for a code object does not name its module. Folders of packages count from where the interpreter
// looks for modules: site-packages, dist-packages and the standard library; of other files only the last name is taken.

import { posix } from 'node:path';

const LIBRARY = /\/(?:site-packages|dist-packages|python3\.\d+|python3\d+\.zip)\/(?!(?:.*\/)?(?:site|dist)-packages\/)/;
const EXTENSION = /\.pyc?$/;
/** `<string>`, `<frozen importlib._bootstrap>`: no file, but code from elsewhere. */
const MADE_UP = /^<(?:frozen )?(.*)>$/s;
const MAX_NAME_CHARACTERS = 400;

export function moduleOf(fileName: string): string {
  const madeUp = MADE_UP.exec(fileName);
  if (madeUp) return fileName.startsWith('<frozen ') ? madeUp[1] : fileName;
  const inLibrary = LIBRARY.exec(fileName);
  const path = inLibrary ? fileName.slice(inLibrary.index + inLibrary[0].length) : posix.basename(fileName);
  const parts = path
    .replace(EXTENSION, '')
    .replace(/^lib-dynload\//, '')
    .split('/');
  if (parts.length > 1 && parts.at(-1) === '__init__') parts.pop();
  if (parts[0] === '__init__') return posix.basename(posix.dirname(fileName)) || parts[0];
  return parts.join('.');
}

/** `shop.Cart.total`, `shop.<module>`. */
export function displayName(module: string, qualifiedName: string): { name: string; fullName: string | null } {
  const whole = `${module}.${qualifiedName}`;
  if (whole.length <= MAX_NAME_CHARACTERS) return { name: whole, fullName: null };
  return { name: `${whole.slice(0, MAX_NAME_CHARACTERS)}…`, fullName: whole };
}

/** Absolute path as the target names it; null: there is no file. `folder`: what relative ones start from; null: unknown. */
export function pathOf(fileName: string, folder: string | null): string | null {
  if (fileName === '' || fileName.includes('\0') || MADE_UP.test(fileName)) return null;
  if (fileName.startsWith('/')) return posix.normalize(fileName);
  return folder === null ? fileName : posix.join(folder, fileName);
}
