// What others take from this folder: the compiler's result and the compiler. See README.md.

export { compileUnwindTable } from './compile';
export type { UnwindTable } from './table';
