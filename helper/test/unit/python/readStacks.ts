// Every thread's frames and the place of its state pointer by the plug-in's own parts: from a living process, or from a capture of one.
import assert from 'node:assert/strict';
import { lineAt, readCode } from '../../../src/runtimes/python/codeObject';
import { layoutOf } from '../../../src/runtimes/python/layoutOfProcess';
import type { PythonImage } from '../../../src/runtimes/python/recognize';
import { findThreadSlot, type ThreadSlot } from '../../../src/runtimes/python/threadSlot';
import { CodeTypes, readFrames, readThreads } from '../../../src/runtimes/python/threads';
import type { Memory } from '../../../src/runtimes/types';

/** As sys._current_frames() tells it, innermost first. */
export type ToldFrame = [name: string, file: string, line: number | null, firstLine: number];

/** What the programs beside this file print. */
export interface Told {
  version: number;
  /** By threading.get_ident(), which is pthread_self(). */
  threads: Record<string, ToldFrame[]>;
}

export interface ReadStacks {
  threads: { threadId: number; address: number; frames: ToldFrame[] }[];
  slot: ThreadSlot | null;
}

export function readStacks(memory: Memory, image: PythonImage, bias: number): ReadStacks {
  const layout = layoutOf(memory, image, bias);
  assert.ok(layout, 'a layout is known');
  const runtime = image.runtimeAddress + bias;
  const types = new CodeTypes(memory, layout);
  const reader = { memory, layout, isCodeType: (type: number) => types.isCodeType(type) };
  const threads = readThreads(memory, layout, runtime);
  const key = layout.threadKey === null ? null : (memory.read(runtime + layout.threadKey, 4)?.readUInt32LE() ?? null);
  return {
    threads: threads.map((thread) => ({
      threadId: thread.threadId,
      address: thread.address,
      frames: readFrames(memory, layout, thread).map(({ code, position }): ToldFrame => {
        const object = readCode(reader, code, null);
        assert.ok(typeof object !== 'string', `a code object: ${object}`);
        return [object.qualifiedName, object.fileName, lineAt(object, layout, position), object.firstLine];
      }),
    })),
    slot: findThreadSlot(memory, threads, key),
  };
}
