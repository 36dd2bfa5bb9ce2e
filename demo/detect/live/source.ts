// A camera or a video file as a <video> that plays, and its frames one after the other.

/** The camera's pictures. Throws where there is none, or where it may not be used. */
export async function openCamera(): Promise<HTMLVideoElement> {
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
  const element = makeElement();
  element.srcObject = stream;
  return loaded(element, 'The camera');
}

/** A file, at its beginning. Throws where the browser cannot play it. */
export function openFile(file: Blob, name: string): Promise<HTMLVideoElement> {
  const element = makeElement();
  element.src = URL.createObjectURL(file);
  return loaded(element, name);
}

/** Frees the camera, or the file. */
export function release(element: HTMLVideoElement): void {
  element.pause();
  for (const track of (element.srcObject as MediaStream | null)?.getTracks() ?? []) track.stop();
  element.srcObject = null;
  if (element.src) URL.revokeObjectURL(element.src);
}

/** Resolves when another frame is there, or when there is none for a while. */
export function nextFrame(element: HTMLVideoElement): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, LONGEST_MS);
    if ('requestVideoFrameCallback' in element) element.requestVideoFrameCallback(() => resolve());
    else setTimeout(resolve, STEP * 1000);
  });
}

/** To the next frame of a file that does not play. false: it was the last. */
export async function stepOn(element: HTMLVideoElement): Promise<boolean> {
  if (element.ended || element.currentTime + STEP >= element.duration) return false;
  const before = element.currentTime;
  const there = new Promise((resolve) => element.addEventListener('seeked', resolve, { once: true }));
  element.currentTime += STEP;
  await there;
  return element.currentTime > before; // where the length is not known, the end is where it stays
}

const STEP = 1 / 30; // seconds: browsers do not tell the distance of a file's frames
const LONGEST_MS = 250;

function makeElement(): HTMLVideoElement {
  return Object.assign(document.createElement('video'), { muted: true, playsInline: true });
}

function loaded(element: HTMLVideoElement, name: string): Promise<HTMLVideoElement> {
  return new Promise((resolve, reject) => {
    element.onloadeddata = () => resolve(element);
    element.onerror = () => {
      const reason = element.error?.message || 'of no known kind';
      release(element);
      reject(new Error(`${name} is no video that this browser can play (${reason}): use MP4 or WebM.`));
    };
  });
}
