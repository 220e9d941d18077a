// The part that many functions' entries have in common (CIE): alignment factors, encodings, the rules at a function's first
// instruction. Layout: LSB Core, "The Common Information Entry Format"; DWARF 5, section 6.4.1 for .debug_frame; the letters B
// (Arm's second key) and G (tagged stack) are Arm's.

import { Cursor, FormatError } from '../bytes/cursor';
import { DW_EH_PE_absptr, DW_EH_PE_omit, type PointerReader } from './pointers';
import { STATE_WORDS } from './state';

export interface Cie {
  codeAlign: number;
  dataAlign: number;
  /** Column that stands for the return address. */
  raRegister: number;
  /** Of FDEs' addresses and DW_CFA_set_loc. */
  pointerEncoding: number;
  addressBytes: number;
  segmentBytes: number;
  /** FDEs have a block of augmentation data (`z`). */
  hasData: boolean;
  /** The caller's ip is exact (`S`). */
  isSignalFrame: boolean;
  initialState: Int32Array;
  initialRule: number;
}

/** Runs the instructions that a CIE begins with, into `state`. */
interface FirstState {
  readonly state: Int32Array;
  runInitial(bytes: Buffer, at: number, end: number, cie: Cie): void;
}

/**
 * `bytes`: the entry behind its length and id, whose first byte is at `address`. Throws FormatError where it cannot be read.
 * `initialRule` is left to the caller.
 */
export function parseCie(bytes: Buffer, isEh: boolean, machine: FirstState, pointers: PointerReader): Cie {
  const cursor = new Cursor(bytes);
  const version = cursor.u8();
  if (version !== 1 && version !== 3 && version !== 4) throw new FormatError(`version ${version} of a CIE`);
  const augmentation = cursor.cstring();
  if (augmentation === 'eh') cursor.skip(8);
  let addressBytes = 8;
  let segmentBytes = 0;
  if (version === 4 && !isEh) {
    addressBytes = cursor.u8();
    segmentBytes = cursor.u8();
    if (addressBytes !== 4 && addressBytes !== 8) throw new FormatError(`addresses of ${addressBytes} bytes`);
  }
  const cie: Cie = {
    codeAlign: cursor.uleb(),
    dataAlign: cursor.sleb(),
    raRegister: version === 1 ? cursor.u8() : cursor.uleb(),
    pointerEncoding: DW_EH_PE_absptr,
    addressBytes,
    segmentBytes,
    hasData: augmentation.startsWith('z'),
    isSignalFrame: false,
    initialState: new Int32Array(STATE_WORDS),
    initialRule: 0,
  };
  if (cie.hasData) {
    const lengthBytes = cursor.uleb();
    const data = new Cursor(bytes, cursor.at, cursor.at + lengthBytes);
    cursor.skip(lengthBytes);
    readAugmentation(augmentation.slice(1), data, cie, pointers);
  } else if (augmentation !== 'eh') {
    if (/[^SBG]/.test(augmentation)) throw new FormatError(`augmentation "${augmentation.slice(0, 16)}" of a CIE`);
    cie.isSignalFrame = augmentation.includes('S');
  }
  machine.runInitial(bytes, cursor.at, bytes.length, cie);
  cie.initialState.set(machine.state);
  return cie;
}

/** Letters in the order of their data; what stands behind an unknown one is of no use, its length is known all the same. */
function readAugmentation(letters: string, data: Cursor, cie: Cie, pointers: PointerReader): void {
  for (const letter of letters)
    switch (letter) {
      case 'L':
        data.skip(1);
        break;
      case 'P': {
        const encoding = data.u8();
        if (encoding === DW_EH_PE_omit) break;
        pointers.read(data.at, data.end, encoding, cie.addressBytes);
        data.seek(pointers.nextAt);
        break;
      }
      case 'R':
        cie.pointerEncoding = data.u8();
        break;
      case 'S':
        cie.isSignalFrame = true;
        break;
      case 'B':
      case 'G':
        break;
      default:
        return;
    }
}
