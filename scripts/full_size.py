"""Networks of the published sizes from the file formats of their families, through the command line, against PyTorch.

Writes a checkpoint of each with random weights (narrow_models.calibrate: something is found), as its family writes it;
runs `maskrcnn detect` on it; and compares with torchvision in float64, of detectron2 with the independent program
(family_reference.py). As in the tests, all may depart from it four times as far as PyTorch's own float32 does. JSON's
rounding (1e-4 px) comes on top. Exit code 1 if one departs further.

    npm run build
    python scripts/full_size.py [WORD ...]           # cases whose name contains one; minutes each, up to 584 MB on disk
    python scripts/full_size.py --list
"""

import argparse
import json
import pickle
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from family_input import BGR_MEAN, Family
from family_names import family_name
from family_reference import Rcnn
from golden_families import Case, configure, file_name, nearest, run_keeping_keypoints, threshold
from golden_reference import IMAGES, ROOT, in_double, load_pixels, to_image
from narrow_models import calibrate
from pycocotools import mask as rle
from torch import Tensor, nn
from torchvision.models import detection
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

PICTURE = IMAGES / "coffee_427x640.png"
SIZES = 256, 384  # min_size, max_size
FACTOR = 4  # of PyTorch's float32 noise
ROUNDED = 1e-4  # px, of JSON's boxes and keypoints


@dataclass(frozen=True)
class Network:
    make: object
    old_names: bool = False  # of the first published files, whose norms have no eps
    measured: bool = False

    @property
    def suffix(self) -> str:
        return "pkl" if isinstance(self.make, Family) else "pth"


def published(name: str):
    return lambda: getattr(detection, name)(weights=None, weights_backbone=None)


def of_backbone(name: str):
    """A Mask R-CNN of 91 classes."""
    return lambda: detection.MaskRCNN(resnet_fpn_backbone(backbone_name=name, weights=None), 91)


NETWORKS = {
    "maskrcnn_resnet50_fpn": Network(published("maskrcnn_resnet50_fpn"), old_names=True),
    "maskrcnn_resnet50_fpn_v2": Network(published("maskrcnn_resnet50_fpn_v2")),
    "fasterrcnn_resnet50_fpn_v2": Network(published("fasterrcnn_resnet50_fpn_v2")),
    "fasterrcnn_mobilenet_v3_large_fpn": Network(published("fasterrcnn_mobilenet_v3_large_fpn"), measured=True),
    "keypointrcnn_resnet50_fpn": Network(published("keypointrcnn_resnet50_fpn"), old_names=True),
    "maskrcnn_resnext101_32x8d_fpn": Network(of_backbone("resnext101_32x8d")),
    "maskrcnn_wide_resnet101_2_fpn": Network(of_backbone("wide_resnet101_2")),
    "detectron2_mask_rcnn_R_50_FPN": Network(Family("detectron2", width=64, channels=256, hidden=1024)),
}


def find(model: nn.Module, pixels: np.ndarray) -> dict[str, Tensor]:
    return model(pixels) if isinstance(model, Rcnn) else run_keeping_keypoints(model, to_image(pixels))


def build(network: Network, pixels: np.ndarray) -> nn.Module:
    """With weights that find something."""
    model = Rcnn(network.make) if isinstance(network.make, Family) else network.make()
    if network.old_names:
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = 0.0
    configure(Case("", None, SIZES), model, 0.05)
    calibrate(model.eval(), lambda: find(model, pixels), network.measured)
    return model


def save(network: Network, model: nn.Module, path: Path) -> None:
    """As torch.save writes a state dict, or as detectron2's model zoo pickles one."""
    state = model.state_dict()
    if isinstance(model, Rcnn):
        arrays = {family_name("detectron2", n): t.numpy() for n, t in state.items() if "num_batches" not in n}
        arrays |= {"pixel_mean": np.array(BGR_MEAN, np.float32).reshape(3, 1, 1), "pixel_std": np.ones((3, 1, 1), "f4")}
        arrays |= {f"proposal_generator.anchor_generator.cell_anchors.{i}": np.zeros((3, 4), "f4") for i in range(5)}
        path.write_bytes(pickle.dumps({"model": arrays, "__author__": "Detectron2 Model Zoo"}))
        return
    case = Case("", None, old_names=network.old_names)
    kept = {n: t for n, t in state.items() if not (network.old_names and "num_batches" in n)}  # frozen norms have none
    torch.save({file_name(case, model, n): t for n, t in kept.items()}, path)


