// A video file as a source of frames: demuxed by Mediabunny and decoded by WebCodecs, so that each frame comes once, in
// order, with its own time. A <video> tells neither a file's frames apart nor, of what MediaRecorder wrote, its length.

import { BlobSource, Input, MATROSKA, MP4, QTFF, type VideoSample, VideoSampleSink, WEBM } from 'mediabunny';
import type { Frame, Source } from './source';

const LATE_FRAMES = 120; // passed over in a row; a decoder that is slower than the video is waited for

/** Throws where there is no video in the file, or where the browser cannot decode it. */
export async function openVideo(file: Blob, name: string): Promise<Source> {
  const input = new Input({ source: new BlobSource(file), formats: [MP4, QTFF, WEBM, MATROSKA] });
  try {
    const track = (await input.canRead()) ? await input.getPrimaryVideoTrack() : null;
    if (!track) throw new Error('it holds no video: use MP4, MOV, WebM or MKV');
    if (!(await track.canDecode())) {
      throw new Error(`no decoder for ${(await track.getCodec()) ?? 'its codec'}: use H.264, VP9 or AV1`);
    }
    const length = await track.computeDuration();
    return new VideoFile(input, new VideoSampleSink(track), length, await track.getFirstTimestamp());
  } catch (cause) {
    input.dispose();
    throw new Error(`${name} cannot be played: ${(cause as Error).message}.`, { cause });
  }
}

class VideoFile implements Source {
  private samples: AsyncGenerator<VideoSample, void, unknown>;
  /** Decoded, and not asked for yet. */
  private ahead: Promise<VideoSample | undefined> | undefined;
  /** By `performance.now()`: when the time 0 was, or would have been; undefined while it stands still. */
  private began: number | undefined;

  constructor(
    private readonly input: Input,
    private readonly sink: VideoSampleSink,
    readonly length: number,
    private readonly first: number,
  ) {
    this.samples = sink.samples();
  }

  async next(every: boolean): Promise<Frame | undefined> {
    let sample = await this.take();
    if (!sample) return undefined;
    if (every) this.began = undefined;
    else sample = await this.onTime(sample);
    const canvas = new OffscreenCanvas(sample.displayWidth, sample.displayHeight);
    sample.draw(canvas.getContext('2d')!, 0, 0); // turned as the file says
    const { timestamp: seconds } = sample;
    sample.close();
    return { bitmap: canvas.transferToImageBitmap(), seconds };
  }

  hold(): void {
    this.began = undefined;
  }

  seek(seconds: number): void {
    this.end();
    this.samples = this.sink.samples(Math.max(seconds, this.first));
  }

  close(): void {
    this.end();
    this.input.dispose();
  }

  /** Of the frames that are due, the last one; if none is, the next one when it is. */
  private async onTime(first: VideoSample): Promise<VideoSample> {
    let began = this.began ?? performance.now() - 1000 * first.timestamp;
    let current = first;
    for (let passed = 0; ; passed++) {
      const ahead = this.take();
      this.ahead = ahead;
      const following = await ahead;
      if (this.ahead !== ahead) return current; // another place was sought meanwhile
      if (!following || began + 1000 * following.timestamp > performance.now()) break;
      if (passed === LATE_FRAMES) {
        began = performance.now() - 1000 * current.timestamp;
        break;
      }
      this.ahead = undefined;
      current.close();
      current = following;
    }
    this.began = began;
    const early = began + 1000 * current.timestamp - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    return current;
  }

  private async take(): Promise<VideoSample | undefined> {
    const { ahead } = this;
    this.ahead = undefined;
    if (ahead) return ahead;
    const { value } = await this.samples.next();
    return value ?? undefined;
  }

  private end(): void {
    this.hold();
    void this.ahead?.then((sample) => sample?.close());
    this.ahead = undefined;
    void this.samples.return();
  }
}
