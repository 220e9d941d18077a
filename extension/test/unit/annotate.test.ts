import assert from 'node:assert/strict';
import { fileNameFor, safeName } from '../../../helper/src/client/recordingNames';
import { barWidths, hotLines, movedLines } from '../../src/annotate/heat';
import { type LineEdit, LineTracker } from '../../src/annotate/lineTracker';
import { formatCount, formatElapsed, formatShare } from '../../src/session/format';
import { fillRecordingPage } from '../../src/views/recordingHtml';

describe('lines that move with edits', () => {
  /** Applies the same edits to a text of numbered lines and to a tracker; the text is the truth. */
  const edit = (from: [number, number], to: [number, number], text: string): LineEdit => ({
    startLine: from[0],
    startCharacter: from[1],
    endLine: to[0],
    endCharacter: to[1],
    text,
  });
  const LINES = 12;
  const original = Array.from({ length: LINES }, (_, i) => `  line ${i + 1};`);
  const applied = (...edits: LineEdit[]) => {
    const tracker = new LineTracker(LINES);
    tracker.apply(edits);
    const text = original.join('\n');
    const offset = (line: number, character: number) =>
      original.slice(0, line).reduce((sum, one) => sum + one.length + 1, 0) + character;
    const changed = [...edits]
      .sort((a, b) => b.startLine - a.startLine || b.startCharacter - a.startCharacter)
      .reduce(
        (now, one) =>
          now.slice(0, offset(one.startLine, one.startCharacter)) +
          one.text +
          now.slice(offset(one.endLine, one.endCharacter)),
        text,
      )
      .split('\n');
    return { tracker, changed };
  };
  /** Every recorded line whose text is still whole must be found where it is. */
  const follows = (...edits: LineEdit[]) => {
    const { tracker, changed } = applied(...edits);
    original.forEach((line, i) => {
      const at = changed.indexOf(line);
      if (at >= 0) assert.equal(tracker.lineNow(i + 1), at + 1, `${line} in\n${changed.join('\n')}`);
    });
    return tracker;
  };

  it('stay when a line above them changes', () => follows(edit([0, 2], [0, 6], 'other')));
  it('move down with lines inserted before them', () => {
    follows(edit([3, 0], [3, 0], 'a\nb\n'));
    follows(edit([2, 9], [2, 9], '\n  new;'));
  });
  it('move up with lines deleted before them, and go with their own', () => {
    const tracker = follows(edit([2, 0], [5, 0], ''));
    assert.deepEqual(
      [3, 4, 5, 6].map((line) => tracker.lineNow(line)),
      [null, null, null, 3],
    );
  });
  it('follow a line break set in front of them', () => follows(edit([4, 0], [4, 0], '\n')));
  it('follow several edits at once, in whatever order they come', () => {
    const edits = [edit([1, 0], [2, 0], ''), edit([5, 0], [5, 0], 'x\n'), edit([8, 3], [9, 4], 'y')];
    follows(...edits);
    follows(...edits.reverse());
  });
  it('keep the start of a line that is joined with the next', () => {
    const { tracker } = applied(edit([3, 9], [4, 0], ' '));
    assert.equal(tracker.lineNow(4), 4);
    assert.equal(tracker.lineNow(6), 5);
  });
  it('follow every single edit of up to three lines', () => {
    for (let start = 0; start < LINES; start++)
      for (let length = 0; length < 3 && start + length < LINES; length++)
        for (const text of ['', 'x', 'x\n', '\n\n'])
          follows(edit([start, 0], [start + length, 0], text), edit([LINES - 1, 3], [LINES - 1, 3], '\nz'));
  });
  it('are nowhere when the file never had them', () => {
    const tracker = new LineTracker(3);
    assert.deepEqual(
      [0, 1, 3, 4].map((line) => tracker.lineNow(line)),
      [null, 1, 3, null],
    );
    assert.equal(tracker.recordedAt(4), null);
  });
  it('are found by where they are now', () => {
    const tracker = follows(edit([3, 0], [3, 0], 'a\n'));
    assert.equal(tracker.recordedAt(5), 4);
    assert.equal(tracker.recordedAt(4), null);
  });
});

describe('hot lines', () => {
  const lines = new Map([
    [30, { self: 5, total: 5 }],
    [10, { self: 0, total: 90 }],
    [20, { self: 1, total: 1 }],
  ]);

  it('are those above the threshold, in file order, with their shares', () => {
    const hot = hotLines(lines, 100, 0.02);
    assert.deepEqual(
      movedLines(hot, (line) => line),
      [
        { line: 10, selfShare: 0, totalShare: 0.9 },
        { line: 30, selfShare: 0.05, totalShare: 0.05 },
      ],
    );
  });

  it('are where they are now, deleted ones nowhere', () => {
    const hot = movedLines(hotLines(lines, 100, 0), (line) => (line === 20 ? null : line + 1));
    assert.deepEqual(
      hot.map(({ line }) => line),
      [11, 31],
    );
    assert.deepEqual(hotLines(lines, 0, 0), []);
  });

  it('have bars as long as their shares, never invisible', () => {
    assert.deepEqual(barWidths({ line: 1, selfShare: 0.5, totalShare: 1 }), { self: '30.0ch', total: '60.0ch' });
    assert.deepEqual(barWidths({ line: 1, selfShare: 0, totalShare: 0.0001 }), { self: '0', total: '0.5ch' });
  });
});

describe('numbers and names', () => {
  it('are readable', () => {
    assert.equal(formatCount(1204567), '1,204,567');
    assert.deepEqual([0, 7_400, 62_000, 3_723_000].map(formatElapsed), ['0:00', '0:07', '1:02', '1:02:03']);
    const shares = [0, 0.0004, 0.0031, 0.042, 0.0995, 0.1249, 1].map((share) =>
      formatShare(share).replace('\u202f', ' '),
    );
    assert.deepEqual(shares, ['0 %', '<0.1 %', '0.3 %', '4.2 %', '10 %', '12 %', '100 %']);
  });

  it('make safe file names', () => {
    assert.equal(safeName('a/b: "c" | d'), 'a-b-c-d');
    assert.equal(safeName('../../etc/passwd'), 'etc-passwd');
    assert.equal(safeName('∞'), 'recording');
    assert.equal(safeName('x'.repeat(500)).length, 80);
    const at = new Date(2026, 10, 23, 5, 4, 8);
    assert.equal(fileNameFor('redis-server', at), '2026-11-23T05-04-08-redis-server.speedscope.json');
  });
});

describe("the recording editor's page", () => {
  it('is filled and escaped', () => {
    const page = fillRecordingPage('<a csp="{{cspSource}}" l="{{l10n}}" x="{{assets}}/b.js">{{unknown}}', {
      lang: 'en',
      cspSource: "'self' https://x",
      assets: 'https://x/a',
      l10n: { 'a "b"': '<c> & d' },
    });
    assert.equal(
      page,
      `<a csp="'self' https://x" l="{&quot;a \\&quot;b\\&quot;&quot;:&quot;&lt;c&gt; &amp; d&quot;}" x="https://x/a/b.js">{{unknown}}`,
    );
  });
});
