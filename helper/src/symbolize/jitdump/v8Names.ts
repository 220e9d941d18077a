// What V8's names of functions say beside the function's name, and how its dumps differ: `JS:*spin /home/me/app.js:12:3`.

/** V8 counts the addresses of lines from behind the ELF header that perf puts before a function (src/diagnostics/perf-jit.cc). */
const ELF_HEADER_BYTES = 0x40;
const V8_FUNCTION = /^(?:JS|Function|Eval|Script|Module|LazyCompile):/;
const PLACE = / ((?:file:\/\/)?\/\S.*|node:\S+):(\d+):(\d+)$/;

export function shiftOf(name: string): number {
  return V8_FUNCTION.test(name) ? ELF_HEADER_BYTES : 0;
}

/** Where the function begins. */
export function placeByName(name: string): { file: string; line: number } | null {
  const match = V8_FUNCTION.test(name) ? PLACE.exec(name) : null;
  return match && { file: pathOf(match[1]), line: Number(match[2]) };
}

/** Modules are named by their URL. */
export function pathOf(name: string): string {
  if (!name.startsWith('file:///')) return name;
  const path = name.slice('file://'.length);
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
