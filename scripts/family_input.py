"""Which family, and how each makes its network's input of a picture (reference-semantics.md, sections 1, 12.1, 13)."""

from dataclasses import dataclass

import numpy as np
import torch
from narrow_models import HIDDEN, C
from PIL import Image
from torch import Tensor

BGR_MEAN = [103.53, 116.28, 123.675]


@dataclass(frozen=True)
class Family:
    name: str  # detectron2, maskrcnn-benchmark or mmdetection
    depth: int = 50
    groups: int = 1
    width: int = 16  # of 64, of the 3x3 convolutions
    heads: str = "mask"  # faster, mask or keypoint
    channels: int = C  # of the pyramid and the heads
    hidden: int = HIDDEN

    @property
    def grouped(self) -> bool:
        return self.groups > 1

    @property
    def benchmark(self) -> bool:
        return self.name == "maskrcnn-benchmark"


def resized_size(family: Family, height: int, width: int, min_size: int, max_size: int) -> tuple[int, int]:
    short, long = min(height, width), max(height, width)
    if family.benchmark:
        side = min_size
        if long / short * side > max_size:
            side = int(round(max_size * short / long))
        if side == short:
            return height, width
        return (int(side * height / width), side) if width < height else (side, int(side * width / height))
    if family.name == "mmdetection":
        scale = min(max_size / long, min_size / short)
        return int(height * scale + 0.5), int(width * scale + 0.5)
    scale = min_size / short
    sides = (min_size, scale * width) if height < width else (scale * height, min_size)
    if max(sides) > max_size:
        again = max_size / max(sides)
        sides = (sides[0] * again, sides[1] * again)
    return int(sides[0] + 0.5), int(sides[1] + 0.5)


def prepare(family: Family, pixels: np.ndarray, min_size: int, max_size: int) -> tuple[Tensor, tuple[int, int]]:
    """Resized bytes, then normalised, then zeros to multiples of 32 -> [1, 3, H, W], the size without them."""
    size = resized_size(family, *pixels.shape[:2], min_size, max_size)
    if family.name == "mmdetection":
        import cv2  # opencv-python-headless

        resized = cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_LINEAR)
        mean, std = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
    else:
        resized = np.array(Image.fromarray(pixels).resize(size[::-1], Image.BILINEAR))[:, :, ::-1].copy()
        mean = [102.9801, 115.9465, 122.7717] if family.benchmark else BGR_MEAN
        std = [57.375, 57.12, 58.395] if family.grouped else [1.0, 1.0, 1.0]
    image = torch.from_numpy(resized).permute(2, 0, 1).float()
    image = (image - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    height, width = size
    canvas = image.new_zeros(1, 3, -(-height // 32) * 32, -(-width // 32) * 32)
    canvas[0, :, :height, :width] = image
    return canvas, size
