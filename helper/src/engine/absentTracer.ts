// Stands in the place of a tracer that could not be attached beside others that could: it counts nothing, and says why.

import type { ErrorReport } from '../protocol';
import type { RunningTracer } from './tracer';

export class AbsentTracer implements RunningTracer {
  constructor(readonly missing: ErrorReport) {}

  progress(): { count: number; lost: number } {
    return { count: 0, lost: 0 };
  }

  section(): undefined {}

  whyEmpty(): ErrorReport {
    return this.missing;
  }

  reset(): void {}

  stop(): void {}
}
