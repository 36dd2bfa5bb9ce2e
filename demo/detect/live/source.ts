// What frames come from, one after the other: a camera (camera.ts) or a file (video_file.ts).

export interface Frame {
  /** The receiver's, to be closed. */
  bitmap: ImageBitmap;
  /** Since the source's beginning. */
  seconds: number;
}

export interface Source {
  /** Of the whole, in seconds; 0 where there is no end. */
  readonly length: number;
  /** The next frame, at its time. `every`: none is passed over, however long the last one took. Undefined: the end. */
  next(every: boolean): Promise<Frame | undefined>;
  /** Stands still until the next frame is asked for. */
  hold(): void;
  /** Of a file: the next frame is the one that is shown at this time. */
  seek(seconds: number): void;
  close(): void;
}
