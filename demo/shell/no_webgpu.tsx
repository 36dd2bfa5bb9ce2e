// What to do where there is no WebGPU: by browser, in the order of how likely it helps.

const ADVICE: readonly [browser: string, advice: string][] = [
  [
    'Chrome, Edge, Brave, Opera (Windows, macOS, ChromeOS, Android 12 and later)',
    'Update to version 113 or later (Android: 121). In the settings under System, switch on graphics acceleration. chrome://gpu tells what is missing.',
  ],
  [
    'Chrome, Edge on Linux',
    'Open chrome://flags/#enable-unsafe-webgpu, enable it, and start the browser anew; the system needs a Vulkan driver (Debian and Ubuntu: mesa-vulkan-drivers).',
  ],
  ['Safari', 'macOS 26, iOS 26 or visionOS 26 have it; before, Settings, Advanced, Feature Flags, WebGPU.'],
  [
    'Firefox',
    'Windows: version 141 or later. macOS: 145 or later. Elsewhere use Firefox Nightly, or set dom.webgpu.enabled in about:config.',
  ],
  ['Any of them', 'The page must come over https, or from localhost. A private window may have it off.'],
];

export function NoWebGpu({ reason }: { reason: string }) {
  return (
    <section class="no-webgpu card">
      <h1>This page needs WebGPU</h1>
      <p>
        It computes on your graphics processor, so that your pictures stay on your device. Here that is not
        possible: <span role="alert">{reason}</span>
      </p>
      <dl>
        {ADVICE.map(([browser, advice]) => (
          <div key={browser}>
            <dt>{browser}</dt>
            <dd>{advice}</dd>
          </div>
        ))}
      </dl>
      <p>
        <button type="button" onClick={() => location.reload()}>
          Try again
        </button>
      </p>
    </section>
  );
}
