// Linker's name -> what a person reads: {name for the box, full name}. Never throws: a name that cannot be demangled is shown as it
// is.

import { MAX_DEMANGLE_BYTES } from '../limits';
import { demangleItanium } from './itanium';
import { shortCppName, shortRustName } from './shortName';
import { demangleAny } from './wasm';

export interface DisplayName {
  name: string;
  /** Null where it is the same. */
  fullName: string | null;
}

const RUST_V0 = /^_R[A-Z0-9]/;
const RUST_LEGACY = /17h[0-9a-f]{16}E/;
const ITANIUM = /^_{1,4}Z/;
/** Versions (`memcpy@@GLIBC_2.14`) and what LTO adds (`.llvm.1234`, `.lto_priv.0`) name no other function. */
const VERSION = /@@?[A-Za-z][\w.]*$/;
const LTO_SUFFIX = /\.(?:llvm\.\d+|lto_priv\.\d+)/;

/** What compilers append to the names of copies and pieces of C functions; C++'s demangler knows them by itself. */
const C_CLONE = /^((?!_Z|_R)[A-Za-z_]\w*)((?:\.(?:cold|constprop|isra|part|localalias)(?:\.\d+)?)+)$/;
/** As the library prints jumps to another class's method: binutils and LLVM say `virtual thunk to f()`. */
const THUNK = /^\{virtual override thunk\(\{(virtual )?offset\([-\d, ]*\)\}, (.*)\)\}$/;

/** Swift's and D's names, for which no library is at hand. Sources: Swift's docs/ABI/Mangling.rst; D's ABI, "Name Mangling". */
const WITHOUT_DEMANGLER = /^(?:_?\$[sSe]|_T0|_D(?:\d|main$))/;

/** The name stays as the linker knows it, though people would write it differently: debug information may say how. */
export function isLeftMangled(linkageName: string, shown: string): boolean {
  return WITHOUT_DEMANGLER.test(linkageName) || (ITANIUM.test(shown) && shown === linkageName);
}

/** As the library reads it; null where it does not. */
function demangled(plain: string): string | null {
  let full: string;
  try {
    full = demangleAny(plain);
  } catch {
    return null;
  }
  // It takes off an underscore when it finds no way to read the rest.
  return full === plain || `_${full}` === plain || full === '' ? null : full;
}

export function displayName(linkageName: string): DisplayName {
  const plain = linkageName.replace(VERSION, '').replace(LTO_SUFFIX, '') || linkageName;
  const clone = C_CLONE.exec(plain);
  if (clone) return { name: clone[2].includes('.cold') ? `${clone[1]} [cold]` : clone[1], fullName: plain };
  const isRust = RUST_V0.test(plain) || (ITANIUM.test(plain) && RUST_LEGACY.test(plain));
  if (!isRust && !ITANIUM.test(plain)) return { name: plain, fullName: null };
  if (plain.length > MAX_DEMANGLE_BYTES) return { name: plain.slice(0, 64), fullName: plain };
  const full = demangled(plain) ?? (isRust ? null : demangleItanium(plain));
  if (full === null) return { name: plain, fullName: null };
  const thunk = THUNK.exec(full);
  if (thunk)
    return {
      name: `${shortCppName(thunk[2])} [thunk]`,
      fullName: `${thunk[1] ? 'virtual' : 'non-virtual'} thunk to ${thunk[2]}`,
    };
  const name = isRust ? shortRustName(full) : shortCppName(full);
  return { name: name || full, fullName: name === full ? null : full };
}
