// The run that the tests of Explore's reckonings start from: our own model on the drawn nuclei, few objects.

import { ExploreModel, type ExploreRun, type NodeInfo } from '../../../demo/engine/explore_run';
import type { Layer, Operands } from '../../../demo/explore/logic/conv_sum';
import { fileSource } from '../../../src/file_source';
import type { RawImage } from '../../../src/image';
import { picture } from '../../engine';
import { testDevice } from '../../gpu';

export const SMALL = { minSize: 128, rpnPostNmsTopN: 300, boxDetectionsPerImg: 30 };

export interface Subject {
  readonly model: ExploreModel;
  readonly run: ExploreRun;
  readonly image: RawImage;
  readonly nodes: readonly NodeInfo[];
  nodeOf(label: string): NodeInfo;
  destroy(): void;
}

export async function nucleiSubject(): Promise<Subject> {
  const model = await ExploreModel.load(fileSource('models/nuclei.safetensors'), {
    device: await testDevice(),
  });
  const image = (await picture('tests/images/nuclei_192x256.png')) as RawImage;
  const run = await model.run(image, SMALL);
  const { nodes } = run.info;
  return {
    model,
    run,
    image,
    nodes,
    nodeOf: (label) => nodes.find((node) => node.label === label)!,
    destroy() {
      run.destroy();
      model.destroy();
    },
  };
}

/** The operands of a layer's sum, from a run. */
export async function operandsOf(run: ExploreRun, { operands }: Layer): Promise<Operands> {
  const tensors = await Promise.all(operands.map(({ label }) => run.tensor(label)));
  return Object.fromEntries(operands.map(({ name }, i) => [name, tensors[i]]));
}
