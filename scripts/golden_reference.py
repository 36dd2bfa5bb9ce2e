"""What all golden files share: reading pictures, sampling tensors, writing safetensors."""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "tests/images"
GOLDEN = ROOT / "tests/golden"
SAMPLES = 1024  # of one tensor, by default
LIMIT = 1_000_000  # bytes of one golden file


def load_pixels(path: Path) -> np.ndarray:
    """The RGB bytes [H, W, 3] of a picture."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such picture; see make_picture.py")
    return np.array(Image.open(path).convert("RGB"))


def to_image(pixels: np.ndarray) -> Tensor:
    """RGB bytes [H, W, 3] -> float32 [3, H, W] in 0..1."""
    return torch.from_numpy(pixels).permute(2, 0, 1).float() / 255


def load_image(path: Path) -> Tensor:
    return to_image(load_pixels(path))


def in_double(model: nn.Module) -> nn.Module:
    """Casts a detector to float64, all but its transform.

    In float64 torch would also take the resize ratio n_in / n_out unrounded. That is not noise but
    another picture (by 1e-4), so the network gets the float32 transform's pixels, as in float32.
    """

    def cast(transform, inputs, outputs):
        images, targets = outputs
        return ImageList(images.tensors.double(), images.image_sizes), targets

    model.double().transform.register_forward_hook(cast)
    return model


def sample_indices(count: int, samples: int = SAMPLES) -> Tensor:
    """Indices floor(k * count / n) for k < n = min(samples, count) into a flattened tensor."""
    n = min(samples, count)
    return torch.arange(n) * count // n


def summary(label: str, tensor: Tensor, samples: int = SAMPLES) -> dict[str, Tensor]:
    """A tensor as its shape, its evenly strided samples and [max |x|, mean, L2 norm]."""
    flat = tensor.detach().double().flatten()
    stats = [flat.abs().max(), flat.mean(), flat.norm()] if flat.numel() else [0.0] * 3
    return {
        f"{label}/shape": torch.tensor(tensor.shape, dtype=torch.int32),
        f"{label}/samples": flat[sample_indices(flat.numel(), samples)].float(),
        f"{label}/stats": torch.tensor([float(value) for value in stats]),
    }


def write(name: str, tensors: dict[str, Tensor], metadata: dict[str, object]) -> None:
    """Writes tests/golden/<name>.safetensors; says who made it, of what, with what."""
    path = GOLDEN / f"{name}.safetensors"
    header = {
        "script": "scripts/make_golden.py",
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        **{k: v if isinstance(v, str) else json.dumps(v) for k, v in metadata.items()},
    }
    unfinished = path.with_suffix(".unfinished")  # a reader never sees half a file
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, unfinished, header)
    unfinished.chmod(0o644)  # save_file leaves it private
    unfinished.replace(path)
    size = path.stat().st_size
    print(f"  {path.name}: {len(tensors)} tensors, {size} bytes", flush=True)
    if size > LIMIT:
        raise ValueError(f"{path.name} has {size} bytes, more than {LIMIT}: sample more thinly")


def digest(content: bytes | np.ndarray) -> str:
    """SHA-256 of a file's bytes, or of a picture's RGB bytes to check a decoder with."""
    return hashlib.sha256(content).hexdigest()
