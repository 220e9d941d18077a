// The table of what a client may ask, once it has shaken hands: each request of the protocol -> the part of the helper that answers
// it. Built by serve.ts from the real parts (by tests from others).

import {
  type CheckReport,
  type ClientNoteMethod,
  checkRecordingId,
  checkRecordOptions,
  checkWatch,
  type HelperNoteMethod,
  type HelperNotes,
  type ProcessInfo,
  type RecordOptions,
  type RecordSummary,
  type RequestMethod,
  type Requests,
  type RunningRecording,
  tracerError,
} from '../protocol';

/** What the recordings say on their own, by the name that the protocol gives it. */
export type SayToClient = <M extends HelperNoteMethod>(method: M, params: HelperNotes[M]) => void;

/** What this folder asks of recording/recordings.ts. */
export interface RecordingService {
  start(options: RecordOptions, say: SayToClient): Promise<{ recordingId: number; attachedMs: number }>;
  stop(recordingId: number): Promise<RecordSummary>;
  abort(recordingId: number): Promise<void>;
  list(): RunningRecording[];
  watch(recordingId: number, visible: boolean): void;
  /** Ends and saves all of them; resolves once nothing is loaded any more. */
  closeAll(): Promise<void>;
}

export interface Services {
  /** Resolves when the parts that only recordings need are loaded. */
  recordings(): Promise<RecordingService>;
  listProcesses(): Promise<ProcessInfo[]>;
  checkMachine(): Promise<CheckReport>;
  /** Ends the helper, once this answer is sent. */
  shutdown(): void;
}

/** Reason of an abort signal whose client went away; any other reason: the client cancelled this request. */
export const CLOSED = 'closed';

export type Answer = (params: unknown, cancelled: AbortSignal) => Promise<unknown>;
export type RequestTable = Record<Exclude<RequestMethod, 'handshake'>, Answer>;

type Result<M extends RequestMethod> = Promise<Requests[M]['result']>;

export function requestTable(services: Services, say: SayToClient): RequestTable {
  return {
    'process/list': (_, cancelled): Result<'process/list'> => unlessCancelled(cancelled, services.listProcesses()),
    'check/run': (_, cancelled): Result<'check/run'> => unlessCancelled(cancelled, services.checkMachine()),
    'record/start': async (params, cancelled): Result<'record/start'> => {
      const options = checkRecordOptions(params);
      const recordings = await services.recordings();
      if (cancelled.aborted) throw tracerError('CANCELLED');
      const started = await recordings.start(options, say);
      if (!cancelled.aborted) return started;
      // A client that went away keeps what had arrived; one that cancelled wants nothing.
      if (cancelled.reason === CLOSED) await recordings.stop(started.recordingId);
      else await recordings.abort(started.recordingId);
      throw tracerError('CANCELLED');
    },
    'record/stop': async (params, cancelled): Result<'record/stop'> => {
      const recordingId = checkRecordingId('record/stop', params);
      const recordings = await services.recordings();
      // Waiting for the last symbols can be given up: what was last written stays.
      const abort = () => {
        if (cancelled.reason !== CLOSED) recordings.abort(recordingId).catch(() => {});
      };
      cancelled.addEventListener('abort', abort, { once: true });
      return unlessCancelled(cancelled, recordings.stop(recordingId)).finally(() =>
        cancelled.removeEventListener('abort', abort),
      );
    },
    'record/abort': async (params): Result<'record/abort'> => {
      const recordingId = checkRecordingId('record/abort', params);
      await (await services.recordings()).abort(recordingId);
      return null;
    },
    'record/list': async (): Result<'record/list'> => (await services.recordings()).list(),
    shutdown: async (): Result<'shutdown'> => {
      services.shutdown();
      return null;
    },
  };
}

/** What a client says without asking. Unknown ones are ignored: a newer client may say more. */
export async function takeNote(services: Services, method: string, params: unknown): Promise<void> {
  if ((method as ClientNoteMethod) !== 'record/watch') return;
  const { recordingId, visible } = checkWatch(params);
  (await services.recordings()).watch(recordingId, visible);
}

/** The work's own result, or CANCELLED as soon as the client gives up. */
function unlessCancelled<T>(cancelled: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(tracerError('CANCELLED'));
    if (cancelled.aborted) giveUp();
    cancelled.addEventListener('abort', giveUp, { once: true });
    work.then(resolve, reject).finally(() => cancelled.removeEventListener('abort', giveUp));
  });
}
