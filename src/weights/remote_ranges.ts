// Parts of a file at an address, as far as the server gives them: its end, where a zip has its table, then the rest.

import { WeightError } from '../errors';
import type { Seekable } from './byte_source';
import { answer, checkStatus, continues, rangeOf, rangeSize, shorten, type Version } from './http';
import { goOn, resuming } from './http_stream';

const SKIPPED_BYTES = 1 << 20; // passed over in a stream rather than asked for anew
const EMPTY = new Uint8Array(0);

/** Ranges of the file, if the server gives such, and its size is known. */
export async function remoteRanges(
  url: string,
  version: Version,
  signal?: AbortSignal,
): Promise<Seekable | undefined> {
  if (!/^https?:/.test(new URL(url, globalThis.location?.href).href)) return undefined;
  const probe = await goOn(url, 0, version, signal).catch(() => undefined);
  await probe?.body?.cancel();
  const size = probe && (rangeSize(probe, 0) ?? version.size);
  if (probe?.status !== 206 || size === undefined) return undefined;
  return new RemoteRanges(url, size, version);
}

/** Slices that follow one another come from one request. */
class RemoteRanges implements Seekable {
  private at = 0;
  private stream: AsyncGenerator<Uint8Array> | undefined;
  private chunk: Uint8Array = EMPTY;

  constructor(
    private readonly url: string,
    readonly size: number,
    private readonly version: Version,
  ) {}

  async *slice(begin: number, end: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    if (!this.stream || begin < this.at || begin - this.at > SKIPPED_BYTES) await this.begin(begin, signal);
    while (this.at < end) {
      if (this.chunk.length === 0) {
        const next = await this.stream!.next();
        if (next.done) return;
        this.chunk = next.value;
      }
      const wanted = this.at < begin ? begin - this.at : end - this.at;
      const part = this.chunk.subarray(0, wanted);
      this.chunk = this.chunk.subarray(part.length);
      this.at += part.length;
      if (this.at > begin) yield part;
    }
  }

  async close(): Promise<void> {
    await this.stream?.return(undefined);
    this.stream = undefined;
    this.chunk = EMPTY;
  }

  private async begin(at: number, signal?: AbortSignal): Promise<void> {
    await this.close();
    const response = await answer(this.url, this.url, { signal, headers: rangeOf(at) });
    await checkStatus(shorten(this.url), response);
    if (!continues(response, at, this.version)) {
      throw new WeightError(`${shorten(this.url)}: wanted bytes from ${at} on, got another part or version`);
    }
    this.at = at;
    this.stream = resuming(this.url, response, at, { ...this.version, size: this.size }, signal);
  }
}
