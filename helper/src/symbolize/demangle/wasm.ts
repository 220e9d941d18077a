// The demanglers of gecko-profiler-demangle (the Firefox profiler's: cpp_demangle and rustc-demangle in WebAssembly), loaded
// without a bundler's help. In workers only: a name that makes it trap or loop costs a worker, not the helper. The file lies beside
// the bundle (esbuild.mjs copies it), in tests in node_modules.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as glue from 'gecko-profiler-demangle/index_bg.js';

/** The little that is used of it; its types come with TypeScript's DOM library, which has no place here. */
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    Module: new (bytes: Uint8Array) => object;
    Instance: new (module: object, imports: object) => { readonly exports: object };
  };
};

let ready = false;

/** Throws where the WebAssembly file is missing or a name makes it trap; the next call starts afresh. */
export function demangleAny(mangled: string): string {
  if (!ready) start();
  try {
    return glue.demangle_any(mangled);
  } catch (error) {
    ready = false;
    throw error;
  }
}

let module: object | null = null;

function start(): void {
  module ??= new WebAssembly.Module(readFileSync(wasmFile()));
  const instance = new WebAssembly.Instance(module, { './index_bg.js': glue });
  const exports = instance.exports as { __wbindgen_start(): void };
  glue.__wbg_set_wasm(instance.exports);
  exports.__wbindgen_start();
  ready = true;
}

function wasmFile(): string {
  const beside = join(__dirname, 'demangle.wasm');
  return existsSync(beside) ? beside : createRequire(__filename).resolve('gecko-profiler-demangle/index_bg.wasm');
}
