// CPython in one process: from the file that it maps to what BPF needs, and from what BPF sends to frames. An interpreter is mapped
// before it is set up, so that the first look may come too early; it is asked again until it has threads. A layout is believed
// when what it leads to is what it should be: threads that name their interpreter and themselves, frames with code objects.

import { readlinkSync } from 'node:fs';
import { RUNTIME_PYTHON } from '../../abi/runtimePython.gen';
import type { RawFrame, RuntimeFrame } from '../../process/types';
import type { ContextKind, RuntimeState } from '../../protocol';
import type { Frame } from '../frame';
import type { MappedImage, MapValue, RuntimeProcess, ShownFrame, TracedProcess } from '../types';
import { type CodeFailure, pointerAt } from './codeObject';
import { NEWEST_KNOWN_MINOR } from './debugOffsets';
import type { CodeArea } from './evaluationLoop';
import type { PythonLayout } from './layout';
import { layoutOf, NO_LAYOUT } from './layoutOfProcess';
import { PROCESS_MAP, processData } from './processData';
import { PythonFrames } from './pythonFrames';
import type { PythonImage } from './recognize';
import { type NativeRole, splice } from './splice';
import { readText } from './texts';
import { findThreadSlot, type ThreadSlot } from './threadSlot';
import { CodeTypes, mainInterpreter, readFrames, readThreads, type ThreadState } from './threads';

const WAITING: RuntimeState = { status: 'waiting' };
/** Times that something is looked for which must be there by then: threads run, and are read while they do. */
const MAX_LOOKS = 40;
/** Frames of a thread that are looked at before a layout is believed. */
const FRAMES_LOOKED_AT = 8;
const SEARCH_AGAIN_MS = 250;
/** Labels below are numbers of tasks (python_label() of bpf/lib/unwind_python.bpf.h). */
const FIRST_TASK_ADDRESS = 2 ** 32;

export class PythonProcess implements RuntimeProcess {
  state: RuntimeState = WAITING;
  mapValues: readonly MapValue[] = [];
  /** Native frames of the evaluation loop are walked by its tables like all others. */
  readonly ranges = [];
  private layout: PythonLayout | null = null;
  private frames: PythonFrames | null = null;
  private slot: ThreadSlot | null = null;
  private readonly runtimeAddress: number;
  private readonly evaluation: readonly CodeArea[];
  private readonly lockWait: readonly CodeArea[];
  private readonly collection: readonly CodeArea[];
  private readonly code: readonly CodeArea[];
  private looks = 0;
  private searchedAtMs = 0;

  constructor(
    private readonly process: TracedProcess,
    private readonly mapped: MappedImage<PythonImage>,
  ) {
    const { image, bias } = mapped;
    const moved = ({ start, end }: CodeArea) => ({ start: start + bias, end: end + bias });
    this.runtimeAddress = image.runtimeAddress + bias;
    this.evaluation = image.evaluation.map(moved);
    this.lockWait = image.lockWait.map(moved);
    this.collection = image.collection.map(moved);
    this.code = image.code.map(moved);
    this.refresh();
  }

  refresh(): void {
    if (this.state.status !== 'waiting') return;
    const { memory } = this.process;
    const layout = layoutOf(memory, this.mapped.image, this.mapped.bias);
    if (!layout) {
      this.give(NO_LAYOUT(this.mapped.image.version));
      return;
    }
    const threads = readThreads(memory, layout, this.runtimeAddress);
    // Not set up yet, or about to exit.
    if (threads.length === 0) return;
    const slot = this.search(layout, threads);
    const types = new CodeTypes(memory, layout);
    if (slot && this.isCode(layout, types, threads)) {
      this.layout = layout;
      if (layout.minor > NEWEST_KNOWN_MINOR)
        this.process.problem(`Python 3.${layout.minor} is read as 3.${NEWEST_KNOWN_MINOR}, the newest that is known`);
      this.frames = new PythonFrames(
        { memory, layout, isCodeType: (type) => types.isCodeType(type) },
        () => workingFolder(this.process.pid),
        (why) => this.process.problem(FAILURES[why]),
      );
      this.take(slot);
      this.change({ status: 'named' });
    } else if (++this.looks >= MAX_LOOKS) {
      this.give({
        reason: slot
          ? `The structures of this build of Python ${this.mapped.image.version ?? ''} are not where its version has them.`
          : 'The place where its threads keep their Python state was not found.',
        fix: 'Run the program with a build of CPython 3.8 to 3.15 as python.org or your distribution has it.',
      });
    }
  }

