// `maskrcnn convert`: any checkpoint as one safetensors file, with all that its configuration says as metadata.

import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { networkOf } from '../load';
import { type Config, type Progress as Loaded, MaskRcnnError, openModel, readWeights } from '../node';
import { Converter, type TargetDtype } from '../weights/converter';
import { Progress } from './progress';
import { bytes } from './table';

export interface ConvertOptions {
  dtype?: 'f32' | 'f16' | 'bf16' | 'i8';
  /** A file with a name a line, or a JSON array of names; the background first or not at all. */
  classes?: string;
  bnEps?: number;
  /** Of a published model that is kept elsewhere. */
  url?: string;
  sha256?: string;
}

export async function convert(input: string, output: string, options: ConvertOptions): Promise<void> {
  const { dtype, bnEps, url, sha256 } = options;
  const classes = options.classes === undefined ? undefined : await readClasses(options.classes);
  const progress = new Progress();
  const onProgress = ({ loaded, total }: Loaded) =>
    progress.show(
      'reading',
      loaded,
      total ?? loaded,
      `${bytes(loaded)}${total ? ` of ${bytes(total)}` : ''}`,
    );
  await mkdir(dirname(output), { recursive: true });
  const begun = `${output}.part`;
  const file = await open(begun, 'w');
  try {
    const sink = {
      write: async (part: Uint8Array, at: number) => void (await file.write(part, 0, part.length, at)),
    };
    const source = await openModel(input, { onProgress, url, sha256 });
    let converter: Converter | undefined;
    await readWeights(
      source,
      {
        async header(header) {
          const { config, axes } = await networkOf(header, {
            ...(classes && { classes }),
            ...(bnEps !== undefined && { bnEps }),
          });
          const target = (dtype?.toUpperCase() ?? 'keep') as TargetDtype;
          converter = new Converter(sink, target, axes);
          converter.plan(header.tensors, { source: input, ...header.metadata, ...described(config) });
        },
        data: (tensor, offset, part) => converter?.data(tensor, offset, part),
      },
      { onProgress },
    );
    const size = (await converter?.finish()) ?? 0;
    await file.close();
    await rename(begun, output);
    progress.clear();
    process.stdout.write(`${output}: ${bytes(size)}\n`);
  } catch (error) {
    await file.close().catch(() => {}); // it may be closed
    await rm(begun, { force: true });
    throw error;
  } finally {
    progress.clear();
  }
}

/** The configuration as metadata; keys and values as `configure` reads them. */
function described(config: Config): Record<string, string> {
  const entries = Object.entries(config).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([field, value]) => [
      field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}

async function readClasses(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8');
  let names: unknown;
  try {
    names = text.trimStart().startsWith('[') ? JSON.parse(text) : text.split(/\r?\n/).filter(Boolean);
  } catch (cause) {
    throw new MaskRcnnError(
      `${path}: wanted names as a JSON array, got a fault: ${(cause as Error).message}`,
      { cause },
    );
  }
  if (!Array.isArray(names) || names.length === 0 || names.some((name) => typeof name !== 'string')) {
    throw new MaskRcnnError(`${path}: wanted the names of classes, one a line or as a JSON array`);
  }
  const background = /^(__background__|background|bg)$/i.test(names[0]);
  return background ? names : ['__background__', ...names];
}
