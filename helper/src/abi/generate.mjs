// Writes events.gen.ts from the BTF of the BPF objects, so that the helper's decoders can never disagree with
// bpf/events.h as the compiler laid it out.
//   node helper/src/abi/generate.mjs [--check] OBJECT.o…     (default: stack_tracer.o process_watch.o)
// --check writes nothing and fails when the file is not what it should be (make check-abi, CI).
// Formats: ELF-64 section headers (gABI); BTF: Documentation/bpf/btf.rst of the kernel.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const STRUCTS = [
  'event_header',
  'sample_event',
  'stack_event',
  'process_event',
  'target',
  'capture_counters',
  'kernel_unwind_tables',
  'tracer_settings',
];
const ENUMS = ['event_kind', 'walk_end', 'target_state', 'targets_added'];
const KIND = { INT: 1, PTR: 2, ARRAY: 3, STRUCT: 4, UNION: 5, ENUM: 6, FUNC_PROTO: 13, VAR: 14, DATASEC: 15 };
const TRAILER_BYTES = { 1: 4, 3: 12, 14: 4, 17: 4 };
const MEMBER_BYTES = { 4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12 };
const TRANSPARENT = new Set([8, 9, 10, 11, 18]); // typedef, volatile, const, restrict, type tag

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

/** All types of an object, index = BTF type id. */
function readTypes(path) {
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
    }
    at += (TRAILER_BYTES[kind] ?? 0) + count * (MEMBER_BYTES[kind] ?? 0);
    list.push(type);
  }
  return list;
}

const camel = (name) => name.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());

/** `  field: offset, // size` lines of a struct, nested structs flattened. */
function fields(types, struct, prefix = '', base = 0) {
  return struct.members.flatMap((member) => {
    let type = types[member.type];
    while (TRANSPARENT.has(type.kind)) type = types[type.sizeOrType];
    const name = camel(prefix + member.name);
    const offset = base + member.offset;
    if (type.kind === KIND.STRUCT) return fields(types, type, `${prefix}${member.name}_`, offset);
    if (type.kind === KIND.ARRAY) return [`  ${name}: ${offset},`, `  ${name}Length: ${type.length},`];
    return [`  ${name}: ${offset},`];
  });
}

function describe(types) {
  const found = new Map();
  for (const type of types) {
    if (type.kind === KIND.STRUCT && STRUCTS.includes(type.name))
      found.set(type.name, [
        `/** struct ${type.name}: offsets in bytes. */`,
        `export const ${type.name.toUpperCase()} = {`,
        `  byteLength: ${type.sizeOrType},`,
        ...fields(types, type),
        '} as const;',
      ]);
    if (type.kind === KIND.ENUM && ENUMS.includes(type.name))
      found.set(type.name, [
        `/** enum ${type.name} */`,
        `export const ${type.name.toUpperCase()} = {`,
        ...type.members.map((m) => `  ${m.name}: ${m.value},`),
        '} as const;',
      ]);
  }
  return found;
}

const args = process.argv.slice(2);
const check = args.includes('--check');
const objects = args.filter((a) => !a.startsWith('--'));
const all = new Map();
for (const object of objects.length > 0 ? objects : ['stack_tracer.o', 'process_watch.o'])
  for (const [name, lines] of describe(readTypes(object))) {
    const text = lines.join('\n');
    if ((all.get(name) ?? text) !== text) throw new Error(`${object}: ${name} differs from the other objects: rebuild`);
    all.set(name, text);
  }
const missing = [...ENUMS, ...STRUCTS].filter((name) => !all.has(name));
if (missing.length > 0) throw new Error(`not in the objects' BTF: ${missing.join(', ')}`);
const output = `// Generated from the BPF objects' BTF by generate.mjs (bpf/events.h): do not edit, run it again.

${[...ENUMS, ...STRUCTS].map((name) => all.get(name)).join('\n\n')}
`;
const file = fileURLToPath(new URL('events.gen.ts', import.meta.url));
if (!check) writeFileSync(file, output);
else if (readFileSync(file, 'utf8') !== output) {
  console.error(`${file} does not match bpf/events.h. Run: node helper/src/abi/generate.mjs`);
  process.exit(1);
}
