// Entry of the thread that reads the sources of others for route declarations (bundle: dist/handlersWorker.js), without any capability.

import { dropAllCapabilities } from '../../privilege/capabilities';
import { answerRequests } from '../../workers/requestThread';
import { findRoutes } from './findRoutes';

export interface RoutesRequest {
  folders: string[];
}

dropAllCapabilities();
answerRequests(({ folders }: RoutesRequest) => findRoutes(folders));
