// Weights from the network, in Chromium and in Node: fetched once, gone on with where a download broke, given up when
// room is short, checked; and how much of a large .pth is ever on the heap.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WeightError } from '../src/errors';
import { openModel as openInBrowser } from '../src/load';
import { folderAt } from '../src/node_folder';
import type { WeightSource } from '../src/weights/byte_source';
import { readWeights } from '../src/weights/read_weights';
import type { SafetensorsVisitor } from '../src/weights/safetensors';
import { WeightCache } from '../src/weights/weight_cache';
import { buildLibrary } from './built_library';
import { launchChromium } from './chromium';
import { pthOf } from './pickled_model';
import { RangeServer } from './range_server';
import { syntheticFile } from './synthetic_weights';
import { send, serve, type WebServer } from './web_server';

declare global {
  var maskrcnn: typeof import('../src/index');
  var loadedTo: string | undefined;
  var summedInPage: typeof summed;
}

const TIMEOUT = 300_000;
const NUCLEI = readFileSync('models/nuclei.safetensors');
const GOLDEN = readFileSync('tests/golden/checkpoints/zip_f32.pth');
const sha256 = createHash('sha256').update(NUCLEI).digest('hex');

let server: WebServer;
let nuclei: RangeServer;
let golden: RangeServer;
let large: RangeServer;
let library: Awaited<ReturnType<typeof buildLibrary>>;

beforeAll(async () => {
  library = await buildLibrary();
  large = new RangeServer(pthOf(await syntheticFile()));
  server = await serve({
    '/': (response) => send(response, readFileSync('tests/browser_page.html'), 'text/html'),
    '/library/': library.folder,
    '/nuclei.safetensors': (response) => nuclei.route(response),
    '/other.safetensors': (response) => nuclei.route(response),
    '/golden.pth': (response) => golden.route(response),
    '/large.pth': (response) => large.route(response),
  });
}, TIMEOUT);

afterAll(async () => {
  await server?.close();
  library?.remove();
});

beforeEach(() => {
  nuclei = new RangeServer(NUCLEI);
  golden = new RangeServer(GOLDEN);
});

interface Options {
  sha256?: string;
  cache?: boolean | { maxBytes: number };
  /** Bytes after which the reading is given up. */
  abortAfter?: number;
  /** Milliseconds from there on, for the reading to wait for more. */
  waiting?: number;
}

/** What reading `path` came to: how many bytes of tensors, and a sum that tells these apart; or the error. */
type Reads = (path: string, options?: Options) => Promise<string>;

/** In Node, and by its text in the page. */
async function summed(
  read: typeof readWeights,
  source: WeightSource,
  { abortAfter = Number.POSITIVE_INFINITY, waiting = 0 }: Options = {},
): Promise<string> {
  let [bytes, sum] = [0, 0];
  const controller = new AbortController();
  const visitor: SafetensorsVisitor = {
    header() {},
    data: (_, __, piece) => {
      bytes += piece.length;
      for (const byte of piece) sum = (31 * sum + byte) >>> 0;
    },
  };
  const onProgress = ({ loaded }: { loaded: number }) => {
    if (loaded <= abortAfter) return;
    if (waiting > 0) setTimeout(() => controller.abort(), waiting);
    else controller.abort();
  };
  await read(source, visitor, { onProgress, signal: controller.signal });
  return `${bytes} bytes of sum ${sum}`;
}

