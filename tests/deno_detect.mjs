// Runs in Deno, whose WebGPU is wgpu with the naga compiler: detects in raw pixels with the built library, and
// compiles every shader of a list. tests/deno.spec.ts calls it and compares.
//
//   deno run --allow-read deno_detect.mjs JOB.json      the answer goes to standard output, as JSON

const job = JSON.parse(await Deno.readTextFile(Deno.args[0]));
const { MaskRCNN, requestDevice } = await import(job.library);
const device = await requestDevice();

/** Shaders are [{ name, text }]; returns what the compiler says of those that it refuses. */
async function refused(shaders) {
  const faults = [];
  for (const { name, text } of shaders) {
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ label: name, code: text });
    device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: name } });
    const error = await device.popErrorScope();
    if (error) faults.push({ name, message: error.message, text });
  }
  return faults;
}

async function detect({ weights, pixels, width, height, options }) {
  const started = performance.now();
  const model = await MaskRCNN.load(await Deno.readFile(weights), { device, ...options });
  const loadMs = performance.now() - started;
  const result = await model.detect({ data: await Deno.readFile(pixels), width, height });
  const detections = result.detections.map(({ label, classIndex, score, box, mask }) => ({
    label,
    classIndex,
    score,
    box,
    probabilities: [...mask.probabilities],
    rle: mask.rle(),
  }));
  return { detections, loadMs, timing: result.timing };
}

const answer = { adapter: device.adapterInfo?.description ?? '' };
answer.faults = await refused(JSON.parse(await Deno.readTextFile(job.shaders)));
answer.result = await detect(job);
console.log(JSON.stringify(answer));
Deno.exit(0); // the device would keep the process
