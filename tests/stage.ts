// A part of the network, over inputs of a test's choice.

import { Graph, type Tensor } from '../src/graph/graph';
import { type HostTensor, Program } from '../src/graph/program';
import { f32, u32 } from '../src/kernels/kernel';
import type { Loaded } from '../src/load';
import { Layers } from '../src/model/layers';
import type { Boxes } from '../src/model/nms';

interface Numbers {
  shape: readonly number[];
  data: ArrayLike<number>;
}

export class Stage {
  readonly graph = new Graph();
  readonly g: Layers;
  private readonly given = new Map<Tensor, Float32Array | Uint32Array>();

  constructor(private readonly model: Loaded) {
    this.g = new Layers(this.graph, model.checkpoint, model.computing);
  }

  give(label: string, { shape, data }: Numbers): Tensor {
    return this.put(this.graph.input(label, f32(...shape)), Float32Array.from(data));
  }

  giveIntegers(label: string, { shape, data }: Numbers): Tensor {
    return this.put(this.graph.input(label, u32(...shape)), Uint32Array.from(data));
  }

  /** maps [C, H, W] as [1, H, W, C], C filled up with zeros to quads, as layers leave them */
  pyramid(maps: readonly Numbers[]): Tensor[] {
    return maps.map((map, level) => this.give(`p${level + 2}`, channelsLast(inQuads(map))));
  }

  /** boxes [R, 4] that all count; without labels, of class 0 */
  boxes(boxes: Numbers, labels?: ArrayLike<number>): Boxes {
    const shape = [boxes.shape[0]!];
    const zeros = new Float32Array(shape[0]!);
    return {
      boxes: this.give('boxes', boxes),
      scores: this.give('scores', { shape, data: zeros }),
      labels: this.giveIntegers('labels', { shape, data: labels ?? zeros }),
      count: this.giveIntegers('count', { shape: [1], data: shape }),
    };
  }

  async run(outputs: Record<string, Tensor>): Promise<Record<string, HostTensor>> {
    const program = await Program.create(this.model.device, this.graph, this.model.weights, outputs);
    for (const [tensor, data] of this.given) program.write(tensor, data);
    const result = await program.run();
    program.destroy();
    return result.outputs;
  }

  private put(tensor: Tensor, data: Float32Array | Uint32Array): Tensor {
    this.given.set(tensor, data);
    return tensor;
  }
}

function inQuads({ shape: [C, H, W], data }: Numbers): Numbers {
  const shape = [Math.ceil(C! / 4) * 4, H!, W!];
  const filled = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
  filled.set(Float32Array.from(data));
  return { shape, data: filled };
}

/** [.., C, H, W] as [.., H, W, C], or [1, H, W, C] of a single map. */
export function channelsLast({ shape, data }: Numbers): { shape: number[]; data: Float32Array } {
  const [N, C, H, W] = (shape.length === 3 ? [1, ...shape] : shape) as [number, number, number, number];
  const last = Float32Array.from(data, (_, i) => data[channelsFirst(i, [C, H, W])]!);
  return { shape: [N, H, W, C], data: last };
}

/** Of element `index` of [.., H, W, C], its index in [.., C, H, W]. */
function channelsFirst(index: number, [C, H, W]: [number, number, number]): number {
  const [channel, pixel] = [index % C, Math.floor(index / C) % (H * W)];
  return (Math.floor(index / (C * H * W)) * C + channel) * H * W + pixel;
}

/** Of element `index` of [.., C, H, W], its index in [.., H, W, stored]. */
export function inChannelsLast(index: number, shape: readonly number[], stored = shape.at(-3)!): number {
  const [C, H, W] = shape.slice(-3) as [number, number, number];
  const [channel, pixel] = [Math.floor(index / (H * W)) % C, index % (H * W)];
  return (Math.floor(index / (C * H * W)) * H * W + pixel) * stored + channel;
}
