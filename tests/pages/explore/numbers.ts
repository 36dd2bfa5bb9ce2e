// Sums, tables, the pyramid, the map and the tasks as Explore shows them, against the run that they are of.

import { expect, test } from 'vitest';
import { structureOf } from '../../../demo/engine/run_info';
import { convSum, layerOf } from '../../../demo/explore/logic/conv_sum';
import { layoutGraph, NODE_HEIGHT, NODE_WIDTH } from '../../../demo/explore/logic/graph_layout';
import { pyramidSteps, upsampled } from '../../../demo/explore/logic/pyramid';
import { isScore, rpnLevels } from '../../../demo/explore/logic/rpn';
import { channelOf, valueAt } from '../../../demo/explore/logic/slices';
import { numberAt, tableOf } from '../../../demo/explore/logic/tables';
import { answerOf, countNumbers } from '../../../demo/explore/logic/tasks';
import { configure } from '../../../src/model/config';
import { networkBuilder } from '../../../src/model/networks';
import { tensorShapes } from '../../synthetic_weights';
import { operandsOf, type Subject } from './nuclei_subject';

export function numberTests(subject: () => Subject): void {
  test('the sum of a weighted layer is the number of the run', { timeout: 120_000 }, async () => {
    const body = ['conv1', 'layer1.0.conv2', 'layer2.0.downsample.0', 'layer3.1.conv2'];
    const heads = ['box_head.fc6', 'box_head.fc7', 'box_predictor.bbox_pred', 'mask_head.1.0'];
    const mask = ['conv5_mask', 'mask_fcn_logits'].map((name) => `mask_predictor.${name}`);
    for (const label of [
      ...body.map((name) => `backbone.body.${name}`),
      'backbone.fpn.inner_blocks.0.0',
      'rpn.head.bbox_pred@p3',
      ...[...heads, ...mask].map((name) => `roi_heads.${name}`),
    ]) {
      const layer = layerOf(subject().nodeOf(label), subject().nodes)!;
      const output = await subject().run.tensor(subject().nodeOf(label).outputs[0]!.label);
      const operands = await operandsOf(subject().run, layer);
      const { shape } = output;
      const [height, width] = shape.length === 4 ? (shape.slice(1, 3) as [number, number]) : [1, 1];
      const channels = shape.at(-1)!;
      const most = [...output.data].reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      for (const [n, y, x, c] of [
        [0, 0, 0, 0],
        [0, height - 1, width - 1, channels - 1],
        [0, height >> 1, width >> 1, channels >> 1],
        [shape[0] === 1 ? 0 : 2, height >> 2, width >> 1, 1],
      ] as const) {
        const { value, sum, bias } = convSum(layer, operands, { n, y, x, c });
        const error = Math.abs(value - valueAt(output, y, x, c, n));
        expect(error, `${label} at ${n}, ${y}, ${x}, ${c}`).toBeLessThan(1e-5 * most);
        expect(sum === 0 && bias === 0, label).toBe(false);
      }
    }
    for (const label of ['backbone.body.maxpool', 'roi_heads.softmax', 'rpn.nms_scan']) {
      expect(layerOf(subject().nodeOf(label), subject().nodes)).toBeUndefined();
    }
  });

  test('a transposed convolution: one tap of 2 x 2 meets each cell', async () => {
    const node = subject().nodeOf('roi_heads.mask_predictor.conv5_mask');
    const layer = layerOf(node, subject().nodes)!;
    const operands = await operandsOf(subject().run, layer);
    for (const [y, x] of [
      [0, 0],
      [7, 4],
      [27, 27],
    ] as const) {
      const cells = convSum(layer, operands, { n: 0, y, x, c: 3 }).taps.flat();
      expect(cells.flatMap(({ cell }) => cell ?? [])).toEqual([{ y: y >> 1, x: x >> 1 }]);
    }
  });

  test('what is no map is a table: its numbers, and blanks', async () => {
    const numbers = await subject().run.tensor('roi_heads.box_head.fc7');
    const node = subject().nodeOf('roi_heads.box_head.fc7');
    const table = tableOf(numbers, node);
    expect([table.groups, table.rows, table.columns]).toEqual([1, node.rows!.count, numbers.shape[1]]);
    expect(table.slice(0, 3, 5).data).toEqual(numbers.data.subarray(3 * table.columns, 5 * table.columns));
    expect(numberAt(numbers, table.at(0, 4, 7))).toBe(numbers.data[4 * table.columns + 7]);
    const scores = await subject().run.tensor('rpn.nms_scan');
    const kept = tableOf(scores, subject().nodeOf('rpn.nms_scan'));
    expect(kept.rows).toBe(rpnLevels(subject().run.info).length);
    const all = kept.slice(0, 0, kept.rows).data;
    expect([...all].filter((value) => !Number.isNaN(value))).toEqual([...scores.data].filter(isScore));
    const boxes = tableOf(
      await subject().run.tensor('rpn.decode_proposals.boxes'),
      subject().nodeOf('rpn.decode_proposals'),
    );
    expect([boxes.groups, boxes.columns]).toEqual([kept.rows, 4]);
    expect(boxes.at(1, 2, 3)).toEqual({ n: boxes.rows + 2, y: 0, x: 0, c: 3 });
    const list = tableOf(await subject().run.tensor('paste_mask_bits'), subject().nodeOf('paste_mask_bits'));
    expect(list.columns).toBe(32);
  });

  test('lateral and what comes down make the sum', async () => {
    const steps = pyramidSteps(subject().run.info);
    expect(steps.map(({ name }) => name)).toEqual(['P4', 'P3', 'P2']);
    for (const { lateral, coarse, sum } of steps.slice(1)) {
      const fetched = [lateral.outputs[0]!.label, coarse!, sum!.outputs[0]!.label].map((label) =>
        subject().run.tensor(label),
      );
      const [own, above, total] = (await Promise.all(fetched)).map((tensor) => channelOf(tensor, 5));
      const down = upsampled(above!, own!.height, own!.width);
      expect(own!.data.map((value, i) => value + down.data[i]!)).toEqual(total!.data);
    }
  });

  test('the map places every node once, none over another, and joins them by their tensors', () => {
    const { places, edges, width, height } = layoutGraph(subject().run.info);
    expect(places.map(({ node }) => node)).toEqual(subject().nodes);
    for (const a of places) {
      expect(a.x + NODE_WIDTH <= width && a.y + NODE_HEIGHT <= height, a.node.label).toBe(true);
      for (const b of places) {
        const apart = Math.abs(a.x - b.x) >= NODE_WIDTH || Math.abs(a.y - b.y) >= NODE_HEIGHT;
        expect(a === b || apart, `${a.node.label} and ${b.node.label}`).toBe(true);
      }
    }
    const into = (label: string) =>
      edges.filter(({ to }) => to.node.label === label).map(({ from }) => from.node.label);
    expect(into('backbone.body.layer1.0.conv2')).toEqual([
      'backbone.body.layer1.0.conv1',
      'backbone.body.maxpool',
    ]);
    expect(into('rpn.top_k')).toHaveLength(4);
    expect(into('roi_heads.box_roi_pool')).toContain('backbone.fpn.layer_blocks.0.0');
  });

  test('the map has room for a deep network, and for one without a pyramid', async () => {
    const tensors = tensorShapes('maskrcnn').map(({ name, shape }) => ({
      name,
      shape,
      dtype: 'F32' as const,
    }));
    const checkpoint = new Map(tensors.map((tensor) => [tensor.name, tensor]));
    const config = configure({}, {}, { architecture: 'torchvision/maskrcnn_resnet_fpn' }, 5);
    const build = await networkBuilder(checkpoint, config);
    const { graph } = build(checkpoint, config, { height: 800, width: 1066 });
    const structure = structureOf(graph);
    expect(structure.nodes.length).toBeGreaterThan(100);
    const { places, rows, stages } = layoutGraph({ ...structure, canvas: { height: 800, width: 1088 } });
    expect(rows.map(({ stride }) => stride)).toEqual([64, 32, 16, 8, 4, 2, 1]);
    expect(stages.map(({ title }) => title)).toEqual([
      'Backbone',
      'FPN',
      'RPN head',
      'Proposals',
      'Box head',
      'Mask head',
      'Output',
    ]);
    for (const a of places)
      for (const b of places) {
        const apart = Math.abs(a.x - b.x) >= NODE_WIDTH || Math.abs(a.y - b.y) >= NODE_HEIGHT;
        expect(a === b || apart, `${a.node.label} and ${b.node.label}`).toBe(true);
      }
  });

  test('four tasks: each answer holds the one before', () => {
    const { found } = subject().run.info;
    const sizes = (['classification', 'localisation', 'detection', 'segmentation'] as const).map((task) =>
      countNumbers(answerOf(task, found, 0.5)),
    );
    expect(found.length).toBeGreaterThan(3);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    expect(sizes[2]).toBe(6 * found.filter(({ score }) => score >= 0.5).length);
    expect(countNumbers(answerOf('segmentation', found, 1))).toBe(0);
  });
}
