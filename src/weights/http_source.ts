// A file at an address, as a stream that is resumed where the connection breaks.

import { WeightError } from '../errors';
import type { ByteSource, WeightSource } from './byte_source';
import {
  answer,
  checkStatus,
  contentLength,
  continues,
  ifRange,
  rangeOf,
  rangeSize,
  shorten,
  type Version,
  versionOf,
} from './http';
import { bodyOf, resuming } from './http_stream';
import { remoteRanges } from './remote_ranges';

export interface FetchOptions {
  signal?: AbortSignal | undefined;
  /** What to send instead of a plain GET; never resumed. */
  request?: Request;
  /** Where an earlier attempt has stopped, and at which version. */
  from?: { at: number; version: Version };
}

export interface HttpSource extends ByteSource {
  readonly version: Version;
  /** Where `read` begins: `from.at` if the server goes on from there. */
  readonly begin: number;
}

const PART = 206;
const NO_SUCH_RANGE = 416; // what there is may be all of it, or more

/** Asks for the file at `url`. Throws WeightError if it cannot be had, the signal's reason if that aborts. */
export async function fetchSource(url: string, options: FetchOptions = {}): Promise<HttpSource> {
  const { request, from, signal } = options;
  const ranged = from && { ...rangeOf(from.at), ...ifRange(from.version) };
  let response = await answer(url, request ?? url, { signal, ...(ranged && { headers: ranged }) });
  const another = from && response.status === PART && !continues(response, from.at, from.version);
  if (another || (from && response.status === NO_SUCH_RANGE)) {
    await response.body?.cancel();
    response = await answer(url, url, { signal });
  }
  return responseSource(url, response, request ? undefined : url, from);
}

/** The body of `response`; resumed from `url` if given. */
export async function responseSource(
  address: string,
  response: Response,
  url?: string,
  from?: FetchOptions['from'],
): Promise<HttpSource> {
  const name = shorten(address);
  await checkStatus(name, response);
  if (response.bodyUsed) throw new WeightError(`${name}: wanted an unread Response, got one already read`);
  const resumed = from !== undefined && continues(response, from.at, from.version);
  const begin = resumed ? from.at : 0;
  const length = contentLength(response);
  const size = resumed ? (rangeSize(response, from.at) ?? from.version.size) : length;
  const version = { ...versionOf(response), size };
  return {
    name,
    size,
    version,
    begin,
    read: (signal) =>
      url === undefined ? bodyOf(response, signal) : resuming(url, response, begin, version, signal),
    ...(url !== undefined && {
      seekable: (signal?: AbortSignal) => remoteRanges(url, version, signal),
      sibling: (file: string): WeightSource => new URL(file, new URL(url, globalThis.location?.href)),
    }),
  };
}
