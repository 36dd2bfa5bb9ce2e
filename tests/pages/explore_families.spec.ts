// What the page Explore says of other families' models: where the background stands, how boxes are counted and clamped,
// other activations and heads. Held against each run's own tensors, on narrow models of tests/golden.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ExploreModel, type ExploreRun } from '../../demo/engine/explore_run';
import {
  areKept,
  type BoxHead,
  boxHeadLabels,
  boxHeadOf,
  candidateCounts,
  classCandidates,
  columnsOf,
  opinionsOf,
  proposalsOf,
} from '../../demo/explore/logic/box_head';
import { type Box, boxAt } from '../../demo/explore/logic/boxes';
import { convSum, layerOf } from '../../demo/explore/logic/conv_sum';
import { layoutGraph } from '../../demo/explore/logic/graph_layout';
import { maskLogits } from '../../demo/explore/logic/mask_head';
import { nmsFilm } from '../../demo/explore/logic/nms_film';
import { type Deltas, decode, RPN_TABLES, rpnLevels, tablesOf } from '../../demo/explore/logic/rpn';
import { valueAt } from '../../demo/explore/logic/slices';
import { agrees, candidatesOf } from '../../demo/explore/logic/suppression';
import { maskLesson, proposalLesson, seeded } from '../../demo/explore/logic/training';
import type { HostTensor } from '../../src/graph/program';
import type { LoadOptions } from '../../src/load';
import { picture } from '../engine';
import { readGolden } from '../golden_file';
import { testDevice } from '../gpu';
import { listedWeights } from '../synthetic_weights';

