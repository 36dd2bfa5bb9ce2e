"""stages_<case>.safetensors: of every family that finds something, what comes after the pyramid, stage by stage.

Each stage is fed with the reference's own inputs, which the file holds. The pyramid is the backbone's of a small picture,
rounded to bytes of a power of two each, so that it is small and all see the same numbers. All in float32; a run in float64
must find the same. The weights are those of family_<case>.safetensors (golden_families.py), which must be there.

    python scripts/golden_family_stages.py [WORD]    # files whose name contains it
"""

import json
import math
import sys

import numpy as np
import torch
from family_reference import Rcnn
from golden_families import CASES, file_name, threshold
from golden_reference import GOLDEN, IMAGES, digest, load_pixels, sample_indices, summary, write
from golden_stages import PROBES
from narrow_models import fill
from reference_stages import Independent, Stages, Torchvision
from safetensors import safe_open
from torch import Tensor, nn

IMAGE, EVERY = "coffee_427x640", 4  # 107x160
SIZES = 96, 160  # min_size, max_size: 96x143 or 96x144, on a canvas of 96x160
PROPOSALS, REGIONS, DETECTIONS, HEATMAPS = 150, 24, 10, 1
# sides of squares about which a family's rule changes the level (reference-semantics.md 6.2), in float32
SIDES = [111.9999, 111.99992, 111.99995, 111.999985, 112.0]
SIDES += [223.9998, 223.99985, 223.99996, 223.999985, 224.0]
SIDES += [447.9996, 447.99964, 447.99988, 447.99991, 448.0]
SQUARES = [[0.0, 0.0, side - less, side - less] for side in SIDES for less in (0, 1)]  # 1: where x2 is a pixel


def weights_of(name: str, case, model: nn.Module) -> None:
    """Puts the weights of family_<case>.safetensors into the model."""
    with safe_open(GOLDEN / f"family_{name}.safetensors", "pt") as file:
        listed = json.loads(file.metadata()["tensors"])
        given = {key.removeprefix("given/"): file.get_tensor(key) for key in file.keys() if key.startswith("given/")}
    own = {seed: tuple(values) for _, seed, *values in listed}
    fill(model, own, {seed: given[in_file] for in_file, seed, *_ in listed if in_file in given})
    assert [in_file for in_file, *_ in listed] == [file_name(case, model, seed) for seed in own]


def to_bytes(pyramid: list[Tensor]) -> dict[str, Tensor]:
    """The maps [1, C, H, W] as bytes, 128 being 0, and what one counts."""
    tensors = {}
    for level, features in enumerate(pyramid, 2):
        step = 2.0 ** math.ceil(math.log2(float(features.abs().max()) / 127))
        tensors[f"p{level}"] = ((features[0] / step).round() + 128).to(torch.uint8)
        tensors[f"p{level}/step"] = torch.tensor([step])
    return tensors


def from_bytes(tensors: dict[str, Tensor], dtype: torch.dtype) -> list[Tensor]:
    levels = [key for key in tensors if key.endswith("/step")]
    return [(tensors[key[:-5]].to(dtype) - 128)[None] * tensors[key].to(dtype) for key in levels]


def run(stages: Stages, pyramid: list[Tensor], score: float) -> dict[str, Tensor]:
    """Every stage's output, of the output of the one before."""
    found = stages.rpn(pyramid)
    regions = found["proposals"][sample_indices(len(found["proposals"]), REGIONS)]
    found |= {"regions": regions, "box_pooled": stages.pool(pyramid, regions, 7)}
    found["box_hidden"], found["class_logits"], found["box_regression"] = stages.classify(found["box_pooled"])
    stages.score_thresh = score
    boxes, scores, labels = stages.select(found["class_logits"], found["box_regression"], regions)
    found |= {"detections/boxes": boxes, "detections/scores": scores, "detections/labels": labels}
    found["final/boxes"] = stages.in_picture(boxes)
    if stages.heads in ("mask", "keypoint"):
        pooled = stages.pool(pyramid, boxes, 14)
        found["region_pooled"] = pooled
    if stages.heads == "mask":
        found["mask_logits"] = stages.mask_logits(pooled, labels)
        found["mask_probabilities"] = found["mask_logits"].sigmoid()
        # about half of the pixels set, whatever the head says here
        found["pasted/masks"] = (found["mask_logits"] - found["mask_logits"].median()).sigmoid()
        found["soft"] = stages.paste(found["pasted/masks"], found["final/boxes"])
    if stages.heads == "keypoint":
        found["heatmaps"] = stages.heatmaps(pooled)
        found["keypoints"] = stages.keypoints(found["heatmaps"], boxes)
    return found


