"""The nuclei images: where they are, which are for validation, and random training crops.

Images are RGB png files, labels 16-bit png files of the same name: 0 is background, k nucleus k.
"""

import hashlib
import math
import os
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from skimage import io
from torch import Tensor
from torch.utils.data import IterableDataset
from tqdm import tqdm

SHARED = Path(os.environ.get("SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
DEFAULT_DATA = SHARED / "nuclei"

CROP = 256  # pixels, side of a training crop after resizing
SMALLEST = 3  # pixels, shortest side of a training box after resizing and cropping
ZOOM = 0.8, 1.6  # range of the scale jitter, around the network's own scale


def is_validation(name: str) -> bool:
    """About 15 % of all names, chosen by their hash: no list to keep, no order to depend on."""
    return hashlib.sha1(name.encode()).digest()[0] < 38


def image_paths(data: Path, split: str = "all") -> list[Path]:
    """The image files of a split ("train", "val" or "all"), sorted by name."""
    folder = Path(data) / "images"
    paths = sorted(folder.glob("*.png"))
    if not paths:
        raise FileNotFoundError(
            f"{folder}: no png images here. Pass --data FOLDER (with images/ and labels/ in it) "
            "or set SHARED_DATA to the folder that holds nuclei/."
        )
    if split == "all":
        return paths
    return [path for path in paths if is_validation(path.name) == (split == "val")]


def read_image(path: Path) -> np.ndarray:
    """[H, W, 3] uint8."""
    return io.imread(path)[..., :3]


def read_labels(path: Path) -> np.ndarray:
    """The instance map [H, W] int32 that belongs to an image's path."""
    labels = path.parent.parent / "labels" / path.name
    if not labels.is_file():
        raise FileNotFoundError(f"{labels}: no label file for {path.name}")
    return io.imread(labels).astype(np.int32)


def resize_scale(height: int, width: int, min_size: int, max_size: int) -> float:
    """torchvision's rule: the shorter side becomes min_size unless the longer passes max_size."""
    return min(min_size / min(height, width), max_size / max(height, width))


@dataclass
class Sample:
    """A decoded image with its scale to the network's input."""

    image: np.ndarray  # [H, W, 3] uint8
    labels: np.ndarray  # [H, W] int32
    scale: float  # input pixels per image pixel


def load_samples(paths: list[Path], min_size: int, max_size: int) -> list[Sample]:
    """Decodes all images once; they stay in memory (about 300 MB for 500 images)."""
    samples = []
    for path in tqdm(paths, desc="images", unit="", leave=False):
        image = read_image(path)
        scale = resize_scale(*image.shape[:2], min_size, max_size)
        samples.append(Sample(image, read_labels(path), scale))
    return samples


def instances(labels: Tensor) -> tuple[Tensor, Tensor]:
    """An instance map [H, W] -> boxes [N, 4] float x1 y1 x2 y2 and masks [N, H, W] uint8."""
    ids = labels.unique()
    masks = labels == ids[ids > 0][:, None, None]
    rows, columns = masks.any(2), masks.any(1)

    def span(hit: Tensor) -> tuple[Tensor, Tensor]:  # first and one past the last set position
        hit = hit.to(torch.uint8)
        return hit.argmax(1), hit.shape[1] - hit.flip(1).argmax(1)

    (y1, y2), (x1, x2) = span(rows), span(columns)
    boxes = torch.stack([x1, y1, x2, y2], 1).float()
    keep = (boxes[:, 2:] - boxes[:, :2]).amin(1) >= SMALLEST
    return boxes[keep], masks[keep].to(torch.uint8)


def window(sample: Sample, rng: random.Random) -> tuple[slice, slice]:
    """A random square of the image that is CROP pixels wide at a jittered input scale."""
    height, width = sample.labels.shape
    zoom = math.exp(rng.uniform(math.log(ZOOM[0]), math.log(ZOOM[1])))
    side = min(round(CROP / (sample.scale * zoom)), height, width)
    y, x = rng.randint(0, height - side), rng.randint(0, width - side)
    nuclei = sample.labels[::4, ::4].nonzero()
    if len(nuclei[0]) and rng.random() < 0.7:  # most windows hold a chosen nucleus
        i = rng.randrange(len(nuclei[0]))
        y = min(max(nuclei[0][i] * 4 - rng.randrange(side), 0), height - side)
        x = min(max(nuclei[1][i] * 4 - rng.randrange(side), 0), width - side)
    return slice(y, y + side), slice(x, x + side)


def recolour(image: Tensor, rng: random.Random) -> Tensor:
    """Changes of stain, lamp, exposure and camera: [3, H, W] in 0..1 -> the same."""
    if rng.random() < 0.2:
        image = image.mean(0, keepdim=True).expand(3, -1, -1)
    if rng.random() < 0.1:
        image = image[rng.sample(range(3), 3)]
    if rng.random() < 0.15:
        image = 1 - image
    image = image ** math.exp(rng.gauss(0, 0.25))
    middle = image.mean()
    image = (image - middle) * math.exp(rng.gauss(0, 0.2)) + middle * math.exp(rng.gauss(0, 0.15))
    image = image * (1 + 0.05 * torch.tensor([rng.gauss(0, 1) for _ in range(3)])[:, None, None])
    if rng.random() < 0.15:
        image = F.avg_pool2d(image[None], 3, stride=1, padding=1, count_include_pad=False)[0]
    if rng.random() < 0.2:
        image = image + rng.uniform(0, 0.04) * torch.randn_like(image)
    return image.clamp(0, 1)


def turn(grid: Tensor, quarter: int, mirror: bool) -> Tensor:
    """One of the eight symmetries of the square, on the last two axes."""
    grid = torch.rot90(grid, quarter, (-2, -1))
    return grid.flip(-1) if mirror else grid


def random_crop(sample: Sample, rng: random.Random) -> tuple[Tensor, dict[str, Tensor]]:
    """-> image [3, CROP, CROP] float 0..1 and torchvision's target of boxes, labels, masks."""
    rows, columns = window(sample, rng)
    image = torch.from_numpy(sample.image[rows, columns].copy()).permute(2, 0, 1) / 255
    labels = torch.from_numpy(sample.labels[rows, columns].astype(np.float32))
    symmetry = rng.randrange(4), rng.random() < 0.5
    image, labels = turn(image, *symmetry), turn(labels, *symmetry)
    image = recolour(image, rng)
    image = F.interpolate(image[None], size=(CROP, CROP), mode="bilinear")[0].clamp(0, 1)
    labels = F.interpolate(labels[None, None], size=(CROP, CROP))[0, 0]
    boxes, masks = instances(labels)
    classes = torch.ones(len(boxes), dtype=torch.int64)
    return image.contiguous(), {"boxes": boxes, "labels": classes, "masks": masks}


class Crops(IterableDataset):
    """Endless random crops; large images are drawn more often, by the root of their area."""

    def __init__(self, samples: list[Sample], seed: int):
        self.samples = samples
        self.seed = seed
        self.weights = [math.sqrt(s.labels.size) * s.scale for s in samples]

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        rng = random.Random(f"{self.seed} {worker.id if worker else 0}")
        while True:
            yield random_crop(rng.choices(self.samples, self.weights)[0], rng)
