// A code object in the memory of a target: what one function is called, where it stands, and its line table. Its memory may be given
// to another object between the sample and the reading, within milliseconds where code is made by exec(): so BPF sends a
// fingerprint of it with each frame, the same is made here, before and after everything else was read, and what differs is not
// this function any more.
// Layout: CPython's Include/cpython/code.h.

import { PYTHON_PRINT_FROM, PYTHON_PRINT_WORDS } from '../../abi/runtimePython.gen';
import type { Memory } from '../types';
import type { PythonLayout } from './layout';
import { lineOf } from './lines';
import { readBytes, readText } from './texts';

const CODE_BYTES = 256;
const FINGERPRINT_SEED = 0x9e3779b97f4a7c15n;
const FINGERPRINT_FACTOR = 0xff51afd7ed558ccdn;
const WORD = (1n << 64n) - 1n;
const OBJECT_TYPE = 8;

export interface CodeObject {
  name: string;
  /** With the classes and functions around it (3.11 and later); else the name. */
  qualifiedName: string;
  /** As the program has it: perhaps relative, `<string>`, `<frozen importlib>`. */
  fileName: string;
  firstLine: number;
  lineTable: Buffer;
  instructions: number;
}

/** Why a frame's code could not be read; the texts are what the log counts by. */
export type CodeFailure = 'unreadable' | 'no code object' | 'replaced' | 'damaged';

export interface CodeReader {
  memory: Memory;
  layout: PythonLayout;
  /** Whether this is the type of code objects. */
  isCodeType(type: number): boolean;
}

/** Which of the words from PYTHON_PRINT_FROM on never change while the object lives: bit 0 the first. */
export function fingerprintMask({ code }: PythonLayout): number {
  const places = [code.firstLine, code.fileName, code.name, code.lineTable];
  if (code.qualifiedName !== null) places.push(code.qualifiedName);
  let mask = 0;
  for (const place of places) mask |= 1 << Math.floor((place - PYTHON_PRINT_FROM) / 8);
  return mask;
}

/** `bytes` from PYTHON_PRINT_FROM on. 32 bits; bpf/lib/unwind_python.bpf.h computes the same. */
export function fingerprintOf(bytes: Buffer, mask: number): number {
  let hash = FINGERPRINT_SEED;
  for (let i = 0; i < PYTHON_PRINT_WORDS; i++)
    if (mask & (1 << i)) {
      hash = ((hash ^ bytes.readBigUInt64LE(i * 8)) * FINGERPRINT_FACTOR) & WORD;
      hash ^= hash >> 32n;
    }
  return Number(hash & 0xffffffffn);
}

/** `fingerprint`: as the sample has it; null: whatever is there now. */
export function readCode(reader: CodeReader, address: number, fingerprint: number | null): CodeObject | CodeFailure {
  const { memory, layout } = reader;
  const mask = fingerprintMask(layout);
  const bytes = memory.read(address, CODE_BYTES);
  if (!bytes) return 'unreadable';
  const before = fingerprintOf(bytes.subarray(PYTHON_PRINT_FROM), mask);
  if (fingerprint !== null && before !== fingerprint) return 'replaced';
  if (!reader.isCodeType(pointerAt(bytes, OBJECT_TYPE))) return 'no code object';
  const { code } = layout;
  const text = (at: number) => readText(memory, layout, pointerAt(bytes, at));
  const name = text(code.name);
  const fileName = text(code.fileName);
  const qualifiedName = code.qualifiedName === null ? name : text(code.qualifiedName);
  const lineTable = readBytes(memory, layout, pointerAt(bytes, code.lineTable));
  const after = memory.read(address, CODE_BYTES);
  if (!after || fingerprintOf(after.subarray(PYTHON_PRINT_FROM), mask) !== before) return 'replaced';
  if (name === null || fileName === null || qualifiedName === null || !lineTable) return 'damaged';
  const firstLine = bytes.readInt32LE(code.firstLine);
  return { name, qualifiedName, fileName, firstLine, lineTable, instructions: address + code.instructions };
}

/** Null: the instruction has none. `position` in bytes from the first instruction. */
export function lineAt(code: CodeObject, layout: PythonLayout, position: number): number | null {
  return lineOf(layout.lineTable, code.lineTable, code.firstLine, position);
}

export function pointerAt(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 4_294_967_296;
}
