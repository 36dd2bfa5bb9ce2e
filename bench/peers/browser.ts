// The page that runs the engines, in Chromium with SwiftShader. What does not come back in time ends with its
// browser, and the next call gets a new one.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright';
import { build } from 'vite';
import { launchChromium } from '../../tests/chromium';
import { syntheticWeights } from '../../tests/synthetic_weights';
import { send, serve, type WebServer } from '../../tests/web_server';
import type { Picture } from './ours';

export const HERE = fileURLToPath(new URL('.', import.meta.url));

/** Pages may share memory between threads, as WebAssembly's need, only if they say this. */
const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

export class PeersPage {
  private browser: Browser | undefined;
  private page: Page | undefined;

  private constructor(
    private readonly server: WebServer,
    private readonly folder: string,
  ) {}

  static async open(picture: Picture, model: string): Promise<PeersPage> {
    const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-peers-'));
    await build({
      configFile: false,
      logLevel: 'error',
      build: {
        outDir: folder,
        target: 'es2022',
        lib: { entry: join(HERE, 'page.ts'), formats: ['es'], fileName: () => 'page.js' },
      },
    });
    const server = await serve(
      {
        '/': (response) => send(response, readFileSync(join(HERE, 'page.html')), 'text/html'),
        '/page/': folder,
        '/modules/': join(HERE, 'node_modules'),
        '/picture': (response) => send(response, picture.data, 'application/octet-stream'),
        '/model.onnx': (response) => sendModel(response, model),
        '/weights.safetensors': sendWeights,
      },
      ISOLATED,
    );
    return new PeersPage(server, folder);
  }

  /** Calls `body` in the page. Throws what it throws, or after `seconds`. */
  async call<Arguments, Result>(
    body: (args: Arguments) => Promise<Result>,
    args: Arguments,
    seconds: number,
  ): Promise<Result> {
    const page = await this.ready();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no result after ${seconds} s`)), seconds * 1000);
    });
    try {
      return (await Promise.race([page.evaluate(body as never, args), late])) as Result;
    } catch (error) {
      await this.quit(); // it may still be at work, or be gone
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async version(): Promise<string> {
    await this.ready();
    return this.browser!.version();
  }

  async close(): Promise<void> {
    await this.quit();
    await this.server.close();
    rmSync(this.folder, { recursive: true });
  }

  private async ready(): Promise<Page> {
    if (this.page) return this.page;
    this.browser = await launchChromium();
    const page = await this.browser.newPage();
    page.on('pageerror', (error) => console.error(`page: ${error.message}`));
    page.on('crash', () => console.error('page: it crashed'));
    await page.goto(`${this.server.url}/`);
    await page.waitForFunction(() => globalThis.peers);
    this.page = page;
    return page;
  }

  async quit(): Promise<void> {
    await this.browser?.close();
    this.browser = undefined;
    this.page = undefined;
  }
}

function sendModel(response: ServerResponse, file: string): void {
  if (existsSync(file)) send(response, readFileSync(file), 'application/octet-stream');
  else send(response, `${file} is not there: give --torch, or run scripts/export_onnx.py`, 'text/plain', 404);
}

/** torchvision's R50-FPN with synthetic weights: 178 MB, made while it is sent. */
function sendWeights(response: ServerResponse): void {
  const { size, read } = syntheticWeights('maskrcnn');
  response.writeHead(200, { 'content-length': size });
  async function* copies() {
    for await (const piece of read()) yield Buffer.from(piece); // pieces are overwritten
  }
  Readable.from(copies()).pipe(response);
}
