// The README as VS Code's extension page can show it. That page takes pictures from https alone (neither relative paths nor
// data: URLs: its markdown sanitizer, src/vs/base/browser/domSanitize.ts in microsoft/vscode) and follows no relative link, and
// this project names no host of its own. So pictures go, relative links become text, and so does what needs a clone.
// The pictures that an installed extension can show are in its walkthrough.

const CLONE_ONLY = /<!-- clone only -->[\s\S]*?<!-- \/clone only -->\n*/g;
const PICTURE = /^!\[[^\]]*\]\([^)]*\)\n+/gm;
const RELATIVE_LINK = /\[([^\]]+)\]\((?!https?:|mailto:|#)[^)]*\)/g;

export function readmeForExtensionPage(text) {
  return text.replace(CLONE_ONLY, '').replace(PICTURE, '').replace(RELATIVE_LINK, '$1');
}
