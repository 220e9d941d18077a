// Which frame is which: links, equal names in different files, and frames of a renumbered recording.
import { deepStrictEqual, notStrictEqual, strictEqual } from 'node:assert';
import type { Host } from '../../src/host';
import { parseRecording } from '../../src/load';
import type { FromWebview } from '../../src/messages';
import {
  frameIdentity,
  fullName,
  openSource,
  ownHottestLine,
  sameFrame,
  setMissingSources,
  sourceLink,
} from '../../src/sourceLinks';
import { F, fixtureRecording } from '../fixtureRecording';

describe('source links', () => {
  const file = fixtureRecording();
  const recording = parseRecording(JSON.stringify(file), 'x');

  it('shows file and line, and keeps the folder for the hover', () => {
    deepStrictEqual(sourceLink(recording, F.handle), {
      file: 'server.cpp',
      title: '/home/dev/shop/src/server.cpp:88',
      line: 88,
      opens: true,
    });
    setMissingSources(['/home/dev/shop/src/server.cpp']);
    strictEqual(sourceLink(recording, F.handle)?.opens, false);
    strictEqual(sourceLink(recording, F.price)?.opens, true);
    setMissingSources([]);
    strictEqual(sourceLink(recording, F.crypto), null);
    strictEqual(sourceLink(recording, 9999), null);
  });

  it('has the full name for hovers, of each instance where there are several', () => {
    strictEqual(fullName(recording, F.handle), 'Server::handle(Request const&)');
    const file = fixtureRecording();
    file.ebpfTracer.frameDetails[F.handle] = {
      ...file.ebpfTracer.frameDetails[F.handle],
      fullName: 'a<int>()\na<long>()',
    };
    const named = parseRecording(JSON.stringify(file), 'x');
    strictEqual(fullName(named, F.handle), 'a<int>()\na<long>()');
    file.ebpfTracer.frameDetails[F.handle].inlined = true;
    strictEqual(
      fullName(parseRecording(JSON.stringify(file), 'x'), F.handle),
      'a<int>() (inlined)\na<long>() (inlined)',
    );
  });

  it('tells two functions of one name apart', () => {
    strictEqual(recording.frames[F.helperCart].name, recording.frames[F.helperJson].name);
    notStrictEqual(frameIdentity(recording, F.helperCart), frameIdentity(recording, F.helperJson));
  });

  it('finds a frame again in a reloaded recording with another frame table', () => {
    const reversed = { ...file, shared: { frames: [...file.shared.frames].reverse() } };
    reversed.ebpfTracer = { ...file.ebpfTracer, frameDetails: [...file.ebpfTracer.frameDetails].reverse() };
    const reloaded = parseRecording(JSON.stringify(reversed), 'x');
    for (const frame of [F.helperCart, F.helperJson, F.crypto])
      strictEqual(sameFrame(recording, frame, reloaded), recording.frames.length - 1 - frame);
    const empty = { ...file, shared: { frames: [] }, profiles: [] };
    strictEqual(sameFrame(recording, F.handle, parseRecording(JSON.stringify(empty), 'x')), null);
  });

  it('knows the hottest line of a function, by total for its link and by itself', () => {
    strictEqual(sourceLink(recording, F.price)?.line, 55);
    strictEqual(ownHottestLine(recording, F.parseValue, 0)?.[0], 67);
    strictEqual(ownHottestLine(recording, F.syscall, 0), null);
  });

  it('asks for the source beside the graph, with Alt in its place', () => {
    const sent: FromWebview[] = [];
    const host: Host = { send: (message) => sent.push(message), state: {}, remember: () => {} };
    openSource(host, recording, F.handle, { altKey: false });
    openSource(host, recording, F.crypto, { altKey: true });
    openSource(host, recording, F.parseValue, { altKey: false }, 67);
    deepStrictEqual(sent, [
      { type: 'openSource', frame: F.handle, line: 88, beside: true },
      { type: 'openSource', frame: F.crypto, line: null, beside: false },
      { type: 'openSource', frame: F.parseValue, line: 67, beside: true },
    ]);
  });
});
