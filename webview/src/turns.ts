// One thing after the other on the page: loads, and changes of what is shown. Of each kind that came meanwhile the newest alone is
// done: a live recording overtakes itself, and a dragged range moves on while the graph is drawn.

export class Turns<Load> {
  private nextLoad: { load: Load } | null = null;
  private stale = false;
  private running = false;

  /** `idle`: nothing waits any more. Neither of the first two may reject. */
  constructor(
    private readonly doLoad: (load: Load) => Promise<void>,
    private readonly doShow: () => Promise<void>,
    private readonly idle: () => void,
  ) {}

  get busy(): boolean {
    return this.running;
  }

  load(load: Load): Promise<void> {
    this.nextLoad = { load };
    return this.run();
  }

  /** What is to be shown changed: whoever shows reads it anew. */
  show(): Promise<void> {
    this.stale = true;
    return this.run();
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    while (this.nextLoad || this.stale) {
      const next = this.nextLoad;
      this.nextLoad = null;
      this.stale = false;
      await (next ? this.doLoad(next.load) : this.doShow());
    }
    this.running = false;
    this.idle();
  }
}
