// Whose a function is: the user's own, a library's, the language runtime's, the kernel's. By the path of its source where that is
// known, else by the file that it was compiled into. Pure, and made for paths that others chose: what they can gain is a wrong answer
// about their own function. Layouts: the package managers' own (node_modules, site-packages, Go's module cache, .cargo), FHS 3.0.

import { posix } from 'node:path';
import { type FrameOrigin, PACKAGE_FOLDERS } from '../protocol';
import type { FunctionRow } from '../stack/frameTable';

type Named = Pick<FunctionRow, 'file' | 'module' | 'kind'>;

/** Where a recorded program is at home. */
export interface Home {
  cwd: string | null;
  /** Command line, arguments joined by single spaces. */
  command: string;
}

/** Longer ones are no paths (PATH_MAX). */
const MAX_PATH_CHARS = 4_096;
/** The program and its script are among the first words. */
const WORDS = 8;

const INTERPRETER =
  /^(?:python[\d.]*[dt]?|libpython[\w.]*|node|nodejs|libnode\.so[\d.]*|deno|bun|java|libjvm\.so|dotnet|libcoreclr\.so|ruby[\d.]*|libruby[\w.-]*|php[\w.-]*|libphp[\w.]*|perl[\d.]*|libperl[\w.]*|pypy[\w.-]*|libpypy[\w.-]*)$/;
const SHARED_LIBRARY = /\.so(?:\.[\w.]+)?$/;
const SYSTEM = /^\/(?:usr|lib|lib32|lib64|bin|sbin|nix\/store|gnu\/store|snap)(?:\/|$)/;
/** Not a place, but a name that a runtime gives to what it has in itself. */
const BUILT_IN = /^(?:node:|<frozen |ext:|\[?native code)/;
const STANDARD_LIBRARY =
  /^\/rustc\/|\/rustlib\/src\/|\/lib(?:64)?\/(?:python|pypy)\d[\w.]*\/|\/usr\/(?:local\/)?(?:lib\/)?go(?:-[\d.]+)?\/src\/|\/golang\.org\/toolchain@[^/]*\/src\/|\/include\/c\+\+\/|\/lib\/ruby\/\d|\/(?:share|lib)\/(?:[\w-]+\/)?perl(?:-base)?[\d./]/;

/** One recording's: the program's folders are looked at once. */
export class Origins {
  private readonly own: string[];

  constructor({ cwd, command }: Home) {
    const words = command.slice(0, MAX_PATH_CHARS).split(' ', WORDS);
    const paths = words.filter((word) => word.startsWith('/')).map((word) => posix.dirname(normal(word)));
    this.own = [...(cwd === null ? [] : [normal(cwd)]), ...paths].filter((folder) => isOwnFolder(folder));
  }

  of({ file, module, kind }: Named): FrameOrigin | null {
    if (kind === 'kernel') return 'kernel';
    if (kind === 'native' && INTERPRETER.test(module)) return 'runtime';
    if (file !== null && file !== '' && file.length <= MAX_PATH_CHARS) return this.ofFile(file, module);
    if (kind === 'unknown' || module === '' || module.startsWith('[')) return kind === 'jit' ? 'user' : null;
    return SHARED_LIBRARY.test(module) ? 'library' : 'user';
  }

  private ofFile(file: string, module: string): FrameOrigin {
    if (BUILT_IN.test(file)) return 'runtime';
    const path = normal(file);
    if (PACKAGE_FOLDERS.test(path)) return path.includes('/golang.org/toolchain@') ? 'runtime' : 'library';
    if (STANDARD_LIBRARY.test(path)) return 'runtime';
    if (this.own.some((folder) => path.startsWith(`${folder}/`))) return 'user';
    if (SYSTEM.test(path) || SHARED_LIBRARY.test(module)) return 'library';
    return 'user';
  }
}

/** A program in /usr/bin is not at home there, and everything is below `/`. */
function isOwnFolder(folder: string): boolean {
  return folder.length > 1 && folder.startsWith('/') && !SYSTEM.test(folder);
}

/** Without `.`, `..` and doubled slashes, so that `/home/me/app/../../../usr/lib/x` is what it names. */
function normal(path: string): string {
  const text = posix.normalize(path);
  return text.length > 1 && text.endsWith('/') ? text.slice(0, -1) : text;
}
