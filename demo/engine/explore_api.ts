// What the worker does for the page Explore.

import type { Session } from './session';

export class ExploreApi {
  constructor(protected readonly session: Session) {}
}
