// What Explore works out on the page, against the run that it starts from and against definitions.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ExploreModel } from '../../demo/engine/explore_run';
import { convSum, layerOf } from '../../demo/explore/logic/conv_sum';
import { layoutGraph } from '../../demo/explore/logic/graph_layout';
import { nmsFilm } from '../../demo/explore/logic/nms_film';
import { pyramidSteps } from '../../demo/explore/logic/pyramid';
import { RPN_TABLES, rpnLevels, tablesOf } from '../../demo/explore/logic/rpn';
import { valueAt } from '../../demo/explore/logic/slices';
import { agrees, candidatesOf } from '../../demo/explore/logic/suppression';
import { fileSource } from '../../src/file_source';
import { picture } from '../engine';
import { testDevice } from '../gpu';
import { fieldTests } from './explore/fields';
import { nucleiSubject, operandsOf, type Subject } from './explore/nuclei_subject';
import { numberTests } from './explore/numbers';
import { proposalTests } from './explore/proposals';

const shared = process.env.SHARED_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));
const published = `${shared}/maskrcnn2go`;
const absent = !existsSync(`${published}/model_init.pb`);
if (absent) console.info(`skipped: ${published} is not there; it holds the published weights`);

let subject: Subject;

beforeAll(async () => {
  subject = await nucleiSubject();
}, 120_000);
afterAll(() => subject?.destroy());

fieldTests(() => subject);
numberTests(() => subject);
proposalTests(() => subject);

test.skipIf(absent)(
  'MaskRCNN2Go: anchors, sums and the film work without a pyramid',
  { timeout: 120_000 },
  async () => {
    const file = (name: string) => fileSource(`${published}/${name}`);
    const source = { net: file('model.pb'), init: file('model_init.pb') };
    const mobile = await ExploreModel.load(source, { device: await testDevice() });
    const other = await mobile.run(await picture('tests/images/astronaut_480x640.png'), { minSize: 128 });
    const { info } = other;
    expect(pyramidSteps(info)).toEqual([]);
    const [level] = rpnLevels(info);
    expect(level!.name).toBe('map');
    const labels = Object.values(RPN_TABLES);
    const found = tablesOf(await Promise.all(labels.map((label) => other.tensor(label))));
    const film = nmsFilm(candidatesOf(info.config, found, 0), info.config.rpnNmsThresh);
    expect(agrees(film.frames, found, 0)).toBe(true);
    expect(layoutGraph(info).places).toHaveLength(info.nodes.length);
    for (const kernel of ['depthwise_conv2d', 'linear', 'conv2d', 'conv_transpose2d']) {
      const node = info.nodes.find((each) => each.kernel.startsWith(kernel))!;
      const layer = layerOf(node, info.nodes)!;
      const output = await other.tensor(node.outputs[0]!.label);
      const operands = await operandsOf(other, layer);
      for (const [y, x, c] of [
        [0, 0, 0],
        [3, 4, 5],
      ] as const) {
        const { value } = convSum(layer, operands, { n: 0, y, x, c });
        expect(value, `${node.label} at ${y}, ${x}, ${c}`).toBeCloseTo(valueAt(output, y, x, c), 3);
      }
    }
    other.destroy();
    mobile.destroy();
  },
);
