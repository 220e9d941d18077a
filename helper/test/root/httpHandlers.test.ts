// Real servers of four frameworks, in which one handler waits for 5 and another for 50 ms: each route's latency stands at the line of
// the function that waits.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HttpRouteRow } from '../../src/protocol';
import { freePort } from './freePort';
import { until } from './helperProcess';
import { TracedHttp } from './httpHarness';

const EXPRESS = `const express = require('express');
const app = express();
const router = express.Router();
app.get('/express/fast', (req, res) => setTimeout(() => res.send('ok'), 5)); // HANDLER fast
router.get('/slow/:id', showSlow);
app.use('/express', router);
app.listen(PORT, '127.0.0.1');
async function showSlow(req, res) { // HANDLER slow
  await new Promise((resolve) => setTimeout(resolve, 50));
  res.json({ id: req.params.id });
}
`;

const FASTIFY = `const fastify = require('fastify')();
fastify.get('/fastify/fast', async () => { // HANDLER fast
  await new Promise((resolve) => setTimeout(resolve, 5));
  return 'ok';
});
fastify.route({ method: 'GET', url: '/fastify/slow/:id', handler: slow });
fastify.listen({ port: PORT, host: '127.0.0.1' });
async function slow(request) { // HANDLER slow
  await new Promise((resolve) => setTimeout(resolve, 50));
  return { id: request.params.id };
}
`;

const FLASK = `import time
from flask import Blueprint, Flask
app = Flask(__name__)
pages = Blueprint("pages", __name__, url_prefix="/flask")
@app.route("/flask/fast")
def fast():  # HANDLER fast
    time.sleep(0.005)
    return "ok"
@pages.get("/slow/<int:number>")
def slow(number):  # HANDLER slow
    time.sleep(0.05)
    return str(number)
app.register_blueprint(pages)
app.run("127.0.0.1", PORT, threaded=True)
`;

const FASTAPI = `import asyncio, uvicorn
from fastapi import APIRouter, FastAPI
app = FastAPI()
router = APIRouter(prefix="/slow")
@app.get("/fastapi/fast")
async def fast():  # HANDLER fast
    await asyncio.sleep(0.005)
    return "ok"
@router.get("/{number}")
async def slow(number: int):  # HANDLER slow
    await asyncio.sleep(0.05)
    return number
app.include_router(router, prefix="/fastapi")
uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="error")
`;

const SERVERS = [
  { name: 'express', file: 'express.js', code: EXPRESS, slow: 'showSlow' },
  { name: 'fastify', file: 'fastify.js', code: FASTIFY, slow: 'slow' },
  { name: 'flask', file: 'flask_app.py', code: FLASK, slow: 'slow' },
  { name: 'fastapi', file: 'fastapi_app.py', code: FASTAPI, slow: 'slow' },
] as const;

const ASKED = 8;

function ask(port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', path, agent: false }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode!));
    }).once('error', reject);
  });
}

describe('HTTP: routes of real frameworks and the lines that answer them', function () {
  this.timeout(240_000);
  let folder: string;
  const started: ChildProcess[] = [];
  const missing = new Map<string, string>();
  let rows: HttpRouteRow[] = [];
  let sources = '';

  before(async function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: needs root');
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'http-handlers-'));
    sources = join(folder, 'sources');
    mkdirSync(sources);
    const npm = ['install', '--prefix', folder, '--no-audit', '--no-fund', 'express@5', 'fastify@5'];
    if (spawnSync('npm', npm, { timeout: 90_000 }).status !== 0)
      for (const name of ['express', 'fastify']) missing.set(name, 'npm did not install it');
    const packages = join(folder, 'python');
    const pip = ['-m', 'pip', 'install', '--quiet', '--target', packages, 'flask', 'fastapi', 'uvicorn'];
    if (spawnSync('python3', pip, { timeout: 120_000 }).status !== 0)
      for (const name of ['flask', 'fastapi']) missing.set(name, 'pip did not install it');
    const ports = new Map<string, number>();
    for (const { name, file, code } of SERVERS) {
      if (missing.has(name)) continue;
      const port = await freePort();
      ports.set(name, port);
      writeFileSync(join(sources, file), code.replace('PORT', String(port)));
      const program = file.endsWith('.js') ? process.execPath : 'python3';
      const env = { ...process.env, NODE_PATH: join(folder, 'node_modules'), PYTHONPATH: packages };
      const child = spawn(program, [join(sources, file)], { stdio: 'ignore', cwd: sources, env });
      started.push(child);
      const up = () =>
        ask(port, `/${name}/fast`).then(
          (status) => status === 200,
          () => false,
        );
      let isUp = false;
      while (!isUp && child.exitCode === null) isUp = await up();
      if (!isUp) missing.set(name, 'it did not start');
    }
    const trace = await TracedHttp.start(
      started.map(({ pid }) => pid!),
      [],
      { sources: [sources] },
    );
    await until(
      () => trace.attach.some(({ what, taken }) => what === 'handlers of routes' && taken !== null),
      'sources read',
    );
    for (const [name, port] of ports)
      for (let i = 1; i <= ASKED; i++) {
        await ask(port, `/${name}/fast`);
        await ask(port, `/${name}/slow/${i}`);
      }
    rows = trace.end().routes;
  });

  after(() => {
    for (const child of started) child.kill('SIGKILL');
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  for (const { name, file, code, slow } of SERVERS)
    it(`${name}: 5 and 50 ms stand at their handlers`, function () {
      const why = missing.get(name);
      if (why) {
        console.log(`      skipped: ${why}`);
        this.skip();
      }
      const lineOf = (which: string) => code.split('\n').findIndex((line) => line.includes(`HANDLER ${which}`)) + 1;
      for (const [which, route, leastMs] of [
        ['fast', `/${name}/fast`, 5],
        ['slow', `/${name}/slow/:id`, 50],
      ] as const) {
        const row = rows.find((one) => one.route === route);
        assert.ok(row, `${route} of ${rows.map((one) => one.route)}`);
        assert.equal(row.statuses['200'], ASKED);
        // A timer may end some of its last millisecond early.
        assert.ok(row.p50Ms >= leastMs - 1, `${route} ${row.p50Ms}`);
        assert.deepEqual(
          [row.handler?.file, row.handler?.line],
          [join(sources, file), lineOf(which)],
          JSON.stringify(row.handler),
        );
        assert.ok(row.handler!.confidence >= 0.9, JSON.stringify(row.handler));
        if (which === 'slow') assert.equal(row.handler!.function, slow);
      }
    });
});
