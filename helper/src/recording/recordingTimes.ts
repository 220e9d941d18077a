// When a recording began, met its first sample, ended. Owned by a Recording.

export class RecordingTimes {
  /** When it was made, epoch. */
  readonly startedAtMs = Date.now();
  /** From the user's request to the first sample. */
  firstSampleMs: number | null = null;
  /** CLOCK_MONOTONIC: when counting began, when it ended. */
  private beganMs = performance.now();
  private endedMs: number | null = null;
  private begun = false;

  constructor(private readonly requestedAtMs: number | null | undefined) {}

  /** Counting begins: now, or at the exec of a held launcher. False where it had begun. */
  begin(): boolean {
    if (this.begun) return false;
    this.begun = true;
    this.beganMs = performance.now();
    return true;
  }

  end(): void {
    this.endedMs = performance.now();
  }

  /** `timeNs`: the sample's, CLOCK_MONOTONIC like hrtime. False for all but the first. */
  sample(timeNs: number): boolean {
    if (this.firstSampleMs !== null) return false;
    const agoMs = (Number(process.hrtime.bigint()) - timeNs) / 1e6;
    this.firstSampleMs = Math.max(0, Date.now() - agoMs - (this.requestedAtMs ?? this.startedAtMs));
    return true;
  }

  get durationMs(): number {
    return Math.max(0, (this.endedMs ?? performance.now()) - this.beganMs);
  }

  /** Of the clock that samples have: CLOCK_MONOTONIC like hrtime. */
  get beganNs(): number {
    return Number(process.hrtime.bigint()) - (performance.now() - this.beganMs) * 1e6;
  }

  /** Epoch. */
  get beganAtMs(): number {
    return Date.now() - (performance.now() - this.beganMs);
  }
}
