// The map `targets` from the helper's side: which processes BPF samples. BPF changes it too (children, execs, exits), so
// only what must be is written here.

import { TARGET, TARGET_STATE, TARGETS_ADDED } from '../abi/events.gen';
import { native } from '../bpf/libbpf';
import type { CodeTargets, TargetCode } from '../unwind/load/published';

/** Raw samples that a process may still make where its tables are there, for code that was mapped since. */
const RAW_FOR_NEW_CODE = 64;

const STATES = {
  /** Until its exec. */
  held: TARGET_STATE.TARGET_HELD,
  active: TARGET_STATE.TARGET_ACTIVE,
  /** Until an exec gives it the caller's rights. */
  refused: TARGET_STATE.TARGET_REFUSED,
};
export type TargetState = keyof typeof STATES;

export class TargetMap implements CodeTargets {
  private readonly key = Buffer.alloc(4);
  private readonly value = Buffer.alloc(TARGET.byteLength);

  private readonly addedKey = Buffer.alloc(4);
  private readonly addedValue = Buffer.alloc(8);
  private added = 0;

  /** Fds of the maps `targets` and `targets_added`. */
  constructor(
    private readonly fd: number,
    private readonly addedFd: number,
  ) {
    this.addedKey.writeUInt32LE(TARGETS_ADDED.TARGETS_ADDED_BY_HELPER);
  }

  /** Does nothing where BPF has put it in already. */
  add(pid: number, state: TargetState): boolean {
    this.key.writeUInt32LE(pid);
    // As in process_watch.bpf.c: a value that no earlier process with this pid had.
    this.value.writeUInt32LE(Number((process.hrtime.bigint() >> 16n) & 0xffff_ffffn), TARGET.generation);
    this.value.fill(0, TARGET.codeId);
    this.value.writeUInt32LE(STATES[state], TARGET.state);
    const BPF_NOEXIST = 1;
    const { libbpf } = native();
    const added = libbpf.update(this.fd, this.key, this.value, BPF_NOEXIST) >= 0;
    this.forgetStrangers();
    return added;
  }

  /** CPUs remember which processes are no targets (bpf/lib/filter.bpf.h); one may have become one. */
  private forgetStrangers(): void {
    this.addedValue.writeUInt32LE(++this.added);
    native().libbpf.update(this.addedFd, this.addedKey, this.addedValue, 0);
  }

  /** Stacks from now on count as new ones. A process that waits for its exec or has exited needs none. */
  bumpGeneration(pid: number): void {
    const BPF_EXIST = 2;
    if (this.read(pid) !== TARGET_STATE.TARGET_ACTIVE) return;
    this.value.writeUInt32LE((this.value.readUInt32LE(TARGET.generation) + 1) >>> 0, TARGET.generation);
    native().libbpf.update(this.fd, this.key, this.value, BPF_EXIST);
  }

  /** As CodeTargets has it, into struct target. False where it is not traced (any more). */
  setCode(pid: number, codeId: number, code: TargetCode | null, ready: boolean): boolean {
    const BPF_EXIST = 2;
    if (this.read(pid) === null) return false;
    this.value.writeUInt32LE(codeId, TARGET.codeId);
    this.value.writeUInt32LE(code?.codePage ?? 0, TARGET.codePage);
    this.value.writeUInt32LE(Number(ready), TARGET.tablesReady);
    this.value.writeUInt32LE(RAW_FOR_NEW_CODE, TARGET.rawLeft);
    return native().libbpf.update(this.fd, this.key, this.value, BPF_EXIST) >= 0;
  }

  /** Numbers of the runtimes whose maps have data of the process, under its own pid. */
  setRuntimes(pid: number, numbers: Iterable<number>): void {
    const BPF_EXIST = 2;
    if (this.read(pid) === null) return;
    let bits = 0;
    for (const number of numbers) bits |= 1 << number;
    this.value.writeUInt32LE(bits >>> 0, TARGET.runtimes);
    this.value.writeUInt32LE(pid, TARGET.runtimePid);
    native().libbpf.update(this.fd, this.key, this.value, BPF_EXIST);
  }

  /** Forgets an exited process; not another one that was given its number since. */
  deleteExited(pid: number): void {
    if (this.read(pid) === TARGET_STATE.TARGET_EXITED) native().libbpf.delete(this.fd, this.key);
  }

  private read(pid: number): number | null {
    this.key.writeUInt32LE(pid);
    if (native().libbpf.lookup(this.fd, this.key, this.value) < 0) return null;
    return this.value.readUInt32LE(TARGET.state);
  }
}
