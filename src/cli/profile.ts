// What `--profile` writes: the last picture's run node by node, and a row for every picture.

import type { DetectResult, MaskRCNN, RunProfile } from '../node';

interface ImageRow {
  file: string;
  width: number;
  height: number;
  objects: number;
  /** Milliseconds: compiling and buffers for a new size; the run; all of detect(). */
  prepareMs: number;
  runMs: number;
  detectMs: number;
}

export class Profile {
  private readonly images: ImageRow[] = [];
  private last: RunProfile | undefined;

  constructor(private readonly weights: string) {}

  add(file: string, { width, height, detections, timing, profile }: DetectResult, detectMs: number): void {
    const { prepareMs, runMs } = timing;
    this.images.push({ file, width, height, objects: detections.length, prepareMs, runMs, detectMs });
    this.last = profile;
  }

  json({ device, timing, config }: MaskRCNN): string {
    const { vendor, architecture, device: name, description } = device.adapterInfo;
    const { nodes, ...figures } = this.last ?? { nodes: [] };
    const profile = {
      adapter: { vendor, architecture, device: name, description },
      weights: this.weights,
      architecture: config.architecture,
      ...figures,
      compileMs: timing.compileMs,
      uploadMs: timing.uploadMs,
      images: this.images,
      nodes,
    };
    return `${JSON.stringify(profile, null, 1)}\n`;
  }
}
