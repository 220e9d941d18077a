// Several recordings may follow the same process (a parent and its child are recorded at once), but the helper has one
// symbolizer: it may forget a process only when the last recording has released it, and each recording must hear of a
// grown perf map. Made by Recordings; each Recording gets a `user()` of its own.

import type { Symbolizer } from '../symbolize/types';

export class SharedSymbolizer {
  private readonly userCounts = new Map<number, number>();
  /** How often the perf map of a process was seen to change. */
  private readonly jitVersions = new Map<number, number>();

  constructor(private readonly symbolizer: Symbolizer) {}

  /** The symbolizer as one recording sees it. */
  user(): Symbolizer {
    const { symbolizer } = this;
    const mine = new Set<number>();
    const seen = new Map<number, number>();
    const use = (pid: number) => {
      if (mine.has(pid)) return;
      mine.add(pid);
      this.userCounts.set(pid, (this.userCounts.get(pid) ?? 0) + 1);
      seen.set(pid, this.jitVersions.get(pid) ?? 0);
    };
    return {
      addDebugSources: (sources) => symbolizer.addDebugSources(sources),
      addProcess(pid) {
        use(pid);
        symbolizer.addProcess(pid);
      },
      processExecuted(pid) {
        use(pid);
        symbolizer.processExecuted(pid);
      },
      processForked(pid, parentPid) {
        use(pid);
        symbolizer.processForked(pid, parentPid);
      },
      processMapped(pid, mapping) {
        use(pid);
        symbolizer.processMapped(pid, mapping);
      },
      processExited: (pid) => symbolizer.processExited(pid),
      resolve: (pid, kernel, user) => symbolizer.resolve(pid, kernel, user),
      jitChanged: (pid) => {
        if (symbolizer.jitChanged(pid)) this.jitVersions.set(pid, (this.jitVersions.get(pid) ?? 0) + 1);
        const version = this.jitVersions.get(pid) ?? 0;
        const changed = version !== (seen.get(pid) ?? 0);
        seen.set(pid, version);
        return changed;
      },
      badFiles: () => symbolizer.badFiles(),
      release: (pid) => {
        seen.delete(pid);
        if (mine.delete(pid)) this.release(pid);
      },
      close: async () => {},
    };
  }

  private release(pid: number): void {
    const left = (this.userCounts.get(pid) ?? 1) - 1;
    if (left > 0) return void this.userCounts.set(pid, left);
    this.userCounts.delete(pid);
    this.jitVersions.delete(pid);
    this.symbolizer.release(pid);
  }
}
