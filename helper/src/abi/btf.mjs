// Reads the types of a BPF object from its BTF: structs with the offsets that the compiler chose, and enums.
// Formats: ELF-64 section headers (gABI); BTF: Documentation/bpf/btf.rst of the kernel.
import { readFileSync } from 'node:fs';

export const KIND = { INT: 1, PTR: 2, ARRAY: 3, STRUCT: 4, UNION: 5, ENUM: 6, FUNC_PROTO: 13, VAR: 14, DATASEC: 15 };
const TRAILER_BYTES = { 1: 4, 3: 12, 14: 4, 17: 4 };
const MEMBER_BYTES = { 4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12 };
/** typedef, volatile, const, restrict, type tag */
const TRANSPARENT = new Set([8, 9, 10, 11, 18]);

function section(elf, name) {
  const tableOffset = Number(elf.readBigUInt64LE(0x28));
  const [entryBytes, count, namesIndex] = [elf.readUInt16LE(0x3a), elf.readUInt16LE(0x3c), elf.readUInt16LE(0x3e)];
  const header = (i) => {
    const at = tableOffset + i * entryBytes;
    const offset = Number(elf.readBigUInt64LE(at + 24));
    return { name: elf.readUInt32LE(at), data: elf.subarray(offset, offset + Number(elf.readBigUInt64LE(at + 32))) };
  };
  const names = header(namesIndex).data;
  for (let i = 1; i < count; i++) {
    const { name: at, data } = header(i);
    if (names.toString('latin1', at, names.indexOf(0, at)) === name) return data;
  }
  throw new Error(`no section ${name}`);
}

/** All types of an object, index = BTF type id: `{ kind, name, sizeOrType, members, element, length }`. */
export function readTypes(path) {
  const btf = section(readFileSync(path), '.BTF');
  const headerBytes = btf.readUInt32LE(4);
  const types = btf.subarray(headerBytes + btf.readUInt32LE(8)).subarray(0, btf.readUInt32LE(12));
  const strings = btf.subarray(headerBytes + btf.readUInt32LE(16));
  const string = (at) => strings.toString('latin1', at, strings.indexOf(0, at));
  const list = [{ kind: 0, name: 'void' }];
  for (let at = 0; at < types.length; ) {
    const info = types.readUInt32LE(at + 4);
    const kind = (info >>> 24) & 0x1f;
    const type = { kind, name: string(types.readUInt32LE(at)), sizeOrType: types.readUInt32LE(at + 8), members: [] };
    const count = info & 0xffff;
    at += 12;
    if (kind === KIND.ARRAY) [type.element, type.length] = [types.readUInt32LE(at), types.readUInt32LE(at + 8)];
    for (let i = 0; i < count; i++) {
      const m = at + i * (MEMBER_BYTES[kind] ?? 0);
      if (kind === KIND.ENUM)
        type.members.push({ name: string(types.readUInt32LE(m)), value: types.readInt32LE(m + 4) });
      if (kind === KIND.STRUCT)
        type.members.push({
          name: string(types.readUInt32LE(m)),
          type: types.readUInt32LE(m + 4),
          offset: (types.readUInt32LE(m + 8) & (info >>> 31 ? 0xffffff : 0xffffffff)) / 8,
        });
      // Of a section: the variables in it, which for .maps are the maps.
      if (kind === KIND.DATASEC) type.members.push({ type: types.readUInt32LE(m) });
    }
    at += (TRAILER_BYTES[kind] ?? 0) + count * (MEMBER_BYTES[kind] ?? 0);
    list.push(type);
  }
  return list;
}

/** What a member or element is, behind typedefs and qualifiers. */
export function plainType(types, id) {
  let type = types[id];
  while (TRANSPARENT.has(type.kind)) type = types[type.sizeOrType];
  return type;
}

/** Names of an object's maps. */
export function mapNames(types) {
  const maps = types.find(({ kind, name }) => kind === KIND.DATASEC && name === '.maps');
  return (maps?.members ?? []).map(({ type }) => types[type].name);
}