describe('Node', () => {
  let folder: string;
  const read: Reads = async (path, options = {}) => {
    const source = await openInBrowser(`${server.url}${path}`, options, async () => folderAt(folder));
    return summed(readWeights, source, options);
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'weights-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  cases((path, options) => read(path, options).catch((error) => `${error.name}: ${error.message}`));

  test('while another load hangs, one has all of it without keeping it', async () => {
    nuclei.stallAfter = 3_000_000;
    read('/nuclei.safetensors', { sha256 }).catch(() => {}); // hangs until the server closes
    await expect.poll(() => nuclei.asked).toEqual(['GET']);
    expect(await read('/nuclei.safetensors', { sha256 })).toBe(await contentOf(NUCLEI));
    expect(nuclei.take()).toEqual(['GET', 'GET']);
    expect(readdirSync(folder).filter((name) => name.endsWith('.lock'))).toHaveLength(1);
  });

  test('what a process that is gone was fetching is fetched', async () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    const key = await new WeightCache(folderAt(folder)).key(`${server.url}/nuclei.safetensors`);
    writeFileSync(join(folder, `${key}.lock`), String(pid));
    expect(await read('/nuclei.safetensors')).toBe(await contentOf(NUCLEI));
    expect(readdirSync(folder).sort()).toEqual([`${key}.json`, `${key}.weights`]);
  });

  test('a download that was not noted when it was whole is fetched', async () => {
    const { etag, size } = { etag: '"1"', size: NUCLEI.length };
    const url = `${server.url}/nuclei.safetensors`;
    const key = await new WeightCache(folderAt(folder)).key(url);
    const about = { url, version: { etag, size }, size, whole: false, used: 0 };
    writeFileSync(join(folder, `${key}.json`), JSON.stringify(about));
    writeFileSync(join(folder, `${key}.weights`), new Uint8Array(size)); // of zeros: it cannot be trusted
    expect(await read('/nuclei.safetensors')).toBe(await contentOf(NUCLEI));
    expect(nuclei.take()).toEqual([`GET bytes=${size}-`, 'GET']);
  });

  test('a file that is refused leaves nothing behind', async () => {
    await expect(read('/nuclei.safetensors', { sha256: '00' })).rejects.toThrow(WeightError);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('Chromium', () => {
  let browser: Browser;
  let page: Page;
  const read: Reads = (path, options = {}) =>
    page.evaluate(
      async ([url, given]) => {
        try {
          return await globalThis.summedInPage(
            maskrcnn.readWeights,
            await maskrcnn.openModel(url, given),
            given,
          );
        } catch (error) {
          return `${(error as Error).name}: ${(error as Error).message}`;
        }
      },
      [path, options] as [string, Options],
    );

  async function open(before?: () => void): Promise<void> {
    const context = await browser.newContext(); // with storage of its own
    page = await context.newPage();
    if (before) await page.addInitScript(before);
    await page.addInitScript(`globalThis.summedInPage = ${summed}`);
    await page.goto(`${server.url}/`);
    await page.waitForFunction(() => globalThis.maskrcnn);
  }

  beforeAll(async () => {
    browser = await launchChromium(['--enable-precise-memory-info']);
  }, TIMEOUT);
  afterAll(() => browser?.close());
  afterEach(() => page.context().close());

  describe('in the private file system', () => {
    beforeEach(() => open(), TIMEOUT);
    cases((path, options) => read(path, options));

    test('a page that is left loses no more than half of a download', { timeout: TIMEOUT }, async () => {
      nuclei.stallAfter = 6_000_000;
      read('/nuclei.safetensors', { sha256 }).catch(() => {}); // the page is left meanwhile
      const committed = () =>
        page.evaluate(async () => {
          const root = await navigator.storage.getDirectory();
          const folder = await root.getDirectoryHandle('maskrcnn-webgpu', { create: true });
          for await (const [name, file] of folder.entries()) {
            if (name.endsWith('.weights')) return (await (file as FileSystemFileHandle).getFile()).size;
          }
          return 0;
        });
      await expect.poll(committed, { timeout: 30_000 }).toBeGreaterThanOrEqual(3_000_000);
      await page.reload();
      await page.waitForFunction(() => globalThis.maskrcnn);
      nuclei.take();
      expect(await read('/nuclei.safetensors', { sha256 })).toBe(await contentOf(NUCLEI));
      const asked = nuclei.take();
      expect(asked).toHaveLength(1);
      expect(Number(/^GET bytes=(\d+)-$/.exec(asked[0]!)?.[1])).toBeGreaterThanOrEqual(3_000_000);
    });

    test('a published name with an address of one’s own', { timeout: TIMEOUT }, async () => {
      const load = () =>
        page.evaluate(async () => {
          const opened = await maskrcnn.openModel('torchvision/maskrcnn_resnet50_fpn', {
            url: '/golden.pth',
          });
          const { metadata, tensors } = await maskrcnn.readWeights(opened, { header() {}, data() {} });
          return { metadata: { ...metadata }, tensors: tensors.length };
        });
      const { metadata, tensors } = await load();
      expect(tensors).toBe(9);
      expect(metadata).toEqual({
        architecture: 'torchvision/maskrcnn_resnet50_fpn',
        bn_eps: '0',
        licence: 'not stated (code: BSD-3-Clause)',
        source: `${server.url}/golden.pth`,
      });
      expect(golden.take()).toEqual(['GET']);
      await page.reload();
      await page.waitForFunction(() => globalThis.maskrcnn);
      await load();
      expect(golden.take()).toEqual(['HEAD']);
    });

    test('178 MB of .pth go to the GPU, 16 MB at most of them on the heap', {
      timeout: TIMEOUT,
    }, async () => {
      const session = await page.context().newCDPSession(page);
      const heap = async () => {
        const { usedSize, backingStorageSize } = await session.send('Runtime.getHeapUsage');
        return (usedSize + backingStorageSize) / 1e6; // the latter: of array buffers
      };
      await session.send('HeapProfiler.collectGarbage');
      const before = await heap();
      await page.evaluate(() => {
        const { load } = maskrcnn.MaskRCNN;
        globalThis.loading = load('/large.pth');
        globalThis.loading.then(
          () => {
            globalThis.loadedTo = 'all of it';
          },
          (fault) => {
            globalThis.loadedTo = String(fault);
          },
        );
      });
      let peak = 0;
      for (let done = false; !done; ) {
        await session.send('HeapProfiler.collectGarbage');
        peak = Math.max(peak, (await heap()) - before);
        await new Promise((resolve) => setTimeout(resolve, 100));
        done = await page.evaluate(() => globalThis.loadedTo !== undefined);
      }
      expect(await page.evaluate(() => globalThis.loadedTo)).toBe('all of it');
      expect(large.take()).toEqual(['GET']);
      console.info(`178 MB of .pth: the heap grew by ${peak.toFixed(1)} MB at most`);
      expect(peak).toBeLessThan(16);
    });
  });

  describe('in the Cache, where files cannot be written to', () => {
    beforeEach(
      () =>
        open(() => {
          Reflect.deleteProperty(FileSystemFileHandle.prototype, 'createWritable');
        }),
      TIMEOUT,
    );
    test('a second load reads only what is kept', { timeout: TIMEOUT }, async () => {
      for (const asked of [['GET'], ['HEAD']]) {
        expect(await read('/nuclei.safetensors')).toBe(await contentOf(NUCLEI));
        expect(nuclei.take()).toEqual(asked);
      }
      for (const asked of [['GET'], ['HEAD']]) {
        expect(await read('/golden.pth')).toBe(await contentOf(GOLDEN));
        expect(golden.take()).toEqual(asked);
      }
    });
  });
});

/** What reading these bytes comes to, without any network. */
const contentOf = (bytes: Uint8Array) => summed(readWeights, bytes);

/** What holds wherever files are kept. */
function cases(read: Reads): void {
  const options = { timeout: TIMEOUT };

  test('a second load reads only what is kept', options, async () => {
    expect(await read('/nuclei.safetensors')).toBe(await contentOf(NUCLEI));
    expect(nuclei.take()).toEqual(['GET']);
    expect(await read('/nuclei.safetensors')).toBe(await contentOf(NUCLEI));
    expect(nuclei.take()).toEqual(['HEAD']); // whether there is a newer version
  });

  test('with a checksum, not even a version is asked for', options, async () => {
    for (const asked of [['GET'], []]) {
      expect(await read('/nuclei.safetensors', { sha256 })).toBe(await contentOf(NUCLEI));
      expect(nuclei.take()).toEqual(asked);
    }
  });

  test('a .pth comes in one request, and then from what is kept', options, async () => {
    for (const asked of [['GET'], ['HEAD']]) {
      expect(await read('/golden.pth')).toBe(await contentOf(GOLDEN));
      expect(golden.take()).toEqual(asked);
    }
  });

  test('a newer version is fetched', options, async () => {
    await read('/nuclei.safetensors');
    nuclei.version = 2;
    nuclei.take();
    expect(await read('/nuclei.safetensors')).toBe(await contentOf(NUCLEI));
    expect(nuclei.take()).toEqual(['HEAD', 'GET']);
  });

  test('cache: false fetches each time; a .pth in parts where the server gives them', options, async () => {
    for (let i = 0; i < 2; i++) {
      expect(await read('/nuclei.safetensors', { cache: false })).toBe(await contentOf(NUCLEI));
      expect(nuclei.take()).toEqual(['GET']);
    }
    const whole = await contentOf(GOLDEN);
    expect(await read('/golden.pth', { cache: false })).toBe(whole);
    expect(golden.take().slice(0, 2)).toEqual(['GET', 'GET bytes=0-']);
    golden.ranges = false;
    expect(await read('/golden.pth', { cache: false })).toBe(whole);
  });

  test('a broken connection is taken up again where it broke', options, async () => {
    nuclei.breakAfter = 3_000_000;
    expect(await read('/nuclei.safetensors', { sha256 })).toBe(await contentOf(NUCLEI));
    const [first, second, ...more] = nuclei.take();
    expect([first, more]).toEqual(['GET', []]);
    expect(second).toMatch(/^GET bytes=\d+-$/);
    const from = Number(/\d+/.exec(second!));
    expect(from).toBeGreaterThan(0);
    expect(from).toBeLessThanOrEqual(3_000_000);
  });

  test('what is given up is no whole file, though nobody told its length', options, async () => {
    nuclei.length = false;
    nuclei.stallAfter = 3_000_000;
    expect(await read('/nuclei.safetensors', { abortAfter: 2_900_000, waiting: 300 })).toMatch(/^AbortError/);
    nuclei.take();
    expect(await read('/nuclei.safetensors')).toBe(await contentOf(NUCLEI));
    const [asked, ...more] = nuclei.take();
    expect([asked?.startsWith('GET bytes='), more]).toEqual([true, []]);
  });

  test('what is given up is taken up again where it was', options, async () => {
    expect(await read('/nuclei.safetensors', { sha256, abortAfter: 3_000_000 })).toMatch(/^AbortError/);
    nuclei.take();
    expect(await read('/nuclei.safetensors', { sha256 })).toBe(await contentOf(NUCLEI));
    const asked = nuclei.take();
    expect(asked).toHaveLength(1);
    expect(Number(/^GET bytes=(\d+)-$/.exec(asked[0]!)?.[1])).toBeGreaterThanOrEqual(3_000_000);
  });

  test('two loads at once: each has all of it, and it is kept', options, async () => {
    const content = await contentOf(NUCLEI);
    const loads = [read('/nuclei.safetensors', { sha256 }), read('/nuclei.safetensors', { sha256 })];
    expect(await Promise.all(loads)).toEqual([content, content]);
    nuclei.take();
    expect(await read('/nuclei.safetensors', { sha256 })).toBe(content);
    expect(nuclei.take()).toEqual([]);
  });

  test('where a server has no ranges, it begins anew', options, async () => {
    nuclei.ranges = false;
    nuclei.breakAfter = 3_000_000;
    expect(await read('/nuclei.safetensors', { sha256 })).toBe(await contentOf(NUCLEI));
    expect(nuclei.take()).toHaveLength(2);
  });

  test.each([true, false])(
    'another version in the middle of a download is refused, ranges: %s',
    async (ranges) => {
      const newer = Uint8Array.from(NUCLEI);
      newer[newer.length - 1]! ^= 1;
      Object.assign(nuclei, { ranges, breakAfter: 3_000_000, afterBreak: newer });
      expect(await read('/nuclei.safetensors')).toMatch(
        /^WeightError: \S+nuclei\.safetensors: wanted the rest of it, got another version: fetch it again$/,
      );
      const [first, second, ...more] = nuclei.take();
      expect([first, more]).toEqual(['GET', []]);
      expect(second).toMatch(/^GET bytes=\d+-$/);
      // the rest is asked for, of the older version: the answer is all of the newer one
      expect(await read('/nuclei.safetensors')).toBe(await contentOf(newer));
      expect(nuclei.take()).toEqual([expect.stringMatching(/^GET bytes=\d+-$/)]);
    },
  );

  test('the least recently used is given up where room is short', options, async () => {
    const cache = { maxBytes: 1.5 * NUCLEI.length };
    await read('/nuclei.safetensors', { cache });
    await read('/other.safetensors', { cache });
    nuclei.take();
    await read('/other.safetensors', { cache });
    expect(nuclei.take()).toEqual(['HEAD']);
    await read('/nuclei.safetensors', { cache });
    expect(nuclei.take()).toEqual(['GET']);
  });

  test('a file for which there is no room is a WeightError that says what to do', options, async () => {
    expect(await read('/nuclei.safetensors', { cache: { maxBytes: 1e6 } })).toMatch(
      /^WeightError: .*the cache is full: wanted \d+ bytes.*load with cache: false/,
    );
  });

  test('a file of another checksum is refused, and not kept', options, async () => {
    const wrong = `00${sha256.slice(2)}`;
    for (let i = 0; i < 2; i++) {
      expect(await read('/nuclei.safetensors', { sha256: wrong })).toMatch(
        new RegExp(`^WeightError: .*SHA-256 begins with ${wrong}, got ${sha256}`),
      );
      expect(nuclei.take()).toEqual(['GET']);
    }
  });
}
