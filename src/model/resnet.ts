// ResNet (He et al. 2015, arXiv:1512.03385, table 1): a stage's stride sits in the 3x3 of its first block, which is
// called v1.5, or in the 1x1 before it, as in Caffe's. ResNeXt (Xie et al. 2016, arXiv:1611.05431) and wide ResNets differ only in the
// shapes of their weights. Depth, widths and groups follow from the checkpoint.

import type { Tensor } from '../graph/graph';
import { maxPool2d } from '../kernels/max_pool2d';
import type { Config } from './config';
import type { Layers } from './layers';

/** image [1, H, W, 4] -> c2 .. c5: maps of strides 4, 8, 16, 32; fewer where the checkpoint has fewer stages. */
export function resnet(body: Layers, image: Tensor, { strideIn1x1 }: Config): Tensor[] {
  const stem = body.conv2d('conv1', image, { stride: 2, padding: 3, norm: 'bn1', activation: 'relu' });
  const { output } = body.graph.apply(
    body.label('maxpool'),
    maxPool2d,
    { input: stem },
    { window: 3, stride: 2, padding: 1 },
    'output',
  );
  const stages: Tensor[] = [];
  let x = output;
  for (let stage = 1; body.has(`layer${stage}`); stage++) {
    x = residualStage(body.scope(`layer${stage}`), x, stage === 1 ? 1 : 2, strideIn1x1);
    stages.push(x);
  }
  return stages;
}

function residualStage(stage: Layers, input: Tensor, stride: number, strideIn1x1: boolean): Tensor {
  let x = input;
  for (let block = 0; stage.has(String(block)); block++) {
    const layers = stage.scope(String(block));
    const own = block === 0 ? stride : 1;
    x = layers.has('conv3') ? bottleneck(layers, x, own, strideIn1x1) : basicBlock(layers, x, own);
  }
  return x;
}

/** Blocks of ResNet-50 and deeper. */
function bottleneck(g: Layers, x: Tensor, stride: number, strideIn1x1: boolean): Tensor {
  const [first, second] = strideIn1x1 ? [stride, 1] : [1, stride];
  const shortcut = shortcutOf(g, x, stride);
  let y = g.conv2d('conv1', x, { stride: first, norm: 'bn1', activation: 'relu' }); // 1x1, reduce
  y = g.conv2d('conv2', y, { stride: second, padding: 1, norm: 'bn2', activation: 'relu' }); // 3x3
  return g.conv2d('conv3', y, { norm: 'bn3', add: shortcut, activation: 'relu' }); // 1x1, restore
}

/** Blocks of ResNet-18 and 34. */
function basicBlock(g: Layers, x: Tensor, stride: number): Tensor {
  const shortcut = shortcutOf(g, x, stride);
  const y = g.conv2d('conv1', x, { stride, padding: 1, norm: 'bn1', activation: 'relu' });
  return g.conv2d('conv2', y, { padding: 1, norm: 'bn2', add: shortcut, activation: 'relu' });
}

function shortcutOf(g: Layers, x: Tensor, stride: number): Tensor {
  return g.has('downsample') ? g.conv2d('downsample.0', x, { stride, norm: 'downsample.1' }) : x;
}
