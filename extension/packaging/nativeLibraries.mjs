// Copies this machine's libbpf.so.1 and what it needs (libelf, zlib, on newer systems zstd) for machines that have no libbpf of
// their own. helper/src/bpf loads them from dist/native in the order written here. The C library itself is never shipped: a system
// whose glibc is older than the copy needs is refused in words.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';

const C_LIBRARY = /^(ld-linux|libc\.so|libm\.so|libpthread|libdl|librt|linux-vdso)/;

const output = (command, ...args) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

/** Libraries that `path` needs, each with its file, dependencies of dependencies included. */
function needed(path) {
  return output('ldd', path)
    .split('\n')
    .map((line) => /^\s*(\S+) => (\/\S+)/.exec(line))
    .filter((match) => match !== null && !C_LIBRARY.test(match[1]))
    .map(([, soname, file]) => ({ soname, file }));
}

function findLibbpf() {
  const cached = output('/sbin/ldconfig', '-p')
    .split('\n')
    .map((line) => /libbpf\.so\.1 .*=> (\/\S+)/.exec(line)?.[1])
    .find((file) => file !== undefined && existsSync(file));
  if (cached === undefined) throw new Error('There is no libbpf.so.1 on this machine: run make install-system-deps.');
  return cached;
}

/** Licence texts as the distribution's package keeps them, with the common licences that they only refer to. */
function licenceOf(file) {
  if (!existsSync('/usr/bin/dpkg-query'))
    throw new Error('The licences of libbpf are only found on Debian and Ubuntu.');
  let owner;
  try {
    owner = output('dpkg', '-S', realpathSync(file)).split(':')[0];
  } catch {
    // Merged /usr: dpkg may know the file by its other name.
    owner = output('dpkg', '-S', realpathSync(file).replace(/^\/usr/, '')).split(':')[0];
  }
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query fills these in.
  const version = output('dpkg-query', '-W', '-f=${source:Package} ${source:Version}', owner);
  const text = readFileSync(`/usr/share/doc/${owner}/copyright`, 'utf8');
  const common = [...new Set([...text.matchAll(/\/usr\/share\/common-licenses\/([\w.-]*\w)/g)].map(([, name]) => name))]
    .filter((name) => existsSync(`/usr/share/common-licenses/${name}`))
    .map((name) => `${name}\n\n${readFileSync(`/usr/share/common-licenses/${name}`, 'utf8')}`);
  return { title: `Debian package ${owner}, source ${version}`, text: [text, ...common].join('\n\n') };
}

/**
 * Fills `folder` and returns the notices: [{title, text}]. `folder`/LOAD_ORDER names the files, one a line, so that each
 * library's needs are loaded before it.
 */
export function copyNativeLibraries(folder) {
  mkdirSync(folder, { recursive: true });
  const libbpf = findLibbpf();
  const all = [...needed(libbpf), { soname: 'libbpf.so.1', file: libbpf }];
  // Least needy first: libz before libelf before libbpf.
  const order = all.sort((a, b) => needed(a.file).length - needed(b.file).length);
  for (const { soname, file } of order) copyFileSync(realpathSync(file), `${folder}/${soname}`);
  writeFileSync(`${folder}/LOAD_ORDER`, `${order.map(({ soname }) => soname).join('\n')}\n`);
  return order.map(({ soname, file }) => ({ soname: basename(soname), ...licenceOf(file) }));
}
