// Gives memory that an ended worker has left in the C library's arenas back to the system. Without it the helper would keep half of
// its peak for good. glibc only; elsewhere there is nothing to do.

let trim: ((padBytes: number) => number) | null | undefined;

export function trimMemory(): void {
  if (trim === undefined) trim = bind();
  trim?.(0);
}

function bind(): ((padBytes: number) => number) | null {
  try {
    const koffi: typeof import('koffi') = require('koffi');
    return koffi.load(null).func('int malloc_trim(size_t padBytes)');
  } catch {
    return null;
  }
}
