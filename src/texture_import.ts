// Pictures that the browser can give as textures: they come to the GPU, or are there already, and stay off the CPU.
// A video's frame is an external texture, which lives as long as the task that asked for it; a canvas or a bitmap is
// copied to a texture of ours. shaders/canvas/import_texture.wgsl turns both into the pixels that the network reads.

import import_source from '../shaders/canvas/import_texture.wgsl?raw';
import grid_lib from '../shaders/lib/grid.wgsl?raw';
import { unreadable } from './image';
import { grid } from './kernels/kernel';
import { type Pipeline, pipelineFor } from './kernels/pipelines';
import { packParams } from './kernels/specialise';
import type { Size } from './model/transform';
import { type Frame, isFrame, type TextureSource } from './texture_source';

const IMPORT_TEXTURE = { name: 'import_texture', source: import_source + grid_lib };

export class TextureImport {
  private readonly pipelines = new Map<boolean, Pipeline>();
  private params: GPUBuffer | undefined;
  private texture: GPUTexture | undefined;

  constructor(private readonly device: GPUDevice) {}

  /** To be awaited before `encode`, which must not wait. */
  async compile(image: TextureSource): Promise<void> {
    const external = isFrame(image);
    const constants = { EXTERNAL: external };
    this.pipelines.set(external, await pipelineFor(this.device, IMPORT_TEXTURE, { constants }));
  }

  /** The picture, of `size`, as pixels. To be submitted in the same task. Throws ImageError where the browser refuses. */
  encode(encoder: GPUCommandEncoder, image: TextureSource, size: Size, pixels: GPUBufferBinding): void {
    const { device } = this;
    const external = isFrame(image);
    const { pipeline, layout, bindings, text } = this.pipelines.get(external)!;
    const { UNIFORM, COPY_DST } = GPUBufferUsage;
    this.params ??= device.createBuffer({ label: 'import_texture', size: 16, usage: UNIFORM | COPY_DST });
    const { height, width } = size;
    device.queue.writeBuffer(this.params, 0, packParams(text, { height, width }, IMPORT_TEXTURE.name));
    const resources: Record<string, GPUBindingResource> = {
      params: { buffer: this.params },
      picture: external ? this.external(image) : this.copied(image, size).createView(),
      linear: device.createSampler({ magFilter: 'linear', minFilter: 'linear' }),
      pixels,
    };
    const entries = [...bindings].map(([name, binding]) => ({ binding, resource: resources[name]! }));
    const pass = encoder.beginComputePass({ label: IMPORT_TEXTURE.name });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ label: IMPORT_TEXTURE.name, layout, entries }));
    pass.dispatchWorkgroups(...grid(width * height, 64));
    pass.end();
  }

  private external(source: Frame): GPUExternalTexture {
    try {
      return this.device.importExternalTexture({ source, colorSpace: 'srgb' });
    } catch (cause) {
      throw unreadable(cause);
    }
  }

  private copied(source: Exclude<TextureSource, Frame>, { width, height }: Size): GPUTexture {
    if (this.texture?.width !== width || this.texture.height !== height) {
      this.texture?.destroy();
      const { TEXTURE_BINDING, COPY_DST, RENDER_ATTACHMENT } = GPUTextureUsage; // a copy may be a render pass
      const usage = TEXTURE_BINDING | COPY_DST | RENDER_ATTACHMENT;
      this.texture = this.device.createTexture({ size: [width, height], format: 'rgba8unorm', usage });
    }
    try {
      this.device.queue.copyExternalImageToTexture(
        { source },
        { texture: this.texture, colorSpace: 'srgb' },
        [width, height],
      );
    } catch (cause) {
      throw unreadable(cause);
    }
    return this.texture;
  }

  destroy(): void {
    this.params?.destroy();
    this.texture?.destroy();
    this.params = this.texture = undefined;
  }
}
