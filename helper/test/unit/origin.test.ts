// Whose a function is, by the paths that compilers, package managers and runtimes give; and by paths made to mislead.

import assert from 'node:assert/strict';
import { Origins } from '../../src/export/origin';

const APP = { cwd: '/home/me/app', command: '/usr/bin/python3 /srv/shop/main.py --port 80' };
const origins = new Origins(APP);
const of = (
  file: string | null,
  module = 'app',
  kind: 'native' | 'interpreted' | 'jit' | 'kernel' | 'unknown' = 'native',
) => origins.of({ file, module, kind });

describe('the origin of a frame', () => {
  const byPath: [file: string, origin: string][] = [
    ['/home/me/app/src/main.c', 'user'],
    ['/srv/shop/cart.py', 'user'],
    ['/home/me/other/tool.go', 'user'],
    ['src/main.c', 'user'],
    ['/home/me/app/node_modules/express/lib/router.js', 'library'],
    ['/home/me/app/.venv/lib/python3.12/site-packages/flask/app.py', 'library'],
    ['/usr/lib/python3/dist-packages/yaml/__init__.py', 'library'],
    ['/home/me/go/pkg/mod/github.com/gin-gonic/gin@v1.9.1/context.go', 'library'],
    ['/home/me/.cargo/registry/src/index-1/serde-1.0/src/lib.rs', 'library'],
    ['/usr/include/zlib.h', 'library'],
    ['/usr/lib/python3.12/json/decoder.py', 'runtime'],
    ['/home/me/.pyenv/versions/3.12.1/lib/python3.12/asyncio/events.py', 'runtime'],
    ['<frozen importlib._bootstrap>', 'runtime'],
    ['node:internal/modules/cjs/loader', 'runtime'],
    ['/usr/local/go/src/runtime/proc.go', 'runtime'],
    ['/home/me/go/pkg/mod/golang.org/toolchain@v0.0.1-go1.24.0.linux-amd64/src/fmt/print.go', 'runtime'],
    ['/rustc/9fc6b43126469e3858e2fe86cafb4f0fd5068869/library/core/src/iter/range.rs', 'runtime'],
    ['/usr/include/c++/12/bits/stl_vector.h', 'runtime'],
  ];
  for (const [file, origin] of byPath) it(`${file}: ${origin}`, () => assert.equal(of(file), origin));

  it('without a source is told by the file that holds it', () => {
    assert.equal(of(null, '[kernel]', 'kernel'), 'kernel');
    assert.equal(of('/home/me/app/x.c', '[kernel]', 'kernel'), 'kernel');
    assert.equal(of(null, 'app'), 'user');
    assert.equal(of(null, 'libssl.so.3'), 'library');
    assert.equal(of('./nptl/pthread_create.c', 'libc.so.6'), 'library');
    assert.equal(of(null, 'python3.12'), 'runtime');
    assert.equal(of('/home/me/app/Python/ceval.c', 'libpython3.12.so.1.0'), 'runtime');
    assert.equal(of(null, '[jit]', 'jit'), 'user');
    assert.equal(of(null, '[anon]', 'unknown'), null);
    assert.equal(of('', '[vdso]'), null);
  });

  it('is not the user’s because a path leads through the user’s folder, nor because a folder begins with its name', () => {
    const strict = new Origins({ cwd: '/usr/src/app', command: '/usr/bin/app' });
    const elsewhere = (file: string) => origins.of({ file, module: 'libx.so', kind: 'native' });
    assert.equal(of('/home/me/app/../../../usr/lib/x.c'), 'library');
    assert.equal(of('/home/me/app/./lib/../../../../rustc/x/library/core/src/lib.rs'), 'runtime');
    assert.equal(elsewhere('/home/me/app/x.c'), 'user');
    assert.equal(elsewhere('/home/me/application/x.c'), 'library');
    assert.equal(strict.of({ file: '/usr/src/other/x.c', module: 'app', kind: 'native' }), 'library');
  });

  it('answers at once whatever a path is', () => {
    const names = ['user', 'library', 'runtime', 'kernel', null];
    for (const file of ['\0', '..', '/', '//', '\ud800', '/'.repeat(4_096), 'a/'.repeat(500_000), '/perl/'.repeat(600)])
      for (const module of ['', '.so', 'lib.so.', '['.repeat(9_999), `python${'.'.repeat(100_000)}x`])
        assert.ok(names.includes(of(file, module)), `${file.slice(0, 20)} ${module.slice(0, 20)}`);
    assert.equal(
      new Origins({ cwd: '/', command: '/ '.repeat(1e6) }).of({ file: '/x', module: 'a', kind: 'native' }),
      'user',
    );
  });
});
