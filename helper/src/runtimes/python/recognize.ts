// Whether an ELF file holds a CPython interpreter, and where in it that keeps what a profiler needs. By content alone: `_PyRuntime`
// as a symbol, or the section .PyRuntime, which survives strip (3.10 and later), wherever the file lies and whatever it is called.
//
// Sources: CPython's Include/internal/pycore_runtime.h (_PyRuntime and GENERATE_DEBUG_SECTION(PyRuntime)),
// Include/pylifecycle.h (Py_Version, 3.11), Python/getversion.c (PY_VERSION), Modules/getpath.c (the folder's name).

import { findSymbols, type NamedSymbol } from '../../elf/namedSymbols';
import type { ElfFile } from '../../elf/parser';
import { PF_X, PT_LOAD, SHF_ALLOC, SHF_EXECINSTR, SHT_NOBITS } from '../../elf/types';
import type { RuntimeImage } from '../types';
import { type CodeArea, findEvaluationLoop } from './evaluationLoop';

export interface PythonImage extends RuntimeImage {
  readonly runtime: 'python';
  /** Of `_PyRuntime`; virtual address. */
  readonly runtimeAddress: number;
  /** PY_VERSION_HEX, 0x030b07f0 for 3.11.7; null: the file does not say. */
  readonly versionHex: number | null;
  /** Of the types `int` and `str`; null: not named. */
  readonly types: { number: number; text: number } | null;
  /** Code of the function that evaluates Python's bytecode, its parts elsewhere included; empty: not found. */
  readonly evaluation: readonly CodeArea[];
  /** Code of functions in which a thread waits for the global interpreter lock; empty: not found. */
  readonly lockWait: readonly CodeArea[];
  /** Code of functions that collect garbage; empty: not found. */
  readonly collection: readonly CodeArea[];
  /** All code of the file. */
  readonly code: readonly CodeArea[];
}

const EVALUATION = '_PyEval_EvalFrameDefault';
const EVALUATION_PARTS = [EVALUATION, `${EVALUATION}.cold`];
/** The function that waits, which stripped builds do not name, and those that do nothing but call it. */
const LOCK_WAIT = [
  'take_gil',
  'take_gil.constprop.0',
  'PyEval_RestoreThread',
  'PyEval_AcquireThread',
  '_PyThreadState_Attach',
  'PyGILState_Ensure',
  '_Py_HandlePending',
];
/** Those that stripped builds do not name come first; Modules/gcmodule.c, Python/gc.c (3.13 and later). */
const COLLECTION = [
  'gc_collect_main',
  'gc_collect_main.constprop.0',
  'gc_collect_generations',
  'collect_generations',
  'gc_collect_young',
  'gc_collect_increment',
  'gc_collect_full',
  'PyGC_Collect',
  '_PyGC_Collect',
  '_PyGC_CollectNoFail',
  '_Py_RunGC',
];
const RUNTIME = '_PyRuntime';
const NUMBER_TYPE = 'PyLong_Type';
const TEXT_TYPE = 'PyUnicode_Type';
const SYMBOLS = [RUNTIME, 'Py_Version', NUMBER_TYPE, TEXT_TYPE, ...EVALUATION_PARTS, ...LOCK_WAIT, ...COLLECTION];
/** Of read-only data that is searched for the version's text. */
const MAX_SEARCHED_BYTES = 32 * 1024 * 1024;
const LIBRARY_FOLDER = /python3\.(\d{1,2})\0/;
const RELEASE_LEVELS: Record<string, number> = { a: 0xa, b: 0xb, rc: 0xc };

/** Null: no CPython. Throws FormatError. */
export function recognizePython(elf: ElfFile): PythonImage | null {
  const section = elf.section('.PyRuntime');
  // By itself first: most files have none, and each name is one more pass over the names of all symbols.
  const runtimeAddress = findSymbols(elf, [RUNTIME]).get(RUNTIME)?.address ?? section?.address;
  if (!runtimeAddress) return null;
  const symbols = findSymbols(elf, SYMBOLS);
  const versionHex = versionSymbol(elf, symbols.get('Py_Version')) ?? versionText(elf);
  const [number, text] = [NUMBER_TYPE, TEXT_TYPE].map((name) => symbols.get(name));
  const areas = (names: readonly string[]) =>
    names.flatMap((name) => {
      const symbol = symbols.get(name);
      return symbol ? [{ start: symbol.address, end: symbol.address + symbol.sizeBytes }] : [];
    });
  return {
    runtime: 'python',
    version: versionHex === null ? null : versionName(versionHex),
    runtimeAddress,
    versionHex,
    types: number && text ? { number: number.address, text: text.address } : null,
    evaluation: findEvaluationLoop(elf, areas(EVALUATION_PARTS)),
    lockWait: areas(LOCK_WAIT),
    collection: areas(COLLECTION),
    code: elf.segments
      .filter(({ type, flags }) => type === PT_LOAD && flags & PF_X)
      .map(({ address, memorySizeBytes }) => ({ start: address, end: address + memorySizeBytes })),
  };
}

/** `3.11.7`, `3.15.0a2`. */
export function versionName(versionHex: number): string {
  const level = Object.entries(RELEASE_LEVELS).find(([, code]) => code === ((versionHex >>> 4) & 15))?.[0];
  const release = `${versionHex >>> 24}.${(versionHex >>> 16) & 0xff}.${(versionHex >>> 8) & 0xff}`;
  return level ? `${release}${level}${versionHex & 15}` : release;
}

function versionSymbol(elf: ElfFile, symbol: NamedSymbol | undefined): number | null {
  const section = symbol && elf.sectionAt(symbol.address);
  if (!section || section.type === SHT_NOBITS || symbol.sizeBytes < 4) return null;
  const hex = elf.source.read(section.fileOffset + symbol.address - section.address, 4).readUInt32LE();
  return hex >>> 24 === 3 ? hex : null;
}

/**
 * Before 3.11 there are only texts among the read-only data: the folder of the standard library tells the minor version, what
 * `sys.version` begins with the rest (the linker may keep it as the end of a longer text).
 */
function versionText(elf: ElfFile): number | null {
  for (const s of elf.sections) {
    if ((s.flags & SHF_ALLOC) === 0 || s.flags & SHF_EXECINSTR || !s.name.startsWith('.rodata')) continue;
    if (s.type === SHT_NOBITS || s.sizeBytes > MAX_SEARCHED_BYTES) continue;
    const data = elf.source.read(s.fileOffset, s.sizeBytes).toString('latin1');
    const minor = LIBRARY_FOLDER.exec(data)?.[1];
    if (minor === undefined) continue;
    const whole = new RegExp(`(?<![\\d.])3\\.${minor}\\.(\\d{1,3})(?:(a|b|rc)(\\d))?\\+?\\0`).exec(data);
    const [, micro, level, serial] = whole ?? [];
    return (
      (3 << 24) |
      (Number(minor) << 16) |
      (Number(micro ?? 0) << 8) |
      ((RELEASE_LEVELS[level] ?? 0xf) << 4) |
      Number(serial ?? 0)
    );
  }
  return null;
}
