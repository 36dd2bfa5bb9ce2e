// The camera as a source of frames: the newest there is, whenever one is asked for.

import type { Frame, Source } from './source';

const LONGEST_MS = 250; // to wait for another frame

/** Asks the visitor. Throws where there is no camera, or where it may not be used. */
export async function openCamera(): Promise<Source> {
  const devices = navigator.mediaDevices as MediaDevices | undefined; // absent where the page came over http
  if (!devices)
    throw new Error('The camera cannot be used: the page must come over https, or from localhost.');
  const wanted = { facingMode: 'environment', width: { ideal: 1280 } };
  const stream = await devices.getUserMedia({ video: wanted, audio: false }).catch((cause) => {
    const { name } = cause as Error;
    throw new Error(`The camera cannot be used (${name}): allow it for this page, or choose a file.`, {
      cause,
    });
  });
  const video = Object.assign(document.createElement('video'), { muted: true, playsInline: true });
  video.srcObject = stream;
  await video.play();
  return new Camera(video, stream);
}

class Camera implements Source {
  readonly length = 0;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly stream: MediaStream,
  ) {}

  async next(): Promise<Frame> {
    await another(this.video);
    return { bitmap: await createImageBitmap(this.video), seconds: this.video.currentTime };
  }

  hold(): void {}

  seek(): void {}

  close(): void {
    for (const track of this.stream.getTracks()) track.stop();
    this.video.srcObject = null;
  }
}

/** Resolves when another frame is there, or when there is none for a while. */
function another(video: HTMLVideoElement): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, LONGEST_MS);
    video.requestVideoFrameCallback(() => resolve());
  });
}
