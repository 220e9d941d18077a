// Attribute values by form: skipping them, and reading the classes that symbolization wants (numbers, strings, references). DWARF
// 5, 7.5.5 and 7.5.6.

import { type Cursor, FormatError } from '../../bytes/cursor';
import { type Encoding, FORM, type StringRef } from './types';

/** Bytes that the form takes, or -1 where only reading tells. */
export function fixedBytes(form: number, encoding: Encoding): number {
  switch (form) {
    case FORM.flagPresent:
    case FORM.implicitConst:
      return 0;
    case FORM.data1:
    case FORM.ref1:
    case FORM.flag:
    case FORM.strx1:
    case FORM.addrx1:
      return 1;
    case FORM.data2:
    case FORM.ref2:
    case FORM.strx2:
    case FORM.addrx2:
      return 2;
    case FORM.strx3:
    case FORM.addrx3:
      return 3;
    case FORM.data4:
    case FORM.ref4:
    case FORM.strx4:
    case FORM.addrx4:
    case FORM.refSup4:
      return 4;
    case FORM.data8:
    case FORM.ref8:
    case FORM.refSig8:
    case FORM.refSup8:
      return 8;
    case FORM.data16:
      return 16;
    case FORM.addr:
      return encoding.addressBytes;
    case FORM.refAddr:
      // DWARF 2 had it in the size of an address.
      return encoding.version <= 2 ? encoding.addressBytes : encoding.offsetBytes;
    case FORM.strp:
    case FORM.secOffset:
    case FORM.lineStrp:
    case FORM.strpSup:
    case FORM.gnuRefAlt:
    case FORM.gnuStrpAlt:
      return encoding.offsetBytes;
    default:
      return -1;
  }
}

/** Does the form hold one LEB128 number? */
export function isSkippedByNumber(form: number): boolean {
  switch (form) {
    case FORM.sdata:
    case FORM.udata:
    case FORM.refUdata:
    case FORM.strx:
    case FORM.addrx:
    case FORM.loclistx:
    case FORM.rnglistx:
    case FORM.gnuAddrIndex:
    case FORM.gnuStrIndex:
      return true;
    default:
      return false;
  }
}

export function skipForm(cursor: Cursor, form: number, encoding: Encoding): void {
  const bytes = fixedBytes(form, encoding);
  if (bytes >= 0) {
    cursor.skip(bytes);
    return;
  }
  if (isSkippedByNumber(form)) {
    cursor.uleb();
    return;
  }
  switch (form) {
    case FORM.string:
      cursor.skipCstring();
      return;
    case FORM.block1:
      cursor.skip(cursor.u8());
      return;
    case FORM.block2:
      cursor.skip(cursor.u16());
      return;
    case FORM.block4:
      cursor.skip(cursor.u32());
      return;
    case FORM.block:
    case FORM.exprloc:
      cursor.skip(cursor.uleb());
      return;
    case FORM.indirect:
      skipForm(cursor, directForm(cursor), encoding);
      return;
    default:
      throw new FormatError(`unknown form 0x${form.toString(16)}`);
  }
}

/** The form that DW_FORM_indirect names; never itself again. */
function directForm(cursor: Cursor): number {
  const form = cursor.uleb();
  if (form === FORM.indirect || form === FORM.implicitConst) throw new FormatError('indirect form of an indirect form');
  return form;
}

/** Constants, flags, addresses, section offsets and indexes as a number; `constant` is the abbreviation's own. */
export function readNumber(cursor: Cursor, form: number, constant: number, encoding: Encoding): number {
  switch (form) {
    case FORM.data1:
    case FORM.ref1:
    case FORM.strx1:
    case FORM.addrx1:
      return cursor.u8();
    case FORM.data2:
    case FORM.ref2:
    case FORM.strx2:
    case FORM.addrx2:
      return cursor.u16();
    case FORM.data4:
    case FORM.ref4:
    case FORM.strx4:
    case FORM.addrx4:
      return cursor.u32();
    case FORM.implicitConst:
      return constant;
    case FORM.flagPresent:
      return 1;
    case FORM.sdata:
      return cursor.sleb();
    case FORM.udata:
    case FORM.refUdata:
    case FORM.strx:
    case FORM.addrx:
    case FORM.loclistx:
    case FORM.rnglistx:
    case FORM.gnuAddrIndex:
    case FORM.gnuStrIndex:
      return cursor.uleb();
    case FORM.strx3:
    case FORM.addrx3:
      return cursor.u24();
    case FORM.indirect:
      return readNumber(cursor, directForm(cursor), 0, encoding);
    default: {
      const bytes = fixedBytes(form, encoding);
      if (bytes === 1 || bytes === 2 || bytes === 4 || bytes === 8) return cursor.unsigned(bytes);
      throw new FormatError(`form 0x${form.toString(16)} is no number`);
    }
  }
}

/** Null for what is no string. */
export function readString(cursor: Cursor, form: number, encoding: Encoding): StringRef | null {
  switch (form) {
    case FORM.string:
      return { text: cursor.cstring() };
    case FORM.strp:
      return { section: 'str', offset: cursor.unsigned(encoding.offsetBytes) };
    case FORM.lineStrp:
      return { section: 'lineStr', offset: cursor.unsigned(encoding.offsetBytes) };
    case FORM.strpSup:
    case FORM.gnuStrpAlt:
      return { section: 'alt', offset: cursor.unsigned(encoding.offsetBytes) };
    case FORM.strx:
    case FORM.strx1:
    case FORM.strx2:
    case FORM.strx3:
    case FORM.strx4:
    case FORM.gnuStrIndex:
      return { index: readNumber(cursor, form, 0, encoding) };
    default:
      skipForm(cursor, form, encoding);
      return null;
  }
}

export function isAddressIndex(form: number): boolean {
  return form === FORM.addrx || form === FORM.gnuAddrIndex || (form >= FORM.addrx1 && form <= FORM.addrx4);
}

/** No reference, or one into a type unit. */
export const NO_REFERENCE = -1;
/** References into the supplementary file (dwz) come as this less their offset there. */
export const IN_SUPPLEMENT = -2;

/**
 * Offset of the entry in .debug_info that a reference means, or one of the above. `unitOffset` is where the unit begins,
 * to which most references are relative.
 */
export function readReference(cursor: Cursor, form: number, unitOffset: number, encoding: Encoding): number {
  switch (form) {
    case FORM.ref1:
    case FORM.ref2:
    case FORM.ref4:
    case FORM.ref8:
    case FORM.refUdata:
      return unitOffset + readNumber(cursor, form, 0, encoding);
    case FORM.refAddr:
      return cursor.unsigned(fixedBytes(form, encoding));
    case FORM.refSup4:
    case FORM.refSup8:
    case FORM.gnuRefAlt:
      return IN_SUPPLEMENT - cursor.unsigned(fixedBytes(form, encoding));
    default:
      skipForm(cursor, form, encoding);
      return NO_REFERENCE;
  }
}
