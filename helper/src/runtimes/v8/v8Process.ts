// A process with a V8 in it: tells the kernel's program where to look, and names the frames that come back.

import type { RawFrame, RuntimeFrame } from '../../process/types';
import type { RuntimeState } from '../../protocol';
import { garbageCollection, notNamedYet } from '../attachedRuntime';
import type { Frame } from '../frame';
import { SourceMaps } from '../sourceMaps';
import {
  MAX_MEMORY_READ_BYTES,
  type MappedImage,
  type MapValue,
  type RuntimeProcess,
  type RuntimeRange,
  type ShownFrame,
  type TracedProcess,
} from '../types';
import { builtinAt } from './builtins';
import { type CodeRanges, codeRangesOf } from './codeRanges';
import { Frames } from './frames';
import { readBuiltinName } from './functions';
import { layoutOf } from './layout';
import type { V8Layout } from './layoutShape';
import { runtimeFrame, shownFrame } from './shown';
import type { ScriptPlace, StaleReason, V8Image } from './types';
import { decodeWords, type FrameFunction, type FrameWords, processValue, V8_MAP } from './words';

/** Of all processes: its thread rests when nobody asks. */
const sourceMaps = new SourceMaps();

/** A version whose layout is not known is believed until so many frames have shown that it is another one. */
const TRIAL_FRAMES = 100;
const MAX_TOLD_SCRIPTS = 10_000;
const NOT_NAMED_YET = notNamedYet('JavaScript', 'node');
const COLLECTION = garbageCollection('node');

export class V8Process implements RuntimeProcess {
  readonly contextKind = null;
  private readonly layout: V8Layout | null;
  private readonly frames: Frames | null = null;
  private refusal: string | null = null;
  private code: CodeRanges;
  private roundIsOpen = false;
  private readonly seen = { named: 0, stale: 0 };
  private readonly shownPlaces = new WeakMap<ScriptPlace, Frame | Promise<Frame>>();
  /** Scripts whose maps were told to be of no use. */
  private readonly withoutMap = new Set<string>();

  constructor(
    private readonly process: TracedProcess,
    private readonly mapped: MappedImage<V8Image>,
  ) {
    const { image } = mapped;
    const layout = layoutOf(image);
    this.layout = typeof layout === 'string' ? null : layout;
    if (typeof layout === 'string') this.refusal = layout;
    else this.frames = new Frames((start, sizeBytes) => this.read(start, sizeBytes), layout, image.bytecodeSizes);
    this.code = codeRangesOf(image, mapped.bias, process.code());
  }

  get state(): RuntimeState {
    if (this.refusal !== null)
      return { status: 'nativeOnly', reason: `Its V8 cannot be read: ${this.refusal}.`, fix: null };
    return { status: 'named' };
  }

  get mapValues(): readonly MapValue[] {
    if (!this.layout || this.refusal !== null) return [];
    return [{ map: V8_MAP, value: processValue(this.layout, this.code.builtins, this.code.generated) }];
  }

  get ranges(): readonly RuntimeRange[] {
    return this.refusal === null ? this.code.all : [];
  }

  mappingsChanged(): void {
    this.code = codeRangesOf(this.mapped.image, this.mapped.bias, this.process.code());
  }

  /**
   * Code of V8's that came as bare addresses: before BPF knew of the process, or of this code. And below a collection of garbage
   * that it is one.
   */
  splice(user: readonly RawFrame[]): ShownFrame[] {
    if (this.refusal !== null) return [...user.keys()];
    const shown: ShownFrame[] = [];
    for (const [i, frame] of user.entries())
      if (typeof frame !== 'number' || !this.isOwn(frame)) {
        shown.push(i);
        // It may call itself, and be called through a part of its own that lies elsewhere.
        if (this.collects(frame) && !this.collects(user[i + 1])) shown.push(COLLECTION);
      } else if (shown.at(-1) !== NOT_NAMED_YET) shown.push(NOT_NAMED_YET);
    return shown;
  }

  private collects(frame: RawFrame | undefined): boolean {
    if (typeof frame !== 'number') return false;
    const at = frame - 1 - this.mapped.bias;
    return this.mapped.image.collection.some(({ start, end }) => start <= at && at < end);
  }

  private isOwn(address: number): boolean {
    return this.code.all.some(({ start, end }) => start <= address && address < end);
  }

  resolve(frame: RuntimeFrame): Frame[] | Promise<Frame[]> {
    const words = decodeWords(frame);
    if (!words || !this.frames) return [this.stale('unreadable memory')];
    this.beginRound(this.frames);
    const found = words.isTop ? this.top(this.frames, words) : this.caller(this.frames, words);
    const shown = found.map((one) =>
      typeof one === 'string' ? this.stale(one) : 'tier' in one ? this.shown(one) : one,
    );
    this.judge();
    return shown.some((one) => one instanceof Promise) ? Promise.all(shown) : (shown as Frame[]);
  }

  release(): void {}

  /** Interrupted in V8's code: the function whose code that is may have no frame, and the one found is then its caller. */
  private top(frames: Frames, words: FrameWords): (ScriptPlace | StaleReason | Frame)[] {
    const { pc, found } = words;
    if (pc === null) return this.caller(frames, words);
    const code = frames.codeAt(pc);
    const at = { kind: 'machine', pc, isReturnAddress: false } as const;
    if (!code) {
      if (found.kind === 'marked') return this.caller(frames, words);
      return ['no code at the address', ...this.caller(frames, words)];
    }
    if ('function' in found && frames.belongs(code, found.function))
      return together(frames.resolve({ ...found.function, at }));
    const owner = frames.ownerOf(code);
    const own = owner ? together(frames.resolve({ ...owner, at })) : [];
    return [...own, ...this.caller(frames, words)];
  }

