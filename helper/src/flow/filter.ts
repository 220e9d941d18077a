// A filter's words as a rule of the kernel's: `tcp port 443 10.0.0.0/8`, `not udp`.

import { isIPv4, isIPv6 } from 'node:net';
import { FLOW_RULES } from '../abi/flowEvents.gen';
import { tracerError } from '../protocol';
import type { FlowRule } from './flowMaps';

export const IP_PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58, sctp: 132 };

/** Throws FLOW_FILTER_INVALID. */
export function parseFilters(texts: readonly string[]): FlowRule[] {
  if (texts.length > FLOW_RULES) throw tracerError('FLOW_FILTER_INVALID', texts[FLOW_RULES], `at most ${FLOW_RULES}`);
  return texts.map(parseFilter);
}

function parseFilter(text: string): FlowRule {
  const rule: FlowRule = { address: null, prefixBits: 0, port: null, ipProtocol: null, except: false };
  const words = text.trim().split(/\s+/);
  const refuse = (why: string) => tracerError('FLOW_FILTER_INVALID', text, why);
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === 'not') rule.except = true;
    else if (word === 'port') {
      const port = words.shift() ?? '';
      if (!/^\d{1,5}$/.test(port) || Number(port) > 65535) throw refuse(`"${port}" is not a port`);
      rule.port = Number(port);
    } else if (Object.hasOwn(IP_PROTOCOLS, word)) rule.ipProtocol = IP_PROTOCOLS[word];
    else if (/^\d{1,3}$/.test(word) && Number(word) < 256) rule.ipProtocol = Number(word);
    else {
      const [address, bits, ...more] = word.split('/');
      const bytes = addressBytes(address);
      if (!bytes || more.length > 0) throw refuse(`"${word}" is no word of a filter`);
      const most = 8 * bytes.length;
      if (bits !== undefined && (!/^\d{1,3}$/.test(bits) || Number(bits) > most))
        throw refuse(`"${bits}" is not a prefix`);
      rule.address = bytes;
      rule.prefixBits = bits === undefined ? most : Number(bits);
    }
  }
  return rule;
}

/** 4 or 16 bytes; null: it is no address. */
export function addressBytes(text: string): Buffer | null {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number));
  if (!isIPv6(text) || text.includes('%')) return null;
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const [a, b, c, d] = (tail?.[2] ?? '').split('.').map(Number);
  const plain = tail ? `${tail[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}` : text;
  const [head, rest] = plain.split('::');
  const words = (part: string | undefined) => (part ? part.split(':').map((word) => Number.parseInt(word, 16)) : []);
  const [before, after] = [words(head), words(rest)];
  const all = [...before, ...new Array(8 - before.length - after.length).fill(0), ...after];
  const bytes = Buffer.alloc(16);
  all.forEach((word, i) => {
    bytes.writeUInt16BE(word, 2 * i);
  });
  return bytes;
}
