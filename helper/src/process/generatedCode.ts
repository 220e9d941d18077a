// Which files name the code that a process generated at run time: its own jitdump and perf map and, below them, those of the
// processes that it was forked from without an exec, whose code it still has. Files grow, are written anew in place, are replaced by
// others of the same name, and may appear only when their process ends; what was open stays open while somebody needs it.

import { livingThread } from '../client/livingThread';
import { readStat } from '../client/processStat';
import { readMaps } from './maps';
import { closeTouched } from './patience';
import { type Identity, openInTmp, readIdentity } from './perfMaps';
import { type OpenedFile, openRegular, type Root, statTouched } from './roots';

/** One file at one state of it. */
export interface JitSource {
  readonly kind: 'perfMap' | 'jitdump';
  /** For the workers; never reused. */
  readonly id: number;
  readonly fd: number;
  readonly path: string;
  readonly sizeBytes: number;
  /** Grows with each change of the file. */
  readonly version: number;
}

/** What names a process's generated code now: a new object after each change. Earlier sources win. */
export interface JitCode {
  /** For the workers. */
  readonly id: number;
  readonly sources: readonly JitSource[];
}

/** An open file, whoever's code it names. */
interface JitFile {
  kind: JitSource['kind'];
  id: number;
  fd: number;
  path: string;
  /** Device and inode. */
  key: string;
  sizeBytes: number;
  modifiedNs: bigint;
  version: number;
  /** Ids of the JitCode that named it: workers may still be asked about it by them. */
  askedAs: Set<number>;
}

/** A process whose files count, alive or not. */
interface Owner {
  pid: number;
  root: Root;
  identity: Identity;
  /** To be sure that a number still means this process. */
  startTicks: number | null;
  /** Jitdumps before perf maps, of each the newest first. */
  files: JitFile[];
  triedAtMs: number;
  ended: boolean;
}

/** Of one process: its owners, itself first, then its parent and so on. */
export interface JitState {
  readonly id: number;
  /** Null where it ended before anything was known of it. */
  readonly own: Owner | null;
  readonly owners: Owner[];
  code: JitCode | null;
  checkedAtMs: number;
  key: string;
  toldKey: string;
}

/** A file that is not there, or is there under another inode, is looked for again, at most this often. */
const RETRY_MS = 250;
/** Sizes of open files are asked for at most this often while stacks are named. */
const RECHECK_MS = 20;
const MAX_GENERATIONS = 16;
/** Of one process and kind: a file that is replaced now and then leaves its older ones behind. */
const MAX_FILES_PER_OWNER = 4;
const MAX_FILES = 512;

export class GeneratedCode {
  private readonly states = new Set<JitState>();
  private readonly open = new Map<string, JitFile>();

  constructor(
    private readonly reserveId: () => number,
    private readonly distrusted: Map<string, string>,
  ) {}

  /** Of a process that has generated code; null where it is gone already. `stateOf` gives what is known of its parents. */
  begin(pid: number, root: Root, stateOf: (pid: number) => JitState | null): JitState | null {
    const own = ownerOf(pid, root);
    return own && this.make(own, forkedFrom(pid, root, stateOf));
  }

  /** Of a process that was just forked: it runs its parent's code. */
  inherit(pid: number, root: Root, parent: JitState): JitState {
    if (parent.own) this.lookUp(parent.own, true);
    return this.make(ownerOf(pid, root), parent.owners);
  }

  /** The process has mapped its jitdump, which is how perf finds it: somewhere in its home or where it was started. */
  mapsDump(state: JitState, path: string, mappedFd: number): void {
    const opened = openRegular(`/proc/self/fd/${mappedFd}`, true);
    if (opened && state.own) this.take(state.own, 'jitdump', path, opened);
    else if (opened) closeTouched(opened.fd);
  }

  /** What the process left when it ended is read once more. */
  ended(state: JitState): void {
    if (state.own) {
      state.own.ended = true;
      this.lookUp(state.own, true);
    }
    this.check(state, true);
  }

  release(state: JitState): void {
    this.states.delete(state);
  }

  current(state: JitState): JitCode | null {
    this.check(state, false);
    return state.code;
  }

  /** Since the last call: are there other names than before? */
  changed(state: JitState): boolean {
    this.check(state, true);
    if (state.key === state.toldKey) return false;
    state.toldKey = state.key;
    return true;
  }

  get hasOpen(): boolean {
    return this.open.size > 0;
  }

  /** Takes out the files that no process needs any more and no worker is asked about; the caller closes them. */
  takeUnused(isAwaited: (id: number) => boolean): { id: number; fd: number }[] {
    const used = new Set<JitFile>();
    for (const { owners } of this.states) for (const { files } of owners) for (const file of files) used.add(file);
    const unused: JitFile[] = [];
    for (const [key, file] of this.open) {
      if (used.has(file) || [...file.askedAs].some(isAwaited)) continue;
      this.open.delete(key);
      unused.push(file);
    }
    return unused;
  }

