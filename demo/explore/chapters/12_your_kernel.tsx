// Chapter 12: the kernels themselves, to be changed and run on the picture.

import type { Chapter } from '../chapter';
import { KernelWorkshop } from '../views/kernel_workshop';

function Text() {
  return (
    <>
      <p>
        All that you have seen was computed by WGSL, WebGPU's shading language: kernels, one file each, which
        run on your graphics processor. Here they are, as they are, with the functions that they call below
        them. Nothing else takes part between the picture's pixels and the masks.
      </p>
      <p>
        Choose a kernel, take one of the changes or make your own, and run: the same picture passes the
        changed network, and stands beside the run as it was. Every node that this kernel computes is changed.
        If the text does not compile, the compiler's words stand behind the line that it means.
      </p>
      <p>
        Lines with <code>#if</code> are chosen, and the constants at the top of a file are set, before the
        text is compiled; the fault's line is that of your text all the same. What you change stays until you
        reset it or leave the page.
      </p>
      <p>
        A loop without an end may cost you the graphics device for a moment. The page tells you, loads the
        model again, and runs the picture anew.
      </p>
    </>
  );
}

export const chapter: Chapter = { Text, View: KernelWorkshop };
