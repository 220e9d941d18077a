// Writes what the kernel's programs and the helper share as TypeScript: structs and enums from BTF, so that the helper can never
// disagree with bpf/ as the compiler laid it out, and the numbers of #defines. What a header below declares is found there by itself.
//   node helper/src/abi/generate.mjs --declarations            prints C that has a variable of every type of the headers
//   node helper/src/abi/generate.mjs [--check] LAYOUTS.o OBJECT.o…
// LAYOUTS.o is that C, compiled as the objects are; an object that was built from an older header is refused. --check writes
// nothing and fails when a file is not what it should be (make abi, make check-abi).
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { KIND, plainType, readTypes } from './btf.mjs';

const ROOT = new URL('../../../', import.meta.url);
const path = (name) => fileURLToPath(new URL(name, ROOT));

/** `constants`: enumerators stand by themselves, for loops that are hot; else an enum is one object. */
const HEADERS = [
  ...readdirSync(path('bpf'))
    .filter((name) => name.endsWith('events.h') || /^runtime_\w+\.h$/.test(name))
    .map((name) => ({ name, enums: 'objects' })),
  { name: 'unwind_rows.h', enums: 'constants' },
];

const camel = (name) => name.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());

/** `  field: offset,` lines of a struct, nested structs flattened. */
function fields(types, struct, prefix = '', base = 0) {
  return struct.members.flatMap((member) => {
    const type = plainType(types, member.type);
    const name = camel(prefix + member.name);
    const offset = base + member.offset;
    if (type.kind === KIND.STRUCT) return fields(types, type, `${prefix}${member.name}_`, offset);
    if (type.kind === KIND.ARRAY) return [`  ${name}: ${offset},`, `  ${name}Length: ${type.length},`];
    return [`  ${name}: ${offset},`];
  });
}

const constant = (name, number) => `export const ${name} = ${number};`;

/** A struct as an object of offsets. */
function describeStruct(types, type) {
  const lines = [`  byteLength: ${type.sizeOrType},`, ...fields(types, type)];
  const head = `/** struct ${type.name}: offsets in bytes. */`;
  return { text: [head, `export const ${type.name.toUpperCase()} = {`, ...lines, '} as const;'].join('\n') };
}

/** An enum as an object, and as constants. */
function describeEnum({ name, members }) {
  const head = `/** enum ${name} */`;
  const lines = members.map((member) => `  ${member.name}: ${member.value},`);
  return {
    text: [head, `export const ${name.toUpperCase()} = {`, ...lines, '} as const;'].join('\n'),
    constants: [head, ...members.map((member) => constant(member.name, member.value))].join('\n'),
  };
}

/** By name: the headers' structs and enums in an object. */
function typesOf(object) {
  const types = readTypes(object);
  const declared = new Set(HEADERS.flatMap(declarations).map(({ name }) => name));
  const found = new Map();
  for (const type of types) {
    if (!declared.has(type.name)) continue;
    if (type.kind === KIND.STRUCT) found.set(type.name, describeStruct(types, type));
    if (type.kind === KIND.ENUM) found.set(type.name, describeEnum(type));
  }
  return found;
}

/** A number of C, or null for anything else: `127`, `0x80`, `(1ULL << 62)`, which is a bigint. */
function numberOf(text) {
  const plain = /^(0x[0-9a-f]+|\d+)$/i.exec(text);
  if (plain) return `${plain[1]}`;
  const shift = /^\((\d+)(ULL)? << (\d+)\)$/.exec(text);
  if (!shift) return null;
  return shift[2] ? `${BigInt(shift[1]) << BigInt(shift[3])}n` : `${Number(shift[1]) * 2 ** Number(shift[3])}`;
}

/** What a header declares, in its order: `{ kind: 'define' | 'enum' | 'struct', name, number }`. */
function declarations(header) {
  const plain = readFileSync(path(`bpf/${header.name}`), 'utf8').replace(/\/\*.*?\*\//gs, '');
  const found = [];
  for (const [, define, value, kind, name] of plain.matchAll(
    /^#define (\w+)[ \t]+(\S.*)$|^(enum|struct) (\w+) \{$/gm,
  )) {
    const number = define ? numberOf(value.trim()) : null;
    if (!define) found.push({ kind, name });
    else if (number !== null) found.push({ kind: 'define', name: define, number });
  }
  return found;
}

function fileOf(header, types) {
  const blocks = [];
  let defines = [];
  const endDefines = () => {
    if (defines.length > 0) blocks.push(defines.join('\n'));
    defines = [];
  };
  for (const declared of declarations(header)) {
    if (declared.kind === 'define') {
      defines.push(constant(declared.name, declared.number));
      continue;
    }
    endDefines();
    const described = types.get(declared.name);
    if (!described)
      throw new Error(`${declared.kind} ${declared.name} of bpf/${header.name} is not in the first object`);
    blocks.push(header.enums === 'constants' && described.constants ? described.constants : described.text);
  }
  endDefines();
  const origin = `bpf/${header.name}, as the compiler laid it out`;
  return `// Generated by generate.mjs from ${origin}: do not edit, run it again.\n\n${blocks.join('\n\n')}\n`;
}

const args = process.argv.slice(2);
if (args.includes('--declarations')) {
  const lines = HEADERS.flatMap((header) => [
    `#include "${header.name}"`,
    ...declarations(header)
      .filter(({ kind }) => kind !== 'define')
      .map(({ kind, name }) => `${kind} ${name} *layout_of_${name};`),
  ]);
  console.log(['#include "lib/kernel.bpf.h"', ...lines].join('\n'));
  process.exit(0);
}
const check = args.includes('--check');
const [layouts, ...objects] = args.filter((argument) => !argument.startsWith('--')).map(typesOf);
for (const object of objects)
  for (const [name, { text }] of object)
    if (layouts.get(name)?.text !== text) throw new Error(`${name} differs between objects: rebuild`);
for (const header of HEADERS) {
  const name = `helper/src/abi/${camel(header.name.replace(/\.h$/, ''))}.gen.ts`;
  const text = fileOf(header, layouts);
  if (!check) writeFileSync(path(name), text);
  else if (!existsSync(path(name)) || readFileSync(path(name), 'utf8') !== text) {
    console.error(`${name} does not match bpf/${header.name}. Run: make abi`);
    process.exitCode = 1;
  }
}
