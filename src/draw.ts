// Draws what the network found on a WebGPU canvas, on the GPU and in the network's own submit.

import present_source from '../shaders/canvas/present.wgsl?raw';
import { canvasTexture } from './canvas';
import { MaskRcnnError } from './errors';
import type { Tensor } from './graph/graph';
import type { RunProfile } from './graph/profile';
import type { Encode } from './graph/program';
import { type DrawDetectionsAttributes, drawConstants, drawDetections } from './kernels/draw_detections';
import { bytesOf, f32, u32 } from './kernels/kernel';
import type { PasteRule } from './kernels/paste_rule';
import { type Pipeline, pipelineFor } from './kernels/pipelines';
import { packParams } from './kernels/specialise';
import { MASK_THRESHOLD, type Network } from './model/mask_rcnn';
import { palette } from './model/palette';

export type Layer = 'masks' | 'outlines' | 'boxes';

export interface DrawOptions {
  /** Only detections of at least this score, on top of the model's own threshold. Default: 0.5. */
  scoreThreshold?: number;
  /** What to draw over the picture. Default: masks and outlines, or boxes where the network has no masks. */
  layers?: readonly Layer[];
  /** Of the masks' tint, 0..1. Default: 0.35. */
  opacity?: number;
  /** Of outlines and boxes, in pixels of the canvas. Default: a 400th of its longer side, from 1.5 to 4. */
  lineWidth?: number;
  /** A colour for each class, or for each object. Default: class, where the model knows more than one. */
  colourBy?: 'class' | 'instance';
  /** Gives up before the GPU is asked. */
  signal?: AbortSignal;
  /** Report the run, without GPU times: they would have to be read back. */
  profile?: boolean;
}

export interface DrawResult {
  /** Of the picture, in pixels. */
  width: number;
  height: number;
  /** Milliseconds: to prepare for a picture of a new size, and until the GPU was done. */
  timing: { prepareMs: number; runMs: number };
  profile?: RunProfile;
}

/** What drawing needs to know of a network before there is one for the picture's size. */
interface Traits {
  /** With the background. */
  classes: number;
  masks: boolean;
  /** How masks are pasted. */
  paste: PasteRule;
}

type Style = Omit<DrawDetectionsAttributes, 'canvasHeight' | 'canvasWidth' | 'outlineWidth' | 'boxWidth'> & {
  layers: readonly Layer[];
  lineWidth: number | undefined;
};

const LAYERS: readonly Layer[] = ['masks', 'outlines', 'boxes'];
const COLOURS = 60;

export class Painter {
  private readonly presenters = new Map<GPUTextureFormat, Promise<GPURenderPipeline>>();
  private readonly buffers = new Map<string, GPUBuffer>();

  constructor(private readonly device: GPUDevice) {}

  /** Checks canvas and options, and compiles. What it returns encodes the drawing of a network's outputs. */
  async prepare(
    context: GPUCanvasContext,
    traits: Traits,
    options: DrawOptions,
  ): Promise<(network: Network) => Encode> {
    const style = styleOf(options, traits);
    const { format } = canvasTexture(context, this.device);
    const [draw, present] = await Promise.all([
      pipelineFor(this.device, drawDetections, {
        constants: drawConstants(traits.masks, traits.paste),
      }),
      this.presenter(format),
    ]);
    return (network) => (encoder, placeOf) => {
      const texture = canvasTexture(context, this.device); // of this task
      const drawn = this.draw(encoder, draw, network, placeOf, texture, { ...style, paste: traits.paste });
      this.present(encoder, present, drawn, texture);
    };
  }

