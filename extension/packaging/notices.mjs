// The licences of everything in the VSIX that others wrote: npm packages and native libraries. The text is
// dist/THIRD_PARTY_NOTICES.txt.
import { readdirSync, readFileSync } from 'node:fs';

const RULE = '='.repeat(100);

function npmNotice(name) {
  const folder = `node_modules/${name}`;
  const manifest = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    .sort()
    .map((file) => readFileSync(`${folder}/${file}`, 'utf8').trim());
  const title = `${manifest.name} ${manifest.version}, ${manifest.license}`;
  return { title, text: texts.join('\n\n') || `Licence: ${manifest.license} (the package holds no text)` };
}

/** `packages`: npm names; `native`: [{soname, title, text}]. */
export function thirdPartyNotices(packages, native) {
  const font = readFileSync('node_modules/speedscope/dist/release/source-code-pro.LICENSE.md', 'utf8');
  const parts = [
    ...packages.map(npmNotice),
    { title: 'Source Code Pro (in speedscope)', text: font },
    ...native.map(({ soname, title, text }) => ({ title: `${soname}: ${title}`, text })),
  ];
  return parts.map(({ title, text }) => `${RULE}\n${title}\n${RULE}\n\n${text.trim()}\n`).join('\n');
}