describe.each(['tv_mobile', 'd2_mask_50', 'mmdetection', 'benchmark'])('%s', (family) => {
  let model: ExploreModel;
  let run: ExploreRun;
  let head: BoxHead;
  const tensor = (label: string): Promise<HostTensor> => run.tensor(label);
  const all = async (labels: readonly string[]) => Promise.all(labels.map(tensor));

  beforeAll(async () => {
    const golden = readGolden(`family_${family}`);
    const { architecture, options, image } = golden.metadata;
    const file = listedWeights(golden, architecture ? { architecture } : {});
    const device = await testDevice();
    const wanted = JSON.parse(options!) as LoadOptions;
    model = await ExploreModel.load(new Blob([file]), { device, tuning: null, ...wanted });
    run = await model.run(await picture(image!), { minSize: 128, maxSize: 214, boxDetectionsPerImg: 12 });
    head = boxHeadOf(run.info, await all(boxHeadLabels(run.info)));
  });
  afterAll(() => {
    run?.destroy();
    model?.destroy();
  });

  test('what the box head says of a candidate makes its score and its box', () => {
    const { config, resized } = run.info;
    const counts = candidateCounts(head);
    const label = counts.indexOf(Math.max(...counts));
    const group = classCandidates(head, label, config.boxScoreThresh, config.inclusiveBoxes);
    const proposals = proposalsOf(head, label);
    const last = config.inclusiveBoxes ? 1 : 0;
    expect(proposals.length).toBeGreaterThan(3);
    proposals.slice(0, 20).forEach((proposal, i) => {
      const opinions = opinionsOf(head, proposal);
      const { score, deltas, logit } = opinions.find((each) => each.label === label)!;
      expect(score).toBe(head.candidates.data[(label - 1) * group.count + i]);
      const sum = opinions.reduce((total, each) => total + Math.exp(each.logit - logit), 0);
      expect(1 / sum).toBeCloseTo(score, 5);
      const own = [deltas[0]! / 10, deltas[1]! / 10, deltas[2]! / 5, deltas[3]! / 5] as unknown as Deltas;
      const box = decode(boxAt(head.proposals.data, proposal), own, config);
      box.forEach((side, k) => {
        const clipped = Math.min(Math.max(side, 0), (k % 2 ? resized.height : resized.width) - last);
        expect(clipped).toBeCloseTo(group.boxes[4 * i + k]!, 2);
      });
    });
    const { frames } = nmsFilm(group, config.boxNmsThresh);
    const keepers = frames.map(({ keeper }) => keeper);
    expect(areKept(head, label, keepers)).toBe(true);
  });

  test("at the run's own threshold the film keeps what the run kept", async () => {
    const { config } = run.info;
    const tables = tablesOf(await all(Object.values(RPN_TABLES)));
    rpnLevels(run.info).forEach((_, level) => {
      const { frames } = nmsFilm(candidatesOf(config, tables, level), config.rpnNmsThresh);
      expect(agrees(frames, tables, level), `level ${level}`).toBe(true);
    });
  });

  test('the sum of a layer of each kind is the number of the run', async () => {
    const { nodes } = run.info;
    const kinds = new Map(
      nodes
        .filter((node) => layerOf(node, nodes))
        .map((node) => [`${node.kernel} ${node.constants.HARD_SWISH} ${node.constants.SCALE}`, node]),
    );
    expect(kinds.size).toBeGreaterThan(2);
    for (const [kind, node] of kinds) {
      const layer = layerOf(node, nodes)!;
      const output = await tensor(node.outputs[0]!.label);
      const tensors = await all(layer.operands.map(({ label }) => label));
      const operands = Object.fromEntries(layer.operands.map(({ name }, i) => [name, tensors[i]]));
      const { shape } = output;
      const [height, width] = shape.length === 4 ? (shape.slice(1, 3) as [number, number]) : [1, 1];
      const most = [...output.data].reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      for (const [y, x, c] of [
        [0, 0, 0],
        [height >> 1, width >> 1, shape.at(-1)! >> 1],
        [height - 1, width - 1, shape.at(-1)! - 1],
      ] as const) {
        const { value } = convSum(layer, operands, { n: 0, y, x, c });
        expect(Math.abs(value - valueAt(output, y, x, c)), `${kind}, ${node.label}`).toBeLessThan(
          1e-5 * most,
        );
      }
    }
  });

  test('the losses are those of the classes that the truths are of', async () => {
    const { info } = run;
    const last = info.config.inclusiveBoxes ? 1 : 0;
    const [boxes, count] = await all(['rpn.gather_detections.detections', 'rpn.gather_detections.count']);
    const [detections] = await all(['roi_heads.gather_detections.detections']);
    const objects = info.found.slice(0, 4).map((_, i) => i);
    const truths = {
      boxes: objects.map((i): Box => boxAt(detections!.data, i)),
      labels: objects.map((i) => info.found[i]!.classIndex),
      objects,
      shift: 0,
      last,
    };
    const rows = count!.data[0]!;
    const regions = {
      boxes: (boxes!.data as Float32Array).subarray(0, 4 * rows),
      logits: head.logits.data,
      deltas: head.regression.data,
    };
    const columns = columnsOf(info);
    const classCount = head.scores.shape[1]!;
    const lesson = proposalLesson(
      regions,
      truths,
      { columns, classCount, boxCount: head.regression.shape[1]! / 4 },
      seeded(1),
    );
    const sampled = [...lesson.positive, ...lesson.negative];
    expect(lesson.positive.length).toBeGreaterThan(0);
    sampled.forEach((proposal, i) => {
      const target = lesson.targets[proposal]!;
      const label = target >= 0 ? truths.labels[target]! : 0;
      const score = head.scores.data[proposal * classCount + columns.score(label)]!;
      expect(lesson.classes.terms[i]).toBeCloseTo(-Math.log(score), 3);
    });
    const logits = maskLogits(info);
    if (!logits) return;
    const own = (detections!.data as Float32Array).subarray(0, 4 * info.found.length);
    const { tasks, loss } = maskLesson(info, own, await tensor(logits), truths);
    expect(tasks.length).toBeGreaterThanOrEqual(truths.boxes.length);
    expect(loss.loss).toBeGreaterThan(0);
    for (const { wanted } of tasks) for (const cell of wanted) expect(cell >= 0 && cell <= 1).toBe(true);
  });

  test('every node has a place on the map', () => {
    expect(layoutGraph(run.info).places).toHaveLength(run.info.nodes.length);
  });
});
