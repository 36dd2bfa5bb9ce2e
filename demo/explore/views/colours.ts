// Colours of objects, levels and anchors: the palette that the library draws with.

import { palette } from '../../../src/model/palette';

const COLOURS = palette(512);

/** r, g, b of 0..255 of the i-th thing. */
export function colourOf(i: number): readonly [number, number, number] {
  const at = 4 * (i % (COLOURS.length / 4));
  const byte = (channel: number) => Math.round(255 * COLOURS[at + channel]!);
  return [byte(0), byte(1), byte(2)];
}

/** The same as CSS. */
export function cssColour(i: number): string {
  return `rgb(${colourOf(i).join(' ')})`;
}
