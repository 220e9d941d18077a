// Django: path("users/<int:id>/", views.show) in a urls.py, re_path with a regular expression of named groups. What include() mounts
// has a prefix that another file gives.

import { handlerOf } from '../declared';
import { plainPath } from '../paths';
import type { Framework, RouteDeclaration } from '../types';

const PATH = /\b(path|re_path|url)\s*\(\s*(?=r?["'])/g;

export const DJANGO: Framework = {
  name: 'Django',
  endings: ['.py'],
  mentions: /django/,
  find: (source) => {
    const found: RouteDeclaration[] = [];
    for (const match of source.find(PATH)) {
      const [first, view] = source.arguments(match.index + match[0].indexOf('('))?.parts ?? [];
      const quote = first?.text.search(/["']/) ?? -1;
      const written = quote < 0 ? undefined : source.literalAt(first.start + quote)?.value;
      if (written === undefined || !view || /^include\b/.test(view.text)) continue;
      const path = match[1] === 'path' ? plainPath(written) : fromExpression(written);
      if (path === null) continue;
      const expression = view.text.replace(/\.as_view\(.*$/s, '');
      found.push({ method: '*', path, whole: false, ...handlerOf(source, view.start, expression, path) });
    }
    return found;
  },
};

/** `^users/(?P<id>[0-9]+)/$`; null: it is more than pieces and groups. */
function fromExpression(expression: string): string | null {
  const plain = expression
    .replace(/^\^/, '')
    .replace(/\$$/, '')
    .replace(/\(\?P<(\w+)>[^()]*\)/g, '{$1}')
    .replace(/\\([-./])/g, '$1');
  return /[()[\]\\+*?^$|]/.test(plain) ? null : plainPath(plain);
}
