"""architectures.json.gz: names and shapes of the tensors of torchvision's detectors in their published sizes, and what
their backbones and RPN heads multiply. No weights: modules on torch's meta device.

    python scripts/golden_architectures.py
"""

import gzip
import json

import torch
import torchvision
from golden_reference import GOLDEN
from torch import nn
from torchvision.models import detection
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

CANVAS = 800, 1088  # of a picture of 480x640
PUBLISHED = [
    "maskrcnn_resnet50_fpn",
    "maskrcnn_resnet50_fpn_v2",
    "fasterrcnn_resnet50_fpn",
    "fasterrcnn_resnet50_fpn_v2",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "keypointrcnn_resnet50_fpn",
]
BACKBONES = [
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "wide_resnet50_2",
    "wide_resnet101_2",
]


def models() -> dict[str, nn.Module]:
    made = {name: getattr(detection, name)(weights=None, weights_backbone=None) for name in PUBLISHED}
    for name in BACKBONES:
        body = resnet_fpn_backbone(backbone_name=name, weights=None, trainable_layers=5)
        made[f"maskrcnn_{name}_fpn"] = detection.MaskRCNN(body, 91)
    return made


def multiplications(model: nn.Module) -> int:
    """Multiply-adds of the convolutions from the canvas to the RPN's maps."""
    counted = []

    def count(module: nn.Conv2d, inputs: tuple, output: torch.Tensor) -> None:
        counted.append(output.numel() * module.weight[0].numel())

    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count)
    features = model.eval().backbone(torch.empty(1, 3, *CANVAS))
    model.rpn.head(list(features.values()))
    return sum(counted)


def main() -> None:
    listed = {"torchvision": torchvision.__version__, "canvas": CANVAS, "architectures": {}}
    with torch.device("meta"):
        for name, model in models().items():
            state = {n: t for n, t in model.state_dict().items() if not n.endswith("num_batches_tracked")}
            shapes = {n: list(t.shape) for n, t in state.items()}
            listed["architectures"][name] = {"macs": multiplications(model), "tensors": shapes}
    path = GOLDEN / "architectures.json.gz"
    path.write_bytes(gzip.compress(json.dumps(listed).encode(), 9, mtime=0))
    print(path.name, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
