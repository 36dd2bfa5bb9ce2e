// Every torchvision detector in its published size, by the names and shapes of its tensors
// (scripts/golden_architectures.py): it is recognised, all of it is used, and from the picture to the RPN's maps it
// multiplies as often as torchvision does. No weights, no GPU.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { normVectors } from '../src/graph/graph';
import { bytesOf } from '../src/kernels/kernel';
import { interpret, networkOf } from '../src/load';
import { type LayerRow, describe as layersOf } from '../src/mask_rcnn';
import type { ConfigOptions } from '../src/model/config';
import { type Computing, PLAIN } from '../src/model/layers';
import { networkBuilder } from '../src/model/networks';
import type { SafetensorsHeader } from '../src/weights/safetensors';

interface Architecture {
  /** Of the convolutions from the canvas to the RPN's maps. */
  macs: number;
  tensors: Record<string, number[]>;
}

const packed = readFileSync(new URL('golden/architectures.json.gz', import.meta.url));
const golden: { architectures: Record<string, Architecture> } = JSON.parse(gunzipSync(packed).toString());
const SIZE = { height: 480, width: 640 };

/** Every layer as fast as its window allows, whatever an adapter would choose. */
const WINOGRAD: Computing = {
  ...PLAIN,
  methods: {
    ...PLAIN.methods,
    algorithm: ({ window, stride }) => (`${window} ${stride}` === '3,3 1' ? 'winograd4' : 'direct'),
  },
};

function headerOf(tensors: Record<string, number[]>, architecture?: string): SafetensorsHeader {
  const metadata: Record<string, string> = architecture ? { architecture } : {};
  const listed = Object.entries(tensors).map(([name, shape]) => ({
    name,
    dtype: 'F32' as const,
    shape,
    begin: 0,
    end: 4 * shape.reduce((product, extent) => product * extent, 1),
  }));
  return { metadata, tensors: listed, dataBytes: 0 };
}

async function usedTensors(header: SafetensorsHeader, options?: ConfigOptions): Promise<Set<string>> {
  const { tensors, config } = interpret(header, options);
  const build = await networkBuilder(tensors, config);
  const layers = [...build(tensors, config, SIZE).graph.layers.values()];
  return new Set(
    layers.flatMap(({ weight, bias, norm, affine }) => [
      weight,
      ...(bias ? [bias] : []),
      ...(norm ? normVectors(norm, affine) : []),
    ]),
  );
}

async function macsOf(header: SafetensorsHeader): Promise<number> {
  const { tensors, config } = interpret(header);
  const rows = await layersOf(tensors, { ...config, minSize: 800, maxSize: 1333 }, SIZE);
  const counted = rows.filter(({ label }) => /^(backbone|rpn\.head)\./.test(label));
  // the first convolution multiplies the zeros of the picture's fourth channel too
  const own = ({ label, macs }: LayerRow) => (/body\.(conv1|0\.0)$/.test(label) ? (macs * 3) / 4 : macs);
  return counted.reduce((sum, row) => sum + own(row), 0);
}

describe.each(Object.entries(golden.architectures))('%s', (name, { macs, tensors }) => {
  test('is recognised and used whole', async () => {
    const header = headerOf(tensors, name.endsWith('_320_fpn') ? `torchvision/${name}` : undefined);
    const { config } = await networkOf(header);
    expect(config.architecture).toMatch(/^torchvision\/(mask|faster|keypoint)rcnn_\w+_fpn$/);
    const used = await usedTensors(header);
    expect(Object.keys(tensors).filter((tensor) => !used.has(tensor))).toEqual([]);
  });

  test('has no weight beyond what WebGPU binds', async () => {
    const { tensors: own, config } = interpret(headerOf(tensors, `torchvision/${name}`));
    const build = await networkBuilder(own, config);
    const layers = [...build(own, config, SIZE, WINOGRAD).graph.layers.values()];
    expect(Math.max(...layers.map(({ packedWeight }) => bytesOf(packedWeight)))).toBeLessThanOrEqual(
      128 << 20,
    );
  });

  test('multiplies as torchvision', async () => {
    expect(await macsOf(headerOf(tensors, `torchvision/${name}`))).toBe(macs);
  });
});

/** The tensors of `resnet_fpn_backbone(..., returned_layers)` in a Mask R-CNN, with an FPN of `width` and `classes`. */
function variant(layers: readonly number[], width: number, classes: number): Record<string, number[]> {
  const made: Record<string, number[]> = {};
  for (const [name, shape] of Object.entries(golden.architectures.maskrcnn_resnet50_fpn!.tensors)) {
    const stage = /^backbone\.body\.layer(\d)/.exec(name)?.[1];
    if (stage && Number(stage) > layers.at(-1)!) continue; // torchvision drops what it does not return
    const block = /^backbone\.fpn\.\w+_blocks\.(\d)/.exec(name)?.[1];
    if (block && !layers.includes(Number(block) + 1)) continue;
    const renamed = block
      ? name.replace(/_blocks\.\d/, `_blocks.${layers.indexOf(Number(block) + 1)}`)
      : name;
    const own = /^backbone\.body/.test(name)
      ? shape
      : shape.map((extent) => (extent === 256 ? width : extent));
    if (/inner_blocks.*weight/.test(name)) own[1] = shape[1]!;
    if (/fc6\.weight/.test(name)) own[1] = 49 * width;
    if (/cls_score|mask_fcn_logits/.test(name)) own[0] = classes;
    if (/box_predictor\.bbox_pred/.test(name)) own[0] = 4 * classes;
    made[renamed] = own;
  }
  return made;
}

const SUBSETS = Array.from({ length: 15 }, (_, i) => [1, 2, 3, 4].filter((n) => ((i + 1) >> (n - 1)) & 1));

describe('any resnet_fpn_backbone', () => {
  test.each(SUBSETS.map((layers) => [layers.join(', '), layers] as const))('layers %s', async (_, layers) => {
    const tensors = variant(layers, 256, 91);
    const levels = layers.length + 1;
    const anchorSizes = Array.from({ length: levels }, (_, level) => [32 * 2 ** level]);
    const anchorRatios = Array.from({ length: levels }, () => [0.5, 1, 2]);
    const used = await usedTensors(headerOf(tensors), { anchorSizes, anchorRatios });
    expect(used).toEqual(new Set(Object.keys(tensors)));
  });

  test.each([4, 30, 48, 100, 255, 512])('an FPN of %i channels', async (width) => {
    const tensors = variant([1, 2, 3, 4], width, 91);
    expect(await usedTensors(headerOf(tensors))).toEqual(new Set(Object.keys(tensors)));
  });

  test.each([2, 3, 21, 81, 366, 1204])('%i classes', async (classes) => {
    const tensors = variant([1, 2, 3, 4], 256, classes);
    expect(await usedTensors(headerOf(tensors))).toEqual(new Set(Object.keys(tensors)));
  });
});
