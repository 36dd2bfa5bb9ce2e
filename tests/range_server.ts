// Serves bytes as servers of checkpoints do: versions, ranges, HEAD; and as they fail. Keeps account of what it was
// asked for.

import type { ServerResponse } from 'node:http';

export class RangeServer {
  /** What was asked for: `GET`, `GET bytes=5-`, `HEAD`. */
  readonly asked: string[] = [];
  /** Breaks the connection after so many bytes, once. */
  breakAfter: number | undefined;
  /** Falls silent after so many bytes, once. */
  stallAfter: number | undefined;
  /** What the file becomes when the connection has been broken. */
  afterBreak: Uint8Array | undefined;
  version = 1;
  /** Whether it tells how many bytes come. */
  length = true;
  ranges = true;

  constructor(public bytes: Uint8Array) {}

  readonly route = (response: ServerResponse): void => {
    const { method = '', headers } = response.req;
    const etag = `"${this.version}"`;
    const { range } = headers;
    this.asked.push(range ? `${method} ${range}` : method);
    response.setHeader('etag', etag);
    const begin = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? Number.NaN);
    const current = headers['if-range'] === undefined || headers['if-range'] === etag;
    if (this.ranges && current && begin >= this.bytes.length) {
      response.writeHead(416).end();
      return;
    }
    const part = this.ranges && current && begin < this.bytes.length;
    const body = part ? this.bytes.subarray(begin) : this.bytes;
    const { length } = this.bytes;
    if (part) response.setHeader('content-range', `bytes ${begin}-${length - 1}/${length}`);
    response.writeHead(part ? 206 : 200, this.length ? { 'content-length': body.length } : {});
    if (method === 'HEAD') response.end();
    else if (this.stallAfter !== undefined) {
      response.write(body.subarray(0, this.stallAfter));
      this.stallAfter = undefined;
    } else if (this.breakAfter !== undefined && this.breakAfter < body.length) {
      const sent = body.subarray(0, this.breakAfter);
      this.breakAfter = undefined;
      if (this.afterBreak) {
        this.bytes = this.afterBreak;
        this.version++;
      }
      response.write(sent, () => setTimeout(() => response.destroy(), 300));
    } else response.end(body);
  };

  /** What was asked for since the last call. */
  take(): string[] {
    return this.asked.splice(0);
  }
}
