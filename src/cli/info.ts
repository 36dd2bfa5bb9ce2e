// `maskrcnn info`: what a weights file holds, and what would run. Needs no GPU.

import { basename } from 'node:path';
import { classCount, namesOf } from '../load';
import { describe, interpret, type LayerRow, openModel, readWeights, type SafetensorsHeader } from '../node';
import { splitCompanions } from '../weights/quantised';
import { bytes, scaled, table } from './table';

export async function info(file: string, size?: [number, number]): Promise<void> {
  const header = await readWeights(await openModel(file), { header() {}, data() {} }); // checks all of the file
  const { weights } = splitCompanions(header.tensors);
  const { tensors, config } = interpret(
    { ...header, tensors: weights },
    size && { minSize: size[0], maxSize: size[1] },
  );
  const layers = await describe(tensors, config, { height: config.minSize, width: config.maxSize });
  const names = namesOf({ tensors, config });
  const { architecture, minSize, maxSize } = config;
  const write = (text: string) => process.stdout.write(text);

  write(
    table([
      ['file', basename(file)],
      ['architecture', architecture],
      ['classes', names.slice(1).join(', ') || `not named: ${classCount(tensors) - 1}`],
      ['size', `short side ${minSize}, long side at most ${maxSize}`],
      ['score', `above ${config.boxScoreThresh}, at most ${config.boxDetectionsPerImg} objects`],
      [
        'tensors',
        `${header.tensors.length} (${[...new Set(header.tensors.map(({ dtype }) => dtype))].join(', ')})`,
      ],
      ['parameters', scaled(sum(header.tensors, ({ shape }) => shape.reduce((a, b) => a * b, 1))).trim()],
      ['data', bytes(header.dataBytes)],
      ...quantisation(header),
    ]),
  );
  write(`\nTensors\n`);
  const errors = i8Errors(header);
  const rows = header.tensors.map(({ name, dtype, shape }) => [
    name,
    dtype,
    shape.join('x'),
    ...(errors.has(name) ? [`error ${percent(errors.get(name)!)}`] : []),
  ]);
  write(table(rows));
  write(`\nLayers, for a picture that is ${minSize}x${maxSize} after resizing\n`);
  write(layerTable(layers));
}

function layerTable(layers: readonly LayerRow[]): string {
  const rows = layers.map(({ label, kernel, shape, macs, bytes: size }) => [
    label,
    kernel,
    shape.join('x'),
    macs,
    size,
  ]);
  const total = [
    'total',
    `${layers.length} nodes`,
    '',
    sum(layers, (row) => row.macs),
    sum(layers, (row) => row.bytes),
  ];
  return table([['label', 'kernel', 'shape', 'MACs', 'bytes'], ...rows, total]);
}

/** What 8 bits cost: the root of the mean square of the error, relative to that of the weight. */
function quantisation(header: SafetensorsHeader): [string, string][] {
  const errors = [...i8Errors(header)];
  if (errors.length === 0) return [];
  const mean = sum(errors, ([, error]) => error) / errors.length;
  const [name, worst] = errors.reduce((a, b) => (b[1] > a[1] ? b : a));
  return [['8-bit error', `${percent(mean)} of a weight in the mean, ${percent(worst)} at most, in ${name}`]];
}

function i8Errors({ metadata }: SafetensorsHeader): Map<string, number> {
  try {
    return new Map(Object.entries(JSON.parse(metadata.i8_error ?? '{}') as Record<string, number>));
  } catch {
    return new Map(); // another program's
  }
}

function percent(share: number): string {
  return `${(100 * share).toPrecision(3)} %`;
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
