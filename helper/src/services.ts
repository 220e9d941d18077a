// The parts of the helper that answer requests, loaded when they are first needed so that the helper listens at once:
// recordings (capture + symbolizer), the process list, the machine check. Made by serve.ts, asked by rpc/methods.ts.

import type { StartCapture } from './engine/captureTypes';
import type { Tracer } from './engine/tracer';
import { kernelObstacle } from './privilege/kernelObstacle';
import type { CallersRights } from './process/callersRights';
import { TracerError } from './protocol';
import type { RecordingService, Services } from './rpc/methods';
import { peerCredentials } from './rpc/peerCredentials';
import type { HelperServer } from './rpc/server';
import type { ServeArguments } from './serveArguments';
import type { TakenAsRoot } from './takeAsRoot';

/**
 * A stack has its names when its last file has: nearly all wait for the program itself, so that a second worker is hardly felt.
 * It would cost 7 to 10 MB for as long as the recording runs.
 */
const SYMBOL_WORKERS = 1;

export interface ServiceOptions {
  /** The table. */
  tracers: readonly Tracer[];
  /** Ids of those whose rights are kept. */
  served: readonly string[];
  args: ServeArguments;
  taken: TakenAsRoot;
  /** The caller's own, without what the helper was given. */
  rights: Omit<CallersRights, 'uid'>;
  log: HelperServer['log'];
  shutdown: () => void;
}

export interface HelperServices extends Services {
  /** Loads what recordings need, ahead of the first request. */
  preload(): void;
  /** Ends and saves all recordings: nothing is left in the kernel. */
  unload(): Promise<void>;
}

export function createServices(options: ServiceOptions): HelperServices {
  let recordings: Promise<RecordingService> | null = null;
  const load = () => {
    recordings ??= loadRecordings(options);
    return recordings;
  };
  return {
    recordings: load,
    listProcesses: async () => (await import('./process/list')).listProcesses(),
    checkMachine: async () => (await import('./doctor/check')).checkMachine(),
    shutdown: options.shutdown,
    // A failure is told to whoever asks for a recording.
    preload: () => void load().catch(() => {}),
    unload: async () => {
      if (recordings) await (await recordings).closeAll();
    },
  };
}

async function loadRecordings({
  tracers,
  served,
  args,
  taken,
  rights,
  log,
}: ServiceOptions): Promise<RecordingService> {
  const [{ Recordings }, { startCapture }, { createSymbolizer }, { FileStore }] = await Promise.all([
    import('./recording/recordings'),
    import('./engine/capture'),
    import('./symbolize'),
    import('./process/fileStore'),
    ...tracers.filter(({ id }) => args.tracers.includes(id)).map((tracer) => tracer.preload()),
  ]);
  const checkedCapture: StartCapture = (wanted, sink) => {
    const obstacle = kernelObstacle();
    if (obstacle) throw new TracerError(obstacle);
    const without = [...wanted.without, ...args.without];
    return startCapture({ ...wanted, cacheDir: args.cacheDir, without, kallsymsFd: taken.unwindKallsymsFd }, sink);
  };
  const files = new FileStore();
  return new Recordings({
    tracers,
    served,
    files,
    startCapture: checkedCapture,
    symbolizer: createSymbolizer({
      files,
      cacheDir: args.cacheDir,
      kallsymsFd: taken.kallsymsFd,
      workers: SYMBOL_WORKERS,
      log,
    }),
    log,
    callerUid: args.uid,
    rights,
    anyUser: args.anyUser,
    peerUid: (socket) => peerCredentials(socket).uid,
    readBpfNs: () => null,
  });
}
