// Recording files: ours, other programs', evented ones, and what is none.
import { deepStrictEqual, ok, strictEqual, throws } from 'node:assert';
import { OddRecordingError, parseAnyRecording, parseRecording, RecordingError } from '../../src/load';
import { formatWeight } from '../../src/shares';
import { summaryParts } from '../../src/views/statusLine';
import { fixtureRecording } from '../fixtureRecording';

const file = (profiles: object[]) => JSON.stringify({ shared: { frames: [{ name: 'a' }, { name: 'b' }] }, profiles });

describe('load', () => {
  it('reads our recordings, with samples behind every weight', () => {
    const recording = parseRecording(JSON.stringify(fixtureRecording()), 'x.speedscope.json');
    strictEqual(recording.name, 'shopd');
    const { samplesPerWeight, totalWeight } = recording.profiles[0];
    ok(Math.abs(totalWeight * (samplesPerWeight ?? 0) - (recording.extra?.metrics[0].samples ?? 0)) < 1e-6);
  });

  it("makes up no samples for other programs' files", () => {
    const sampled = { type: 'sampled', name: 't', unit: 'seconds', startValue: 0, endValue: 9 };
    const { extra, profiles } = parseRecording(file([{ ...sampled, samples: [[0], [0, 1]], weights: [4, 5] }]), 'x');
    strictEqual(extra, null);
    strictEqual(profiles[0].samplesPerWeight, null);
  });

  it('turns open and close events into weighted stacks, gaps included', () => {
    const events = [
      { type: 'O', frame: 0, at: 10 },
      { type: 'O', frame: 1, at: 12 },
      { type: 'C', frame: 1, at: 15 },
      { type: 'C', frame: 0, at: 16 },
      { type: 'O', frame: 1, at: 20 },
      { type: 'C', frame: 1, at: 21 },
    ];
    const { profiles } = parseRecording(
      file([{ type: 'evented', name: 't', unit: 'seconds', startValue: 10, events }]),
      'x',
    );
    deepStrictEqual(profiles[0].stacks, [[0], [0, 1], [0], [], [1]]);
    deepStrictEqual(profiles[0].weights, [2, 3, 1, 4, 1]);
    strictEqual(profiles[0].samplesPerWeight, null);
  });

  it('shows events that do not fit each other only with a warning', () => {
    const events = [{ type: 'O', frame: 0, at: 0 }];
    const text = file([{ type: 'evented', name: 't', unit: 'none', startValue: 0, endValue: 5, events }]);
    throws(() => parseRecording(text, 'x'), OddRecordingError);
    const recording = parseAnyRecording(text, 'x');
    deepStrictEqual([recording.profiles[0].weights, recording.oddEvents], [[5], 1]);
    deepStrictEqual(
      summaryParts(recording, false).map(({ warning }) => warning ?? false),
      [false, false, true],
    );
  });

  it('keeps the unit, and the choice of the profile where there is such a one', () => {
    const one = (unit: string) => ({ type: 'sampled', name: unit, unit, samples: [[0]], weights: [1] });
    const profiles = ['none', 'bytes', 'microseconds'].map(one);
    const read = (activeProfileIndex: unknown) =>
      parseRecording(JSON.stringify({ ...JSON.parse(file(profiles)), activeProfileIndex }), 'x');
    deepStrictEqual(
      read(0).profiles.map(({ unit }) => unit),
      ['none', 'bytes', 'microseconds'],
    );
    deepStrictEqual(
      [2, 3, -1, 'a', 0.5].map((index) => read(index).activeProfile),
      [2, 0, 0, 0, 0],
    );
    strictEqual(formatWeight(0.25, 'none'), '0.25');
  });

  it('says in a sentence what is wrong with what is no recording', () => {
    const broken = { type: 'sampled', name: 't', unit: 'none', samples: [[0]], weights: [] };
    for (const text of ['', '{"shared":', 'null', '[]', '{"profiles":[]}', file([broken])])
      throws(
        () => parseRecording(text, 'x.json'),
        (error) => error instanceof RecordingError && error.message.startsWith('x.json is '),
        text,
      );
  });
});
