// What a run tells of itself, besides its tensors: nodes, costs, objects; plain data for the page.

import { type Detection, detectionsOf } from '../../src/detection';
import type { Graph, Tensor } from '../../src/graph/graph';
import type { RunProfile } from '../../src/graph/profile';
import type { HostTensor } from '../../src/graph/program';
import type { Loaded } from '../../src/load';
import { COCO_CLASSES } from '../../src/model/coco';
import type { Config } from '../../src/model/config';
import type { Network } from '../../src/model/mask_rcnn';
import { canvasSize, type Size } from '../../src/model/transform';
import type { FoundObject, NodeInfo, Rows, RunInfo, TensorInfo } from './explore_run';

export function infoOf(
  { checkpoint, device }: Loaded,
  config: Config,
  { graph, resized }: Network,
  { width, height }: Size,
  outputs: Readonly<Record<string, HostTensor>>,
  profile: RunProfile,
  counts: ReadonlyMap<Tensor, Rows>,
): RunInfo {
  const count = checkpoint.get('roi_heads.box_predictor.cls_score.weight')?.shape[0] ?? 0;
  const known = config.classes ?? (count === COCO_CLASSES.length ? COCO_CLASSES : []);
  const classes = Array.from({ length: count }, (_, i) => known[i] ?? `class ${i}`);
  const picture = { width, height };
  const { description, vendor, architecture } = device.adapterInfo;
  return {
    picture,
    resized,
    canvas: canvasSize(resized.height, resized.width, config.sizeDivisor),
    config,
    classes,
    ...structureOf(graph, profile, counts),
    found: detectionsOf(outputs, picture, (i) => classes[i] ?? '', config).map(portable),
    runMs: profile.runMs,
    peakBytes: profile.peakBytes,
    bytesWithoutReuse: profile.bytesWithoutReuse,
    adapter: description || [vendor, architecture].filter(Boolean).join(' '),
  };
}

/** The nodes and how they hang together; also of a network that has not run. */
export function structureOf(
  graph: Graph,
  profile?: RunProfile,
  counts?: ReadonlyMap<Tensor, Rows>,
): Pick<RunInfo, 'nodes' | 'wholes'> {
  const nodes = graph.nodes.map((node, i): NodeInfo => {
    const { bytes = 0, microseconds } = profile?.nodes[i] ?? {};
    const { workgroups, params, constants, macs } = node.dispatch;
    const known = node.inputs.count && counts?.get(node.inputs.count);
    const rows = known?.capacity === Object.values(node.outputs)[0]?.shape[0] ? known : undefined;
    return {
      label: node.label,
      kernel: node.kernel.name,
      inputs: listOf(node.inputs),
      outputs: listOf(node.outputs),
      macs,
      rows,
      bytes,
      microseconds,
      workgroups,
      params,
      constants,
    };
  });
  const wholes = graph.concatenations.map(({ whole, parts }) => [
    whole.label,
    parts.map(({ tensor }) => tensor.label),
  ]);
  return { nodes, wholes: Object.fromEntries(wholes) };
}

function listOf(tensors: Readonly<Record<string, Tensor>>): TensorInfo[] {
  return Object.entries(tensors).map(([name, { label, shape, dtype, origin }]) => ({
    name,
    label,
    shape,
    dtype,
    origin,
  }));
}

export function portable({ mask, ...rest }: Detection): FoundObject {
  return mask ? { ...rest, mask: mask.region(0.5) } : rest;
}
