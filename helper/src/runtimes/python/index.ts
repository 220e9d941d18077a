// CPython 3.8 to 3.15. README.md has the sources of the layouts, what was tested how, and the limits.

import { RUNTIME_PYTHON } from '../../abi/runtimePython.gen';
import type { ElfFile } from '../../elf/parser';
import type { MappedImage, RuntimePlugin, RuntimeProcess, TracedProcess } from '../types';
import { PythonProcess } from './pythonProcess';
import { type PythonImage, recognizePython } from './recognize';

export const python: RuntimePlugin<PythonImage> = {
  id: 'python',
  number: RUNTIME_PYTHON,
  object: 'unwind_python',

  recognize(elf: ElfFile): PythonImage | null {
    return recognizePython(elf);
  },

  attach(process: TracedProcess, mapped: MappedImage<PythonImage>): RuntimeProcess {
    return new PythonProcess(process, mapped);
  },
};
