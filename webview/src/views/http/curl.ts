// A request as a command line that asks the same again, as far as it was kept: ids and values are redacted before they leave the
// helper, so whoever runs it fills them in.
import type { HttpSpan } from '../../../../helper/src/protocol';

/** For a POSIX shell: nothing in it is obeyed. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** `remark` explains the places that are to be filled in. */
export function curlOf(span: HttpSpan, remark: string): string {
  const address = span.side === 'server' ? span.local : span.peer;
  const isUnix = !/:\d+$/.test(address);
  const target = span.target ?? span.route;
  const place = /^[a-z][a-z0-9+.-]*:\/\//i.test(target)
    ? target
    : `${span.tls ? 'https' : 'http'}://${isUnix ? 'localhost' : address}${target.startsWith('/') ? '' : '/'}${target}`;
  const parts = ['curl', ...(span.method === 'HEAD' ? ['--head'] : ['--request', quoted(span.method)])];
  if (isUnix) parts.push('--unix-socket', quoted('…'));
  if (span.trace)
    parts.push(
      '--header',
      quoted(`traceparent: 00-${span.trace.traceId}-${span.trace.spanId}-0${span.trace.sampled ? 1 : 0}`),
    );
  // Without this curl takes braces and brackets for ranges.
  parts.push('--globoff', quoted(place));
  return `${remark ? `# ${remark}\n` : ''}${parts.join(' ')}`;
}
