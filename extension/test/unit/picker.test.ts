import assert from 'node:assert/strict';
import { checkPid, looksLikePid, parsePid } from '../../../helper/src/client/pidCheck';
import { parseStat } from '../../../helper/src/client/processStat';
import { toErrorReport } from '../../../helper/src/protocol';
import { CpuUse } from '../../src/picker/cpuUse';
import { debuggedPids } from '../../src/picker/debugTarget';
import { listProcesses, type PickerContext } from '../../src/picker/processTree';
import { aProcess } from '../fakes/processes';

const context = (more: Partial<PickerContext> = {}): PickerContext => ({
  uid: 1000,
  hiddenPids: new Set(),
  debuggedPids: new Set(),
  terminalPid: null,
  cpuPercent: new Map(),
  workspace: [],
  editorPaths: [],
  ...more,
});
const shape = (list: ReturnType<typeof listProcesses>) =>
  list.map(({ process, group, depth }) => `${group} ${'>'.repeat(depth)}${process.pid}`);

describe('order of the picker', () => {
  const shell = aProcess(10, 1);
  const make = aProcess(20, 10);
  const compiler = aProcess(30, 20);
  const editor = aProcess(15, 1);
  const rootDaemon = aProcess(5, 1, { uid: 0, user: 'root' });

  it('puts own processes first, children under parents, what was started last on top', () => {
    const list = listProcesses([rootDaemon, shell, editor, make, compiler], context());
    assert.deepEqual(shape(list), ['own 10', 'own >20', 'own >>30', 'own 15', 'others 5']);
  });

  it("puts the active terminal's descendants on top, its shell not among them", () => {
    const list = listProcesses([rootDaemon, shell, editor, make, compiler], context({ terminalPid: 10 }));
    assert.deepEqual(shape(list), ['terminal 20', 'terminal >30', 'own 15', 'own 10', 'others 5']);
  });

  it('puts what is busy now first, then what is of the workspace, and the editor last', () => {
    const code = aProcess(40, 1, { command: '/opt/code/node out/server.js' });
    const server = aProcess(41, 40, { command: '/ws/build/server --port 80' });
    const worker = aProcess(42, 10, { cwd: '/ws/api' });
    const neighbour = aProcess(43, 10, { cwd: '/ws2' });
    const list = listProcesses([rootDaemon, shell, worker, neighbour, code, server], {
      ...context({ workspace: ['/ws'], editorPaths: ['/opt/code'] }),
      cpuPercent: new Map([
        [5, 30],
        [43, 180],
        [40, 400],
        [42, 1],
      ]),
    });
    assert.deepEqual(shape(list), ['busy 43', 'busy 5', 'workspace 42', 'workspace 41', 'own 10', 'editor 40']);
  });

  it('puts the debugged process and its children above the terminal', () => {
    const list = listProcesses([shell, make, compiler], context({ terminalPid: 10, debuggedPids: new Set([20]) }));
    assert.deepEqual(shape(list), ['debugged 20', 'debugged >30', 'own 10']);
  });

  it('leaves out kernel threads and what is hidden', () => {
    const thread = aProcess(2, 0, { command: '', uid: 0 });
    assert.deepEqual(shape(listProcesses([thread, shell, editor], context({ hiddenPids: new Set([15]) }))), ['own 10']);
  });

  it('loses nothing when reused pids make a cycle', () => {
    const list = listProcesses([aProcess(7, 8), aProcess(8, 7)], context());
    assert.deepEqual(list.map(({ process }) => process.pid).sort(), [7, 8]);
  });

  it('orders a thousand processes in a deep chain', () => {
    const chain = Array.from({ length: 1000 }, (_, i) => aProcess(i + 100, i + 99));
    const list = listProcesses(chain, context());
    assert.equal(list.length, 1000);
    assert.equal(list[999].depth, 999);
  });
});

