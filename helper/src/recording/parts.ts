// What a recording is given by the helper that it runs in. Apart, because whoever keeps recordings and each recording both
// know it.

import type { readStat } from '../client/processStat';
import type { StartCapture } from '../engine/captureTypes';
import type { Tracer } from '../engine/tracer';
import type { CallersRights } from '../process/callersRights';
import type { FileStore } from '../process/fileStore';
import type { PeerUid } from '../process/recordingLock';
import type { HelperNoteMethod, HelperNotes } from '../protocol';
import type { Symbolizer } from '../symbolize/types';

/** Says something to the client: a note of the protocol by its name. */
export type Notify = <M extends HelperNoteMethod>(method: M, params: HelperNotes[M]) => void;

export interface RecordingParts {
  /** The table: what a recording can be made of. */
  tracers: readonly Tracer[];
  /** Ids of those that this helper has kept the rights for. */
  served: readonly string[];
  startCapture: StartCapture;
  symbolizer: Symbolizer;
  /** What the targets of all recordings have mapped. */
  files: FileStore;
  log: (level: HelperNotes['log']['level'], text: string) => void;
  /** Who asked for the helper; root (0) may trace everything. */
  callerUid: number;
  /** Of that caller, without the helper's. */
  rights: Omit<CallersRights, 'uid'>;
  /** The helper was started for other users' processes as well; a recording must still ask for it. */
  anyUser: boolean;
  /** Run time of all our BPF programs so far, ns; null where the kernel does not count it. */
  readBpfNs: () => number | null;
  /** Whether who holds a recording's lock is the caller. */
  peerUid: PeerUid;
  /** Left out: /proc itself. */
  readStat?: typeof readStat;
}
