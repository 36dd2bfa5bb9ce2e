// Anchors, boxes, suppression and the level rule as Explore shows them, against the run and the paper.

import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { levelOf, ruleOf, ruleWith } from '../../../demo/explore/logic/level_rule';
import { iouOf, nmsFilm } from '../../../demo/explore/logic/nms_film';
import {
  anchorBox,
  type Deltas,
  decode,
  levelCounts,
  RPN_TABLES,
  type RpnTables,
  rpnLevels,
  tablesOf,
} from '../../../demo/explore/logic/rpn';
import { agrees, candidatesOf } from '../../../demo/explore/logic/suppression';
import { cellAnchors, gridStrides } from '../../../src/model/anchors';
import { levelCuts } from '../../../src/model/levels';
import type { Subject } from './nuclei_subject';

export function proposalTests(subject: () => Subject): void {
  describe('the region proposal network', () => {
    let tables: RpnTables;
    beforeAll(async () => {
      tables = tablesOf(
        await Promise.all(Object.values(RPN_TABLES).map((label) => subject().run.tensor(label))),
      );
    });

    test("anchors are those of the library's tables", () => {
      const { canvas, config } = subject().run.info;
      rpnLevels(subject().run.info).forEach(({ height, width, anchors }, level) => {
        const cell = cellAnchors(config.anchorSizes[level]!, config.anchorRatios[level]!);
        const [strideY, strideX] = gridStrides([canvas.height, canvas.width], [height, width]);
        for (const [y, x] of [
          [0, 0],
          [height - 1, width - 1],
        ] as const) {
          for (let a = 0; a < anchors; a++) {
            const [x1, y1, x2, y2] = cell.subarray(4 * a) as unknown as number[];
            const [dx, dy] = [x * strideX, y * strideY];
            expect(anchorBox(tables, level, y, x, a)).toEqual([x1! + dx, y1! + dy, x2! + dx, y2! + dy]);
          }
        }
      });
    });

    test('boxes of the best anchors are those that the run decoded', async () => {
      const { resized, config } = subject().run.info;
      const levels = rpnLevels(subject().run.info);
      const capacity = tables.indices.shape[1]!;
      let compared = 0;
      for (const [level, { deltas, width, anchors }] of levels.entries()) {
        const all = await subject().run.tensor(deltas.outputs[0]!.label);
        for (let rank = 0; rank < 100; rank++) {
          const at = level * capacity + rank;
          const index = tables.indices.data[at]!;
          if (index === 0xffffffff || !candidatesOf(config, tables, level).isBox(rank)) continue;
          const [cell, a] = [Math.floor(index / anchors), index % anchors];
          const anchor = anchorBox(tables, level, Math.floor(cell / width), cell % width, a);
          const box = decode(
            anchor,
            all.data.subarray(4 * index, 4 * index + 4) as unknown as Deltas,
            config,
          );
          const clipped = box.map((side, k) =>
            Math.min(Math.max(side, 0), k % 2 ? resized.height : resized.width),
          );
          for (let k = 0; k < 4; k++) expect(clipped[k]).toBeCloseTo(tables.boxes.data[4 * at + k]!, 3);
          compared++;
        }
      }
      expect(compared).toBeGreaterThan(200);
    });

    test("at the run's own threshold the film keeps what the run kept, on every level", () => {
      const { config } = subject().run.info;
      rpnLevels(subject().run.info).forEach((_, level) => {
        const film = nmsFilm(candidatesOf(config, tables, level), config.rpnNmsThresh);
        expect(agrees(film.frames, tables, level), `level ${level}`).toBe(true);
      });
      const [kept] = levelCounts(rpnLevels(subject().run.info), tables);
      const film = nmsFilm(candidatesOf(config, tables, 0), config.rpnNmsThresh);
      expect(kept!.kept).toBe(film.frames.length);
      expect(kept!.boxes).toBeGreaterThan(kept!.kept);
    });

    test('every victim overlaps its suppressor by more than the threshold, and keepers do not', () => {
      const side = fc.integer({ min: 1, max: 40 });
      const box = fc.tuple(side, side, side, side).map(([x, y, w, h]) => [x, y, x + w, y + h]);
      const boxes = fc.array(box, { minLength: 1, maxLength: 40 });
      fc.assert(
        fc.property(boxes, fc.double({ min: 0.1, max: 0.9, noNaN: true }), (rows, threshold) => {
          const group = {
            boxes: rows.flat(),
            isBox: (i: number) => i % 7 !== 5,
            count: rows.length,
            offset: 0,
            inclusive: false,
          };
          const { frames, by } = nmsFilm(group, threshold);
          const keepers = frames.map(({ keeper }) => keeper);
          by.forEach((keeper, i) => {
            if (keeper >= 0) expect(iouOf(group, keeper, i)).toBeGreaterThan(threshold);
            else if (group.isBox(i)) expect(keepers).toContain(i);
          });
          for (const a of keepers)
            for (const b of keepers) if (a < b) expect(iouOf(group, a, b)).toBeLessThanOrEqual(threshold);
        }),
      );
    });

    test('counts add up to the proposals', () => {
      const counts = levelCounts(rpnLevels(subject().run.info), tables);
      expect(counts.reduce((sum, { proposals }) => sum + proposals, 0)).toBe(tables.count.data[0]);
      for (const { anchors, top, boxes, kept, proposals } of counts) {
        const falling = [anchors, top, boxes, kept, proposals];
        expect(falling).toEqual([...falling].sort((a, b) => b - a));
      }
    });
  });

  test("the level rule is the paper's, and its cuts are the run's", () => {
    const rule = ruleOf(subject().nodeOf('roi_heads.box_roi_pool'));
    expect(rule.levels).toEqual([2, 3, 4]);
    expect(rule.cuts).toEqual(levelCuts(2, 4));
    expect(ruleWith(rule, 224)).toEqual(rule);
    const sides = fc.double({ min: 1, max: 900, noNaN: true });
    fc.assert(
      fc.property(sides, sides, fc.constantFrom(56, 112, 224), (w, h, side) => {
        const octaves = 4 + Math.log2(Math.sqrt(w * h) / side);
        fc.pre(Math.abs(octaves - Math.round(octaves)) > 1e-4); // the rounding there is levels.spec.ts's
        const wanted = Math.min(4, Math.max(2, Math.floor(octaves))) - 2;
        expect(levelOf(ruleWith(rule, side), [0, 0, w, h])).toBe(wanted);
      }),
    );
  });
}