  /** Composes all in a buffer of the canvas's size. */
  private draw(
    encoder: GPUCommandEncoder,
    { pipeline, layout, bindings, text }: Pipeline,
    { pixels, outputs }: Network,
    placeOf: (tensor: Tensor) => GPUBufferBinding,
    { width, height }: GPUTexture,
    { layers, lineWidth, ...style }: Style,
  ): GPUBuffer {
    const { boxes, scores, labels, count, probabilities } = outputs as Record<string, Tensor>;
    const tensors = {
      pixels,
      image_boxes: boxes!,
      scores: scores!,
      labels: labels!,
      count: count!,
      probabilities,
    };
    const line = lineWidth ?? Math.min(Math.max(Math.max(width, height) / 400, 1.5), 4);
    const { params, workgroups } = drawDetections.dispatch(
      { ...tensors, palette: f32(COLOURS, 4) },
      {
        ...style,
        canvasHeight: height,
        canvasWidth: width,
        opacity: layers.includes('masks') ? style.opacity : 0,
        outlineWidth: layers.includes('outlines') ? line : 0,
        boxWidth: layers.includes('boxes') ? line : 0,
      },
    );
    const drawn = this.buffer('drawn', bytesOf(u32(height, width)), GPUBufferUsage.STORAGE);
    const resources: Record<string, GPUBufferBinding> = {
      params: { buffer: this.uniform('params', packParams(text, params, drawDetections.name)) },
      palette: { buffer: this.palette() },
      drawn: { buffer: drawn },
    };
    const entries = [...bindings].map(([name, binding]) => {
      const tensor = tensors[name as keyof typeof tensors];
      return { binding, resource: tensor ? placeOf(tensor) : resources[name]! };
    });
    const pass = encoder.beginComputePass({ label: drawDetections.name });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, this.device.createBindGroup({ label: drawDetections.name, layout, entries }));
    pass.dispatchWorkgroups(...workgroups);
    pass.end();
    return drawn;
  }

  /** What was drawn, onto the canvas. */
  private present(
    encoder: GPUCommandEncoder,
    pipeline: GPURenderPipeline,
    drawn: GPUBuffer,
    texture: GPUTexture,
  ): void {
    const size = this.uniform('size', Uint32Array.of(texture.width).buffer);
    const bindGroup = this.device.createBindGroup({
      label: 'present',
      layout: pipeline.getBindGroupLayout(0),
      entries: [size, drawn].map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    const view = texture.createView();
    const pass = encoder.beginRenderPass({
      label: 'present',
      colorAttachments: [{ view, loadOp: 'clear', storeOp: 'store' }],
    });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.draw(3);
    pass.end();
  }

  /** Compiles the last pass for a format of canvases, once. */
  private presenter(format: GPUTextureFormat): Promise<GPURenderPipeline> {
    const known = this.presenters.get(format);
    if (known) return known;
    const module = this.device.createShaderModule({ label: 'present', code: present_source });
    const pipeline = this.device.createRenderPipelineAsync({
      label: 'present',
      layout: 'auto',
      vertex: { module },
      fragment: { module, targets: [{ format }] },
    });
    this.presenters.set(format, pipeline);
    pipeline.catch(() => this.presenters.delete(format));
    return pipeline;
  }

  private palette(): GPUBuffer {
    const known = this.buffers.get('palette');
    if (known) return known;
    const colours = palette(COLOURS);
    const { STORAGE, COPY_DST } = GPUBufferUsage;
    const buffer = this.buffer('palette', colours.byteLength, STORAGE | COPY_DST);
    this.device.queue.writeBuffer(buffer, 0, colours as unknown as GPUAllowSharedBufferSource);
    return buffer;
  }

  private uniform(name: string, data: ArrayBuffer): GPUBuffer {
    const { UNIFORM, COPY_DST } = GPUBufferUsage;
    const buffer = this.buffer(name, Math.max(16, data.byteLength), UNIFORM | COPY_DST);
    this.device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  }

  /** A buffer of this name and size, kept from one drawing to the next. */
  private buffer(name: string, size: number, usage: number): GPUBuffer {
    const known = this.buffers.get(name);
    if (known?.size === size) return known;
    known?.destroy();
    const buffer = this.device.createBuffer({ label: `draw ${name}`, size, usage });
    this.buffers.set(name, buffer);
    return buffer;
  }

  destroy(): void {
    for (const buffer of this.buffers.values()) buffer.destroy();
    this.buffers.clear();
  }
}

function styleOf(options: DrawOptions, { classes, masks }: Traits): Style {
  const { layers = masks ? ['masks', 'outlines'] : ['boxes'], opacity = 0.35, lineWidth } = options;
  const wrong = layers.find((layer) => !LAYERS.includes(layer));
  if (wrong !== undefined) throw new MaskRcnnError(`draw: wanted layers of ${LAYERS}; got ${wrong}`);
  if (!(opacity >= 0 && opacity <= 1))
    throw new MaskRcnnError(`draw: wanted an opacity from 0 to 1; got ${opacity}`);
  if (lineWidth !== undefined && !(lineWidth > 0 && lineWidth < Number.POSITIVE_INFINITY)) {
    throw new MaskRcnnError(`draw: wanted a lineWidth above 0, in pixels of the canvas; got ${lineWidth}`);
  }
  return {
    maskThreshold: MASK_THRESHOLD,
    scoreThreshold: options.scoreThreshold ?? 0.5,
    colourBy: options.colourBy ?? (classes > 2 ? 'class' : 'instance'),
    ...{ layers, opacity, lineWidth },
  };
}
