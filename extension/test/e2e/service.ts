// The services that services.test.ts records, each a program of its own in the workspace, and the client that asks them and counts.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { ROOT } from './paths';

const SOURCES = join(ROOT, 'extension/test/e2e/services');

/** An interpreter of this machine with Flask, else one of our own with what PyPI has; null: there is none. */
export function pythonWithFlask(): string | null {
  const own = join(ROOT, 'out/runtimes/flask/bin/python3');
  const works = (python: string) => {
    try {
      execFileSync(python, ['-c', 'import flask'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  };
  const found = ['python3', own].find(works);
  if (found) return found;
  try {
    execFileSync('python3', ['-m', 'venv', join(ROOT, 'out/runtimes/flask')], { stdio: 'ignore' });
    execFileSync(own, ['-m', 'pip', 'install', '--quiet', 'flask==3.*'], { stdio: 'ignore' });
  } catch {
    return null;
  }
  return existsSync(own) && works(own) ? own : null;
}

/** Line of a service's source that carries `mark` as its last comment. */
export function markedLine(source: string, mark: string): number {
  return (
    readFileSync(join(SOURCES, source), 'utf8')
      .split('\n')
      .findIndex((line) => line.endsWith(mark)) + 1
  );
}

export class Service {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  get pid(): number {
    return this.child.pid as number;
  }

  static async typescript(folder: string): Promise<Service> {
    mkdirSync(join(folder, 'src'));
    copyFileSync(join(SOURCES, 'server.ts'), join(folder, 'src/server.ts'));
    const options = ['--sourceMap', '--target', 'es2020', '--module', 'commonjs', '--ignoreConfig', '--skipLibCheck'];
    try {
      execFileSync(
        join(ROOT, 'node_modules/.bin/tsc'),
        [
          ...options,
          ...['--rootDir', join(folder, 'src'), '--outDir', join(folder, 'dist'), join(folder, 'src/server.ts')],
        ],
        { stdio: 'ignore' },
      );
    } catch {
      // It finds no types of Node.js there, and writes the script all the same.
    }
    return Service.start(process.execPath, [join(folder, 'dist/server.js')], folder);
  }

  static async python(python: string, folder: string): Promise<Service> {
    copyFileSync(join(SOURCES, 'app.py'), join(folder, 'app.py'));
    return Service.start(python, [join(folder, 'app.py')], folder);
  }

  private static async start(program: string, args: string[], folder: string): Promise<Service> {
    const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    const port = await new Promise<number>((done, fail) => {
      child.stdout?.once('data', (text) => done(Number(text)));
      child.once('error', fail);
      child.once('exit', (code) => fail(new Error(`${args[0]} ended with ${code}`)));
    });
    return new Service(child, port);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const exited = new Promise<void>((done) => this.child.once('exit', () => done()));
    this.child.kill('SIGKILL');
    await exited;
  }

  /** Asks for `paths` in turn, one after the other, until `enough` of them were answered; how many answers each path got. */
  async ask(paths: readonly string[], enough: number): Promise<Map<string, number>> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const answers = new Map<string, number>();
    for (let i = 0; i < enough; i++) {
      const path = paths[i % paths.length];
      await new Promise<void>((done, fail) => {
        const asked = request({ port: this.port, host: '127.0.0.1', path, agent }, (response) => {
          response.resume();
          response.once('end', done);
        });
        asked.once('error', fail);
        asked.end();
      });
      answers.set(path, (answers.get(path) ?? 0) + 1);
    }
    agent.destroy();
    return answers;
  }
}
