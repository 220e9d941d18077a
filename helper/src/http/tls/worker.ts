// Entry of the thread that looks for probe points (bundle: dist/tlsWorker.js): parses files that the main thread has opened, without
// any capability. Started and ended by pointFinder.ts.

import { parentPort } from 'node:worker_threads';
import { dropPages, FileSource } from '../../bytes/source';
import { ElfFile } from '../../elf/parser';
import { dropAllCapabilities } from '../../privilege/capabilities';
import { isLoaded } from '../../workers/thread';
import { findProbePoints, type ProbePoints } from './probePoints';

export interface PointsRequest {
  fileId: number;
  fd: number;
  sizeBytes: number;
}

export type PointsReply = { fileId: number } & ({ points: ProbePoints | null } | { why: string });

dropAllCapabilities();
isLoaded();

parentPort!.on('message', ({ fileId, fd, sizeBytes }: PointsRequest) => {
  let reply: PointsReply;
  try {
    reply = { fileId, points: findProbePoints(ElfFile.parse(new FileSource(fileId, fd, sizeBytes))) };
  } catch (error) {
    reply = { fileId, why: error instanceof Error ? error.message : String(error) };
  } finally {
    dropPages(fileId);
  }
  parentPort!.postMessage(reply);
});
