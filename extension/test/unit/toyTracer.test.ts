// A tracer's own figures: a source of the tests, given to the table of figure sources, stands in the editor as CodeLens.

import assert from 'node:assert/strict';
import type { ProfileStore } from '../../src/profile/profileStore';
import type { RecordingSession } from '../../src/session/recordingSession';
import { EventEmitter, lensProviders, withFakeVsCode } from '../fakes/fakeVsCode';
import { ExecFigures } from '../toyTracer/execFigures';

const { Annotator } = withFakeVsCode(
  () => require('../../src/annotate/annotator') as typeof import('../../src/annotate/annotator'),
);
const { FIGURE_SOURCES } = withFakeVsCode(
  () => require('../../src/annotate/sources') as typeof import('../../src/annotate/sources'),
);

describe("a tracer's own figures", () => {
  const document = (fsPath: string) => ({
    uri: { scheme: 'file', fsPath },
    lineCount: 10,
    isDirty: false,
    getText: () => '',
  });
  const lensesOf = (fsPath: string) =>
    lensProviders
      .flatMap((one) => one.provideCodeLenses(document(fsPath)))
      .map(({ range, command }) => [range.startLine, command.title]);

  it('stand over the source that they are of, and follow the active recording', () => {
    const changed = new EventEmitter<void>();
    const sections = { execs: { programs: [{ name: 'make', count: 12 }] } };
    const profiles = {
      active: { path: '/r', extra: { complete: true, sections } },
      heatOf: () => null,
      onDidChange: changed.event,
    };
    const store = profiles as unknown as ProfileStore;
    const sessions = { list: () => [], onDidStart: new EventEmitter<RecordingSession>().event };
    const annotator = new Annotator({ profiles: store, sessions, media: '' }, [
      ...FIGURE_SOURCES,
      ({ profiles }) => new ExecFigures(profiles),
    ]);
    let drawn = 0;
    annotator.onDidChange(() => drawn++);
    assert.deepEqual(lensesOf('/src/make.c'), [[0, 'executed 12 times']]);
    assert.deepEqual(lensesOf('/src/other.c'), []);
    sections.execs.programs[0].count = 13;
    changed.fire();
    assert.ok(drawn > 0);
    assert.deepEqual(lensesOf('/src/make.c'), [[0, 'executed 13 times']]);
    annotator.dispose();
    assert.deepEqual(lensesOf('/src/make.c'), []);
  });
});
