// Which code the walker has been told of, by process: pages that it names must stay until nobody uses them.

import type { PlacedCode } from './code';

/** Of one process: where its tables are. */
export interface TargetCode {
  codePage: number;
}

/** Who tells the walker. */
export interface CodeTargets {
  /**
   * Says which code the process has; 0 and null: not known. `ready`: no table of it is still to come. False where it is not
   * traced (any more).
   */
  setCode(pid: number, codeId: number, code: TargetCode | null, ready: boolean): boolean;
}

interface Published {
  code: PlacedCode;
  codeId: number;
  ready: boolean;
  users: number;
}

export class PublishedCode {
  private readonly byPid = new Map<number, Published>();
  /** Never given twice: what the walker remembers of an old one cannot serve. */
  private lastCodeId = 0;

  constructor(private readonly targets: CodeTargets) {}

  /** Takes `code` over, and lets what was there before go. */
  publish(pid: number, code: PlacedCode, ready: boolean): void {
    this.lastCodeId++;
    if (!this.targets.setCode(pid, this.lastCodeId, code, ready)) {
      code.release();
      return;
    }
    this.letGo(pid);
    this.byPid.set(pid, { code, codeId: this.lastCodeId, ready, users: 1 });
  }

  /** A child by fork, which BPF gave its parent's code. False where the parent has none, or the child its own. */
  inherit(pid: number, parentPid: number): boolean {
    const parent = this.byPid.get(parentPid);
    if (!parent || this.byPid.has(pid)) return false;
    parent.users++;
    this.byPid.set(pid, parent);
    this.targets.setCode(pid, parent.codeId, parent.code, parent.ready);
    return true;
  }

  /** Nothing is known of its code; `ready`: and nothing will be. */
  withdraw(pid: number, ready: boolean): void {
    if (!this.byPid.has(pid) && !ready) return;
    this.targets.setCode(pid, 0, null, ready);
    this.letGo(pid);
  }

  /** The process has ended. */
  letGo(pid: number): void {
    const published = this.byPid.get(pid);
    if (!published) return;
    this.byPid.delete(pid);
    if (--published.users === 0) published.code.release();
  }
}
