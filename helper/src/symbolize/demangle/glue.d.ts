// The package declares its entry only, which needs a bundler that understands WebAssembly modules. This is its glue.
declare module 'gecko-profiler-demangle/index_bg.js' {
  export function __wbg_set_wasm(exports: unknown): void;
  export function demangle_any(name: string): string;
}
