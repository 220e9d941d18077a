// One runtime in one process, with its plug-in kept at arm's length: what it throws or rejects with is counted and costs that
// frame or that process alone, what it returns is checked.

import type { SampleLabel } from '../abi/records';
import type { RawFrame, RuntimeFrame } from '../process/types';
import type { ContextKind, RuntimeId, RuntimeState } from '../protocol';
import { EMPTY_FRAME, type Frame } from './frame';
import type {
  MappedImage,
  MapValue,
  RuntimePlugin,
  RuntimeProcess,
  RuntimeRange,
  ShownFrame,
  TracedProcess,
} from './types';

/** Functions that one runtime frame may stand for. */
const MAX_FRAMES_OF_ONE = 128;
const MAX_TEXT_CHARACTERS = 4_096;
const MAX_CONTEXT_NAME_CHARACTERS = 200;
/** Different things that went wrong; the texts are the plug-ins' own. */
const MAX_PROBLEMS = 16;

/** How often what went wrong, over the processes of a plug-in. */
export class Problems {
  readonly counts = new Map<string, number>();

  add(text: string): void {
    if (this.counts.has(text) || this.counts.size < MAX_PROBLEMS)
      this.counts.set(text, (this.counts.get(text) ?? 0) + 1);
  }
}

export class AttachedRuntime {
  /** Processes that have it: one, and what is left of it while stacks from before an exec wait for their walk. */
  users = 1;
  /** Why BPF does nothing for it, although its plug-in would, so that its frames stay native ones; null: it does. */
  kernelRefuses: string | null = null;
  private failed: RuntimeState | null = null;
  /** Seen once: files of a process that has ended are not asked about any more. */
  private codeNamed = false;
  /** A frame is asked about once, however often its stack is. */
  private readonly answers = new WeakMap<RuntimeFrame, Frame[] | Promise<Frame[]>>();
  /** The same object for the same one of the plug-in's, so that it is counted without being compared. */
  private readonly sound = new WeakMap<Frame, Frame>();

  private constructor(
    readonly plugin: RuntimePlugin,
    readonly version: string | null,
    private readonly process: RuntimeProcess,
    private readonly problems: Problems,
    private readonly ended: () => void,
    private readonly namesGeneratedCode: () => boolean,
  ) {}

  static attach(
    plugin: RuntimePlugin,
    process: TracedProcess,
    mapped: MappedImage,
    problems: Problems,
    /** Nobody has it any more. */
    ended: () => void = () => {},
    /** A perf map or a jitdump of the process names what its runtime compiled. */
    namesGeneratedCode: () => boolean = () => false,
  ): AttachedRuntime {
    let attached: RuntimeProcess;
    try {
      attached = plugin.attach(process, mapped);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      problems.add(reason);
      attached = unreadable(reason);
    }
    return new AttachedRuntime(plugin, mapped.image.version, attached, problems, ended, namesGeneratedCode);
  }

  get id(): RuntimeId {
    return this.plugin.id;
  }

  get state(): RuntimeState {
    const state = this.stateByItself();
    if (state.status !== 'nativeOnly') return state;
    this.codeNamed ||= this.namesGeneratedCode();
    return this.codeNamed ? { status: 'named' } : state;
  }

  private stateByItself(): RuntimeState {
    if (this.failed) return this.failed;
    const state = this.attempt(() => this.process.state) ?? this.failed!;
    if (state.status !== 'named' || this.kernelRefuses === null) return state;
    return { status: 'nativeOnly', reason: this.kernelRefuses, fix: null };
  }

  get mapValues(): readonly MapValue[] {
    return this.attempt(() => this.process.mapValues) ?? [];
  }

  get ranges(): readonly RuntimeRange[] {
    if (this.kernelRefuses !== null) return [];
    const ranges = this.attempt(() => this.process.ranges) ?? [];
    return ranges.filter(({ start, end }) => start >= 0 && end > start);
  }

  mappingsChanged(): void {
    this.attempt(() => this.process.mappingsChanged());
  }

  refresh(): void {
    this.attempt(() => this.process.refresh?.());
  }

  /** It may have something to say of any stack, with frames of its own or without. */
  get splices(): boolean {
    return this.process.splice !== undefined && this.kernelRefuses === null;
  }