  mappingsChanged(): void {}

  get contextKind(): ContextKind | null {
    return this.layout?.thread.task && this.mapped.image.types ? 'task' : null;
  }

  /** Tasks that were given a name are told by their address, all others by the number that their name is made of. */
  contextName(id: number): string | null {
    const { layout } = this;
    if (!layout?.thread.task || id < FIRST_TASK_ADDRESS) return null;
    const pointer = this.process.memory.read(id + layout.thread.task.name, 8);
    return pointer && readText(this.process.memory, layout, pointerAt(pointer, 0));
  }

  splice(user: readonly RawFrame[]): ShownFrame[] {
    // As long as it cannot be read, native frames are what there is to see.
    if (!this.frames) return [...user.keys()];
    this.frames.relate(user.filter((frame) => typeof frame !== 'number' && isOurs(frame)) as RuntimeFrame[]);
    return splice(
      user,
      isOurs,
      (address, isInnermost) => this.roleOf(address, isInnermost),
      this.layout?.frame.mark === 'everyFrame',
    );
  }

  resolve(frame: RuntimeFrame): Frame[] {
    if (this.slot?.ambiguous) this.searchAgain();
    return this.frames ? [this.frames.nameOf(frame)] : [];
  }

  release(): void {
    this.frames = null;
  }

  private roleOf(address: number, isInnermost: boolean): NativeRole {
    // A return address lies behind the call.
    const at = isInnermost ? address : address - 1;
    const isIn = (areas: readonly CodeArea[]) => areas.some(({ start, end }) => at >= start && at < end);
    if (!isIn(this.code)) return 'other';
    if (isIn(this.evaluation)) return 'evaluation';
    if (isIn(this.lockWait)) return 'lockWait';
    return isIn(this.collection) ? 'collection' : 'interpreter';
  }

  private isCode(layout: PythonLayout, types: CodeTypes, threads: readonly ThreadState[]): boolean {
    const codes = threads.flatMap((thread) =>
      readFrames(this.process.memory, layout, thread, FRAMES_LOOKED_AT).map(({ code }) => code),
    );
    // They run meanwhile, so that one may be gone.
    return codes.filter((code) => types.isCode(code)).length > codes.length / 2;
  }

  private search(layout: PythonLayout, threads: readonly ThreadState[]): ThreadSlot | null {
    const { memory } = this.process;
    const key = layout.threadKey === null ? null : memory.read(this.runtimeAddress + layout.threadKey, 4);
    this.searchedAtMs = performance.now();
    return findThreadSlot(memory, threads, key?.readUInt32LE() ?? null);
  }

  /** With more threads, or at another time, fewer places have the value. */
  private searchAgain(): void {
    if (!this.layout || performance.now() - this.searchedAtMs < SEARCH_AGAIN_MS) return;
    const slot = this.search(this.layout, readThreads(this.process.memory, this.layout, this.runtimeAddress));
    if (!slot || (slot.offset === this.slot?.offset && slot.ambiguous)) return;
    this.take(slot);
    this.process.changed();
  }

  private take(slot: ThreadSlot): void {
    if (!this.layout) return;
    this.slot = slot;
    const runtime = this.runtimeAddress;
    const { image, bias } = this.mapped;
    const types = image.types && { number: image.types.number + bias, text: image.types.text + bias };
    const addresses = { runtime, types, mainInterpreter: mainInterpreter(this.process.memory, this.layout, runtime) };
    this.mapValues = [{ map: PROCESS_MAP, value: processData(this.layout, slot, addresses) }];
  }

  private give(why: { reason: string; fix: string | null }): void {
    this.change({ status: 'nativeOnly', ...why });
  }

  private change(state: RuntimeState): void {
    this.state = state;
    this.process.changed();
  }
}

const FAILURES: Record<CodeFailure | 'torn chain', string> = {
  unreadable: 'the memory of a code object could not be read',
  'no code object': 'what a frame ran was no code object',
  replaced: 'a code object was freed before its name was read',
  damaged: 'a code object had no readable name or line table',
  'torn chain': 'a chain of frames led to memory that was not there',
};

function isOurs({ runtime }: RuntimeFrame): boolean {
  return runtime === RUNTIME_PYTHON;
}

function workingFolder(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}