def stored(found: dict[str, Tensor], at_least: bool) -> dict[str, Tensor]:
    """What the file keeps: inputs of a stage in full, all else as samples."""
    tensors = {}
    for key, value in found.items():
        if key == "soft":
            bits = value >= 0.5 if at_least else value > 0.5
            tensors["pasted/bits"] = torch.from_numpy(np.packbits(bits.flatten(1).numpy(), axis=1))
            tensors["pasted/doubtful"] = ((value - 0.5).abs() < 1e-4).sum((1, 2)).int()
            tensors |= summary("pasted/soft", value, 2048)
        elif key.startswith("rpn.") or key.endswith(("pooled", "hidden", "mask_logits", "mask_probabilities")):
            tensors |= summary(key, value, 256 if key.startswith("rpn.") else 2048)
        elif key == "heatmaps":
            tensors |= summary(key, value, 2048) | {"heatmaps/first": value[:HEATMAPS].contiguous()}
        else:
            tensors[key] = value if value.is_floating_point() else value.int()
    return tensors


def worst(single: dict[str, Tensor], double: dict[str, Tensor]) -> dict[str, str]:
    """How far float32 is from float64, of the largest value. Throws where the two decide differently."""
    differences = {}
    for key, value in double.items():
        if single[key].shape != value.shape or not value.is_floating_point() and not torch.equal(single[key], value):
            raise ValueError(f"{key}: float32 and float64 decide differently; choose another picture or score")
        if value.is_floating_point() and not key.startswith("rpn."):
            differences[key] = f"{float((single[key].double() - value).abs().max() / value.abs().max()):.1e}"
    return differences


def adapt(model: nn.Module, pixels: np.ndarray) -> Stages:
    kind = Independent if isinstance(model, Rcnn) else Torchvision
    return kind(model, pixels, SIZES, PROPOSALS)


def make(name: str) -> None:
    case = CASES[name]
    pixels = np.ascontiguousarray(load_pixels(IMAGES / f"{IMAGE}.png")[::EVERY, ::EVERY])
    model = case.model()
    weights_of(name, case, model)
    stages = adapt(model, pixels)
    tensors = to_bytes(stages.pyramid())
    pyramid = from_bytes(tensors, torch.float32)
    near = run(stages, pyramid, 0.05)["detections/scores"]
    score = threshold(DETECTIONS, near)
    single = run(stages, pyramid, score)
    probes = torch.tensor(PROBES + SQUARES)
    tensors |= stored(single, stages.at_least) | {"probes/boxes": probes}
    tensors |= summary("probes/pooled", stages.pool(pyramid, probes, 7), 4096)
    stages.in_double()
    findings = worst(single, run(stages, from_bytes(tensors, torch.float64), score))
    facts = {
        "script": "scripts/golden_family_stages.py",
        "image": f"tests/images/{IMAGE}.png, every {EVERY}th pixel",
        "image_sha256": digest(pixels),
        "picture": list(pixels.shape[:2]),
        "resized": list(stages.size),
        "canvas": list(stages.canvas),
        "options": {"minSize": SIZES[0], "maxSize": SIZES[1], "boxScoreThresh": score, "rpnPostNmsTopN": PROPOSALS},
        "float32_noise": findings,
    }
    write(f"stages_{name}", tensors, facts)
    print("   ", len(single["proposals"]), "proposals,", len(single["detections/labels"]), "detections", findings)


def main() -> None:
    torch.set_grad_enabled(False)
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    for name, case in CASES.items():
        if word in name and not case.features:
            print(name, flush=True)
            make(name)


if __name__ == "__main__":
    main()
