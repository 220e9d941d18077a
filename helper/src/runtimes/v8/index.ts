// V8 in Node.js 18 to 26, and in what embeds it with the same objects. README.md has the sources of the layouts, what was tested
// how, and the limits.

import { V8_RUNTIME } from '../../abi/runtimeV8.gen';
import type { ElfFile } from '../../elf/parser';
import type { MappedImage, RuntimePlugin, RuntimeProcess, TracedProcess } from '../types';
import { readV8Image } from './image';
import type { V8Image } from './types';
import { V8Process } from './v8Process';

export const v8: RuntimePlugin<V8Image> = {
  id: 'node',
  number: V8_RUNTIME,
  object: 'unwind_v8',

  recognize(elf: ElfFile): V8Image | null {
    return readV8Image(elf);
  },

  attach(process: TracedProcess, mapped: MappedImage<V8Image>): RuntimeProcess {
    return new V8Process(process, mapped);
  },
};
