// The page's settings as the part of its address after `#`, so that a link shows the same again. What is as by
// default is left out; what an address says that makes no sense is passed over. The visitor's own files are not in it.

export const LAYERS = ['masks', 'outlines', 'boxes', 'keypoints', 'labels'] as const;
export type ShownLayer = (typeof LAYERS)[number];

/** A line in the picture, its ends as shares of width and height. */
export type Line = readonly [x1: number, y1: number, x2: number, y2: number];

export interface Settings {
  /** Ids of rows of MODELS and SAMPLES. */
  model: string;
  picture: string;
  /** Where the model's file is, instead of where it was published. */
  weights: string | undefined;
  /** Score at least. */
  score: number;
  layers: readonly ShownLayer[];
  /** Names of classes that are not shown. */
  hidden: readonly string[];
  colourBy: 'instance' | 'class';
  /** The shorter side that pictures are resized to; undefined: the model's own. */
  size: number | undefined;
  precision: 'f32' | 'f16' | 'auto';
  /** Objects that cross it are counted. */
  line: Line | undefined;
  /** Of a video file: go from frame to frame, however long each takes, instead of keeping its pace. */
  everyFrame: boolean;
}

export const DEFAULTS: Settings = {
  model: 'nuclei',
  picture: 'nuclei',
  weights: undefined,
  score: 0.5,
  layers: ['masks', 'outlines', 'keypoints', 'labels'],
  hidden: [],
  colourBy: 'instance',
  size: undefined,
  precision: 'f32',
  line: undefined,
  everyFrame: false,
};

/** `#model=maskrcnn2go&score=0.7` and the like; empty where all is as by default. */
export function toHash(settings: Settings): string {
  const { size, line, everyFrame } = settings;
  const fields: [name: string, value: string, usual: string][] = [
    ['model', settings.model, DEFAULTS.model],
    ['picture', settings.picture, DEFAULTS.picture],
    ['weights', settings.weights ?? '', ''],
    ['score', String(settings.score), String(DEFAULTS.score)],
    ['layers', settings.layers.join(' '), DEFAULTS.layers.join(' ')],
    ['hidden', settings.hidden.join('|'), ''],
    ['colours', settings.colourBy, DEFAULTS.colourBy],
    ['size', size === undefined ? '' : String(size), ''],
    ['precision', settings.precision, DEFAULTS.precision],
    ['frames', everyFrame ? 'every' : '', ''],
    ['line', line ? line.map((share) => share.toFixed(3)).join(' ') : '', ''],
  ];
  const changed = fields.filter(([, value, usual]) => value !== usual);
  const query = new URLSearchParams(changed.map(([name, value]) => [name, value]));
  return changed.length === 0 ? '' : `#${query}`;
}

/** The settings that an address means. */
export function fromHash(hash: string): Settings {
  const query = new URLSearchParams(hash.replace(/^#/, ''));
  const text = (name: string) => query.get(name);
  return {
    model: text('model') ?? DEFAULTS.model,
    picture: text('picture') ?? DEFAULTS.picture,
    weights: text('weights') || undefined,
    score: number(text('score'), 0, 1) ?? DEFAULTS.score,
    layers: layers(text('layers')),
    hidden: text('hidden')?.split('|').filter(Boolean) ?? [],
    colourBy: text('colours') === 'class' ? 'class' : 'instance',
    size: number(text('size'), 32, 4096),
    precision: (['f32', 'f16', 'auto'] as const).find((name) => name === text('precision')) ?? 'f32',
    line: line(text('line')),
    everyFrame: text('frames') === 'every',
  };
}

function number(text: string | null, least: number, most: number): number | undefined {
  const value = text === null || text === '' ? Number.NaN : Number(text);
  return value >= least && value <= most ? value : undefined;
}

function layers(text: string | null): readonly ShownLayer[] {
  if (text === null) return DEFAULTS.layers;
  const names = text.split(' ');
  return LAYERS.filter((layer) => names.includes(layer));
}

function line(text: string | null): Line | undefined {
  const shares = text?.split(' ').map((share) => number(share, 0, 1)) ?? [];
  return shares.length === 4 && shares.every((share) => share !== undefined)
    ? (shares as unknown as Line)
    : undefined;
}
