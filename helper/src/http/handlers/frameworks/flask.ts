// Flask: @app.route("/users/<int:id>", methods=[…]) and @app.get; blueprints have a prefix where they are made, or where they are
// registered, which may be another file.

import { joined } from '../paths';
import type { Framework } from '../types';
import { keyword, pythonDecorators, pythonPrefixes } from './python';

const REGISTER = /\.\s*register_blueprint\s*\(/g;

export const FLASK: Framework = {
  name: 'Flask',
  endings: ['.py'],
  mentions: /\bflask\b|\bquart\b/i,
  find: (source) => {
    const blueprints = pythonPrefixes(source, 'Blueprint', 'url_prefix');
    const registered = new Map<string, string | null>();
    for (const match of source.find(REGISTER)) {
      const parts = source.arguments(match.index + match[0].length - 1)?.parts ?? [];
      if (parts[0]) registered.set(parts[0].text, keyword(source, parts, 'url_prefix'));
    }
    return pythonDecorators(source, 'route|get|post|put|patch|delete').flatMap((one) => {
      const methods = one.verb === 'route' ? methodsOf(source.text, one.parts) : [one.verb.toUpperCase()];
      const own = blueprints.get(one.owner);
      const prefix = registered.get(one.owner) ?? own ?? '';
      const whole = !blueprints.has(one.owner) || registered.has(one.owner);
      const path = joined(prefix, one.path);
      return methods.map((method) => ({ method, path, whole, function: one.function, line: one.line }));
    });
  },
};

/** Of methods=["GET", …]; without it: GET. */
function methodsOf(text: string, parts: readonly { start: number; text: string }[]): string[] {
  const given = parts.find((part) => /^methods\s*=/.test(part.text));
  if (!given) return ['GET'];
  const names = text.slice(given.start, given.start + given.text.length).match(/["']([A-Za-z]+)["']/g) ?? [];
  return names.length > 0 ? names.map((name) => name.slice(1, -1).toUpperCase()) : ['*'];
}
