// Receptive fields as Explore draws them, against pixels that are traced or changed, and against the textbook.

import { describe, expect, test } from 'vitest';
import { receptiveField, stepOf } from '../../../demo/explore/logic/receptive_field';
import { pictureArea } from '../../../demo/explore/logic/resize';
import { SMALL, type Subject } from './nuclei_subject';

export function fieldTests(subject: () => Subject): void {
  describe('receptive fields', () => {
    const LABELS = ['layer1.0.conv2', 'layer2.0.downsample.0', 'layer2.1.conv2', 'layer3.1.conv2'];
    const ALL = [
      ...LABELS.map((label) => `backbone.body.${label}`),
      'backbone.fpn.top_down.0',
      'backbone.fpn.layer_blocks.1.0',
      'backbone.fpn.pool',
      'rpn.head.cls_logits@p2',
    ];

    test('are the cells that a pixel reaches, traced forward', { timeout: 120_000 }, () => {
      const { canvas } = subject().run.info;
      for (const [py, px] of [
        [0, 0],
        [37, 90],
        [127, 170],
      ] as const) {
        const reached = spread(py, px);
        for (const label of ALL) {
          const [, height, width] = subject().nodeOf(label).outputs[0]!.shape as [
            number,
            number,
            number,
            number,
          ];
          const seen = reached.get(subject().nodeOf(label).outputs[0]!.label)!;
          for (let y = 0; y < height; y++) {
            for (let x = 0; x < width; x++) {
              const { area } = receptiveField(subject().nodes, label, y, x)!;
              const inside = Boolean(
                area && py >= area.y0 && py <= area.y1 && px >= area.x0 && px <= area.x1,
              );
              if (inside !== Boolean(seen[y * width + x])) {
                expect.fail(
                  `${label} at ${y}, ${x}: pixel ${py}, ${px} of ${canvas.height} x ${canvas.width}`,
                );
              }
            }
          }
        }
      }
    });

    test('hold all that changes when a pixel of the picture changes', { timeout: 120_000 }, async () => {
      const [py, px] = [70, 100];
      const data = subject().image.data.slice();
      const bytes = data.length / (subject().image.width * subject().image.height);
      for (let i = 0; i < 3; i++) data[bytes * (py * subject().image.width + px) + i]! ^= 0xff;
      const other = await subject().model.run({ ...subject().image, data }, SMALL);
      for (const label of [
        'backbone.body.conv1',
        'backbone.body.layer2.0.conv1',
        'backbone.fpn.top_down.1',
      ]) {
        const { label: tensor } = subject().nodeOf(label).outputs[0]!;
        const [before, after] = [await subject().run.tensor(tensor), await other.tensor(tensor)];
        const [, height, width, channels] = before.shape as [number, number, number, number];
        let changed = 0;
        for (let at = 0; at < height * width; at++) {
          const cell = (of: typeof before) => of.data.subarray(at * channels, (at + 1) * channels);
          if (String(cell(before)) === String(cell(after))) continue;
          changed++;
          const { area } = receptiveField(subject().nodes, label, Math.floor(at / width), at % width)!;
          const [x1, y1, x2, y2] = pictureArea(subject().run.info, area!)!;
          expect(px >= x1 && px < x2 && py >= y1 && py < y2, `${label}, cell ${at}`).toBe(true);
        }
        expect(changed).toBeGreaterThan(0);
        expect(changed).toBeLessThan(height * width);
      }
      other.destroy();
    });

    test('have the sizes and strides of the textbook', () => {
      const at = (label: string) => {
        const { size, stride } = receptiveField(subject().nodes, label, 4, 4)!;
        return [size.height, size.width, stride.y, stride.x];
      };
      expect(at('backbone.body.conv1')).toEqual([7, 7, 2, 2]);
      expect(at('backbone.body.maxpool')).toEqual([11, 11, 4, 4]);
      expect(at('backbone.body.layer1.0.conv1')).toEqual([19, 19, 4, 4]);
      expect(at('backbone.body.layer2.0.conv1')).toEqual([51, 51, 8, 8]);
      expect(at('backbone.fpn.top_down.0').slice(2)).toEqual([4, 4]);
      expect(receptiveField(subject().nodes, 'roi_heads.box_head.fc6', 0, 0)).toBeUndefined();
    });

    /** Of each map the cells that a pixel of the network's input reaches, by brute force from the front. */
    function spread(py: number, px: number): Map<string, Uint8Array> {
      const reached = new Map<string, Uint8Array>();
      for (const node of subject().nodes) {
        const output = node.outputs[0]!;
        const [n, height, width] = output.shape as [number, number, number, number];
        const step = stepOf(node);
        if (node.kernel === 'preprocess') {
          const first = new Uint8Array(height * width);
          first[py * width + px] = 1;
          reached.set(output.label, first);
        }
        if (n !== 1 || !(step || node.kernel === 'upsample_add')) continue;
        const at = (name: string) => {
          const tensor = node.inputs.find((input) => input.name === name);
          const map = tensor && reached.get(tensor.label);
          const [, h, w] = (tensor?.shape ?? []) as [number, number, number];
          const inside = (y: number, x: number) => y >= 0 && x >= 0 && y < h && x < w;
          return (y: number, x: number) => Boolean(map && inside(y, x) && map[y * w + x]);
        };
        const [input, add, lateral, coarse] = ['input', 'add', 'lateral', 'coarse'].map(at) as ReturnType<
          typeof at
        >[];
        const cells = new Uint8Array(height * width);
        for (let i = 0; i < cells.length; i++) {
          const [y, x] = [Math.floor(i / width), i % width];
          let hit = add!(y, x) || lateral!(y, x) || coarse!(Math.floor(y / 2), Math.floor(x / 2));
          for (let ky = 0; step && ky < step.window[0]; ky++) {
            for (let kx = 0; kx < step.window[1]; kx++) {
              hit ||= input!(y * step.stride - step.padding + ky, x * step.stride - step.padding + kx);
            }
          }
          cells[i] = Number(hit);
        }
        reached.set(output.label, cells);
      }
      return reached;
    }
  });
}
