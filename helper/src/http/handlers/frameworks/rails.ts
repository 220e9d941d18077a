// Rails: config/routes.rb with get "/users/:id", to: "users#show", resources, namespaces and scopes, whose blocks are followed by their
// lines' indentation. The function is controller#action; its file is found by the project's functions.

import { joined } from '../paths';
import type { Framework, RouteDeclaration } from '../types';

const LINE = /^([ \t]*)(get|post|put|patch|delete|match|root|resources|resource|namespace|scope|end)\b(.*)$/gm;

const ACTIONS: readonly [method: string, below: string, action: string][] = [
  ['GET', '', 'index'],
  ['POST', '', 'create'],
  ['GET', '/:id', 'show'],
  ['PATCH', '/:id', 'update'],
  ['PUT', '/:id', 'update'],
  ['DELETE', '/:id', 'destroy'],
];

export const RAILS: Framework = {
  name: 'Rails',
  endings: ['.rb'],
  mentions: /\broutes\.draw\b/,
  find: (source) => {
    const found: RouteDeclaration[] = [];
    const around: { indent: number; path: string; module: string }[] = [];
    for (const match of source.find(LINE)) {
      const [whole, blank, word] = match;
      while (around.length > 0 && around.at(-1)!.indent >= blank.length) around.pop();
      if (word === 'end') continue;
      const text = source.text.slice(match.index, match.index + whole.length);
      const prefix = around.map(({ path }) => path).join('/');
      const module = around.map((one) => one.module).join('');
      const first = /^\s*\w+\s*\(?\s*(?::(\w+)|["']([^"']*)["'])/.exec(text);
      const name = first?.[1] ?? first?.[2] ?? '';
      const line = source.lineAt(match.index);
      const opens = /\bdo\b/.test(whole);
      const add = (method: string, path: string, action: string) =>
        found.push({
          method,
          path: joined(prefix, path),
          whole: true,
          function: `${module}${action}`,
          line,
          elsewhere: true,
        });
      if (word === 'namespace' || word === 'scope') {
        if (opens) around.push({ indent: blank.length, path: name, module: word === 'namespace' ? `${name}/` : '' });
      } else if (word === 'resources' || word === 'resource') {
        const only = /\bonly:\s*(?:\[([^\]]*)\]|:(\w+))/.exec(text);
        const wanted: readonly string[] | null = only ? ((only[1] ?? only[2]).match(/\w+/g) ?? []) : null;
        for (const [method, below, action] of ACTIONS)
          if ((!wanted || wanted.includes(action)) && !(word === 'resource' && action === 'index'))
            add(method, word === 'resource' ? name : name + below, `${name}#${action}`);
        if (opens)
          around.push({
            indent: blank.length,
            path: word === 'resources' ? `${name}/:${name.replace(/s$/, '')}_id` : name,
            module: '',
          });
      } else {
        const to = /(?:\bto:\s*|=>\s*|^\s*root\s+)["']([\w/]+#\w+)["']/.exec(text)?.[1];
        if (to)
          add(word === 'match' ? '*' : word === 'root' ? 'GET' : word.toUpperCase(), word === 'root' ? '' : name, to);
      }
    }
    return found;
  },
};
