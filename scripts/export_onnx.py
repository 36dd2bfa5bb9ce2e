"""torchvision's maskrcnn_resnet50_fpn with the synthetic weights, as an ONNX file for other engines.

Input `image` [3, H, W], RGB of 0..1; outputs `boxes` [N, 4], `labels` [N], `scores` [N] and `masks`
[N, 1, H, W], pasted into the picture. H and W are fixed: resizing is traced for the picture's size.

    python scripts/export_onnx.py bench/peers/models/mask.onnx --size 320,533 --picture 480x640
"""

import argparse
import warnings
from pathlib import Path

import torch
from synthetic_weights import build
from torch.onnx._internal.torchscript_exporter import onnx_proto_utils

OPSET = 17


def export(model: torch.nn.Module, height: int, width: int, output: Path) -> None:
    # Asked for the functions of onnxscript that a model uses, torch imports package onnx. Ours uses none.
    onnx_proto_utils._add_onnxscript_fn = lambda model_bytes, custom_opsets: model_bytes
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sizes that become constants, as is meant
        torch.onnx.export(
            model,
            ([torch.rand(3, height, width)],),
            str(output),
            opset_version=OPSET,
            dynamo=False,  # torchvision's detectors have code for tracing, with the TorchScript exporter
            input_names=["image"],
            output_names=["boxes", "labels", "scores", "masks"],
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--size", default="320,533", help="min_size,max_size in pixels")
    parser.add_argument("--picture", default="480x640", help="height x width")
    arguments = parser.parse_args()
    min_size, max_size = map(int, arguments.size.split(","))
    height, width = map(int, arguments.picture.split("x"))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    model = build("maskrcnn", min_size=min_size, max_size=max_size)
    export(model, height, width, arguments.output)
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1e6:.0f} MB, torch {torch.__version__}")


if __name__ == "__main__":
    main()
