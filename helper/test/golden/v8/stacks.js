// Prints the stack that V8 itself says it has, then stays where it is: line for line the same has to be read from outside.

const fs = require('node:fs');
const { Worker, isMainThread, workerData } = require('node:worker_threads');

Error.stackTraceLimit = 200;
const [mode = 'plain', warm = '20000'] = isMainThread ? process.argv.slice(2) : workerData;
const shared = new Int32Array(new SharedArrayBuffer(4));

function tell(n) {
  if (n < 0) {
    fs.writeSync(1, `${new Error().stack}\nready\n`);
    Atomics.wait(shared, 0, 0);
  }
  return n + 1;
}
const arrow = (n) => tell(n) + 1;
class Shape {
  static make(n) {
    return new Shape().area(n);
  }
  area(n) {
    return arrow(n) * 2;
  }
  get size() {
    return arrow(-1);
  }
}
function /* ünïcödé ✓ */ größe(n) {
  return Shape.make(n);
}
function recurse(n, depth) {
  if (depth === 0) return größe(n);
  return recurse(n, depth - 1) + 1;
}
function loop(n) {
  let sum = 0;
  for (let i = 0; i < 3; i++) sum += recurse(n, 3);
  return sum;
}
function* generated(n) {
  yield 1;
  yield loop(n);
}
function start() {
  for (let i = 0; i < Number(warm); i++) loop(i);
  switch (mode) {
    case 'plain':
      return [-1].map((x) => loop(x));
    case 'getter':
      return new Shape().size;
    case 'generator':
      return [...generated(-1)];
    case 'eval':
      // biome-ignore lint/security/noGlobalEval: evaluated code is what is tested.
      return eval('function evaluated(n) {\n\n  return loop(n); }\nevaluated(-1)\n//# sourceURL=evaluated.js');
    case 'function':
      return new Function('loop', 'n', '/* one line */ return loop(n)')(loop, -1);
    case 'sort':
      return [3, 1].sort(() => loop(-1));
    case 'replace':
      return 'text'.replace(/x/g, () => loop(-1));
    case 'json':
      return JSON.stringify({ toJSON: () => loop(-1) });
    case 'promise':
      return Promise.resolve(-1).then(loop);
    case 'debugged': {
      // A breakpoint that never stops: functions of its line run as a debugger wants them.
      const session = new (require('node:inspector').Session)();
      session.connect();
      session.post('Debugger.enable');
      session.post('Debugger.setBreakpointByUrl', { lineNumber: 22, url: `file://${__filename}`, condition: 'false' });
      return loop(-1);
    }
    case 'deep':
      return recurse(-1, 100);
    default:
      throw new Error(mode);
  }
}
if (mode.startsWith('worker-') && isMainThread) new Worker(__filename, { workerData: [mode.slice(7), warm] });
else start();
//# sourceMappingURL=stacks.js.map
