// The chapters, in the order of the data's way through the network.

import type { ChapterRow } from './chapter';

export const CHAPTERS: readonly ChapterRow[] = [
  { id: '1', title: 'Four tasks', load: () => import('./chapters/01_tasks') },
  { id: '2', title: 'The whole graph', load: () => import('./chapters/02_map') },
  { id: '3', title: 'Feature maps', load: () => import('./chapters/03_feature_maps') },
  { id: '4', title: 'The feature pyramid', load: () => import('./chapters/04_fpn') },
  { id: '5', title: 'Region proposals', load: () => import('./chapters/05_rpn') },
  { id: '6', title: 'The level rule', load: () => import('./chapters/06_level_rule') },
  { id: '7', title: 'ROIAlign and ROI Pool', load: () => import('./chapters/07_roi_align') },
  { id: '8', title: 'The box head', load: () => import('./chapters/08_box_head') },
  { id: '9', title: 'The mask head', load: () => import('./chapters/09_mask_head') },
  { id: '10', title: 'Training', load: () => import('./chapters/10_training') },
  { id: '11', title: 'Time and memory', load: () => import('./chapters/11_time_and_memory') },
  { id: '12', title: 'Change a kernel', load: () => import('./chapters/12_your_kernel') },
  { id: 'free', title: 'Free mode', load: () => import('./chapters/free_mode') },
];
