// JSON of files of others, parsed only where it would not take all the memory.

import { whyNotParsed } from '../protocol';
import { Unreadable } from './unreadable';

/** Throws Unreadable. */
export function jsonOf(text: string): unknown {
  const why = whyNotParsed(text);
  if (why !== null) throw new Unreadable(why);
  try {
    return JSON.parse(text);
  } catch {
    throw new Unreadable(text.trim() === '' ? 'it is empty' : 'it is not JSON, or cut off');
  }
}
