// The bundled sample pictures, and the visitor's own: decoded once, as a bitmap.

import astronaut from '../tests/images/astronaut_480x640.png?url';
import coffee from '../tests/images/coffee_427x640.png?url';

export interface SamplePicture {
  /** Stands in the page's address. */
  id: string;
  url: string;
  title: string;
}

/** Sources and licences: demo/README.md, tests/images/README.md. */
export const SAMPLES: readonly SamplePicture[] = [
  { id: 'nuclei', url: './nuclei.png', title: 'Nuclei, drawn' },
  { id: 'tissue', url: './tissue.png', title: 'Tissue, stained' },
  { id: 'coffee', url: coffee, title: 'A cup of espresso' },
  { id: 'astronaut', url: astronaut, title: 'Eileen Collins, astronaut' },
];

export interface Picture {
  bitmap: ImageBitmap;
  /** Of the file, or of the sample. */
  name: string;
  /** Where it is one of ours. */
  sample?: string | undefined;
}

export async function openSample(id: string, signal?: AbortSignal): Promise<Picture> {
  const sample = SAMPLES.find((row) => row.id === id) ?? SAMPLES[0]!;
  const response = await fetch(sample.url, signal ? { signal } : undefined);
  if (!response.ok) throw new Error(`${sample.url}: the server answers ${response.status}`);
  const bitmap = await decode(await response.blob(), sample.title);
  return { bitmap, name: `${sample.id}.png`, sample: sample.id };
}

/** The visitor's own. Throws where the browser cannot read it. */
export async function openPicture(blob: Blob, name: string): Promise<Picture> {
  return { bitmap: await decode(blob, name), name };
}

function decode(blob: Blob, name: string): Promise<ImageBitmap> {
  return createImageBitmap(blob).catch((cause) => {
    const kind = blob.type || 'a file of no known kind';
    throw new Error(`${name} is no picture that this browser can read (${kind}): use JPEG, PNG or WebP.`, {
      cause,
    });
  });
}
