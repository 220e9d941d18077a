// Strings and indexed addresses of DWARF: .debug_str, .debug_line_str, and through .debug_str_offsets and .debug_addr. DWARF 5,
// 7.26 and 7.27.

import { Cursor, FormatError } from '../../bytes/cursor';
import { cstringAt } from '../../bytes/source';
import type { DwarfSections, Encoding, StringRef } from './types';

/** `alt`: sections of the supplementary file, where there is one. Throws FormatError. */
export function textOf(
  ref: StringRef | null,
  sections: DwarfSections,
  unit: Encoding & { strOffsetsBase: number },
  alt: DwarfSections | null = null,
): string | null {
  if (!ref) return null;
  if ('text' in ref) return ref.text;
  if ('index' in ref) {
    if (!sections.strOffsets || !sections.str) return null;
    const at = unit.strOffsetsBase + ref.index * unit.offsetBytes;
    const offset = new Cursor(sections.strOffsets.read(at, unit.offsetBytes)).unsigned(unit.offsetBytes);
    return cstringAt(sections.str, offset);
  }
  const source = ref.section === 'alt' ? alt?.str : ref.section === 'str' ? sections.str : sections.lineStr;
  return source ? cstringAt(source, ref.offset) : null;
}

/** Throws FormatError where the index leads outside of .debug_addr. */
export function indexedAddress(index: number, sections: DwarfSections, unit: Encoding & { addrBase: number }): number {
  if (!sections.addr) throw new FormatError('no .debug_addr');
  const bytes = sections.addr.read(unit.addrBase + index * unit.addressBytes, unit.addressBytes);
  return new Cursor(bytes).unsigned(unit.addressBytes);
}
