// How busy each process is, between one look at the list and the next: from /proc/PID/stat, as the user, so that the picker needs no
// helper for it.

import { readFile } from 'node:fs/promises';
import { parseStat } from '../../../helper/src/client/processStat';

/** Processes that are asked at once. */
const AT_ONCE = 64;
/** Shorter stretches say more of the clock's ticks than of the process. */
const MIN_ELAPSED_MS = 200;

interface Seen {
  startTicks: number;
  cpuMs: number;
  atMs: number;
}

export class CpuUse {
  private seen = new Map<number, Seen>();
  /** By pid, of one CPU: 250 is two and a half. Nothing for processes that were seen once only. */
  percent: ReadonlyMap<number, number> = new Map();

  constructor(private readonly read = (pid: number) => readFile(`/proc/${pid}/stat`, 'utf8')) {}

  async look(pids: readonly number[], nowMs = performance.now()): Promise<void> {
    const seen = new Map<number, Seen>();
    const percent = new Map<number, number>();
    const one = async (pid: number) => {
      const stat = parseStat(await this.read(pid).catch(() => ''));
      if (!stat) return;
      const now: Seen = { startTicks: stat.startTicks, cpuMs: stat.userMs + stat.kernelMs, atMs: nowMs };
      const before = this.seen.get(pid);
      const same = before?.startTicks === now.startTicks;
      if (before && same && nowMs - before.atMs < MIN_ELAPSED_MS) {
        seen.set(pid, before);
        percent.set(pid, this.percent.get(pid) ?? 0);
        return;
      }
      seen.set(pid, now);
      if (before && same) percent.set(pid, ((now.cpuMs - before.cpuMs) / (nowMs - before.atMs)) * 100);
    };
    for (let i = 0; i < pids.length; i += AT_ONCE) await Promise.all(pids.slice(i, i + AT_ONCE).map(one));
    this.seen = seen;
    this.percent = percent;
  }
}
