// What goes between a page and its worker: plain data, which structured cloning keeps.

import type { Detection, DetectOptions, DetectResult, MaskSource } from '../../src/index';
import type { Found } from '../../src/results/found';

/** A name or an absolute address, a file, or Caffe2's two files. */
export type PlainSource = string | Blob | { net: Blob; init: Blob };

export interface LoadRequest {
  source: PlainSource;
  /** Where a published model's file is, instead of where it was published. */
  url?: string | undefined;
  /** Of the download, about: another origin's server does not tell pages how long a file is. */
  megabytes?: number | undefined;
  /** Sides of the resized picture; the model's own where absent. */
  minSize?: number | undefined;
  maxSize?: number | undefined;
  precision?: 'f32' | 'f16' | 'auto' | undefined;
}

/** What a page shows of a loaded model. */
export interface ModelInfo {
  architecture: string;
  /** By class index; empty where nobody knows. */
  classes: readonly string[];
  hasMasks: boolean;
  minSize: number;
  maxSize: number;
  /** Below it the model reports nothing. */
  scoreThreshold: number;
  precision: 'f32' | 'f16';
  adapter: string;
  /** Milliseconds from the request to readiness. */
  loadMs: number;
  parameters: number;
}

export interface LoadProgress {
  loaded: number;
  total?: number | undefined;
}

/** A detection whose mask is plain data. */
export type PlainDetection = Omit<Detection, 'mask'> & { mask?: MaskSource };

export type PlainResult = Omit<DetectResult, 'detections'> & {
  detections: PlainDetection[];
  /** Their measures and COCO encodings, in the same order; where `measure` asked for them. */
  found?: Found[];
};

/** What a page gets of a run. */
export type Result = DetectResult & { found?: Found[] };

export type RunOptions = Omit<DetectOptions, 'signal'> & { measure?: boolean };
