"""resizes.safetensors: pictures of noise as Pillow and OpenCV resize their bytes, which the engine must equal.

    python scripts/golden_resizes.py    # needs pillow and opencv-python-headless
"""

import cv2
import numpy as np
import PIL
import torch
from golden_reference import write
from PIL import Image

# height, width before and after
SIZES = [
    ((48, 64), (80, 107)),
    ((60, 90), (41, 33)),
    ((33, 20), (66, 40)),
    ((40, 60), (20, 30)),
    ((64, 96), (9, 150)),
    ((37, 41), (37, 80)),
    ((37, 41), (12, 41)),
    ((1, 1), (9, 5)),
    ((3, 200), (2, 7)),
]


def main() -> None:
    random = np.random.default_rng(7)
    tensors = {}
    for number, (before, after) in enumerate(SIZES):
        pixels = random.integers(0, 256, (*before, 3), dtype=np.uint8)
        pixels[: before[0] // 3] = random.choice([0, 255], (before[0] // 3, before[1], 3))  # edges
        pillow = np.array(Image.fromarray(pixels).resize(after[::-1], Image.BILINEAR))
        opencv = cv2.resize(pixels, after[::-1], interpolation=cv2.INTER_LINEAR)
        found = {"pixels": pixels, "pillow": pillow, "opencv": opencv}
        tensors |= {f"{number}/{name}": torch.from_numpy(array) for name, array in found.items()}
    versions = {"pillow": PIL.__version__, "opencv": cv2.__version__}
    write("resizes", tensors, {"script": "scripts/golden_resizes.py", "count": len(SIZES)} | versions)


if __name__ == "__main__":
    main()