def detect(path: Path, output: Path) -> tuple[list[dict], float, int]:
    """-> results of the command line above 0.05, its seconds, its largest resident set in MB"""
    sizes = ",".join(map(str, SIZES))
    command = ["node", str(ROOT / "dist/cli.js"), "detect", str(PICTURE), "--model", str(path), "--size", sizes]
    started = time.perf_counter()
    process = subprocess.Popen([*command, "--score", "0.05", "--json", str(output)], stdout=subprocess.DEVNULL)
    memory = 0  # not getrusage's, which counts this process's own at the fork
    while process.poll() is None:
        memory = max(memory, peak_memory(process.pid))
        time.sleep(0.05)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit code {process.returncode}")
    return json.loads(output.read_text()), time.perf_counter() - started, memory


def peak_memory(pid: int) -> int:
    """The largest resident set of a process so far, in MB; 0 where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)


def as_tensors(results: list[dict]) -> dict[str, Tensor]:
    boxes = torch.tensor([r["bbox"] for r in results], dtype=torch.float64).view(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    scores = torch.tensor([r["score"] for r in results], dtype=torch.float64)
    found = {"boxes": boxes, "scores": scores, "labels": torch.tensor([r["category_id"] for r in results])}
    if results and "keypoints" in results[0]:
        points = torch.tensor([r["keypoints"] for r in results], dtype=torch.float64)
        found["keypoints"] = points.view(len(results), -1, 3)[:, :, :2]
    if results and "segmentation" in results[0]:
        found["bits"] = torch.from_numpy(rle.decode([r["segmentation"] for r in results])).permute(2, 0, 1).bool()
    return found


def above(found: dict[str, Tensor], score: float, at_least: bool) -> dict[str, Tensor]:
    """Those of a higher score; of masks the pixels, and how many are too near the threshold to tell."""
    chosen = {key: found[key] for key in ("boxes", "scores", "labels", "keypoints", "bits") if key in found}
    if "keypoints" in chosen:
        chosen["keypoints"] = chosen["keypoints"][:, :, :2]
    if "soft" in found:
        chosen["bits"] = found["soft"] >= 0.5 if at_least else found["soft"] > 0.5
        chosen["doubtful"] = ((found["soft"] - 0.5).abs() < 1e-4).sum((1, 2))
    return {key: value[found["scores"] > score] for key, value in chosen.items()}


def differences(want: dict[str, Tensor], got: dict[str, Tensor]) -> dict[str, float]:
    """The largest, of detections matched one to one; of masks in pixels beyond the doubtful ones."""
    order = nearest(want, got)
    if order is None:
        raise ValueError(f"wanted {len(want['labels'])} detections, got {len(got['labels'])}, or others")
    worst = {k: float((got[k][order].double() - want[k].double()).abs().max()) for k in ("boxes", "scores")}
    if "keypoints" in want:
        worst["keypoints"] = float((got["keypoints"][order].double() - want["keypoints"]).abs().max())
    if "bits" in want:
        wrong = (got["bits"][order] != want["bits"]).sum((1, 2)) - want["doubtful"]
        worst["mask pixels"] = float(wrong.clamp(min=0).max())
    return worst


def check(name: str, folder: Path) -> bool:
    network, pixels = NETWORKS[name], load_pixels(PICTURE)
    model = build(network, pixels)
    path = folder / f"{name}.{network.suffix}"
    save(network, model, path)
    single = find(model, pixels)
    if isinstance(model, Rcnn):
        model.double().dtype = torch.float64
    else:
        in_double(model)
    double = find(model, pixels)
    del model
    score = threshold(20, double["scores"])
    at_least = network.suffix == "pkl"
    want = above(double, score, at_least)
    noise = differences(want, above(single, score, at_least))
    results, seconds, memory = detect(path, folder / f"{name}.json")
    found = differences(want, above(as_tensors(results), score, at_least))
    allowed = {key: FACTOR * value + (0 if key == "scores" else ROUNDED) for key, value in noise.items()}
    fits = all(value <= allowed[key] for key, value in found.items())
    print(f"{name}: {path.stat().st_size / 1e6:.0f} MB, {seconds:.1f} s, resident {memory} MB, {len(want['labels'])} found")
    for key, value in found.items():
        print(f"    {key}: {value:.2e}, allowed {allowed[key]:.2e}", flush=True)
    path.unlink()
    return fits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", metavar="WORD", help="cases whose name contains one")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    arguments = parser.parse_args()
    chosen = [n for n in NETWORKS if not arguments.words or any(word in n for word in arguments.words)]
    if arguments.list:
        print("\n".join(chosen))
        return
    torch.set_grad_enabled(False)
    with tempfile.TemporaryDirectory(prefix="full-size-") as folder:
        outcomes = [check(name, Path(folder)) for name in chosen]
    sys.exit(0 if all(outcomes) else 1)


if __name__ == "__main__":
    main()
