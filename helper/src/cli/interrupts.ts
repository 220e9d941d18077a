// Ctrl-C and its kin, counted: the first ends the recording and saves it, the second aborts. SIGTERM and SIGHUP (the
// terminal went away) count as Ctrl-C. Used by record.ts.

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type Signal = (typeof SIGNALS)[number];

export class Interrupts {
  count = 0;
  private last: Signal = 'SIGINT';
  private first: ((signal: Signal) => void)[] = [];
  private second: ((signal: Signal) => void)[] = [];
  private readonly handler = (signal: NodeJS.Signals) => {
    this.count++;
    this.last = signal as Signal;
    if (this.count === 1) for (const listener of this.first) listener(this.last);
    if (this.count === 2) for (const listener of this.second) listener(this.last);
  };

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.handler);
  }

  /** Called at once if it has happened already. */
  onFirst(listener: (signal: Signal) => void): void {
    this.first.push(listener);
    if (this.count >= 1) listener(this.last);
  }

  onSecond(listener: (signal: Signal) => void): void {
    this.second.push(listener);
    if (this.count >= 2) listener(this.last);
  }

  dispose(): void {
    for (const signal of SIGNALS) process.off(signal, this.handler);
  }
}
