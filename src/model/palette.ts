// Colours for detections: equally light, so that they show on dark pictures and on light ones, and their hues a
// golden angle apart, so that neighbours in rank differ.

/** The first `count` colours: R G B 0 each, in sRGB, 0..1. */
// -> [count, 4]
export function palette(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => i).reduce(
    (colours, i) => {
      colours.set(oklch(LIGHTNESS[i % LIGHTNESS.length]!, CHROMA, FIRST_HUE + i * GOLDEN_ANGLE), 4 * i);
      return colours;
    },
    new Float32Array(4 * count),
  );
}

const LIGHTNESS = [0.72, 0.66, 0.78];
const CHROMA = 0.17;
const FIRST_HUE = 2.5; // radians: green-ish first, as of fluorescence
const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5));

/** OKLCH (Ottosson 2020, bottosson.github.io/posts/oklab) to sRGB, what is out of gamut clipped. */
function oklch(lightness: number, chroma: number, hue: number): [number, number, number] {
  const [a, b] = [chroma * Math.cos(hue), chroma * Math.sin(hue)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  const encode = (c: number) => (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055);
  return linear.map((c) => encode(Math.min(Math.max(c, 0), 1))) as [number, number, number];
}
