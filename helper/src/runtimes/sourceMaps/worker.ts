// Entry of the thread that reads source maps (bundle: dist/sourceMapWorker.js). Gives up all capabilities first: maps and the files
// that they name are other people's.

import { parentPort } from 'node:worker_threads';
import { dropAllCapabilities } from '../../privilege/capabilities';
import { isLoaded } from '../../workers/thread';
import { MapShelf } from './shelf';
import { MapError, type MapReply, type MapRequest } from './types';

dropAllCapabilities();
isLoaded();
const shelf = new MapShelf();

parentPort!.on('message', ({ sequence, key, script, places }: MapRequest) => {
  let reply: MapReply;
  try {
    const originals = shelf.originals(key, script, places);
    reply = originals ? { sequence, ok: true, originals } : { sequence, ok: false, again: true };
  } catch (error) {
    // Any other error is damage that the checks did not foresee.
    reply = { sequence, ok: false, again: false, why: error instanceof MapError ? error.message : 'is damaged' };
  }
  parentPort!.postMessage(reply);
});
