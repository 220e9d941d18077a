// What BPF is told of a process: struct python_process of bpf/runtime_python.h.

import { PYTHON_ENTRY_MARK, PYTHON_NO_FIELD, PYTHON_POSITION, PYTHON_PROCESS } from '../../abi/runtimePython.gen';
import { fingerprintMask } from './codeObject';
import type { EntryMark, PythonLayout } from './layout';
import type { ThreadSlot } from './threadSlot';
import { frameBytes } from './threads';

export const PROCESS_MAP = 'python_processes';

const MARKS: Record<EntryMark, number> = {
  everyFrame: PYTHON_ENTRY_MARK.PYTHON_EACH_FRAME,
  flag: PYTHON_ENTRY_MARK.PYTHON_FLAG,
  shim: PYTHON_ENTRY_MARK.PYTHON_SHIM,
};

export interface ProcessAddresses {
  /** Of `_PyRuntime`. */
  runtime: number;
  /** Of the main interpreter's state; null: not known. */
  mainInterpreter: number | null;
  /** Of the types by which names of tasks are told; null: not known. */
  types: { number: number; text: number } | null;
}

export function processData(layout: PythonLayout, slot: ThreadSlot, addresses: ProcessAddresses): Uint8Array {
  const bytes = Buffer.alloc(PYTHON_PROCESS.byteLength);
  const { thread, frame, code, interpreter } = layout;
  const at = PYTHON_PROCESS;
  if (layout.lockHolder !== null) bytes.writeBigUInt64LE(BigInt(addresses.runtime + layout.lockHolder), at.lockHolder);
  bytes.writeBigUInt64LE(BigInt(addresses.mainInterpreter ?? 0), at.mainInterpreter);
  bytes.writeBigUInt64LE(BigInt(addresses.types?.number ?? 0), at.numberType);
  bytes.writeBigUInt64LE(BigInt(addresses.types?.text ?? 0), at.textType);
  bytes.writeUInt32LE(interpreter.threadsHead, at.interpreterThreads);
  bytes.writeInt32LE(slot.offset, at.slot);
  bytes.writeInt32LE(slot.inside ?? -1, at.slotInside);
  if (interpreter.lock) {
    bytes.writeUInt32LE(interpreter.lock.pointer, at.lockPointer);
    bytes.writeUInt16LE(interpreter.lock.holder, at.lockLast);
    bytes.writeUInt16LE(interpreter.lock.locked, at.lockTaken);
  }
  const fields: [number, number | null][] = [
    [at.threadNext, thread.next],
    [at.threadInterpreter, thread.interpreter],
    [at.threadId, thread.threadId],
    [at.threadFrame, thread.frame],
    [at.callFrame, thread.call?.frame ?? null],
    [at.callPrevious, thread.call?.previous ?? null],
    [at.frameBytes, frameBytes(layout)],
    [at.frameBack, frame.back],
    [at.frameCode, frame.code],
    [at.framePosition, frame.position],
    [at.frameEntry, frame.entry ?? 0],
    [at.frameCopy, frame.tlbcIndex],
    [at.codeInstructions, code.instructions],
    [at.codeCopies, code.tlbc ?? 0],
    [at.threadTask, thread.task?.running ?? null],
    [at.taskName, thread.task?.name ?? null],
    [at.printMask, fingerprintMask(layout)],
  ];
  for (const [place, value] of fields) bytes.writeUInt16LE(value ?? PYTHON_NO_FIELD, place);
  bytes.writeUInt8(MARKS[frame.mark], at.mark);
  const isPointer = layout.position === 'pointer';
  bytes.writeUInt8(isPointer ? PYTHON_POSITION.PYTHON_POINTER : PYTHON_POSITION.PYTHON_NUMBER, at.position);
  return bytes;
}
