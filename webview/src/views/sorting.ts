// By which column a table is sorted, as the page remembers it for each view.
import type { Host } from '../host';

export class Sorting {
  constructor(
    private readonly host: Host,
    private readonly viewId: string,
    private readonly first: { column: string; descending: boolean },
    /** Columns that start with their largest when they are chosen; texts start with A. */
    private readonly startDescending: ReadonlySet<string>,
  ) {}

  get column(): string {
    return this.now.column;
  }

  get descending(): boolean {
    return this.now.descending;
  }

  /** The user chose a column: the one that is chosen already turns round. */
  choose(column: string): void {
    const descending = this.column === column ? !this.descending : this.startDescending.has(column);
    this.host.remember({ sorts: { ...this.host.state.sorts, [this.viewId]: { column, descending } } });
  }

  /** 1 or -1, to multiply an ascending order with. */
  get direction(): 1 | -1 {
    return this.descending ? -1 : 1;
  }

  private get now(): { column: string; descending: boolean } {
    return this.host.state.sorts?.[this.viewId] ?? this.first;
  }
}
