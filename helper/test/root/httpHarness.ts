// Traces HTTP of real processes in this process, which is root; and a process that speaks over sockets exactly as a test says
// (httpTalker.py). For http*.test.ts.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Session } from '../../src/engine/session';
import type { RunningTracer } from '../../src/engine/tracer';
import { HTTP } from '../../src/http/tracer';
import { FileStore } from '../../src/process/fileStore';
import { ProcessTable } from '../../src/process/table';
import type { AttachStep, HttpOptions, HttpRouteRow, HttpSection } from '../../src/protocol';
import { ProcessRuntimes } from '../../src/runtimes/processRuntimes';
import { sourceOf } from './captureHarness';

export class TracedHttp {
  private constructor(
    private readonly session: Session,
    private readonly running: RunningTracer,
  ) {}

  static async start(pids: number[], without: string[] = [], options: HttpOptions = {}): Promise<TracedHttp> {
    const processes = new ProcessTable(new FileStore());
    const session = new Session(
      {
        target: { pids, children: true, startAtExec: false },
        rights: null,
        stackFiles: { cacheDir: null, debugFolders: [], kallsymsFd: null, runtimes: new ProcessRuntimes(processes) },
        processes,
        ringBytesPerSecond: () => 1 << 20,
        without,
      },
      {
        stack: () => {},
        sample: () => {},
        taken: () => {},
        process: () => {},
        failed: (error) => {
          throw error;
        },
      },
    );
    try {
      const running = await HTTP.start({ sources: [], ...options }, session);
      await session.attachRest();
      return new TracedHttp(session, running);
    } catch (error) {
      session.close();
      throw error;
    }
  }

  get attach(): readonly AttachStep[] {
    return this.session.attach;
  }

  /** What has been counted so far. */
  section(): HttpSection {
    return this.running.section() as HttpSection;
  }

  end(): HttpSection {
    this.session.drain();
    void this.running.stop();
    const section = this.section();
    this.session.close();
    return section;
  }
}

export type Command = (string | number | string[] | number[] | Command[])[];

/** A process whose every system call on its sockets is a test's. */
export class Talker {
  readonly pid: number;
  private readonly answers: ((line: string) => void)[] = [];

  private constructor(private readonly child: ChildProcess) {
    this.pid = child.pid!;
    createInterface({ input: child.stdout! }).on('line', (line) => this.answers.shift()?.(line));
  }

  static async start(): Promise<Talker> {
    const talker = new Talker(spawn('python3', [sourceOf('httpTalker.py')], { stdio: ['pipe', 'pipe', 'inherit'] }));
    await new Promise<string>((resolve) => talker.answers.push(resolve));
    return talker;
  }

  /** Several without waiting in between are done one after the other. */
  async say(...command: Command): Promise<unknown> {
    const answer = new Promise<string>((resolve) => this.answers.push(resolve));
    this.child.stdin!.write(`${JSON.stringify(command)}\n`);
    const result = JSON.parse(await answer);
    if (result && typeof result === 'object' && 'error' in result)
      throw new Error(`${command[0]} ${command[1]}: ${result.error}`);
    return result;
  }

  end(): void {
    this.child.kill('SIGKILL');
  }
}

export const base64 = (text: string | Buffer): string => Buffer.from(text as string, 'latin1').toString('base64');

/** `GET /users/:id 200` -> how often; without a status where no answer came. */
export function countsOf(rows: readonly HttpRouteRow[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { method, route, statuses, count } of rows) {
    let answered = 0;
    for (const [status, number] of Object.entries(statuses)) {
      counts[`${method} ${route} ${status}`] = number;
      answered += number;
    }
    if (count > answered) counts[`${method} ${route}`] = count - answered;
  }
  return counts;
}
