// MobileNetV3-Large, Howard et al. 2019 (arXiv:1905.02244), table 1, as torchvision's detectors use it: its last two
// maps, both of stride 32. Widths and windows follow from the checkpoint.

import type { Tensor } from '../graph/graph';
import { avgPool2d } from '../kernels/avg_pool2d';
import { scaleChannels } from '../kernels/scale_channels';
import type { Activation, Layers } from './layers';

/** Blocks of stride 2; the first of them, the stem. */
const STRIDED = [0, 2, 4, 7, 13];
/** From this block on hard-swish, before it ReLU. The stem has it too. */
const HARD_SWISH_FROM = 7;
const LAST_BLOCK = 15;
/** Blocks whose maps the pyramid is built on: that of the last stride, and the 1x1 after all blocks. */
const RETURNED = [13, LAST_BLOCK + 1];

/** image [1, H, W, 4] -> the maps of stride 32: of 160 channels, and of 960. */
export function mobileNetV3(body: Layers, image: Tensor): Tensor[] {
  const stem = { stride: 2, padding: 1, norm: '0.1', activation: 'hard_swish' } as const;
  const maps = [body.conv2d('0.0', image, stem)];
  for (let i = 1; i <= LAST_BLOCK; i++) {
    const activation = i < HARD_SWISH_FROM ? 'relu' : 'hard_swish';
    maps.push(
      invertedResidual(body.scope(`${i}.block`), maps.at(-1)!, STRIDED.includes(i) ? 2 : 1, activation),
    );
  }
  const last = LAST_BLOCK + 1;
  maps.push(body.conv2d(`${last}.0`, maps.at(-1)!, { norm: `${last}.1`, activation: 'hard_swish' }));
  return RETURNED.map((i) => maps[i]!);
}

/** Figure 4: 1x1 to more channels, a window for each, squeeze and excitation, 1x1 back. Some have no first or third. */
function invertedResidual(g: Layers, x: Tensor, stride: number, activation: Activation): Tensor {
  let part = 0;
  let y = x;
  const channels = x.shape[3] as number;
  if (g.shape('0.0.weight', [channels, channels, 1, 1])[2] === 1) {
    y = g.conv2d('0.0', x, { norm: '0.1', activation });
    part++;
  }
  const window = g.shape(`${part}.0.weight`, [1, 1, 3, 3])[2] as number;
  const padding = (window - 1) / 2;
  y = g.conv2d(`${part}.0`, y, { stride, padding, norm: `${part}.1`, activation });
  part++;
  if (g.has(`${part}.fc1`)) y = excite(g.scope(String(part++)), y);
  const outputs = g.shape(`${part}.0.weight`, [channels, channels, 1, 1])[0];
  const add = stride === 1 && outputs === channels ? x : undefined;
  return g.conv2d(`${part}.0`, y, { norm: `${part}.1`, add });
}

/** Squeeze and excitation, Hu et al. 2018 (arXiv:1709.01507): each channel times a number made of all means. */
function excite(g: Layers, input: Tensor): Tensor {
  const [, height, width] = input.shape as [number, number, number, number];
  const { output: means } = g.graph.apply(
    g.label('avgpool'),
    avgPool2d,
    { input },
    { window: [height, width] },
    'output',
  );
  const gate = g.conv2d('fc2', g.conv2d('fc1', means, { activation: 'relu' }));
  return g.graph.apply(g.label('scale'), scaleChannels, { input, gate }, {}, 'output').output;
}
