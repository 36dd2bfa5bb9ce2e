// Video clips for tests: drawn and encoded in the page, so that every frame and its time are known; and as browsers
// record them, of which the file tells neither length nor places to begin at.

import { BufferTarget, EncodedPacket, EncodedVideoPacketSource, Output, WebMOutputFormat } from 'mediabunny';
import type { Page } from 'playwright';

/** An ellipse, bright like a nucleus; moves steadily from its first place to its last. */
export interface Nucleus {
  from: readonly [x: number, y: number];
  to: readonly [x: number, y: number];
  radii: readonly [across: number, down: number];
}

export interface Scene {
  width: number;
  height: number;
  nuclei: readonly Nucleus[];
  frames: number;
  /** Frames a second. */
  rate: number;
}

/** A WebM file (VP8) of a scene, frame by frame. */
export async function encodedClip(page: Page, scene: Scene): Promise<Buffer> {
  const { chunks } = await page.evaluate(film, [scene, 'encoded'] as const);
  const output = new Output({ format: new WebMOutputFormat(), target: new BufferTarget() });
  const source = new EncodedVideoPacketSource('vp8');
  output.addVideoTrack(source, { frameRate: scene.rate });
  await output.start();
  const decoderConfig = { codec: 'vp8', codedWidth: scene.width, codedHeight: scene.height };
  for (const { data, type, seconds } of chunks) {
    const packet = new EncodedPacket(Buffer.from(data, 'base64'), type, seconds, 1 / scene.rate);
    await source.add(packet, { decoderConfig });
  }
  await output.finalize();
  return Buffer.from(output.target.buffer!);
}

/** The same as MediaRecorder records it: a stream that was cut off. */
export async function recordedClip(page: Page, scene: Scene): Promise<Buffer> {
  const { file } = await page.evaluate(film, [scene, 'recorded'] as const);
  return Buffer.from(file, 'base64');
}

/** In the page. Bytes come as base64. */
async function film([scene, how]: readonly [Scene, 'encoded' | 'recorded']) {
  const { width, height, nuclei, frames, rate } = scene;
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d')!;
  const base64 = (bytes: Uint8Array) =>
    btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ''));
  const draw = (share: number) => {
    context.filter = 'none';
    context.fillStyle = '#0a0a0a';
    context.fillRect(0, 0, width, height);
    context.filter = 'blur(0.7px)';
    context.fillStyle = '#8c8c8c';
    for (const { from, to, radii } of nuclei) {
      const [x, y] = [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])];
      context.beginPath();
      context.ellipse(x, y, ...radii, 0, 0, 2 * Math.PI);
      context.fill();
    }
  };
  const chunks: { data: string; type: EncodedVideoChunkType; seconds: number }[] = [];
  if (how === 'encoded') {
    const encoder = new VideoEncoder({
      output(chunk) {
        const bytes = new Uint8Array(chunk.byteLength);
        chunk.copyTo(bytes);
        chunks.push({ data: base64(bytes), type: chunk.type, seconds: chunk.timestamp / 1e6 });
      },
      error: ({ message }) => console.error(message),
    });
    encoder.configure({ codec: 'vp8', width, height, bitrate: 4e6, framerate: rate });
    for (let i = 0; i < frames; i++) {
      draw(i / (frames - 1));
      const frame = new VideoFrame(canvas, { timestamp: (1e6 * i) / rate, duration: 1e6 / rate });
      encoder.encode(frame, { keyFrame: i % 10 === 0 });
      frame.close();
    }
    await encoder.flush();
    return { chunks, file: '' };
  }
  const parts: Blob[] = [];
  const recorder = new MediaRecorder(canvas.captureStream(), {
    mimeType: 'video/webm',
    videoBitsPerSecond: 4e6,
  });
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const ended = new Promise((resolve) => {
    recorder.onstop = resolve;
  });
  recorder.start();
  for (let i = 0; i < frames; i++) {
    draw(i / (frames - 1));
    await new Promise((resolve) => setTimeout(resolve, 1000 / rate));
  }
  recorder.stop();
  await ended;
  return { chunks, file: base64(new Uint8Array(await new Blob(parts).arrayBuffer())) };
}
