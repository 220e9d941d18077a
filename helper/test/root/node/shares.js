// Work of known shares over functions of two files: 60 % here, 30 % and 10 % in sharesElsewhere.js. Arguments: seconds, and how
// it is run.

const { Worker, isMainThread, threadId } = require('node:worker_threads');
const cluster = require('node:cluster');
const { ten, thirty } = require('./sharesElsewhere.js');

function sixty() {
  let sum = 0;
  for (let i = 0; i < 600_000; i++) sum = (sum * 31 + i) | 0; // 60 %
  return sum;
}

function round() {
  return sixty() + thirty() + ten();
}

function nested(depth) {
  return depth === 0 ? round() : nested(depth - 1) + 1;
}

async function later() {
  await null;
  return round();
}

const [seconds = '5', how = 'plain'] = process.argv.slice(2);
const end = Date.now() + Number(seconds) * 1000;

async function run() {
  if (how === 'workers' && isMainThread)
    return void [1, 2].map(() => new Worker(__filename, { argv: process.argv.slice(2) }));
  if (how === 'cluster' && cluster.isPrimary) return void [1, 2].map(() => cluster.fork());
  if (how === 'child' && !process.env.IS_CHILD) {
    const env = { ...process.env, IS_CHILD: '1' };
    return void require('node:child_process').fork(__filename, process.argv.slice(2), { env });
  }
  let result = 0;
  while (Date.now() < end) {
    if (how === 'async') result += await later();
    else if (how === 'deep') result += nested(400);
    else if (how === 'eval') result += new Function('round', 'return round()')(round);
    else result += round();
  }
  if (threadId === 0) process.exit(result === 0 ? 1 : 0);
}

console.log('ready');
void run();