  private make(own: Owner | null, parents: readonly Owner[]): JitState {
    const owners = [...(own ? [own] : []), ...parents].slice(0, MAX_GENERATIONS);
    const state = {
      id: this.reserveId(),
      own,
      owners,
      code: null,
      checkedAtMs: Number.NEGATIVE_INFINITY,
      key: '',
      toldKey: '',
    };
    this.states.add(state);
    return state;
  }

  private check(state: JitState, now: boolean): void {
    const atMs = performance.now();
    if (!now && atMs - state.checkedAtMs < RECHECK_MS) return;
    state.checkedAtMs = atMs;
    for (const owner of state.owners) this.lookUp(owner, false);
    const files = state.owners.flatMap((owner) => owner.files);
    for (const file of files) look(file);
    const key = files.map(({ id, version }) => `${id}:${version}`).join();
    if (key === state.key) return;
    state.key = key;
    for (const { askedAs } of files) askedAs.add(state.id);
    state.code = { id: state.id, sources: files.map(sourceOf) };
  }

  private lookUp(owner: Owner, now: boolean): void {
    const atMs = performance.now();
    if (!now && (owner.ended || atMs - owner.triedAtMs < RETRY_MS)) return;
    owner.triedAtMs = atMs;
    const alive = !owner.ended && isStill(owner);
    // What lies there when another process has the number may be that one's.
    if (!alive && !now) return;
    const thread = alive ? livingThread(owner.pid) : null;
    const { prefix: kept } = owner.root;
    const prefixes = thread === null ? [kept] : [`/proc/${owner.pid}/task/${thread}/root`, kept];
    const pid = owner.identity.namespacePid;
    this.openByName(owner, prefixes, 'jitdump', `jit-${pid}.dump`);
    this.openByName(owner, prefixes, 'perfMap', `perf-${pid}.map`);
  }

  private openByName(owner: Owner, prefixes: string[], kind: JitSource['kind'], name: string): void {
    for (const prefix of prefixes) {
      const opened = openInTmp(prefix, name, owner.identity.uid, (path, why) => this.distrusted.set(path, why));
      if (!opened) continue;
      this.distrusted.delete(`/tmp/${name}`);
      this.take(owner, kind, `/tmp/${name}`, opened);
      return;
    }
  }

  private take(owner: Owner, kind: JitSource['kind'], path: string, { fd, device, inode }: OpenedFile): void {
    const key = `${device}:${inode}`;
    let file = this.open.get(key);
    if (file || this.open.size >= MAX_FILES) closeTouched(fd);
    else {
      file = {
        kind,
        id: this.reserveId(),
        fd,
        path,
        key,
        sizeBytes: -1,
        modifiedNs: 0n,
        version: 0,
        askedAs: new Set(),
      };
      this.open.set(key, file);
    }
    const same = owner.files.filter((one) => one.kind === kind);
    if (!file || same[0] === file) return;
    const files = [file, ...same.filter((one) => one !== file)].slice(0, MAX_FILES_PER_OWNER);
    const others = owner.files.filter((one) => one.kind !== kind);
    // A jitdump knows lines, too.
    owner.files = kind === 'jitdump' ? [...files, ...others] : [...others, ...files];
  }
}

function look(file: JitFile): void {
  const found = statTouched(file.fd, { pid: 'self', path: file.path });
  if (!found || (found.sizeBytes === file.sizeBytes && found.modifiedNs === file.modifiedNs)) return;
  Object.assign(file, found);
  file.version++;
}

function sourceOf({ kind, id, fd, path, sizeBytes, version }: JitFile): JitSource {
  return { kind, id, fd, path, sizeBytes, version };
}

function ownerOf(pid: number, root: Root): Owner | null {
  const identity = readIdentity(pid);
  if (!identity) return null;
  const startTicks = readStat(pid)?.startTicks ?? null;
  return { pid, root, identity, startTicks, files: [], triedAtMs: Number.NEGATIVE_INFINITY, ended: false };
}

function isStill({ pid, startTicks }: Owner): boolean {
  const stat = readStat(pid);
  return stat !== null && stat.startTicks === startTicks;
}

/**
 * The processes that a running one has its memory from, nearest first: nobody told of these forks. A parent that has ended
 * since is not to be found any more; one that has executed another program shows it by where the kernel put its vdso.
 */
function forkedFrom(pid: number, root: Root, stateOf: (pid: number) => JitState | null): Owner[] {
  const owners: Owner[] = [];
  const vdso = vdsoOf(pid);
  let stat = readStat(pid);
  while (vdso !== null && stat?.forkedOnly && stat.ppid > 1 && owners.length < MAX_GENERATIONS - 1) {
    const parent = stat.ppid;
    if (vdsoOf(parent) !== vdso) break;
    const known = stateOf(parent);
    if (known) return [...owners, ...known.owners];
    const owner = ownerOf(parent, root);
    if (!owner) break;
    owners.push(owner);
    stat = readStat(parent);
  }
  return owners;
}

function vdsoOf(pid: number): number | null {
  return readMaps(pid)?.find(({ path }) => path === '[vdso]')?.start ?? null;
}
