// Recording files that mean harm, in the page: what it cannot show it refuses in one sentence, and what it shows are numbers.
import { deepStrictEqual, match, ok, strictEqual } from 'node:assert';
import { upgradeRecording } from '../../../helper/src/protocol';
import { greedyTexts, hostileVariants, soundV1 } from '../../../helper/test/shared/hostileRecordings';
import { CONTEXT_KINDS } from '../../src/contextKinds';
import { contextRows } from '../../src/contexts';
import { parseAnyRecording, type Recording, RecordingError } from '../../src/load';
import { fullName, ownHottestLine, sourceLink } from '../../src/sourceLinks';
import { buildStackTree, callees, functionWeights } from '../../src/stackTree';
import { functionRows } from '../../src/views/functionTable';
import { runtimeRemarks, summaryParts } from '../../src/views/statusLine';

function readOrSentence(what: string, text: string): Recording | null {
  try {
    return parseAnyRecording(text, 'x');
  } catch (error) {
    ok(error instanceof RecordingError, `${what}: ${(error as Error).stack}`);
    match(error.message, /^[^\n]{10,400}\.$/, what);
    return null;
  }
}

/** All that the views make of it. */
function shown(recording: Recording): string[] {
  const texts = summaryParts(recording, false).flatMap(({ text, title }) => [text, title ?? '']);
  texts.push(...runtimeRemarks(recording));
  for (const profile of recording.profiles) {
    const tree = buildStackTree(profile);
    for (const row of functionRows(recording, functionWeights(tree, recording.frames.length)))
      texts.push(row.name, row.module, row.file, String(row.self), String(row.total));
    for (const { total, self } of callees(tree, null)) texts.push(String(total), String(self));
  }
  for (const words of Object.values(CONTEXT_KINDS).map((wordsOf) => wordsOf()))
    for (const row of contextRows(recording, words) ?? [])
      texts.push(row.startName, row.hottestName, String(row.figure));
  for (const frame of recording.frames.keys())
    texts.push(
      fullName(recording, frame),
      sourceLink(recording, frame)?.title ?? '',
      String(ownHottestLine(recording, frame, 0)),
    );
  return texts;
}

describe('a hostile recording file in the page', function () {
  this.timeout(240_000);

  it('with anything wrong in any field is refused in a sentence, or shows texts and numbers', () => {
    let [refused, read] = [0, 0];
    for (const sound of [soundV1(), upgradeRecording(soundV1() as never)])
      for (const { what, text } of hostileVariants(sound)) {
        const recording = readOrSentence(what, text);
        if (!recording) {
          refused++;
          continue;
        }
        read++;
        for (const one of shown(recording)) {
          strictEqual(typeof one, 'string', what);
          ok(!/NaN|undefined|Infinity|\[object/.test(one), `${what}: ${one}`);
        }
      }
    strictEqual(({} as { polluted?: boolean }).polluted, undefined);
    ok(refused > 1000 && read > 200, `${refused} refused, ${read} read`);
  });

  it('that takes all memory, all stack or all time is refused', () => {
    const read = [...greedyTexts()].filter(({ what, text }) => readOrSentence(what, text) !== null);
    deepStrictEqual(
      read.map(({ what }) => what),
      [],
    );
  });
});
