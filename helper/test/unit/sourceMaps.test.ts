// Source maps: from a compiled place to the one that somebody wrote, for the ways in which compilers and bundlers name files, and
// for maps that are damaged, hostile or far away.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildSync, transformSync } from 'esbuild';
import { type CompiledPlace, type OriginalPlace, SourceMaps } from '../../src/runtimes/sourceMaps';
import { locateMap } from '../../src/runtimes/sourceMaps/locate';
import { parseMap } from '../../src/runtimes/sourceMaps/parse';
import { MapShelf } from '../../src/runtimes/sourceMaps/shelf';
import { MapError } from '../../src/runtimes/sourceMaps/types';

const SOURCE = [
  'interface Order { price: number }',
  '',
  'export function totalOf(orders: Order[]): number {',
  '  let sum = 0;',
  '  for (const order of orders) sum += priceOf(order);',
  '  return sum;',
  '}',
  'const priceOf = (order: Order): number => order.price * 1.2;',
  '',
].join('\n');

/** The compiler that this project is built with, as a program: it has no other interface. */
const TSC = [join(__dirname, '../../..'), join(__dirname, '../../../../..')]
  .map((root) => join(root, 'node_modules/.bin/tsc'))
  .find((path) => existsSync(path))!;

let folder = '';

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** From 1. */
function placeOf(text: string, of: string): { line: number; column: number } {
  const before = text.slice(0, text.indexOf(of)).split('\n');
  assert.ok(text.includes(of), of);
  return { line: before.length, column: before[before.length - 1].length + 1 };
}

function at(place: { line: number; column: number }, name?: { line: number; column: number }): CompiledPlace {
  return { ...place, nameLine: name?.line ?? null, nameColumn: name?.column ?? null };
}

function lookUp(scriptName: string, mapUrl: string, ...places: CompiledPlace[]): (OriginalPlace | null)[] {
  const numbers = places.flatMap((p) => [p.line, p.column, p.nameLine ?? Number.NaN, p.nameColumn ?? Number.NaN]);
  return new MapShelf().originals(1, { scriptName, mapUrl, rootPrefix: '' }, Float64Array.from(numbers))!;
}

function dataUrl(map: object | string): string {
  const text = typeof map === 'string' ? map : JSON.stringify(map);
  return `data:application/json;charset=utf-8;base64,${Buffer.from(text).toString('base64')}`;
}

/** One segment: line 1, column 1 of the script is line 1, column 1 of source 0. */
const AAAA = { version: 3, sources: ['a.ts'], names: [], mappings: 'AAAA' };

