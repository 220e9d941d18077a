// The many ways to write a path with parameters, in one: `/users/:id/files/*`.

/** `{id}`, `{id:int}`, `{id:[0-9]+}`, `<id>`, `<int:id>`, `[id]`, `:id(\\d+)?`, `*rest`, `{*rest}`, `{rest:path}`, `**`. */
export function plainPath(written: string): string {
  const pieces = piecesOf(written.trim()).map(plainPiece);
  const end = pieces.indexOf('*');
  return `/${(end < 0 ? pieces : pieces.slice(0, end + 1)).filter((piece) => piece !== '').join('/')}`;
}

/** Parted at slashes outside of brackets. */
function piecesOf(path: string): string[] {
  const pieces: string[] = [];
  let [depth, piece] = [0, ''];
  for (const char of path) {
    if ('{<(['.includes(char)) depth++;
    if ('}>)]'.includes(char)) depth = Math.max(0, depth - 1);
    if (char === '/' && depth === 0) {
      pieces.push(piece);
      piece = '';
    } else piece += char;
  }
  return [...pieces, piece];
}

function plainPiece(piece: string): string {
  if (/^\*|^\{\*|^\{\w*:(?:path|\*|\.\*)\}$|^<path:|^:\w+\*$|^\.\*$|^:\.\.\./.test(piece)) return '*';
  // Angle brackets have the kind of the value first, braces its name.
  const named = /^<(?:\w+:)?(\w+)/.exec(piece) ?? /^[:{[(]+(?:\?P<)?:?(\w+)/.exec(piece);
  if (/^[:<{[(]/.test(piece)) return `:${named?.[1] ?? 'parameter'}`;
  // A parameter with something around it: report-{id}.pdf
  return /[{<]\w|:\w+\(/.test(piece) ? ':parameter' : piece.replace(/\(\.:format\)$|[$?^]+$/g, '');
}

export function joined(prefix: string, path: string): string {
  return plainPath(`${prefix}/${path}`);
}

export const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'] as const;
