"""Times torchvision's maskrcnn_resnet50_fpn with the synthetic weights, picture in, masks out.

On the processor, or with --device cuda on a card: in float32, without TF32.

Prints a line of JSON for what is in use, with the milliseconds it took to build the model, and one for
each run, with its milliseconds and detections; with --on-demand a run for each line of standard input.

    python scripts/time_torch.py tests/images/astronaut_480x640.png --size 320,533 --runs 5
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import torch
import torchvision
from golden_reference import load_pixels, to_image
from synthetic_weights import build
from torch import Tensor, nn


def timed_run(model: nn.Module, image: Tensor) -> dict:
    started = time.perf_counter()
    with torch.inference_mode():
        found = {name: value.cpu() for name, value in model([image])[0].items()}
    milliseconds = 1000 * (time.perf_counter() - started)
    return {
        "ms": milliseconds,
        "boxes": found["boxes"].flatten().tolist(),
        "scores": found["scores"].tolist(),
        "labels": found["labels"].tolist(),
    }


def show(line: dict) -> None:
    print(json.dumps(line), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("--size", default="320,533", help="min_size,max_size in pixels")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--on-demand", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    min_size, max_size = map(int, arguments.size.split(","))
    started = time.perf_counter()
    model = build("maskrcnn", min_size=min_size, max_size=max_size).to(arguments.device)
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    versions["threads"] = torch.get_num_threads()
    show({"versions": versions, "ms": 1000 * (time.perf_counter() - started)})
    image = to_image(load_pixels(arguments.picture)).to(arguments.device)
    times = []
    for _ in sys.stdin if arguments.on_demand else range(arguments.runs):
        line = timed_run(model, image)
        times.append(line["ms"])
        show(line)
    if not arguments.on_demand:
        print(f"median {statistics.median(times):.0f} ms of {len(times)} runs, with the first")


if __name__ == "__main__":
    main()
