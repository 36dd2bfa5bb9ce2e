// What the worker does for the page Detect: load, run, describe.

import type { LayerRow, MaskRCNN } from '../../src/index';
import { foundObjects } from '../../src/results/found';
import { Calls } from './calls';
import type { LoadProgress, LoadRequest, ModelInfo, PlainResult, RunOptions } from './messages';
import type { Session } from './session';

const PROGRESS_MS = 80; // between two reports

export class DetectApi {
  private readonly calls = new Calls();

  constructor(private readonly session: Session) {}

  /** Throws what MaskRCNN.load does. */
  load(call: number, request: LoadRequest, onProgress: (progress: LoadProgress) => void): Promise<ModelInfo> {
    return this.calls.run(call, async (signal) => {
      const started = performance.now();
      let latest: LoadProgress;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const tell = () => {
        clearTimeout(timer);
        timer = undefined;
        onProgress(latest);
      };
      const report = ({ loaded, total }: LoadProgress) => {
        latest = { loaded, total };
        timer ??= setTimeout(tell, PROGRESS_MS);
        if (loaded === total) tell();
      };
      try {
        const model = await this.session.load(request, report, signal);
        return infoOf(model, performance.now() - started);
      } finally {
        clearTimeout(timer);
      }
    });
  }

  /** Finds objects. Closes the picture: send a copy. */
  run(
    call: number,
    image: ImageBitmap | VideoFrame,
    { measure, ...options }: RunOptions,
  ): Promise<PlainResult> {
    return this.calls.run(call, async (signal) => {
      try {
        const { detections, ...rest } = await this.session.current.detect(image, {
          ...options,
          signal,
        });
        return {
          ...rest,
          ...(measure && { found: foundObjects(detections) }),
          detections: detections.map(({ mask, ...found }) => ({
            ...found,
            ...(mask && { mask: mask.source }),
          })),
        };
      } finally {
        image.close();
      }
    });
  }

  describe(height: number, width: number, options: { masks?: boolean } = {}): LayerRow[] {
    return this.session.current.describe(height, width, options);
  }

  cancel(call: number): void {
    this.calls.cancel(call);
  }

  onLost(listener: (message: string) => void): void {
    this.session.onLost(listener);
  }

  /** Takes the GPU away, as a driver's crash does: for tests of what the page does then. */
  loseDevice(): void {
    this.session.current.device.destroy();
  }

  destroy(): void {
    this.session.destroy();
  }
}

function infoOf({ config, checkpoint, computing, device }: MaskRCNN, loadMs: number): ModelInfo {
  const { description, vendor, architecture } = device.adapterInfo;
  const shapes = [...checkpoint.values()].map(({ shape }) => shape);
  return {
    architecture: config.architecture,
    classes: config.classes ?? [],
    hasMasks: checkpoint.has('roi_heads.mask_predictor.mask_fcn_logits.weight'),
    minSize: config.minSize,
    maxSize: config.maxSize,
    scoreThreshold: config.boxScoreThresh,
    precision: computing.precision,
    adapter: description || [vendor, architecture].filter(Boolean).join(' ') || 'not told by the browser',
    loadMs,
    parameters: shapes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0),
  };
}
