// Which pixels a cell of a map can see: its receptive field, walked back through the graph of a run. Exact: cells
// outside a map (padding) see nothing, and rows that no window reaches are left out.
// Araujo, Norris and Sim 2019, Computing Receptive Fields of Convolutional Neural Networks (distill.pub/2019/computing-receptive-fields).

import type { NodeInfo } from '../../engine/explore_run';

/** Cells or pixels, first and last included. */
export interface Area {
  readonly y0: number;
  readonly y1: number;
  readonly x0: number;
  readonly x1: number;
}

/** What a map's cells see of the padded picture that the network sees. */
export interface Field {
  /** Of the cell that was asked for; undefined where it sees padding only. */
  readonly area: Area | undefined;
  /** Sides of the field where no border cuts it, and pixels from a cell's field to the next cell's. */
  readonly size: { readonly height: number; readonly width: number };
  readonly stride: { readonly y: number; readonly x: number };
}

interface Step {
  readonly window: readonly [y: number, x: number];
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
}

const CELL: Step = { window: [1, 1], stride: 1, padding: 0, dilation: 1 };

/** Cells over which the stride is taken: what comes down a pyramid moves in jumps of some cells. */
const FAR = 64;

/** The field of cell (y, x) of what node `label` writes; undefined where that is no map over the picture. */
export function receptiveField(
  nodes: readonly NodeInfo[],
  label: string,
  y: number,
  x: number,
): Field | undefined {
  const at = (dy: number, dx: number): Area => ({ y0: y + dy, y1: y + dy, x0: x + dx, x1: x + dx });
  const free = trace(nodes, label, at(0, 0), false);
  if (free === 'unknown') return undefined;
  const [below, beside] = [trace(nodes, label, at(FAR, 0), false), trace(nodes, label, at(0, FAR), false)];
  const cut = trace(nodes, label, at(0, 0), true);
  if (!free || !below || below === 'unknown' || !beside || beside === 'unknown' || cut === 'unknown') {
    return undefined;
  }
  return {
    area: cut,
    size: { height: free.y1 - free.y0 + 1, width: free.x1 - free.x0 + 1 },
    stride: { y: (below.y0 - free.y0) / FAR, x: (beside.x0 - free.x0) / FAR },
  };
}

/** The kernel that writes what the network sees: the normalised, resized, padded picture. */
const FIRST = 'preprocess';

function trace(
  nodes: readonly NodeInfo[],
  label: string,
  start: Area,
  clip: boolean,
): Area | undefined | 'unknown' {
  const last = nodes.findIndex((node) => node.label === label);
  const target = nodes[last]?.outputs[0];
  if (!target) return 'unknown';
  const areas = new Map([[target.label, start]]);
  for (let i = last; i >= 0; i--) {
    const node = nodes[i]!;
    const output = node.outputs[0]!;
    const area = areas.get(output.label);
    if (!area) continue;
    if (node.kernel === FIRST) return area;
    const sources = sourcesOf(node, area);
    if (!sources) return 'unknown';
    for (const [input, seen] of sources) {
      const inside = clip ? clipped(seen, input.shape) : seen;
      if (inside) areas.set(input.label, union(areas.get(input.label), inside));
    }
  }
  return undefined;
}

type Source = readonly [input: NodeInfo['inputs'][number], area: Area];

/** What an area of a node's output is made of, of each map that it reads; undefined where that is not known. */
function sourcesOf(node: NodeInfo, area: Area): Source[] | undefined {
  const input = (name: string) => node.inputs.find((tensor) => tensor.name === name);
  const main = input('input');
  const add = input('add');
  if (node.kernel === 'upsample_add') {
    const [lateral, coarse] = [input('lateral')!, input('coarse')!];
    return [
      [lateral, area],
      [coarse, coarseArea(area, node.params)],
    ];
  }
  const step = stepOf(node);
  if (!step || !main || main.shape.length !== 4 || main.shape[0] !== 1) return undefined;
  const rest: Source[] = add ? [[add, area]] : [];
  return [[main, windowOf(step, area)], ...rest];
}

/** A node's window over its input; undefined where it has none. */
export function stepOf({ kernel, params, inputs, outputs }: NodeInfo): Step | undefined {
  if (/^(depthwise_)?conv2d(_workgroup)?$/.test(kernel)) {
    return {
      window: [params.window_height!, params.window_width!],
      stride: params.stride_y ?? params.stride!,
      padding: params.padding_y ?? params.padding!,
      dilation: params.dilation_y ?? params.dilation ?? 1,
    };
  }
  if (kernel === 'max_pool2d') {
    return {
      ...CELL,
      window: [params.window!, params.window!],
      stride: params.stride!,
      padding: params.padding!,
    };
  }
  const sides = (shape: readonly number[] | undefined) => String(shape?.slice(0, 3));
  const isPointwise = /^linear(_workgroup)?$/.test(kernel) && outputs[0]?.shape.length === 4;
  return isPointwise && sides(inputs[0]?.shape) === sides(outputs[0]?.shape) ? CELL : undefined;
}

function windowOf({ window, stride, padding, dilation }: Step, { y0, y1, x0, x1 }: Area): Area {
  const first = (at: number) => at * stride - padding;
  const last = (at: number, taps: number) => first(at) + dilation * (taps - 1);
  return { y0: first(y0), y1: last(y1, window[0]), x0: first(x0), x1: last(x1, window[1]) };
}

/** Nearest neighbour, as shaders/upsample_add.wgsl rounds it. */
function coarseArea({ y0, y1, x0, x1 }: Area, params: NodeInfo['params']): Area {
  const y = (at: number) => Math.floor(Math.fround(at * Math.fround(params.scale_y!)));
  const x = (at: number) => Math.floor(Math.fround(at * Math.fround(params.scale_x!)));
  return { y0: y(y0), y1: y(y1), x0: x(x0), x1: x(x1) };
}

function clipped({ y0, y1, x0, x1 }: Area, shape: readonly number[]): Area | undefined {
  const [, height, width] = shape as [number, number, number, number];
  const area = {
    y0: Math.max(y0, 0),
    y1: Math.min(y1, height - 1),
    x0: Math.max(x0, 0),
    x1: Math.min(x1, width - 1),
  };
  return area.y0 <= area.y1 && area.x0 <= area.x1 ? area : undefined;
}

function union(a: Area | undefined, b: Area): Area {
  if (!a) return b;
  return {
    y0: Math.min(a.y0, b.y0),
    y1: Math.max(a.y1, b.y1),
    x0: Math.min(a.x0, b.x0),
    x1: Math.max(a.x1, b.x1),
  };
}
