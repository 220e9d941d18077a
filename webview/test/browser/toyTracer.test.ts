// A tracer's own tab: a view of the tests is there for recordings that hold its section, beside the flame graph or, where no stacks
// were sampled, alone.
import { deepStrictEqual, strictEqual } from 'node:assert';
import type { RecordingFile } from '../../../helper/src/protocol';
import { fixtureRecording } from '../fixtureRecording';
import { suiteBrowser } from './suiteBrowser';
import type { TestPage } from './testPage';

const SECTIONS = {
  execs: {
    programs: [
      { name: 'cc1', count: 12 },
      { name: '<b>as</b>', count: 5 },
    ],
  },
};

function withExecs(recording: RecordingFile): RecordingFile {
  return { ...recording, ebpfTracer: { ...recording.ebpfTracer!, sections: SECTIONS } };
}

/** As the helper writes it where no tracer samples stacks. */
function withoutStacks(recording: RecordingFile): RecordingFile {
  const extra = recording.ebpfTracer!;
  const { lineTree: _, frequencyHz: __, kernelStacks: ___, ...head } = extra;
  return {
    ...recording,
    shared: { frames: [] },
    profiles: [
      { type: 'sampled', name: 'All threads', unit: 'none', startValue: 0, endValue: 0, samples: [], weights: [] },
    ],
    ebpfTracer: {
      ...head,
      threads: [],
      frameDetails: [],
      profiles: [{ metric: 0, thread: null }],
      metrics: [
        {
          ...extra.metrics[0],
          id: 'execs',
          unit: 'count',
          period: null,
          samples: 0,
          total: 0,
          wholeStacks: 0,
          truncated: {},
          frames: 0,
          symbolizedFrames: 0,
          threads: [],
          contexts: [],
          lines: [],
          functionLines: [],
          treeSelf: undefined,
        },
      ],
    },
  };
}

describe("a tracer's own tab in Chromium", function () {
  this.timeout(120_000);
  const browser = suiteBrowser('webview/test/toyTracer/page.ts');
  const tabs = (page: TestPage) => page.page.locator('[role=tab]:visible').allInnerTexts();
  const programs = (page: TestPage) => page.page.locator('#panel-execs li').allInnerTexts();

  it('stands beside the others where the recording has its section', async () => {
    const page = await browser.open();
    await page.load(withExecs(fixtureRecording()));
    await page.page.getByRole('tab', { name: 'Executed Programs' }).click();
    deepStrictEqual(await programs(page), ['12 cc1', '5 <b>as</b>']);
    deepStrictEqual(browser.consoleErrors, []);
  });

  it('is not there where it has none', async () => {
    const page = await browser.open();
    await page.load(fixtureRecording());
    strictEqual((await tabs(page)).includes('Executed Programs'), false);
    strictEqual((await tabs(page)).includes('Hot Functions'), true);
  });

  it('stands alone where no stacks were recorded: there is no graph', async () => {
    const page = await browser.open();
    await page.load(withExecs(withoutStacks(fixtureRecording())));
    await page.page.getByRole('tab', { name: 'Executed Programs' }).click();
    deepStrictEqual(await programs(page), ['12 cc1', '5 <b>as</b>']);
    deepStrictEqual(await tabs(page), ['Executed Programs']);
    deepStrictEqual(browser.consoleErrors, []);
  });
});
