// Entry of the thread that looks for probe points (bundle: dist/tlsWorker.js): parses files that the main thread has opened, without
// any capability. Started and ended by pointFinder.ts.

import { dropPages, FileSource } from '../../bytes/source';
import { ElfFile } from '../../elf/parser';
import { dropAllCapabilities } from '../../privilege/capabilities';
import { answerRequests } from '../../workers/requestThread';
import { findProbePoints } from './probePoints';

export interface PointsRequest {
  fileId: number;
  fd: number;
  sizeBytes: number;
}

dropAllCapabilities();
answerRequests(({ fileId, fd, sizeBytes }: PointsRequest) => {
  try {
    return findProbePoints(ElfFile.parse(new FileSource(fileId, fd, sizeBytes)));
  } finally {
    dropPages(fileId);
  }
});
