// The network changed by options: ROI Pool in place of ROIAlign, shaders edited, and what a fault in a shader says.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ShaderError } from '../src/errors';
import { sourceLines, specialise } from '../src/kernels/specialise';
import type { LoadOptions } from '../src/load';
import type { MaskRCNN } from '../src/mask_rcnn';
import { inferScales, levelCuts } from '../src/model/levels';
import { networkBuilder } from '../src/model/networks';
import { resizedSize, type Size } from '../src/model/transform';
import { nucleiModel, picture } from './engine';
import * as reference from './reference/roi';

const PROPOSALS = 'rpn.gather_detections.detections';
const COUNT = 'rpn.gather_detections.count';
const POOLED = 'roi_heads.box_roi_pool';
const PYRAMID = [0, 1, 2].map((i) => `backbone.fpn.layer_blocks.${i}.0`);
const image = picture('demo/public/nuclei.png');
let model: MaskRCNN;

const resized = ({ height, width }: Size): Size => {
  const { minSize, maxSize, scaleRule } = model.config;
  return resizedSize(height, width, minSize, maxSize, scaleRule);
};

/** The nuclei model, small, and with these options. */
const changed = (options: LoadOptions = {}): Promise<MaskRCNN> =>
  nucleiModel({ minSize: 128, maxSize: 256, rpnPostNmsTopN: 40, boxDetectionsPerImg: 20, ...options });

beforeAll(async () => {
  model = await changed();
}, 120_000);

afterAll(() => model.destroy());

describe('changed', () => {
  test('ROI Pool in place of ROIAlign: its bins are the largest features', { timeout: 60_000 }, async () => {
    const pooling = await changed({ roiPooling: 'pool' });
    const wanted = [POOLED, PROPOSALS, COUNT, ...PYRAMID];
    const { tensors, detections } = await pooling.detect(await image, { tensors: wanted });
    const aligned = await model.detect(await image, { tensors: wanted });
    pooling.destroy();
    const { shape, data } = tensors![POOLED]!;
    const levels = PYRAMID.map((label) => ({ ...tensors![label]!, dtype: 'f32' as const }));
    const heights = levels.map((map) => map.shape[1]!);
    const scales = inferScales(heights, resized(await image).height);
    const cuts = levelCuts(-Math.log2(scales[0]!), -Math.log2(scales.at(-1)!));
    const boxes = { ...tensors![PROPOSALS]!, dtype: 'f32' as const };
    const [count, pooled] = [tensors![COUNT]!.data[0]!, shape[1]!];
    const want = reference.roiPool({ levels, boxes, scales, cuts, pooled, count });
    const real = count * pooled * pooled * shape[3]!;
    expect(count).toBeGreaterThan(10);
    expect(data.slice(0, real)).toEqual(Float32Array.from(want).slice(0, real));

    expect(tensors![PROPOSALS]!.data).toEqual(aligned.tensors![PROPOSALS]!.data); // what comes before is the same
    expect(data).not.toEqual(aligned.tensors![POOLED]!.data);
    expect(detections.length).toBeGreaterThan(0);
  });

  test('an edited shader changes what it computes, and nothing else', { timeout: 60_000 }, async () => {
    const { height, width } = await image;
    const source = model.shaders(height, width).mask_select!;
    const edited = source.replace(
      'probabilities[item] = sigmoid_of',
      'probabilities[item] = 1.0 - sigmoid_of',
    );
    const opposite = await changed({ shaders: { mask_select: edited } });
    expect(opposite.shaders(height, width).mask_select).toBe(edited);
    const wanted = ['roi_heads.mask_select', 'roi_heads.mask_predictor.mask_fcn_logits'];
    const ours = await model.detect(await image, { tensors: wanted });
    const theirs = await opposite.detect(await image, { tensors: wanted });
    opposite.destroy();
    expect(theirs.tensors![wanted[1]!]).toEqual(ours.tensors![wanted[1]!]);
    expect(theirs.detections.map(({ box, score }) => [...box, score])).toEqual(
      ours.detections.map(({ box, score }) => [...box, score]),
    );
    const [before, after] = [ours, theirs].map((result) => result.tensors![wanted[0]!]!.data);
    const one = ours.tensors![wanted[0]!]!.shape[1]! ** 2 * ours.detections.length;
    for (let i = 0; i < one; i++) expect(before![i]! + after![i]!).toBeCloseTo(1, 6);
  });

  test('a shader may leave a binding unused', { timeout: 60_000 }, async () => {
    const { height, width } = await image;
    const source = model.shaders(height, width).mask_select!;
    const edited = source.replace(/probabilities\[item\] = sigmoid_of.*/, 'probabilities[item] = 1.0;');
    const full = await changed({ shaders: { mask_select: edited } });
    const { detections } = await full.detect(await image);
    full.destroy();
    const { box, mask } = detections[0]!;
    expect(mask!.area(0.5)).toBeGreaterThanOrEqual(Math.floor((box[2] - box[0]) * (box[3] - box[1])));
  });

  test('a pooling that there is not', async () => {
    const max = changed({ roiPooling: 'max' as never });
    await expect(max).rejects.toThrow(/roiPooling: wanted one of align, pool; got "max"/);
  });
});

