// What reading a recording file's text needs of Node: see helper/src/protocol/fileText.ts.

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import type { TextTools } from '../../../helper/src/protocol';

export const TEXT_TOOLS: TextTools = {
  open: (path) => open(path, constants.O_RDONLY | constants.O_NONBLOCK),
  gunzip: (bytes, maxOutputLength) => gunzipSync(bytes, { maxOutputLength }),
  decode: (bytes, encoding) => new TextDecoder(encoding).decode(bytes),
};