  /** Which frames are shown in which order; null: all, as they came. */
  splice(user: readonly RawFrame[]): ShownFrame[] | null {
    if (!this.splices) return null;
    const order = this.attempt(() => this.process.splice!(user));
    if (!order) return null;
    const indexes = order.filter((shown) => typeof shown === 'number');
    const isSound =
      order.length <= 2 * user.length &&
      new Set(indexes).size === indexes.length &&
      indexes.every((i) => Number.isInteger(i) && i in user);
    if (isSound) return order.map((shown) => (typeof shown === 'number' ? shown : this.checked([shown])[0]));
    this.problems.add('a stack was put together wrongly');
    return null;
  }

  /** What a thread worked for whose sample was kept raw; null: nothing, or it is not known. */
  rawLabel(words: readonly number[]): SampleLabel | null {
    const kind = this.attempt(() => this.process.contextKind);
    const id = (kind && this.attempt(() => this.process.rawLabel?.(words))) || 0;
    return kind && id > 0 ? { kind, id } : null;
  }

  /** What its context is called; null: nothing but its id, or it is another runtime's. */
  contextName(kind: ContextKind, id: number): string | null {
    if (this.attempt(() => this.process.contextKind) !== kind) return null;
    return this.attempt(() => this.process.contextName?.(id) ?? null)?.slice(0, MAX_CONTEXT_NAME_CHARACTERS) || null;
  }

  resolve(frame: RuntimeFrame): Frame[] | Promise<Frame[]> {
    let answer = this.answers.get(frame);
    if (!answer) {
      answer = this.ask(frame);
      this.answers.set(frame, answer);
    }
    return answer;
  }

  /** Returns true where nobody has it any more. */
  letGo(): boolean {
    if (--this.users > 0) return false;
    try {
      this.process.release();
    } catch (error) {
      this.problems.add(error instanceof Error ? error.message : String(error));
    }
    this.ended();
    return true;
  }

  private ask(frame: RuntimeFrame): Frame[] | Promise<Frame[]> {
    try {
      const found = this.process.resolve(frame);
      if (!(found instanceof Promise)) return this.checked(found);
      return found.then(
        (frames) => this.checked(frames),
        (error) => this.without(error),
      );
    } catch (error) {
      return this.without(error);
    }
  }

  private without(error: unknown): Frame[] {
    this.problems.add(error instanceof Error ? error.message : String(error));
    return [unnamedRuntimeFrame(this.id)];
  }

  private checked(frames: readonly Frame[]): Frame[] {
    return frames.slice(0, MAX_FRAMES_OF_ONE).map((frame) => {
      let sound = this.sound.get(frame);
      if (!sound) {
        sound = {
          ...frame,
          name: frame.name.slice(0, MAX_TEXT_CHARACTERS) || `[${this.id}]`,
          fullName: frame.fullName?.slice(0, MAX_TEXT_CHARACTERS) ?? null,
          file: frame.file?.slice(0, MAX_TEXT_CHARACTERS) ?? null,
          functionFile: frame.functionFile?.slice(0, MAX_TEXT_CHARACTERS) ?? null,
          runtime: this.id,
        };
        this.sound.set(frame, sound);
      }
      return sound;
    });
  }

  private attempt<T>(ask: () => T): T | null {
    if (this.failed) return null;
    try {
      return ask();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.problems.add(why);
      this.failed = { status: 'nativeOnly', reason: why, fix: null };
      return null;
    }
  }
}

/** Of a process whose runtime is recognized and cannot be read. */
export function unreadable(reason: string, fix: string | null = null): RuntimeProcess {
  return {
    state: { status: 'nativeOnly', reason, fix },
    mapValues: [],
    ranges: [],
    contextKind: null,
    mappingsChanged: () => {},
    resolve: () => [],
    release: () => {},
  };
}

/** What a stack shows in place of native frames that a runtime's functions lie behind, and that came before they could be read. */
export function notNamedYet(language: string, runtime: RuntimeId): Frame {
  return { ...EMPTY_FRAME, name: `[not named yet: ${language}]`, module: `[${runtime}]`, runtime };
}

/** Stands below what a collector of garbage does, on the function that had to wait for it. */
export function garbageCollection(runtime: RuntimeId): Frame {
  return {
    ...EMPTY_FRAME,
    name: '[garbage collection]',
    module: `[${runtime}]`,
    kind: 'native',
    runtime,
    symbolized: true,
  };
}

export function unnamedRuntimeFrame(runtime: RuntimeId | null): Frame {
  return { ...EMPTY_FRAME, name: `[${runtime ?? 'runtime'}]`, module: `[${runtime ?? 'runtime'}]`, runtime };
}
