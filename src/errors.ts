// The errors that this library throws. Every message says who found the fault, what was wanted,
// what was got and, where it is not plain, what to do about it.

/** Base of all errors thrown on purpose; catch it to tell our faults from the platform's. */
export class MaskRcnnError extends Error {
  override name = 'MaskRcnnError'; // in words: bundlers shorten the names of classes, and workers send only this one
}

/** A tensor or attribute does not fit an operation. Thrown while the graph is built, never per frame. */
export class ShapeError extends MaskRcnnError {
  override name = 'ShapeError';
}

/** A checkpoint is not what it should be: unreadable, malformed, or with tensors missing or misshapen. */
export class WeightError extends MaskRcnnError {
  override name = 'WeightError';
}

/** The machine lacks something: no WebGPU, no adapter, a limit or a feature that is too small. */
export class UnsupportedError extends MaskRcnnError {
  override name = 'UnsupportedError';
}

/** A place in a kernel's own text (`MaskRCNN.shaders`), and what is wrong there. */
export interface ShaderFault {
  /** The kernel's name. */
  readonly kernel: string;
  /** From 1; absent where the fault is of the text as a whole. */
  readonly line?: number;
  /** From 1, in the line. */
  readonly column?: number;
  readonly message: string;
}

/** WGSL did not compile. Its message shows the compiler's words and the lines around them; so do its faults, one by one. */
export class ShaderError extends MaskRcnnError {
  override name = 'ShaderError';
  readonly faults: readonly ShaderFault[];

  constructor(message: string, options: ErrorOptions & { faults?: readonly ShaderFault[] } = {}) {
    super(message, options);
    this.faults = options.faults ?? [];
  }
}

/** A picture cannot be used: empty, of zero size, or of a kind that holds no pixels. */
export class ImageError extends MaskRcnnError {
  override name = 'ImageError';
}

/** A canvas cannot be drawn on: no WebGPU context, of zero size, or of another device. */
export class CanvasError extends MaskRcnnError {
  override name = 'CanvasError';
}

/** The GPU device went away, or the model was destroyed, while or before work was asked of it. */
export class DeviceLostError extends MaskRcnnError {
  override name = 'DeviceLostError';
}
