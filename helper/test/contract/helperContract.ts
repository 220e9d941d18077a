// What every helper promises its client, whatever it records with: the tests that the real helper, the helper with a tracer of the
// tests in its table, and the extension's fake helper pass alike.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HelperConnection } from '../../src/client/helperConnection';
import {
  type ChosenTracers,
  type HelperNotes,
  parseSpeedscope,
  type RecordingExtra,
  type RecordOptions,
  type RecordTarget,
  TracerError,
} from '../../src/protocol';

export interface ContractSubject {
  connect(): Promise<HelperConnection>;
  /** Something that every tracer of the subject finds something in. */
  target: RecordTarget;
  tracers: ChosenTracers;
  /** Empty; for recordings. */
  folder: string;
}

/** `subject` is called once a test. */
export function keepsTheContract(subject: () => ContractSubject): void {
  let connection: HelperConnection;
  let options: RecordOptions;
  let ids: string[];

  beforeEach(async () => {
    const { connect, target, tracers, folder } = subject();
    connection = await connect();
    ids = Object.keys(tracers);
    options = {
      target,
      tracers,
      durationMs: null,
      output: join(folder, `contract-${process.hrtime.bigint()}.speedscope.json`),
      title: 'contract',
      anyUser: false,
      without: [],
    };
  });
  afterEach(() => connection.dispose());

  const start = (more: Partial<RecordOptions> = {}) => connection.request('record/start', { ...options, ...more });
  const next = <M extends 'record/progress' | 'record/checkpoint' | 'record/ended'>(
    method: M,
    wanted: (note: HelperNotes[M]) => boolean = () => true,
  ) =>
    new Promise<HelperNotes[M]>((resolve) => {
      const off = connection.on(method, (note) => {
        if (!wanted(note)) return;
        off();
        resolve(note);
      });
    });
  const saved = (): RecordingExtra => {
    const { file } = parseSpeedscope(readFileSync(options.output, 'utf8'), {});
    assert.ok(file.ebpfTracer, 'the file is a recording of ours');
    return file.ebpfTracer;
  };
  const code = (wanted: string) => (error: unknown) => {
    assert.ok(error instanceof TracerError, String(error));
    assert.equal(error.report.code, wanted);
    return true;
  };

  it('tells in the handshake which tracers it serves', () => {
    for (const id of ids) assert.ok(connection.identity.tracers.includes(id), `${connection.identity.tracers}`);
  });

  it('records: says progress of each tracer, keeps a valid file, lists it, ends it when asked', async () => {
    const counted = next('record/progress', ({ tracers }) => tracers.every(({ count }) => count > 0));
    const written = next('record/checkpoint');
    const { recordingId } = await start();
    const [{ tracers, ...progress }, checkpoint] = await Promise.all([counted, written]);
    assert.equal(progress.recordingId, recordingId);
    assert.deepEqual(tracers.map(({ id }) => id).sort(), [...ids].sort());
    for (const { unit, lost } of tracers) assert.ok(unit.length > 0 && lost >= 0);
    assert.deepEqual([checkpoint.recordingId, checkpoint.output], [recordingId, options.output]);
    assert.equal(saved().complete, false);
    const [listed] = await connection.request('record/list', {});
    assert.deepEqual([listed.recordingId, listed.title, listed.output], [recordingId, options.title, options.output]);
    assert.deepEqual([listed.target, [...listed.tracers].sort()], [options.target, [...ids].sort()]);
    const summary = await connection.request('record/stop', { recordingId });
    assert.deepEqual([summary.stopReason, summary.output], ['stopped', options.output]);
    assert.deepEqual(summary.tracers?.map(({ id }) => id).sort(), [...ids].sort());
    for (const { id, count } of summary.tracers ?? []) assert.ok(count > 0, `${id} found nothing`);
    const { complete, stopReason, title } = saved();
    assert.deepEqual([complete, stopReason, title], [true, 'stopped', options.title]);
    assert.deepEqual(await connection.request('record/list', {}), []);
  });

  it('ends after its duration, and says so', async () => {
    const ended = next('record/ended');
    const { recordingId } = await start({ durationMs: 1_500 });
    const { summary, error, recordingId: which } = await ended;
    assert.equal(error, null);
    assert.deepEqual([which, summary?.stopReason], [recordingId, 'duration']);
    assert.equal(saved().complete, true);
  });

  it('ends at once when it is aborted', async () => {
    const { recordingId } = await start();
    await next('record/checkpoint');
    assert.equal(await connection.request('record/abort', { recordingId }), null);
    assert.equal(saved().complete, false);
    assert.deepEqual(await connection.request('record/list', {}), []);
  });

  it('refuses a second recording of the same by the same, and what it does not know', async () => {
    const { recordingId } = await start();
    await assert.rejects(start({ output: `${options.output}2` }), code('BUSY'));
    await assert.rejects(start({ tracers: { ...options.tracers, nonsense: {} } }), code('TRACER_UNKNOWN'));
    await assert.rejects(start({ output: 'relative' }), code('USAGE'));
    await assert.rejects(connection.request('record/stop', { recordingId: recordingId + 77 }), code('NO_RECORDING'));
    await connection.request('record/abort', { recordingId });
  });
}