describe('a typed pid', () => {
  const code = (text: string) => {
    try {
      return parsePid(text);
    } catch (error) {
      return toErrorReport(error).code;
    }
  };

  it('is a number, with a sign or not', () => {
    assert.deepEqual(['12', ' 12 ', '-1', 'node', '12a', ''].map(looksLikePid), [
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  it('is refused when no process can have it', () => {
    assert.deepEqual(
      ['0', '-1', '+5', 'text', '4194305', '99999999999999999999'].map(code),
      Array(6).fill('PID_INVALID'),
    );
    assert.equal(code('4194304'), 4194304);
  });

  it('is refused for the dead, kernel threads and this process itself', () => {
    const check = (pid: number, state: string, flags: number) =>
      checkPid(pid, [], () => parseStat(`7 (a) b) x) ${state} 1 7 7 0 -1 ${flags} ${'0 '.repeat(20)}`));
    assert.equal(checkPid(7, [], () => null)?.code, 'PID_GONE');
    assert.equal(check(4194304, 'Z', 0)?.code, 'PID_ZOMBIE');
    assert.equal(check(7, 'S', 0x00208040)?.code, 'PID_KERNEL_THREAD');
    assert.equal(checkPid(process.pid)?.code, 'PID_SELF');
    assert.equal(check(7, 'R', 0x00400000), null);
    assert.equal(check(process.pid, 'Z', 0), null, 'its first thread has ended, others work on');
    for (const pid of [0, -1, 1.5, Number.NaN]) assert.equal(checkPid(pid)?.code, 'PID_INVALID');
  });

  it('reads the real /proc', () => {
    assert.equal(checkPid(process.ppid), null);
    assert.equal(checkPid(4194304)?.code, 'PID_GONE');
  });
});

describe('the debugged process', () => {
  const server = aProcess(50, 1, { command: '/app/build/server --port 80' });
  const gdb = aProcess(51, 1, { command: '/usr/bin/gdb /app/build/server' });
  const script = aProcess(52, 1, { command: 'python3 /app/main.py', runtime: 'python' });
  const all = [server, gdb, script];
  const pids = (systemProcessId: number | null, configuration: Record<string, unknown>) => [
    ...debuggedPids({ systemProcessId, configuration }, all),
  ];

  it('is what the debug adapter says', () => assert.deepEqual(pids(51, { program: '/app/build/server' }), [51]));
  it('is what was attached to', () => assert.deepEqual(pids(null, { processId: '50' }), [50]));
  it('is what runs the program, not its debugger', () => {
    assert.deepEqual(pids(null, { program: '/app/build/server' }), [50]);
    assert.deepEqual(pids(null, { program: '/app/main.py' }), [52]);
  });
  it('is nobody when nothing fits', () => {
    assert.deepEqual(pids(999, { program: 'server' }), []);
    assert.deepEqual(pids(null, {}), []);
  });
});

describe('how busy a process is', () => {
  const stat = (startTicks: number, ticks: number) =>
    `7 (a) R 1 1 1 0 -1 4194304 0 0 0 0 ${ticks} 0 0 0 20 0 1 0 ${startTicks} 0 0`;

  it('is its CPU time between two looks, of one CPU', async () => {
    let text = stat(100, 10);
    const cpu = new CpuUse(async () => text);
    await cpu.look([7], 0);
    assert.equal(cpu.percent.get(7), undefined);
    text = stat(100, 110);
    await cpu.look([7], 2_000);
    assert.equal(cpu.percent.get(7), 50);
    // Another process with the same number.
    text = stat(900, 5_000);
    await cpu.look([7], 4_000);
    assert.equal(cpu.percent.get(7), undefined);
  });

  it('is not known of one that is gone', async () => {
    const cpu = new CpuUse(() => Promise.reject(new Error('ENOENT')));
    await cpu.look([1, 2], 0);
    assert.equal(cpu.percent.size, 0);
  });
});
