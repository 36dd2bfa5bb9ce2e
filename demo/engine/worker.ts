// The worker in which all work of the GPU is done: one model, and an object for each concern of the pages.

import { expose } from 'comlink';
import { DetectApi } from './detect_api';
import { ExploreApi } from './explore_api';
import { Session } from './session';

const session = new Session();

const concerns = {
  detect: new DetectApi(session),
  explore: new ExploreApi(),
};

export type Concerns = typeof concerns;

expose(concerns);
