// One recording seen from the client: asks the helper for it, shows its progress, and waits for what comes first: its
// own end, Ctrl-C, or the helper's death (what had arrived is in the file, which is marked). Used by record.ts.

import type { HelperConnection } from '../client/helperConnection';
import { markIncomplete } from '../client/recordingMark';
import {
  type ErrorReport,
  errorReport,
  type HelperNotes,
  type RecordOptions,
  type RecordSummary,
  toErrorReport,
  tracerError,
} from '../protocol';
import type { Interrupts } from './interrupts';
import type { ProgressBar } from './progressBar';

export interface ClientOutcome {
  summary: RecordSummary | null;
  error: ErrorReport | null;
}

/** What this needs of a connection. */
export type HelperLink = Pick<HelperConnection, 'request' | 'on' | 'closed'>;

export class ConductedRecording {
  private output = '';
  private recordingId: number | null = null;
  private readonly ended: Promise<ClientOutcome>;

  constructor(
    private readonly helper: HelperLink,
    private readonly bar: Pick<ProgressBar, 'progress' | 'say'>,
  ) {
    helper.on('record/progress', (note: HelperNotes['record/progress']) => bar.progress(note));
    // One helper, one recording: the news can only be of ours, even before we know its number.
    this.ended = new Promise((resolve) => {
      helper.on('record/ended', ({ summary, error }) => resolve({ summary, error }));
    });
  }

  /** Resolves once samples can arrive. Throws TracerError; CANCELLED after Ctrl-C. */
  async start(options: RecordOptions, interrupts: Interrupts): Promise<void> {
    this.output = options.output;
    const cancel = new AbortController();
    interrupts.onFirst(() => {
      if (this.recordingId === null) cancel.abort();
    });
    const { recordingId } = await this.helper.request('record/start', options, cancel.signal);
    this.recordingId = recordingId;
  }

  async finish(interrupts: Interrupts): Promise<ClientOutcome> {
    const recordingId = this.recordingId!;
    const stopped = new Promise<ClientOutcome>((resolve) => {
      interrupts.onFirst(() => {
        this.bar.say('Saving …');
        this.helper.request('record/stop', { recordingId }).then(
          (summary) => resolve({ summary, error: null }),
          (error) => {
            const report = toErrorReport(error);
            // Another end came first: it has its own news. A dead helper is told from `closed`.
            if (report.code !== 'HELPER_DIED') resolve({ summary: null, error: report });
          },
        );
      });
    });
    const aborted = new Promise<ClientOutcome>((resolve) => {
      interrupts.onSecond(() => {
        const done = () => resolve({ summary: null, error: errorReport('CANCELLED') });
        this.helper.request('record/abort', { recordingId }).then(done, done);
      });
    });
    const died = this.helper.closed.then((): ClientOutcome => {
      const marked = markIncomplete(this.output, 'helperDied');
      const report = tracerError('HELPER_DIED').report;
      return {
        summary: null,
        error: marked
          ? { ...report, fix: `What had arrived is saved in ${this.output}; start again to go on.` }
          : report,
      };
    });
    return Promise.race([this.ended, stopped, aborted, died]);
  }
}
