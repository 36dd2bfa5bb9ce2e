// The chapters, in the order of the data's way through the network.

import type { ChapterRow } from './chapter';

export const CHAPTERS: readonly ChapterRow[] = [
  { id: '1', title: 'Four tasks', load: () => import('./chapters/01_tasks') },
  { id: '2', title: 'The whole graph', load: () => import('./chapters/02_map') },
  { id: '7', title: 'ROIAlign and ROI Pool', load: () => import('./chapters/07_roi_align') },
];
