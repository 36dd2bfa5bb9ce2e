"""Reproducible random weights, bit for bit the same here and in tests/synthetic_weights.ts.

Element i of tensor `name`, in 32-bit wrapping arithmetic and then float64:

    h = fmix32(fnv1a32(name) + i * 0x9E3779B9)     murmur3's finaliser over a counter
    value = float32(mean + amplitude * ((h >> 8) / 2^23 - 1))

Norms' statistics, biases and one factor a layer come from tests/golden/calibration.safetensors
(calibrate_synthetic.py), so that photographs give sane activations and some dozens of detections.

    python scripts/synthetic_weights.py maskrcnn /tmp/synthetic.safetensors    # 178 MB, float32
"""

import argparse
import hashlib
import math
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torchvision.models.detection import fasterrcnn_resnet50_fpn, maskrcnn_resnet50_fpn

CALIBRATION = Path(__file__).parent.parent / "tests/golden/calibration.safetensors"
ARCHITECTURES = {"maskrcnn": maskrcnn_resnet50_fpn, "fasterrcnn": fasterrcnn_resnet50_fpn}
BN_EPS = "1e-05"  # torchvision's BatchNorm2d


def fnv1a32(name: str) -> int:
    """Fowler-Noll-Vo 1a over the UTF-8 bytes."""
    h = 0x811C9DC5
    for byte in name.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    return h


def uniform(name: str, count: int, mean: float, amplitude: float) -> np.ndarray:
    """float32 [count], uniform in [mean - amplitude, mean + amplitude)."""
    h = np.arange(count, dtype=np.uint32)
    h *= np.uint32(0x9E3779B9)
    h += np.uint32(fnv1a32(name))
    h ^= h >> 16
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> 13
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> 16
    return (mean + amplitude * ((h >> 8) / 2.0**23 - 1)).astype(np.float32)


def role(name: str, shape: torch.Size) -> tuple[float, float]:
    """Mean and standard deviation of a tensor's elements, before its calibrated factor."""
    if name.endswith("bias"):
        return 0.0, 0.1
    if len(shape) == 1:  # a norm's weight; small at the end of a residual branch: less noise grows
        return (0.2, 0.05) if name.endswith("bn3.weight") else (1.0, 0.1)
    if name.endswith("conv5_mask.weight"):  # [in, out, 2, 2] with stride 2: one tap an output
        return 0.0, math.sqrt(2 / shape[0])
    return 0.0, math.sqrt(2 / math.prod(shape[1:]))  # He et al. 2015, fan in


def synthetic_tensor(name: str, shape: torch.Size, calibration: dict[str, Tensor]) -> Tensor:
    """The tensor from the calibration file if it is there, else generated from its name."""
    if name in calibration:
        return calibration[name]
    mean, std = role(name, shape)
    scale = calibration.get(name.removesuffix("weight") + "scale")
    amplitude = math.sqrt(3) * std * (1.0 if scale is None else float(scale))
    return torch.from_numpy(uniform(name, math.prod(shape), mean, amplitude)).view(shape)


def tensor_shapes(model: nn.Module) -> dict[str, torch.Size]:
    """Names and shapes as in a weights file: without the norms' counters."""
    state = model.state_dict()
    return {n: t.shape for n, t in state.items() if not n.endswith("num_batches_tracked")}


def load_synthetic(model: nn.Module, calibration: dict[str, Tensor]) -> nn.Module:
    """Fills a torchvision model with the synthetic weights."""
    shapes = tensor_shapes(model)
    state = {n: synthetic_tensor(n, shape, calibration) for n, shape in shapes.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    wrong = [n for n in missing if not n.endswith("num_batches_tracked")] + unexpected
    if wrong:
        raise ValueError(f"synthetic weights do not fit the model: {wrong}")
    return model.eval()


def build(architecture: str, calibration: dict[str, Tensor] | None = None, **options) -> nn.Module:
    """torchvision's *_resnet50_fpn with synthetic weights; `options` go to its constructor."""
    if calibration is None:
        if not CALIBRATION.is_file():
            raise FileNotFoundError(f"{CALIBRATION}: make it with calibrate_synthetic.py")
        calibration = load_file(CALIBRATION)
    model = ARCHITECTURES[architecture](weights=None, weights_backbone=None, **options)
    return load_synthetic(model, calibration)


def digests(model: nn.Module) -> dict[str, str]:
    """What tests compare: the number of tensors and SHA-256 of their list and of their bytes."""
    state, shapes = model.state_dict(), tensor_shapes(model)
    lines = [f"{name} {'x'.join(map(str, shape))}\n" for name, shape in shapes.items()]
    values = hashlib.sha256()
    for name in shapes:
        values.update(state[name].float().contiguous().numpy().tobytes())
    listing = hashlib.sha256("".join(lines).encode()).hexdigest()
    return {"tensors": str(len(lines)), "names_sha256": listing, "sha256": values.hexdigest()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("architecture", choices=ARCHITECTURES)
    parser.add_argument("output", type=Path, help="safetensors file to write")
    arguments = parser.parse_args()
    model = build(arguments.architecture)
    state = {name: model.state_dict()[name].contiguous() for name in tensor_shapes(model)}
    architecture = f"torchvision/{arguments.architecture}_resnet50_fpn"
    save_file(state, arguments.output, {"architecture": architecture, "bn_eps": BN_EPS})
    print(f"{arguments.output}: {len(state)} tensors")


if __name__ == "__main__":
    main()
