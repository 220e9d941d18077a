// Route declarations in sources: a small project of each framework with what is found in it, line for line, and what of it an observed
// route is taken for. `UPDATE=1` writes fixtures/routes/golden.json anew, to be read before it is committed.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { findRoutes, routesIn } from '../../src/http/handlers/findRoutes';
import { FRAMEWORKS } from '../../src/http/handlers/frameworks';
import { RouteMatcher } from '../../src/http/handlers/matchRoutes';
import { plainPath } from '../../src/http/handlers/paths';
import { SourceText } from '../../src/http/handlers/sourceText';
import type { DeclaredRoute } from '../../src/http/handlers/types';

const PROJECTS = resolve('helper/test/unit/fixtures/routes');
const GOLDEN = join(PROJECTS, 'golden.json');

const projects = readdirSync(PROJECTS, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

const shown = (project: string) =>
  findRoutes([join(PROJECTS, project)]).routes.map(
    ({ framework, method, path, whole, function: name, file, line, elsewhere }) =>
      `${framework}: ${method} ${path}${whole ? '' : ' (below?)'} -> ${name} ${relative(join(PROJECTS, project), file)}:${line}${elsewhere ? ' (elsewhere)' : ''}`,
  );

describe('HTTP: route declarations', () => {
  if (process.env.UPDATE)
    writeFileSync(
      GOLDEN,
      `${JSON.stringify(Object.fromEntries(projects.map((name) => [name, shown(name)])), null, 2)}\n`,
    );
  const golden: Record<string, string[]> = JSON.parse(readFileSync(GOLDEN, 'utf8'));

  for (const project of projects)
    it(`are found in a project of ${project}`, () => assert.deepEqual(shown(project), golden[project]));

  it('have a project of each framework', () => {
    const met = new Set(projects.flatMap((project) => golden[project].map((line) => line.split(':')[0])));
    assert.deepEqual(
      FRAMEWORKS.filter(({ name }) => !met.has(name)).map(({ name }) => name),
      [],
    );
  });

  for (const [written, plain] of [
    ['/users/{id:[0-9]{2,}}/x', '/users/:id/x'],
    ['users/<uuid:key>/', '/users/:key'],
    ['/a/:id(\\d+)?/b', '/a/:id/b'],
    ['/files/{*rest}', '/files/*'],
    ['/files/*any/x', '/files/*'],
    ['/report-{id}.pdf', '/:parameter'],
    ['//a//b/', '/a/b'],
    ['', '/'],
  ] as const)
    it(`reads ${written} as ${plain}`, () => assert.equal(plainPath(written), plain));

  it('take no time with sources that mean harm', () => {
    const spiteful = [
      `import express; app.get(${'('.repeat(300_000)}`,
      `express app.get('/x', ${'a.'.repeat(200_000)}`,
      `express ${'app.get("/a'.repeat(50_000)}`,
      `express ${'`${'.repeat(100_000)}`,
      `express ${'const a = '.repeat(60_000)}`,
      `express ${' '.repeat(500_000)}x(`,
    ];
    for (const text of spiteful) {
      const before = process.cpuUsage().user;
      routesIn('/x/app.js', text);
      routesIn('/x/app.py', text.replace('express', 'flask fastapi django @app.route("/x"'));
      routesIn('/x/A.java', text.replace('express', 'org.springframework jakarta.ws.rs @GetMapping("/x")'));
      routesIn('/x/a.go', text.replace('express', 'gin-gonic/gin labstack/echo "net/http"'));
      routesIn('/x/a.rs', text.replace('express', 'axum actix_web .route("/x", get('));
      assert.ok(process.cpuUsage().user - before < 20e6, text.slice(0, 40));
    }
  });

  it('keeps places where comments and literals were', () => {
    const text = "a('x/*y*/', /* 'no' */ `b\nc`) // end\n'z'";
    const source = new SourceText('a.js', text);
    assert.equal(source.code, "a('______',            `_\n_`)       \n'_'");
    assert.equal(source.literalAt(2)?.value, 'x/*y*/');
    assert.equal(source.lineAt(source.code.lastIndexOf("'")), 3);
  });

  it('reads nothing behind links, nothing installed, and says what it could not read', () => {
    const folder = mkdtempSync(join(tmpdir(), 'routes-'));
    try {
      const app = "require('express'); app.get('/x', f);";
      for (const sub of ['node_modules', 'src', 'tests']) mkdirSync(join(folder, sub));
      for (const path of ['node_modules/a.js', 'src/a.js', 'tests/b.js']) writeFileSync(join(folder, path), app);
      symlinkSync(join(folder, 'src'), join(folder, 'linked'));
      symlinkSync(join(folder, 'src/a.js'), join(folder, 'b.js'));
      assert.deepEqual(
        findRoutes([folder]).routes.map(({ file }) => relative(folder, file)),
        ['src/a.js'],
      );
      assert.match(findRoutes([join(folder, 'none')]).refused[0].why, /ENOENT/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('HTTP: handlers of routes', () => {
  const route = (method: string, path: string, line: number, over: Partial<DeclaredRoute> = {}): DeclaredRoute => ({
    ...{ method, path, line, whole: true, function: `f${line}`, framework: 'X', file: '/a.js', ...over },
  });
  const lineOf = (routes: DeclaredRoute[], method: string, path: string) =>
    new RouteMatcher(routes).handlerOf(method, path)?.line ?? null;

  it('are those whose pieces fit best', () => {
    const routes = [route('GET', '/users/:id', 1), route('GET', '/users/me', 2), route('POST', '/users/:id', 3)];
    assert.equal(lineOf(routes, 'GET', '/users/:id'), 1);
    assert.equal(lineOf(routes, 'GET', '/users/:uuid'), 1);
    assert.equal(lineOf(routes, 'GET', '/users/me'), 2);
    assert.equal(lineOf(routes, 'HEAD', '/users/me'), 2);
    assert.equal(lineOf(routes, 'DELETE', '/users/me'), null);
    assert.equal(lineOf(routes, 'GET', '/users'), null);
    assert.equal(lineOf(routes, 'GET', '(other)'), null);
    assert.equal(lineOf([route('GET', '/static/*', 1)], 'GET', '/static/a/b'), 1);
  });

  it('claim nothing where two fit alike', () => {
    const two = [route('GET', '/a/:id', 1), route('GET', '/a/:name', 2)];
    assert.equal(lineOf(two, 'GET', '/a/:id'), null);
    assert.equal(lineOf([...two, route('GET', '/a/b', 3)], 'GET', '/a/b'), 3);
  });

  it('are found below a prefix that is not known, with less confidence', () => {
    const routes = [route('GET', '/orders/:id', 1, { whole: false }), route('GET', '/:id', 2, { whole: false })];
    const matcher = new RouteMatcher(routes);
    const below = matcher.handlerOf('GET', '/api/v1/orders/:id')!;
    assert.deepEqual([below.line, below.confidence], [1, 0.75]);
    assert.ok(below.evidence.includes('what it is mounted below was not read'));
    assert.ok(matcher.handlerOf('GET', '/orders/:id')!.confidence > below.confidence);
    assert.equal(matcher.handlerOf('GET', '/api/:id'), null);
  });
});
