// What a chapter is: a text of 100 to 200 words, and a view of the run beside it. Chapters are loaded when opened.

import type { ComponentType } from 'preact';
import type { RunInfo } from '../engine/explore_run';
import type { Run } from './run';

export interface Chapter {
  /** `info`: of the run that is shown, for the numbers in the text; undefined before the first. */
  Text: ComponentType<{ info: RunInfo | undefined }>;
  /** Mounted anew for every run. */
  View: ComponentType<{ run: Run }>;
  /** The view takes the page's whole width, below the text. */
  wide?: boolean;
  /** Why a model has nothing to show here; undefined where it has. */
  lack?(info: RunInfo): string | undefined;
}

/** A row of the list of chapters. */
export interface ChapterRow {
  /** Stands in the address: `#/3`, or `#/free`. */
  id: string;
  title: string;
  load(): Promise<{ chapter: Chapter }>;
}
