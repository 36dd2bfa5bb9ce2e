// What torchvision's maskrcnn_resnet50_fpn may cost at its own size: dispatches, and memory for activations.

import { expect, test } from 'vitest';
import { plan } from '../src/graph/plan';
import { methodsFor, UNKNOWN_GPU } from '../src/kernels/methods';
import { configure } from '../src/model/config';
import { type Computing, PLAIN } from '../src/model/layers';
import { networkBuilder } from '../src/model/networks';
import { tensorShapes } from './synthetic_weights';

const tensors = tensorShapes('maskrcnn').map(({ name, shape }) => ({ name, shape, dtype: 'F32' as const }));
const checkpoint = new Map(tensors.map((tensor) => [tensor.name, tensor]));
const config = configure({}, {}, { architecture: 'torchvision/maskrcnn_resnet50_fpn' }, 5);

const software = { ...UNKNOWN_GPU, software: true, subgroup: 8 };
test.each<[string, Computing, number]>([
  ['every layer by its definition', PLAIN, 130],
  ['with Winograd, on a GPU', { methods: methodsFor(UNKNOWN_GPU), precision: 'f32' }, 180],
  ['with Winograd, on llvmpipe', { methods: methodsFor(software), precision: 'f32' }, 180],
])('%s', async (_, computing, most) => {
  const build = await networkBuilder(checkpoint, config);
  const { graph, outputs } = build(checkpoint, config, { height: 800, width: 1066 }, computing);
  expect(graph.nodes.length).toBeGreaterThan(100);
  expect(graph.nodes.length).toBeLessThanOrEqual(most);
  const { peakBytes, bytesWithoutReuse } = plan(graph, new Set(Object.values(outputs)));
  console.info(`${graph.nodes.length} dispatches; ${peakBytes} bytes, ${bytesWithoutReuse} without reuse`);
  expect(3 * peakBytes).toBeLessThanOrEqual(bytesWithoutReuse);
});
