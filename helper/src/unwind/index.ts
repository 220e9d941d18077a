// What others take from this folder: see README.md.

export { compileUnwindTable } from './compile';
export type { UnwindTable } from './table';
export { loadOrCompile, openTableCache } from './tableCache';