  /** What stands at the frame pointer, and has called something. */
  private caller(frames: Frames, words: FrameWords): (ScriptPlace | StaleReason | Frame)[] {
    const { found, isTop, pc, returnAddress } = words;
    switch (found.kind) {
      case 'unreadable':
        return ['unreadable memory'];
      case 'no function':
        return isTop || (pc !== null && this.isBuiltin(pc)) ? [] : ['no function in the frame'];
      case 'marked':
        return this.marked(found.type);
      case 'interpreted': {
        const { bytecodeOffset, registerOffset } = found;
        const at = { kind: 'interpreted', bytecodeOffset, registerOffset } as const;
        return together(frames.resolve({ ...(frames.debugged(found.function) ?? found.function), at }));
      }
      case 'machine':
      case 'builtin': {
        const called = found.function.scriptId === 0 ? frames.debugged(found.function) : found.function;
        if (!called) return this.builtin(frames, found.function, pc);
        const machine = (at: number) =>
          ({ ...called, at: { kind: 'machine', pc: at, isReturnAddress: true } }) as const;
        // The word on top of the stack is a guess, unlike the return address of a frame.
        const code = isTop && returnAddress !== null ? frames.codeAt(returnAddress) : null;
        if (code && returnAddress !== null && frames.belongs(code, called))
          return together(frames.resolve(machine(returnAddress)));
        if (isTop || pc === null || found.kind === 'builtin')
          return together(frames.resolve({ ...called, at: { kind: 'unknown' } }));
        return together(frames.resolve(machine(pc)));
      }
    }
  }

  /** V8's own frames stand for nothing that somebody wrote: what they do counts for their caller. */
  private marked(type: number): Frame[] {
    const name = this.layout?.frameTypes.get(type);
    if (name === 'IrregexpFrame') return [runtimeFrame('RegExp', 'jit')];
    if (name === 'WasmFrame' || name === 'WasmSegmentStartFrame') return [runtimeFrame('wasm function', 'jit', false)];
    return [];
  }

  private builtin(frames: Frames, { shared }: FrameFunction, pc: number | null): Frame[] {
    const { image } = this.mapped;
    const at = pc === null ? null : this.fileAddress(pc);
    const name = (at === null ? null : builtinAt(image, at)) ?? readBuiltinName(frames.heap, shared);
    return name ? [runtimeFrame(name, 'native')] : [];
  }

  private isBuiltin(pc: number): boolean {
    return this.fileAddress(pc) !== null;
  }

  /** Of code of a builtin; null: it is none. */
  private fileAddress(pc: number): number | null {
    const { blob } = this.mapped.image;
    for (const { start, end } of this.code.builtins)
      if (blob && pc >= start && pc < end) return pc - start + blob.start;
    return null;
  }

  private shown(place: ScriptPlace): Frame | Promise<Frame> {
    this.seen.named++;
    let frame = this.shownPlaces.get(place);
    if (!frame) {
      frame = shownFrame(place, this.code.rootPrefix, sourceMaps, (why) => this.mapProblem(place.scriptName, why));
      this.shownPlaces.set(place, frame);
      if (frame instanceof Promise) void frame.then((known) => this.shownPlaces.set(place, known));
    }
    return frame;
  }

  private mapProblem(scriptName: string, why: string): void {
    if (this.withoutMap.has(scriptName) || this.withoutMap.size >= MAX_TOLD_SCRIPTS) return;
    this.withoutMap.add(scriptName);
    this.process.problem(why);
  }

  private stale(reason: StaleReason): Frame {
    this.seen.stale++;
    this.process.problem(`a frame could not be read: ${reason}`);
    return runtimeFrame('[v8: stale frame]', 'unknown', false);
  }

  private judge(): void {
    const { named, stale } = this.seen;
    if (!this.layout || this.layout.isKnownVersion || this.refusal !== null) return;
    if (named + stale < TRIAL_FRAMES || stale <= named) return;
    const { v8Version } = this.mapped.image;
    this.refusal = `V8 ${v8Version.join('.')} is not known, and its objects are not laid out as those of ${this.layout.tableVersion}`;
    this.process.changed();
  }

  /** What is read in one turn is read once: the ring is drained at a stretch. */
  private beginRound(frames: Frames): void {
    if (this.roundIsOpen) return;
    this.roundIsOpen = true;
    frames.beginRound();
    setImmediate(() => {
      this.roundIsOpen = false;
    });
  }

  /** Texts of scripts come in pieces: one read is bounded. */
  private read(start: number, sizeBytes: number): Uint8Array | null {
    const { memory } = this.process;
    if (sizeBytes <= MAX_MEMORY_READ_BYTES) return memory.read(start, sizeBytes);
    const pieces: Buffer[] = [];
    for (let at = 0; at < sizeBytes; at += MAX_MEMORY_READ_BYTES) {
      const piece = memory.read(start + at, Math.min(MAX_MEMORY_READ_BYTES, sizeBytes - at));
      if (!piece) return null;
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  }
}

function together(found: ScriptPlace[] | StaleReason): (ScriptPlace | StaleReason)[] {
  return typeof found === 'string' ? [found] : found;
}
