// Copies what the page needs beside boot.js into dist/webview: its HTML template, its style sheet, and speedscope's release files
// under names without a hash, so that the HTML need not know them.
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';

const RELEASE = 'node_modules/speedscope/dist/release';

export function copyWebviewAssets(outdir) {
  mkdirSync(`${outdir}/speedscope`, { recursive: true });
  copyFileSync('webview/src/index.html', `${outdir}/index.html`);
  copyFileSync('webview/src/recording.css', `${outdir}/recording.css`);
  copyFileSync('node_modules/speedscope/LICENSE', `${outdir}/speedscope/LICENSE`);
  for (const name of readdirSync(RELEASE)) {
    const main = /^speedscope-\w+\.(js|css)$/.exec(name);
    // The font keeps its name: the style sheet refers to it. The .wasm beside it only reads Java Flight Recorder files.
    if (main || /\.woff2$|LICENSE/.test(name))
      copyFileSync(`${RELEASE}/${name}`, `${outdir}/speedscope/${main ? `speedscope.${main[1]}` : name}`);
  }
}
