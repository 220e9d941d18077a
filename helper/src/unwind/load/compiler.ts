// The thread that makes tables (worker.ts), as the main thread sees it.

import { RequestThread } from '../../workers/requestThread';
import { workerFile } from '../../workers/thread';
import type { LoadedTable, Recognition, RecognitionRequest, TableRequest } from './worker';

const TIMEOUT_MS = 60_000;
const HEAP_MIB = 256;

export class TableCompiler {
  private readonly thread: RequestThread<TableRequest | RecognitionRequest, LoadedTable | Recognition>;

  constructor(cacheDir: string | null) {
    this.thread = new RequestThread({
      file: workerFile(__dirname, 'unwindWorker.js'),
      workerData: { cacheDir },
      heapMib: HEAP_MIB,
      timeoutMs: TIMEOUT_MS,
    });
  }

  /** `debug`: as TableRequest has it. Rejects with a plain sentence. */
  request(from: TableRequest['from'], debug?: TableRequest['debug']): Promise<LoadedTable> {
    return this.thread.request({ from, debug }) as Promise<LoadedTable>;
  }

  /** Behind all tables that are wanted already. Rejects with a plain sentence. */
  recognize(from: TableRequest['from']): Promise<Recognition> {
    return this.thread.request({ recognize: from }) as Promise<Recognition>;
  }

  close(): void {
    this.thread.close('the recording has ended');
  }
}
