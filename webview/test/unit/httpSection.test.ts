// A recording's HTTP section as its readers get it: what is there passes, what is wrong anywhere in it is said or left out, and
// nothing of it is more than is shown.

import assert from 'node:assert/strict';
import { HANDLER_CONFIDENCE_LEAST, httpSectionOf, type RecordingExtra } from '../../../helper/src/protocol';
import { httpSection } from '../httpRecording';

const read = (http: unknown) => httpSectionOf({ sections: { http } } as unknown as RecordingExtra);

describe('the HTTP section of a recording', () => {
  it('passes as the tracer wrote it, but for characters that nobody sees', () => {
    const written = httpSection();
    const section = read(written);
    assert.ok(section && 'routes' in section);
    assert.deepEqual(section.routes.slice(0, 2), written.routes.slice(0, 2));
    assert.equal(section.routes[2].route, '/<img src=x onerror=alert(1)>\\u202e');
    assert.deepEqual({ ...section, routes: null }, { ...written, routes: null });
  });

  it('of an older version has what it lacks', () => {
    const section = read(
      JSON.parse(
        JSON.stringify(httpSection(), (key, value) =>
          ['latency', 'clock', 'id', 'parent'].includes(key) ? undefined : value,
        ),
      ),
    );
    assert.ok(section && 'routes' in section);
    assert.deepEqual(section.routes[0].latency, { sumMs: 0, counts: [] });
    assert.deepEqual(section.exemplars.map(({ id, parent }) => [id, parent]).slice(0, 2), [
      ['0', null],
      ['1', null],
    ]);
  });

  it('claims no handler that is not sure enough', () => {
    const written = httpSection();
    written.routes[0].handler!.confidence = HANDLER_CONFIDENCE_LEAST - 0.01;
    const section = read(written);
    assert.ok(section && 'routes' in section);
    assert.equal(section.routes[0].handler, null);
  });

  it('with anything wrong in any field is refused in some words, or holds bounded texts and numbers', () => {
    const odd: unknown[] = [
      null,
      true,
      -1,
      0.5,
      Number.NaN,
      2 ** 63,
      '',
      '__proto__',
      '\u0000\u202e',
      'x'.repeat(1e5),
      [],
      [null],
      {},
      { length: 1e9 },
      { constructor: 1 },
    ];
    let [refused, passed] = [0, 0];
    const variants = (value: unknown, put: (changed: unknown) => unknown): unknown[] => {
      const here = odd.map((one) => put(one));
      if (Array.isArray(value))
        return [
          ...here,
          ...value.slice(0, 2).flatMap((one, i) => variants(one, (changed) => put(value.with(i, changed)))),
        ];
      if (typeof value !== 'object' || value === null) return here;
      return [
        ...here,
        ...Object.entries(value).flatMap(([name, one]) =>
          variants(one, (changed) => put({ ...value, [name]: changed })),
        ),
      ];
    };
    const sound = (value: unknown): void => {
      if (typeof value === 'string')
        assert.ok(value.length <= 4_096 && !/[\u0000\u202e]/.test(value), value.slice(0, 100));
      else if (typeof value === 'number') assert.ok(Number.isFinite(value) && value >= 0, String(value));
      else if (typeof value === 'object' && value !== null)
        // A path is opened as it is; who shows it spells it out.
        for (const [name, one] of Object.entries(value)) if (name !== 'file') sound(one);
    };
    for (const variant of variants(httpSection(), (changed) => changed)) {
      const section = read(variant);
      if (section && 'wrong' in section) {
        refused++;
        assert.match(section.wrong, /^[\w ,]{4,80}$/);
      } else {
        passed++;
        sound(section);
      }
    }
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
    assert.ok(refused > 1_000 && passed > 200, `${refused} refused, ${passed} passed`);
  });

  it('has at most so many rows, however many there are', () => {
    const written = httpSection();
    const section = read({ ...written, routes: Array.from({ length: 50_000 }, () => written.routes[0]) });
    assert.ok(section && 'routes' in section);
    assert.equal(section.routes.length, 10_000);
  });
});