describe('faults', () => {
  async function faultOf(shaders: Record<string, string>): Promise<ShaderError> {
    const run = async () => (await changed({ shaders })).detect(await image);
    return run().then(
      () => new ShaderError('nothing was wrong'),
      (error) => error,
    );
  }

  const sourceOf = async (kernel: string): Promise<string> => {
    const { height, width } = await image;
    return model.shaders(height, width)[kernel]!;
  };

  test('name the line of the text as it was given, beyond its branches', async () => {
    const source = await sourceOf('roi_align');
    const lines = source.split('\n');
    // after the #if lines of lib/pyramid.wgsl, which the compiler does not see
    const at = lines.findIndex((line) => line.startsWith('fn level_of')) + 1;
    lines.splice(at, 0, '  let broken: u32 = 1.5;');
    const error = await faultOf({ roi_align: lines.join('\n') });
    expect(error).toBeInstanceOf(ShaderError);
    expect(error.faults).toHaveLength(1);
    expect(error.faults[0]).toMatchObject({ kernel: 'roi_align', line: at + 1 });
    expect(error.faults[0]!.column).toBeGreaterThan(2);
    expect(error.message).toContain(`${at + 1} |   let broken: u32 = 1.5;`);
  });

  test('of the text as a whole have no line', async () => {
    const source = await sourceOf('mask_select');
    const renamed = await faultOf({ mask_select: source.replace('fn mask_select', 'fn other') });
    expect(renamed.faults[0]).toMatchObject({ kernel: 'mask_select' });
    expect(renamed.faults[0]!.message).toMatch(/mask_select/);
    const lost = await faultOf({
      roi_align: (await sourceOf('roi_align')).replace(/^const ALIGNED.*$/m, ''),
    });
    expect(lost.faults).toMatchObject([
      { kernel: 'roi_align', message: expect.stringMatching(/no constant ALIGNED/) },
    ]);
    const open = await faultOf({ roi_align: (await sourceOf('roi_align')).replace('#endif', '') });
    expect(open.faults[0]!.message).toMatch(/endif/);
  });

  test('a text for a kernel that does not run', async () => {
    const error = await faultOf({ roi_pool: '' });
    expect(error).toBeInstanceOf(ShaderError);
    expect(error.message).toMatch(/network runs, of .*roi_align.*; got 'roi_pool'/);
  });
});

test('every line of every specialised shader is the line of its source', async () => {
  const size = { height: 200, width: 300 };
  const build = await networkBuilder(model.checkpoint, model.config);
  const { nodes } = build(model.checkpoint, model.config, size, model.computing).graph;
  const declaration = /^((?:const|alias) \w+)/;
  for (const { kernel, dispatch } of nodes) {
    const lineOf = sourceLines(kernel.source, dispatch.constants);
    const source = kernel.source.split('\n');
    specialise(kernel.source, dispatch.constants)
      .split('\n')
      .forEach((line, i) => {
        const origin = source[lineOf(i + 1) - 1]!;
        const [declared] = declaration.exec(line) ?? [];
        if (declared) expect(origin.startsWith(declared), `${kernel.name}:${i + 1}`).toBe(true);
        else if (line.trim()) expect(origin, `${kernel.name}:${i + 1}`).toBe(line);
      });
  }
});
