// What HTTP tracing comes down to on kernels that have less than this one: each rung forced, and what is said where none is left.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { HttpSection } from '../../src/protocol';
import { errorOf, jsonOf, readRecording, startCli, workload } from './cli';
import { base64 } from './httpHarness';
import { converse, httpTalk, OK, Peer } from './httpTalk';
import { recordHooks } from './recordHooks';

const CONVERSATIONS = 40;
const WITHOUT_TRACEPOINTS = ['socktracepoints'];
const WITHOUT_SOCKETS = [...WITHOUT_TRACEPOINTS, 'sysexit'].join(',');

describe('HTTP by the end of each system call', function () {
  this.timeout(120_000);
  const talk = httpTalk(WITHOUT_TRACEPOINTS);

  it('says which rung it took and why', async () => {
    await talk.trace();
    const step = talk.attach.find(({ what }) => what === 'HTTP on sockets');
    assert.equal(step?.taken, 'the end of each system call');
    assert.deepEqual(step?.refused, [{ rung: "the socket layer's tracepoints", why: 'switched off' }]);
    assert.equal(talk.attach.find(({ what }) => what === 'sockets open before')?.taken, 'marked by an iterator');
  });

  it('counts conversations of every framing, in pieces of any size', async () => {
    await talk.trace();
    const expected = await converse(talk, 14, CONVERSATIONS, (piece, n) =>
      n % 5 === 0 ? ['sendmsg', 'c', ['', piece]] : ['write', 'c', piece],
    );
    assert.deepEqual(
      { counted: talk.counted(), uncounted: talk.section().uncounted },
      { counted: expected, uncounted: {} },
    );
  });

  it('knows a socket from another that got its memory', async () => {
    await talk.trace();
    for (let i = 0; i < 20; i++) {
      const name = join(talk.folder, `again-${i}`);
      await talk.say('listenUnix', 'lu', name);
      const peer = await Peer.to(name);
      await talk.say('accept', 'c', 'lu');
      await talk.exchange(peer, `GET /turn/${i} HTTP/1.1\r\n\r\n`, OK);
      // In the middle of a body, so that the next one would be taken for its rest.
      await peer.say('PUT /cut HTTP/1.1\r\nContent-Length: 5000\r\n\r\n');
      await talk.say('recv', 'c', 1_000);
      peer.socket.destroy();
      await talk.say('close', 'c');
      await talk.say('close', 'lu');
    }
    assert.equal(talk.counted()['GET /turn/:id 200'], 20);
  });

  it('counts what several messages of one call carry as not readable', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    await peer.say('GET /many HTTP/1.1\r\n\r\n');
    await talk.say('recv', 'c', 100);
    await talk.say('sendmmsg', 'c', [base64(OK.slice(0, 20)), base64(OK.slice(20))]);
    await peer.hears(OK.length);
    await talk.exchange(peer, 'GET /next HTTP/1.1\r\n\r\n', OK);
    const { routes, uncounted } = talk.section();
    assert.ok(uncounted['bytes not readable'] > 0, JSON.stringify(uncounted));
    assert.ok(routes.every(({ route }) => route === '/next'));
  });
});

describe('machines without any hook for HTTP', function () {
  this.timeout(120_000);
  let output = '';
  recordHooks((_, path) => {
    output = path;
  });

  it('still record CPU time, and say what is missing and why', async () => {
    const args = ['record', '--trace', 'cpu,http', '--without', WITHOUT_SOCKETS, '--output', output];
    const result = await startCli([...args, '--json', '--', workload('hot-c'), '1']).ended;
    const { samples, attach, tracers } = jsonOf(result);
    assert.ok(samples > 0);
    const step = attach.find(({ what }) => what === 'HTTP on sockets')!;
    assert.equal(step.taken, null);
    assert.deepEqual(
      step.refused.map(({ why }) => why),
      ['switched off', 'switched off'],
    );
    const http = tracers!.find(({ id }) => id === 'http')!;
    assert.equal(http.missing?.code, 'HTTP_NOT_ATTACHED');
    assert.equal(tracers!.find(({ id }) => id === 'cpu')!.missing, undefined);
    const { errors, sections } = readRecording(output).ebpfTracer!;
    assert.deepEqual(errors, [http.missing]);
    assert.equal((sections as { http?: HttpSection } | undefined)?.http, undefined);
  });

  it('say so in the text of a recording', async () => {
    const args = ['record', '--trace', 'cpu,http', '--without', WITHOUT_SOCKETS, '--output', output];
    const { stdout, code } = await startCli([...args, '--', workload('hot-c'), '1']).ended;
    assert.equal(code, 0);
    assert.match(stdout, /^HTTP cannot be traced on this kernel: the socket layer's tracepoints: switched off; .+/m);
    assert.doesNotMatch(stdout, /HTTP requests in/);
  });

  it('end a trace of HTTP alone with an error and the next step', async () => {
    const args = ['http', '--without', WITHOUT_SOCKETS, '--json', '--', workload('hot-c'), '1'];
    const error = errorOf(await startCli(args).ended);
    assert.equal(error.code, 'HTTP_NOT_ATTACHED');
    assert.match(error.fix, /ebpf-tracer record/);
  });
});
