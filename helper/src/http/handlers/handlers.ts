// Which function answers a route, for a trace: has the sources read in a thread beside it, and tells rows. Nothing of it holds the
// trace up.

import { readProcessLink } from '../../process/procfs';
import type { AttachStep, HttpHandler } from '../../protocol';
import { RequestThread } from '../../workers/requestThread';
import { workerFile } from '../../workers/thread';
import type { FoundRoutes } from './findRoutes';
import { RouteMatcher } from './matchRoutes';
import type { RoutesRequest } from './worker';

const HEAP_MIB = 256;
const TIMEOUT_MS = 60_000;

export class Handlers {
  /** Filled when the sources are read. */
  readonly step: AttachStep = { what: 'handlers of routes', taken: null, refused: [] };
  private matcher = new RouteMatcher([]);
  isReading = false;

  handlerOf(method: string, route: string): HttpHandler | null {
    return this.matcher.handlerOf(method, route);
  }

  /** `given`: the user's folders; left out: where the processes work. Never rejects. */
  async read(given: readonly string[] | undefined, pids: readonly number[]): Promise<void> {
    const folders = given ?? this.workingFolders(pids);
    if (folders.length === 0) return;
    this.isReading = true;
    const thread = new RequestThread<RoutesRequest, FoundRoutes>({
      file: workerFile(__dirname, 'handlersWorker.js'),
      heapMib: HEAP_MIB,
      timeoutMs: TIMEOUT_MS,
    });
    try {
      const { routes, sources, refused } = await thread.request({ folders: [...folders] });
      this.matcher = new RouteMatcher(routes);
      this.step.taken = `${routes.length} routes declared in ${sources} sources below ${folders.join(', ')}`;
      for (const { folder, why } of refused) this.step.refused.push({ rung: folder, why });
    } catch (error) {
      this.step.refused.push({ rung: folders.join(', '), why: error instanceof Error ? error.message : String(error) });
    } finally {
      this.isReading = false;
      thread.close('the sources are read');
    }
  }

  private workingFolders(pids: readonly number[]): string[] {
    const folders = new Set<string>();
    for (const pid of pids) {
      const folder = readProcessLink(pid, 'cwd');
      if (!folder || folder === '/') continue;
      if (readProcessLink(pid, 'ns/mnt') === readProcessLink(process.pid, 'ns/mnt')) folders.add(folder);
      else
        this.step.refused.push({
          rung: folder,
          why: 'of a container: name the folder that has its sources (--source)',
        });
    }
    return [...folders];
  }
}