describe('source maps', () => {
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'source-maps-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  describe('of compilers', () => {
    it("tsc's map beside the script, by file path and by file URL", () => {
      const source = write('beside/src/order.ts', SOURCE);
      const script = join(folder, 'beside/dist/order.js');
      const options = ['--sourceMap', '--target', 'es2022', '--module', 'nodenext', '--ignoreConfig'];
      execFileSync(TSC, [...options, '--rootDir', dirname(source), '--outDir', dirname(script), source]);
      const text = readFileSync(script, 'utf8');
      const compiled = placeOf(text, 'order.price');
      const wanted = { file: source, ...placeOf(SOURCE, 'order.price'), name: null };
      assert.deepEqual(lookUp(script, 'order.js.map', at(compiled)), [wanted]);
      assert.deepEqual(lookUp(`file://${script}`, 'order.js.map', at(compiled)), [wanted]);
      assert.deepEqual(lookUp(script, `file://${script}.map`, at(compiled)), [wanted]);
    });

    it("esbuild's map in the script, with the names that minifying took away", () => {
      const out = transformSync(SOURCE, {
        loader: 'ts',
        minify: true,
        sourcemap: 'inline',
        sourcefile: 'order.ts',
        format: 'esm',
        target: 'es2022',
      }).code;
      const url = /sourceMappingURL=(\S+)/.exec(out)![1];
      const [, name] = /export function (\w+)/.exec(out) ?? /function (\w+)/.exec(out)!;
      const nameAt = placeOf(out, `function ${name}`);
      const [found] = lookUp(
        join(folder, 'min.js'),
        url,
        at(placeOf(out, '.price'), { line: nameAt.line, column: nameAt.column + 'function '.length }),
      );
      assert.deepEqual([found?.file, found?.line], [join(folder, 'order.ts'), placeOf(SOURCE, 'order.price').line]);
      assert.equal(found?.name, name === 'totalOf' ? null : 'totalOf');
    });

    it('a bundle of two files knows which is which', () => {
      write('bundle/src/main.ts', "import { work } from './work';\nexport const run = () => work(3);\n");
      const work = write('bundle/src/work.ts', '\n\nexport function work(n: number) {\n  return n * 1234567;\n}\n');
      const outfile = join(folder, 'bundle/dist/main.js');
      buildSync({
        entryPoints: [join(folder, 'bundle/src/main.ts')],
        outfile,
        bundle: true,
        sourcemap: true,
        platform: 'node',
      });
      const text = readFileSync(outfile, 'utf8');
      const [found] = lookUp(outfile, 'main.js.map', at(placeOf(text, 'n * 1234567')));
      assert.deepEqual(found, { file: work, line: 4, column: 10, name: null });
    });
  });

  describe('where files are', () => {
    const first = at({ line: 1, column: 1 });
    const fileOf = (script: string, map: object) => lookUp(script, dataUrl(map), first)[0]?.file;

    it('sourceRoot, percent-encoding, and names that only look encoded', () => {
      const script = join(folder, 'where/out/s.js');
      assert.equal(fileOf(script, { ...AAAA, sourceRoot: '/srv/app' }), '/srv/app/a.ts');
      assert.equal(fileOf(script, { ...AAAA, sourceRoot: 'file:///srv/my%20app/' }), '/srv/my app/a.ts');
      assert.equal(fileOf(script, { ...AAAA, sources: ['../my%20src/%C3%A9.ts'] }), join(folder, 'where/my src/é.ts'));
      assert.equal(fileOf(script, { ...AAAA, sources: ['100%.ts'] }), join(folder, 'where/out/100%.ts'));
      const odd = write('where/out/a%20b.ts', '');
      assert.equal(fileOf(script, { ...AAAA, sources: ['a%20b.ts'] }), odd);
    });

    it('webpack:// with a query is looked for above the script', () => {
      const source = write('pack/src/deep/a.ts', '');
      const script = join(folder, 'pack/dist/server/main.js');
      for (const name of [
        'webpack://app/./src/deep/a.ts?f00d',
        'webpack:///./src/deep/a.ts',
        'turbopack://[p]/src/deep/a.ts',
      ])
        assert.equal(fileOf(script, { ...AAAA, sources: [name] }), source, name);
      assert.equal(fileOf(script, { ...AAAA, sources: [`webpack://app${source}`] }), source);
      assert.equal(fileOf(script, { ...AAAA, sources: ['webpack://app/webpack/bootstrap'] }), 'webpack/bootstrap');
    });

    it('a map that is named with a query, and one behind a link', () => {
      write('named/a.js.map', JSON.stringify(AAAA));
      const script = join(folder, 'named/a.js');
      assert.equal(lookUp(script, 'a.js.map?v=3#x', first)[0]?.file, join(folder, 'named/a.ts'));
      symlinkSync('a.js.map', join(folder, 'named/link.map'));
      assert.equal(lookUp(script, 'link.map', first)[0]?.file, join(folder, 'named/a.ts'));
    });

    it('evaluated code has only what its map says', () => {
      assert.equal(fileOf('', { ...AAAA, sources: ['/srv/a.ts'] }), '/srv/a.ts');
      assert.throws(() => locateMap({ scriptName: '', mapUrl: 'a.map', rootPrefix: '' }), MapError);
    });

    it('names with control characters, and endless ones, give the compiled place', () => {
      const script = join(folder, 's.js');
      for (const name of ['a\nb.ts', 'a%00.ts', `${'a/'.repeat(3_000)}b.ts`, ''])
        assert.equal(fileOf(script, { ...AAAA, sources: [name] }), undefined, JSON.stringify(name).slice(0, 20));
      assert.equal(fileOf(script, { ...AAAA, sources: [null] }), undefined);
    });
  });

  describe('formats', () => {
    const script = '/srv/s.js';

    it("begins with )]}' or a byte order mark", () => {
      for (const prefix of [")]}'\n", ")]}', for safety\n", '\ufeff'])
        assert.equal(lookUp(script, dataUrl(prefix + JSON.stringify(AAAA)), at({ line: 1, column: 1 }))[0]?.line, 1);
    });

    it('data URLs without base64', () => {
      const url = `data:application/json,${encodeURIComponent(JSON.stringify(AAAA))}`;
      assert.equal(lookUp(script, url, at({ line: 1, column: 1 }))[0]?.file, '/srv/a.ts');
    });

    it('sections that begin inside of a line, in sections', () => {
      const inner = (name: string) => ({ ...AAAA, sources: [name] });
      const sections = [
        { offset: { line: 0, column: 0 }, map: inner('one.ts') },
        {
          offset: { line: 0, column: 50 },
          map: { version: 3, sections: [{ offset: { line: 0, column: 0 }, map: inner('two.ts') }] },
        },
        { offset: { line: 1, column: 10 }, map: inner('three.ts') },
      ];
      const files = lookUp(
        script,
        dataUrl({ version: 3, sections }),
        ...[at({ line: 1, column: 50 }), at({ line: 1, column: 51 }), at({ line: 2, column: 20 })],
      ).map((found) => found?.file);
      assert.deepEqual(files, ['/srv/one.ts', '/srv/two.ts', '/srv/three.ts']);
    });

    it('segments without a source, and places before the first segment, give the compiled place', () => {
      const map = { ...AAAA, mappings: 'EAAA,E' };
      const found = lookUp(script, dataUrl(map), ...[1, 3, 5].map((column) => at({ line: 1, column })));
      assert.deepEqual(
        found.map((one) => one?.column),
        [undefined, 1, undefined],
      );
    });

    it('a name belongs to the identifier that it begins with', () => {
      const map = { ...AAAA, names: ['original'], mappings: 'AAAA,IAAIA' };
      const name = (column: number) =>
        lookUp(script, dataUrl(map), at({ line: 1, column: 9 }, { line: 1, column }))[0]?.name;
      assert.equal(name(5), 'original');
      assert.equal(name(6), null);
    });
  });

  describe('bad ones', () => {
    const why = (text: string) => {
      try {
        parseMap(text, 'file:///a.map');
      } catch (error) {
        assert.ok(error instanceof MapError, String(error));
        return error.message;
      }
      return null;
    };

    it('says what is wrong, and quotes nothing of the file', () => {
      assert.equal(why('root:x:0:0:secret'), 'is not JSON');
      assert.equal(why('[]'), 'is no object');
      assert.equal(why('{"version":2,"sources":[],"mappings":""}'), 'is not of version 3');
      assert.equal(why('{"version":3,"sources":[]}'), 'has no mappings');
      assert.equal(why('{"version":3,"sources":[7],"mappings":""}'), 'has damaged sources');
      assert.equal(
        why('{"version":3,"sections":[{"offset":{"line":-1,"column":0},"map":{}}]}'),
        'has damaged sections',
      );
    });

    it('sections in sections without end', () => {
      let map: object = AAAA;
      for (let i = 0; i < 6; i++) map = { version: 3, sections: [{ offset: { line: 0, column: 0 }, map }] };
      assert.equal(why(JSON.stringify(map)), 'has sections in sections without end');
    });

    it('mappings that are no numbers, or name sources and names that are not there', () => {
      const place = at({ line: 1, column: 9 }, { line: 1, column: 1 });
      for (const mappings of ['!!!!', 'AAgggggggggggggggggggB', 'AEAA', 'AAAAggggB', ';;;;AAAA', 'AADA', 'AAAD'])
        assert.ok(lookUp('/srv/s.js', dataUrl({ ...AAAA, mappings }), place).length === 1, mappings);
    });

    it('is not fetched from anywhere, and only regular files are opened', () => {
      const script = join(folder, 's.js');
      assert.throws(() => lookUp(script, 'https://example.com/s.js.map'), /behind a https URL/);
      assert.throws(() => lookUp(script, 'file://other.example/s.js.map'), MapError);
      assert.throws(() => lookUp(script, '/dev/zero'), /not there/);
      assert.throws(() => lookUp(script, '.'), /not there/);
      symlinkSync('loop.map', join(folder, 'loop.map'));
      assert.throws(() => lookUp(script, 'loop.map'), /not there/);
    });

    it('is too large', () => {
      const path = write('huge.js.map', '');
      truncateSync(path, 500 * 1024 * 1024);
      assert.throws(() => lookUp(join(folder, 'huge.js'), 'huge.js.map'), /is too large/);
    });
  });

  describe('off the main thread', () => {
    let maps: SourceMaps;
    const begin = (requestMs?: number) => {
      maps = new SourceMaps(requestMs);
    };
    afterEach(() => maps.close());

    it('answers what was asked before at once', async () => {
      begin();
      const script = { scriptName: '/srv/s.js', mapUrl: dataUrl(AAAA), rootPrefix: '' };
      const place = at({ line: 1, column: 4 });
      const first = maps.originalOf(script, place);
      assert.ok(first instanceof Promise);
      assert.deepEqual(await first, { file: '/srv/a.ts', line: 1, column: 1, name: null });
      assert.deepEqual(maps.originalOf(script, place), { file: '/srv/a.ts', line: 1, column: 1, name: null });
    });

    it('tells why a map gives nothing, and asks no more', async () => {
      begin();
      const script = { scriptName: '/srv/gone.js', mapUrl: 'gone.js.map', rootPrefix: '' };
      const asked = [1, 2, 3].map((line) => maps.originalOf(script, at({ line, column: 1 })));
      assert.deepEqual(await Promise.all(asked), [null, null, null]);
      assert.equal(maps.originalOf(script, at({ line: 9, column: 1 })), null);
      assert.equal(maps.problemOf(script), 'its source map is not there, or may not be read');
    });

    it('a map that takes too long costs itself alone', async () => {
      begin(1);
      const slow = { ...AAAA, mappings: 'AAAA,'.repeat(2_000_000) };
      const script = { scriptName: '/srv/slow.js', mapUrl: dataUrl(slow), rootPrefix: '' };
      assert.equal(await maps.originalOf(script, at({ line: 1, column: 1 })), null);
      assert.equal(maps.problemOf(script), 'its source map takes too long to read');
      await maps.close();
      begin();
      const other = { scriptName: '/srv/s.js', mapUrl: dataUrl(AAAA), rootPrefix: '' };
      assert.equal((await maps.originalOf(other, at({ line: 1, column: 1 })))?.file, '/srv/a.ts');
    });

    it('a map that had to make room is read again, and answers what it answered', async () => {
      begin();
      const padded = (name: string, megabytes: number) =>
        dataUrl({ ...AAAA, sources: [name], padding: 'x'.repeat(megabytes * 1024 * 1024) });
      const of = (name: string, megabytes: number) => ({
        scriptName: '/srv/s.js',
        mapUrl: padded(name, megabytes),
        rootPrefix: '',
      });
      const scripts = [of('one.ts', 45), of('two.ts', 46), of('three.ts', 47), of('four.ts', 48), of('five.ts', 49)];
      for (const line of [1, 2])
        for (const [i, name] of ['one', 'two', 'three', 'four', 'five'].entries()) {
          const found = await maps.originalOf(scripts[i], at({ line: 1, column: line }));
          assert.equal(found?.file, `/srv/${name}.ts`);
        }
    });

    it('what waits when the helper ends gets the compiled place', async () => {
      begin();
      const script = { scriptName: '/srv/s.js', mapUrl: dataUrl(AAAA), rootPrefix: '' };
      const asked = maps.originalOf(script, at({ line: 1, column: 1 }));
      await maps.close();
      assert.equal(await asked, null);
    });
  });
});
