// HTTP as weights need it: requests that are repeated while a server is down or busy, versions of files, and parts of
// them (RFC 9110: section 8.8 validators, 13.1.5 If-Range, 14 Range).

import { WeightError } from '../errors';

/** By what a server tells one version of a file from another. */
export interface Version {
  etag?: string | undefined;
  modified?: string | undefined;
  size?: number | undefined;
  /** Of another origin, which may not allow us to ask for a version. */
  foreign?: boolean;
}

export const RETRIES = 3; // in a row, without a byte between them
const FIRST_PAUSE_MS = 250; // doubled each time
const NAME_LENGTH = 200; // shown of an address; a data: URL holds the whole file

/** The server's version of the file at `url` without its bytes; undefined where it does not tell. */
export async function fetchVersion(url: string, signal?: AbortSignal): Promise<Version | undefined> {
  try {
    const response = await fetch(url, { method: 'HEAD', ...(signal && { signal }) });
    return response.ok ? { ...versionOf(response), size: contentLength(response) } : undefined;
  } catch {
    signal?.throwIfAborted();
    return undefined; // without a network
  }
}

/** Whether both may be of one version of a file: nothing that both tell differs. */
export function sameVersion(a: Version, b: Version): boolean {
  const pairs = [
    [a.etag, b.etag],
    [a.modified, b.modified],
    [a.size, b.size],
  ];
  return pairs.every(([x, y]) => x === undefined || y === undefined || x === y);
}

/** An error's message with its cause's, since fetch tells what went wrong only there. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}

interface Asking {
  signal?: AbortSignal | undefined;
  headers?: Record<string, string>;
}

/** The server's answer, asked for again where it is down or busy. */
export async function answer(url: string, input: string | Request, asking: Asking): Promise<Response> {
  const { signal, headers } = asking;
  const once = typeof input !== 'string' || !URL.canParse(url, globalThis.location?.href);
  for (let failures = 0; ; ) {
    try {
      const part = headers && { headers, cache: 'no-store' as const }; // a browser's own cache answers otherwise
      const response = await fetch(input, { ...(signal && { signal }), ...part });
      if (once || !isPassing(response.status) || failures === RETRIES) return response;
      await response.body?.cancel();
    } catch (cause) {
      signal?.throwIfAborted();
      if (once || failures === RETRIES) {
        const advice = 'check the address, the network and, in a browser, that the server allows this origin';
        throw new WeightError(`${shorten(url)}: no answer: ${explain(cause)}; ${advice}`, { cause });
      }
    }
    await pause(++failures, signal);
  }
}

export function pause(failures: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', stop);
        resolve();
      },
      FIRST_PAUSE_MS * 2 ** (failures - 1),
    );
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Whether a status may be another one soon: busy, overloaded, too slow. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

export async function checkStatus(name: string, response: Response): Promise<void> {
  if (response.ok) return;
  await response.body?.cancel();
  const status = `${response.status} ${response.statusText}`.trim();
  throw new WeightError(`${name}: wanted HTTP status 200 to 299, got ${status}; check the address`);
}

/** Whether `response` is that version's part from byte `at` on. */
export function continues(response: Response, at: number, version: Version): boolean {
  if (response.status !== 206) return false;
  const start = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
  const found = { ...versionOf(response), size: rangeSize(response, at) };
  return (start === undefined || Number(start) === at) && sameVersion(version, found);
}

/** The whole file's size by its part from byte `at` to the end. */
export function rangeSize(response: Response, at: number): number | undefined {
  const size = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
  if (size !== undefined) return Number(size);
  const rest = response.headers.get('content-length'); // parts are never compressed
  return response.status === 206 && rest !== null ? at + Number(rest) : undefined;
}

export function versionOf({ headers, type }: Response): Version {
  return {
    etag: headers.get('etag') ?? undefined,
    modified: headers.get('last-modified') ?? undefined,
    foreign: type === 'cors',
  };
}

export function rangeOf(at: number): Record<string, string> {
  return { range: `bytes=${at}-` };
}

/** A weak tag does not vouch for bytes. */
export function ifRange({ etag, modified, foreign }: Version): Record<string, string> {
  if (foreign) return {}; // the header would need the server's leave; versions are compared afterwards
  if (etag && !etag.startsWith('W/')) return { 'if-range': etag };
  return modified ? { 'if-range': modified } : {};
}

/** The body's length in bytes, where the header can be trusted with it. */
export function contentLength(response: Response): number | undefined {
  // It counts compressed bytes if there is an encoding, and another origin's encoding may be hidden from us.
  if (response.type === 'cors' || response.headers.has('content-encoding')) return undefined;
  const header = response.headers.get('content-length');
  return header !== null && /^\d+$/.test(header) ? Number(header) : undefined;
}

export function shorten(name: string): string {
  return name.length > NAME_LENGTH ? `${name.slice(0, NAME_LENGTH)}…` : name;
}
