"""Makes the pictures of tests/images and demo/public: from scikit-image's free ones, and drawn nuclei.

    python scripts/make_picture.py            # all of them
    python scripts/make_picture.py nuclei     # those whose file name contains a word

Sources and licences are in the README.md beside them. Needs numpy, pillow and scikit-image 0.26.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from skimage import data

ROOT = Path(__file__).parent.parent


def crop(photo: np.ndarray, width: int, box: tuple[int, int, int, int]) -> Image.Image:
    """Resizes photo [H, W, 3] to a width, then cuts box (left, top, right, bottom) in new pixels.

    The two lowest bits are cleared: a photograph's noise, and a third of the file.
    """
    image = Image.fromarray(photo)
    height = round(image.height * width / image.width)
    image = image.resize((width, height), Image.Resampling.BICUBIC).crop(box)
    return image.point(lambda value: value & 0xFC)


def draw_nucleus(canvas: np.ndarray, rng: np.random.Generator, y: float, x: float) -> None:
    """Adds one soft-edged ellipse to canvas [H, W], brightness about 0.5, radii 6 to 11 pixels."""
    height, width = canvas.shape
    rows, columns = np.mgrid[:height, :width]
    angle, long, short = rng.uniform(0, np.pi), rng.uniform(8, 11), rng.uniform(6, 8)
    u = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
    v = (rows - y) * np.cos(angle) - (columns - x) * np.sin(angle)
    radius = np.hypot(u / long, v / short)
    texture = 1 + 0.15 * np.sin(u * rng.uniform(0.4, 0.8)) * np.cos(v * rng.uniform(0.4, 0.8))
    disc = rng.uniform(0.3, 0.7) * texture / (1 + np.exp((radius - 1) * 14))
    np.maximum(canvas, disc, out=canvas)


def nuclei(height: int = 192, width: int = 256, seed: int = 7) -> Image.Image:
    """A drawing like a fluorescence micrograph: bright ellipses on noise; grey stored as RGB."""
    rng = np.random.default_rng(seed)
    canvas = np.full((height, width), 0.04)
    for top in range(0, height, 32):  # one nucleus in most cells of a 32-pixel lattice
        for left in range(0, width, 32):
            if rng.uniform() < 0.8:
                draw_nucleus(canvas, rng, top + rng.uniform(10, 22), left + rng.uniform(10, 22))
    canvas += rng.normal(0, 0.01, canvas.shape)
    grey = Image.fromarray((canvas.clip(0, 1) * 255).astype(np.uint8))
    return grey.filter(ImageFilter.GaussianBlur(0.7)).convert("RGB")


def smear(height: int = 360, width: int = 480, count: int = 120, seed: int = 3) -> Image.Image:
    """A drawing like `nuclei`, but scattered as cells lie: alone, in heaps, touching, over the border."""
    rng = np.random.default_rng(seed)
    canvas = np.full((height, width), 0.03)
    heaps = rng.uniform((20, 20), (height - 20, width - 20), (14, 2))
    placed: list[np.ndarray] = []
    while len(placed) < count:
        spread = rng.normal(0, 34, 2) if rng.uniform() < 0.7 else rng.uniform(-width, width, 2)
        centre = heaps[rng.integers(len(heaps))] + spread
        inside = (centre > -4).all() and (centre < (height + 4, width + 4)).all()
        if inside and all(np.hypot(*(centre - other)) > 15 for other in placed):
            draw_nucleus(canvas, rng, *centre)
            placed.append(centre)
    canvas += rng.normal(0, 0.015, canvas.shape)
    grey = Image.fromarray((canvas.clip(0, 1) * 255).astype(np.uint8))
    return grey.filter(ImageFilter.GaussianBlur(0.7))  # stored as grey: a third less bytes


PICTURES = {
    "tests/images/astronaut_480x640": lambda: crop(data.astronaut(), 640, (0, 0, 640, 480)),
    "tests/images/coffee_427x640": lambda: crop(data.coffee(), 640, (0, 0, 640, 427)),
    "tests/images/cat_60x1500": lambda: crop(data.chelsea(), 1500, (0, 340, 1500, 400)),  # the eyes
    "tests/images/cat_1x1": lambda: crop(data.chelsea(), 451, (225, 150, 226, 151)),
    "tests/images/nuclei_192x256": nuclei,
    "demo/public/nuclei": smear,
    "demo/public/tissue": lambda: Image.fromarray(data.immunohistochemistry()),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("word", nargs="?", default="", help="only pictures whose name contains it")
    word = parser.parse_args().word
    names = [name for name in PICTURES if word in name]
    if not names:
        parser.error(f"no picture is called {word!r}; there are {', '.join(PICTURES)}")
    for name in names:
        path = ROOT / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        PICTURES[name]().save(path, optimize=True)
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
