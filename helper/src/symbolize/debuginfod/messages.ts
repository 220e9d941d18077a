// What the helper and its downloading process say to each other. Used by downloads.ts and child.ts.

export interface DownloadRequest {
  buildId: string;
  /** Servers, asked in this order. */
  urls: string[];
  /** Where the file goes, as `BUILDID.debug`; made 0700. */
  folder: string;
}

export type DownloadNews =
  /** A server has it. `totalBytes` 0: it does not say. */
  | { buildId: string; kind: 'progress'; url: string; receivedBytes: number; totalBytes: number }
  /** `path` null: no server has it, or none could give it, for the reasons in `why`. */
  | { buildId: string; kind: 'done'; path: string | null; receivedBytes: number; why: string | null };
