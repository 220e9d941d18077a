// The progress line of `record` on stderr: only on a terminal, rewritten in place, gone when the result is printed.

import type { HelperNotes } from '../protocol';
import type { Terminal } from '../terminal/terminal';

const BAR_CELLS = 24;

export class ProgressBar {
  private shown = false;

  constructor(
    private readonly terminal: Terminal,
    private readonly title: string,
    private readonly durationMs: number | null,
  ) {}

  say(text: string): void {
    this.terminal.status(text);
    this.shown = true;
  }

  progress({ elapsedMs, tracers, health }: HelperNotes['record/progress']): void {
    const seconds = (ms: number) => (ms / 1000).toFixed(0);
    const lost = health.lost > 0 ? `, ${health.lost} lost` : '';
    const counts = tracers.map(({ count, unit }) => `${count} ${unit}`).join(', ');
    const time =
      this.durationMs === null
        ? `${seconds(elapsedMs)} s`
        : `${bar(elapsedMs / this.durationMs)} ${seconds(Math.min(elapsedMs, this.durationMs))}/${seconds(this.durationMs)} s`;
    this.say(`Recording ${this.title}  ${time}  ${counts}${lost}  (Ctrl-C ends and saves)`);
  }

  clear(): void {
    if (this.shown) this.terminal.status(null);
    this.shown = false;
  }
}

function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR_CELLS);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_CELLS - full)}]`;
}
