// Members of classes found in the text of scripts: against what node itself runs the text as, and where the text is meant to fool it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type ClassMembers, classMembersOf } from '../../src/runtimes/v8/classes';

/** `Cart.total`, of each bracket that stands directly in a class, by the word before it. */
function namesOf(text: string, members: ClassMembers = classMembersOf(text)): string[] {
  return [...members].map(([at, { name }]) => `${name}.${/([\w$#]*)\s*\*?$/.exec(text.slice(0, at))?.[1]}`);
}

describe('members of classes', () => {
  it('are those that stand directly in a class’s body, whatever is within them', () => {
    const text = `
      class Cart extends (class Base { of() {} }) {
        #secret = 1;
        static async *make(a = { b() {} }) { function inner() {} return () => inner(); }
        get total() { if (this.x) { return { method() {} }; } class Inside { deep() {} } }
        'quoted name'() {}
        field = (x) => x;
        #hidden() {}
      }
      const Later = class { run() {} };
      call(class { nameless() {} });
      function outside() {}
    `;
    assert.deepEqual(namesOf(text), [
      'Base.of',
      'Cart.make',
      'Cart.total',
      'Inside.deep',
      'Cart.',
      'Cart.',
      'Cart.#hidden',
      'Later.run',
    ]);
    const [, { at }] = [...classMembersOf(text)][1];
    assert.equal(text.slice(at, at + 4), 'Cart');
  });

  it('strings, templates, comments and regular expressions hold no classes and no braces', () => {
    const text = `
      class A {
        a() { return "}" + '{' + \`\${ { b: \`}\${ [1].map(() => '}') }\` }.b } {\`; } // }
        b() { /* class B { c() {} */ return /[/}]{2}\\/}/.test(x) ? a / b / c : (1) / 2; }
        c() { const r = /class D {/g; return r; }
      }
    `;
    assert.deepEqual(namesOf(text), ['A.a', 'A.b', 'A.c']);
  });

  it('nothing is believed of a text whose braces do not match in the end', () => {
    for (const text of ['class A { b() {} } }', 'class A { b() {', 'class A { b() { ( } ) } }'])
      assert.deepEqual(namesOf(text), [], text);
    assert.deepEqual(namesOf('const o = { class: 1, a() {} }; o.class = { b() {} };'), []);
    assert.deepEqual(namesOf('x'.repeat(5_000_000)), []);
  });

  it('of a large program it finds as many as its compiler names', function () {
    this.timeout(60_000);
    const text = readFileSync(require.resolve('pprof-format'), 'utf8');
    const expected = [...text.matchAll(/^class (\w+)/gm)].map(([, name]) => name);
    const found = new Set([...classMembersOf(text).values()].map(({ name }) => name));
    assert.ok(expected.length > 5, 'it has classes');
    assert.deepEqual([...found].sort(), [...new Set(expected)].sort());
  });
});
