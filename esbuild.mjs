// Builds the product and the tests' JavaScript.
//   node esbuild.mjs            bundles into dist/
//   node esbuild.mjs --tests    every .ts file, one by one, into out/js (mocha runs there)
//   --minify --outdir=DIR       for the VSIX (no source maps)
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { copyWebviewAssets } from './webview/assets.mjs';

const minify = process.argv.includes('--minify');
const dist = process.argv.find((argument) => argument.startsWith('--outdir='))?.slice('--outdir='.length) ?? 'dist';
const common = {
  bundle: true,
  minify,
  sourcemap: minify ? false : 'linked',
  logLevel: 'warning',
  legalComments: 'none',
  metafile: true,
};
const node = { ...common, platform: 'node', format: 'cjs', target: 'node20', external: ['vscode', 'koffi'] };

const walk = (dir) =>
  readdirSync(dir, { withFileTypes: true }).flatMap((e) =>
    e.isDirectory() ? (e.name === 'node_modules' ? [] : walk(`${dir}/${e.name}`)) : [`${dir}/${e.name}`],
  );

if (process.argv.includes('--tests')) {
  const sources = ['helper', 'extension', 'webview']
    .flatMap(walk)
    .filter((f) => f.endsWith('.ts') && !f.endsWith('.d.ts'));
  await build({
    entryPoints: sources,
    outdir: 'out/js',
    outbase: '.',
    format: 'cjs',
    // Lazy imports become require: Node's own import() would want file names with their endings.
    supported: { 'dynamic-import': false },
    platform: 'node',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
} else {
  const results = await Promise.all([
    build({ ...node, entryPoints: { extension: 'extension/src/extension.ts' }, outdir: dist }),
    build({
      ...node,
      entryPoints: {
        helper: 'helper/src/main.ts',
        cli: 'helper/src/cli/main.ts',
        symbolizeWorker: 'helper/src/symbolize/worker.ts',
        unwindWorker: 'helper/src/unwind/load/worker.ts',
        sourceMapWorker: 'helper/src/runtimes/sourceMaps/worker.ts',
        tlsWorker: 'helper/src/http/tls/worker.ts',
        touchThread: 'helper/src/touchThread.ts',
        handlersWorker: 'helper/src/http/handlers/worker.ts',
        otlp: 'helper/src/http/exporters/otlp/encode.ts',
        debuginfod: 'helper/src/symbolize/debuginfod/child.ts',
        mcp: 'helper/src/assistant/main.ts',
      },
      outdir: dist,
    }),
    build({
      ...common,
      platform: 'browser',
      format: 'iife',
      target: 'es2022',
      entryPoints: { boot: 'webview/src/boot.ts' },
      outdir: `${dist}/webview`,
    }),
  ]);
  // For the third-party notices of a package: what of others is inside of the bundles, their own dependencies too.
  const inputs = results.flatMap(({ metafile }) => Object.keys(metafile.inputs));
  const packages = inputs.flatMap(
    (path) => /^node_modules\/(.*?(?:@[^/]+\/)?[^/@]+)\/(?!.*node_modules\/)/.exec(path)?.[1] ?? [],
  );
  if (minify) writeFileSync(`${dist}/../bundledPackages.json`, JSON.stringify([...new Set(packages)].sort()));
  copyWebviewAssets(`${dist}/webview`);
  // Read at run time by helper/src/symbolize/demangle/wasm.ts, beside the worker's bundle.
  copyFileSync('node_modules/gecko-profiler-demangle/index_bg.wasm', `${dist}/demangle.wasm`);
}
