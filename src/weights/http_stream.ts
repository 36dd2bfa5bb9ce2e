// A response's body in chunks, taken up again where the connection breaks.

import { WeightError } from '../errors';
import {
  checkStatus,
  contentLength,
  continues,
  ifRange,
  isPassing,
  pause,
  RETRIES,
  rangeOf,
  sameVersion,
  shorten,
  type Version,
  versionOf,
} from './http';

/** The stream's chunks; cancels it when left early or aborted. */
export async function* streamChunks(
  stream: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  const cancel = () => reader.cancel(signal?.reason).catch(() => {}); // fails only where it already failed
  signal?.addEventListener('abort', cancel);
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
    signal?.throwIfAborted(); // what is cancelled ends as if it were all
  } finally {
    signal?.removeEventListener('abort', cancel);
    await cancel();
  }
}

/** The stream from `begin` on, taken up again where it breaks. */
export async function* resuming(
  url: string,
  first: Response,
  begin: number,
  version: Version,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let at = begin;
  let response = first;
  for (let failures = 0; ; ) {
    try {
      for await (const chunk of bodyOf(response, signal)) {
        failures = 0;
        at += chunk.length;
        yield chunk;
      }
      if (at >= (version.size ?? 0)) return;
      throw new Error(`the connection ended ${(version.size ?? 0) - at} bytes early`);
    } catch (error) {
      signal?.throwIfAborted();
      for (let next: Response | undefined; !next; ) {
        if (error instanceof WeightError || failures++ === RETRIES) throw error;
        await pause(failures, signal);
        next = await goOn(url, at, version, signal);
        if (next) response = next;
      }
    }
  }
}

/** The response that goes on at byte `at`; undefined where there is none now. */
export async function goOn(
  url: string,
  at: number,
  version: Version,
  signal?: AbortSignal,
): Promise<Response | undefined> {
  const name = shorten(url);
  let response: Response;
  try {
    const headers = { ...rangeOf(at), ...ifRange(version) };
    response = await fetch(url, { headers, cache: 'no-store', signal: signal ?? null });
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
  if (isPassing(response.status)) return undefined;
  await checkStatus(name, response);
  if (continues(response, at, version)) return response;
  const whole = { ...versionOf(response), size: contentLength(response) };
  if (response.status === 206 || !sameVersion(version, whole)) {
    await response.body?.cancel();
    throw new WeightError(`${name}: wanted the rest of it, got another version: fetch it again`);
  }
  return skipping(response, at); // a server without ranges begins anew
}

/** The response without the first `count` bytes of its body. */
function skipping(response: Response, count: number): Response {
  let left = count;
  const skip = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      const part = chunk.subarray(Math.min(left, chunk.length));
      left -= chunk.length - part.length;
      if (part.length > 0) controller.enqueue(part);
    },
  });
  return new Response(response.body?.pipeThrough(skip as unknown as TransformStream));
}

export async function* bodyOf({ body }: Response, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  if (body) yield* streamChunks(body, signal);
}
