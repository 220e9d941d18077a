// Is what package-lock.json names what lies in node_modules? Exit 0: yes, 1: no. The lock file's time says nothing: git and npm
// touch it without changing it.
import { readFileSync } from 'node:fs';

const packages = (file) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return null;
  }
};
const wanted = packages('package-lock.json');
const installed = packages('node_modules/.package-lock.json');
const same = (path) => installed[path]?.integrity === wanted[path].integrity;
const upToDate =
  installed !== null &&
  Object.keys(installed).every((path) => wanted[path]) &&
  Object.keys(wanted).every((path) => path === '' || (wanted[path].optional && !installed[path]) || same(path));
process.exitCode = upToDate ? 0 : 1;
