"""MaskRCNN2Go by its own graph, operator by operator, in PyTorch: an independent reference for the engine.

    python scripts/maskrcnn2go_reference.py evaluate               # against the published detections
    python scripts/maskrcnn2go_reference.py evaluate --quantised   # each operator's output rounded as the file says
    python scripts/maskrcnn2go_reference.py golden                 # writes tests/golden/maskrcnn2go_*.safetensors

Reads model.pb and model_init.pb (Caffe2 NetDefs) with a reader of its own, knows nothing of src/, and runs in
float64. Semantics of Caffe2's operators: caffe2/operators/{generate_proposals,bbox_transform,
box_with_nms_limit,roi_align}_op.cc. Needs torch, torchvision, numpy, pillow, pycocotools, safetensors.
"""

import argparse
import json
import math
import os
import struct
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torchvision.ops import roi_align

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("SHARED_DATA", ROOT.parent / "shared/data")) / "maskrcnn2go"
SIZES = (320, 640)
GOLDEN_IMAGE, GOLDEN_SIZES = "astronaut_480x640", (160, 320)


# ---- protobuf ---------------------------------------------------------------------------------------------


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data: bytes):
    """(number, value) of each field: an int, or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            length = {1: 8, 5: 4}.get(key & 7)
            if length is None:
                length, at = varint(data, at)
            value = data[at : at + length]
            at += length
        yield key >> 3, value


def signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def argument(data: bytes):
    """(name, value) of a caffe2.Argument."""
    name, single, many = "", None, []
    for number, value in fields(data):
        if number == 1:
            name = value.decode()
        elif number == 2:
            single = struct.unpack("<f", value)[0]
        elif number == 3:
            single = signed(value)
        elif number == 4:
            single = value
        elif number == 5:
            many += struct.unpack(f"<{len(value) // 4}f", value)
        elif number == 6 and isinstance(value, int):
            many.append(signed(value))
        elif number == 6:
            at = 0
            while at < len(value):
                item, at = varint(value, at)
                many.append(signed(item))
    return name, many if single is None else single


def operators(path: Path):
    """(type, inputs, outputs, arguments) of a caffe2.NetDef, in order."""
    for number, data in fields(path.read_bytes()):
        if number != 2:
            continue
        kind, inputs, outputs, arguments = "", [], [], {}
        for part, value in fields(data):
            if part == 1:
                inputs.append(value.decode())
            elif part == 2:
                outputs.append(value.decode())
            elif part == 4:
                kind = value.decode()
            elif part == 5:
                name, content = argument(value)
                arguments[name] = content
        yield kind, inputs, outputs, arguments


# ---- operators --------------------------------------------------------------------------------------------


def dequantised(kind: str, arguments: dict) -> torch.Tensor:
    """What an operator of model_init.pb fills its output with."""
    values, shape = arguments["values"], arguments["shape"]
    if kind == "GivenTensorFill":
        return torch.tensor(values, dtype=torch.float64).reshape(shape)
    scale, zero = np.float64(np.float32(arguments["Y_scale"])), arguments["Y_zero_point"]
    raw = np.frombuffer(values, np.uint8) if kind == "Int8GivenTensorFill" else np.array(values)
    # the engine keeps weights in float32: so do we, or their rounding would count as an error
    numbers = ((raw.astype(np.float64) - zero) * scale).astype(np.float32)
    return torch.from_numpy(numbers.astype(np.float64)).reshape(shape)


def decode(boxes: np.ndarray, deltas: np.ndarray) -> np.ndarray:
    """Inclusive boxes x1 y1 x2 y2 moved by dx dy dw dh: utils::bbox_transform_upright, legacy_plus_one."""
    size = boxes[:, 2:] - boxes[:, :2] + 1
    centre = deltas[:, :2] * size + boxes[:, :2] + 0.5 * size
    grown = np.exp(np.minimum(deltas[:, 2:], math.log(1000 / 16))) * size
    return np.concatenate([centre - 0.5 * grown, centre + 0.5 * grown - 1], 1)


def clip(boxes: np.ndarray, height: float, width: float) -> np.ndarray:
    return boxes.clip(0, np.array([width - 1, height - 1, width - 1, height - 1]))


def nms(boxes: np.ndarray, order: np.ndarray, threshold: float, limit: int | None = None) -> list[int]:
    """Kept indices, best first; a box goes whose IoU with a kept one is greater. Sides are x2 - x1 + 1."""
    areas = (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)
    kept = []
    while len(order) and (limit is None or len(kept) < limit):
        best, order = order[0], order[1:]
        kept.append(int(best))
        low = np.maximum(boxes[best, :2], boxes[order, :2])
        high = np.minimum(boxes[best, 2:], boxes[order, 2:])
        shared = np.maximum(high - low + 1, 0).prod(1)
        order = order[shared / (areas[best] + areas[order] - shared) <= threshold]
    return kept


def generate_proposals(a: dict, probs, deltas, im_info, anchor):
    """probs [1, A, H, W], deltas [1, 4A, H, W] -> rois [R, 5], their probabilities [R]."""
    _, A, H, W = probs.shape
    height, width = im_info[0, 0].item(), im_info[0, 1].item()
    ys, xs = np.meshgrid(np.arange(H), np.arange(W), indexing="ij")
    shifts = np.stack([xs, ys, xs, ys], -1).reshape(-1, 1, 4) / a["spatial_scale"]
    anchors = (shifts + anchor.numpy()[None]).reshape(-1, 4)
    scores = probs[0].permute(1, 2, 0).reshape(-1).numpy()
    moves = deltas[0].reshape(A, 4, H, W).permute(2, 3, 0, 1).reshape(-1, 4).numpy()
    order = np.argsort(-scores, kind="stable")[: a["pre_nms_topN"]]
    boxes = clip(decode(anchors[order], moves[order]), height, width)
    kept = nms(boxes, np.arange(len(order)), np.float32(a["nms_thresh"]), a["post_nms_topN"])
    rois = np.concatenate([np.zeros((len(kept), 1)), boxes[kept]], 1)
    return torch.from_numpy(rois), torch.from_numpy(scores[order[kept]])


def bbox_transform(a: dict, rois, deltas, im_info):
    """Decodes and clips in pixels of the picture; apply_scale, on by default, brings them back to resized ones."""
    scale = im_info[0, 2].item()
    height, width = (int(im_info[0, i].item() / scale + 0.5) for i in (0, 1))
    boxes = rois[:, 1:].numpy() / scale
    moves = deltas.reshape(len(rois), -1, 4).numpy() / np.array(a["weights"])
    decoded = [clip(decode(boxes, moves[:, k]), height, width) * scale for k in range(moves.shape[1])]
    return torch.from_numpy(np.stack(decoded, 1))  # [R, K, 4]


def box_with_nms_limit(a: dict, probs, boxes):
    """Scores, boxes (with a batch index), classes of the detections, best first."""
    found = []
    for label in range(1, probs.shape[1]):
        scores = probs[:, label].numpy()
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] > np.float32(a["score_thresh"])]
        for i in nms(boxes[:, label].numpy(), order, np.float32(a["nms"])):
            found.append((scores[i], label, i))
    found = sorted(found, key=lambda row: -row[0])[: a["detections_per_im"]]
    scores = torch.tensor([row[0] for row in found], dtype=torch.float64)
    classes = torch.tensor([row[1] for row in found], dtype=torch.int64)
    chosen = [boxes[i, label] for _, label, i in found]
    chosen = torch.stack(chosen) if found else torch.zeros(0, 4, dtype=torch.float64)
    return scores, torch.cat([torch.zeros(len(found), 1, dtype=torch.float64), chosen], 1), classes


class Network:
    """Both files. Blobs are NCHW in float64, whatever the file's order."""

    def __init__(self, folder: Path = DATA, quantised: bool = False):
        self.quantised = quantised
        fills = operators(folder / "model_init.pb")
        self.weights = {outputs[0]: dequantised(kind, a) for kind, _, outputs, a in fills}
        self.operators = list(operators(folder / "model.pb"))

    def run(self, data: torch.Tensor, scale: float) -> dict[str, torch.Tensor]:
        """data [1, 3, H, W] BGR 0..255, `scale` resized pixels per pixel of the picture -> every blob by its name."""
        info = torch.tensor([[data.shape[2], data.shape[3], scale]], dtype=torch.float64)
        blobs = {**self.weights, "data": data, "im_info": info}
        for kind, inputs, outputs, arguments in self.operators:
            results = self.apply(kind, arguments, *(blobs[name] for name in inputs))
            for name, result in zip(outputs, results if isinstance(results, tuple) else (results,)):
                blobs[name] = self.rounded(result, arguments)
        return blobs

    def rounded(self, x: torch.Tensor, a: dict) -> torch.Tensor:
        if not self.quantised or "Y_scale" not in a:
            return x
        zero = a["Y_zero_point"]
        return ((x / a["Y_scale"]).round().add(zero).clamp(0, 255) - zero) * a["Y_scale"]

    def apply(self, kind: str, a: dict, x, *rest):
        if kind in ("NCHW2NHWC", "NHWC2NCHW", "Int8Quantize", "Int8Dequantize"):
            return x
        if kind in ("Int8Conv", "Int8ConvRelu"):
            weight = rest[0].permute(0, 3, 1, 2)
            y = F.conv2d(x, weight, rest[1], a["stride"], a["pad"], groups=a.get("group", 1))
            return y.relu() if kind.endswith("Relu") else y
        if kind == "Int8ConvTranspose":
            return F.conv_transpose2d(x, rest[0].permute(0, 3, 1, 2), rest[1], a["stride"], a["pad"])
        if kind == "Int8Sum":
            return x + rest[0]
        if kind == "Int8Relu":
            return x.relu()
        if kind == "Int8AveragePool":
            return F.avg_pool2d(x, a["kernel"], a["stride"])
        if kind == "Int8FC":
            return F.linear(x.flatten(1), rest[0], rest[1])
        if kind == "Int8Softmax":
            return x.softmax(1)
        if kind == "Sigmoid":
            return x.sigmoid()
        if kind == "RoIAlign":
            return roi_align(x, rest[0], a["pooled_h"], a["spatial_scale"], a["sampling_ratio"], aligned=False)
        if kind == "GenerateProposals":
            return generate_proposals(a, x, *rest)
        if kind == "BBoxTransform":
            return bbox_transform(a, x, *rest)
        if kind == "BoxWithNMSLimit":
            return box_with_nms_limit(a, x, *rest)
        raise NotImplementedError(kind)


# ---- pictures ---------------------------------------------------------------------------------------------


def resized(pixels: np.ndarray, sizes: tuple[int, int]) -> tuple[torch.Tensor, float]:
    """RGB bytes [H, W, 3] -> BGR [1, 3, h, w] in 0..255, and the scale."""
    height, width = pixels.shape[:2]
    scale = sizes[0] / min(height, width)
    if round(scale * max(height, width)) > sizes[1]:
        scale = sizes[1] / max(height, width)
    size = (round(height * scale), round(width * scale))
    bgr = torch.from_numpy(pixels[:, :, ::-1].copy()).permute(2, 0, 1)[None].float()
    return F.interpolate(bgr, size, mode="bilinear", align_corners=False).double(), scale


def paste(mask: np.ndarray, box: np.ndarray, height: int, width: int) -> np.ndarray:
    """Detectron's segm_results: a ring of zeros, the box grown alike and cut to integers, a resize, > 0.5."""
    side = len(mask)
    centre, half = (box[2:] + box[:2]) / 2, (box[2:] - box[:2]) / 2 * (side + 2) / side
    x0, y0, x1, y1 = np.concatenate([centre - half, centre + half]).astype(int)
    padded = torch.from_numpy(np.pad(mask, 1))[None, None]
    size = (max(y1 - y0 + 1, 1), max(x1 - x0 + 1, 1))
    grown = F.interpolate(padded, size, mode="bilinear", align_corners=False)[0, 0].numpy() > 0.5
    whole = np.zeros((height, width), bool)
    top, left, bottom, right = max(y0, 0), max(x0, 0), min(y1 + 1, height), min(x1 + 1, width)
    whole[top:bottom, left:right] = grown[top - y0 : bottom - y0, left - x0 : right - x0]
    return whole


def detect(network: Network, pixels: np.ndarray) -> list[dict]:
    """COCO-like results: category 1..80, bbox x y w h, score, mask."""
    data, scale = resized(pixels, SIZES)
    blobs = network.run(data, scale)
    found = []
    for score, box, label, masks in zip(
        blobs["score_nms"], blobs["bbox_nms"], blobs["class_nms"], blobs["mask_fcn_probs"]
    ):
        x1, y1, x2, y2 = box[1:].numpy() / scale
        mask = paste(masks[label].numpy(), box[1:].numpy() / scale, *pixels.shape[:2])
        bbox = [x1, y1, x2 - x1 + 1, y2 - y1 + 1]
        found.append({"category": int(label), "bbox": bbox, "score": float(score), "mask": mask})
    return found


# ---- evaluation -------------------------------------------------------------------------------------------


def iou(a, b) -> float:
    low = np.maximum(a[:2], b[:2])
    high = np.minimum(np.add(a[:2], a[2:]), np.add(b[:2], b[2:]))
    shared = np.maximum(high - low, 0).prod()
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def evaluate(network: Network) -> None:
    from pycocotools import mask as coco_mask

    boxes = json.loads((DATA / "published_bbox.json").read_text())
    masks = json.loads((DATA / "published_segmentations.json").read_text())
    # contiguous 1..80 -> COCO's ids, with gaps
    gaps = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
    ids = [i for i in range(1, 91) if i not in gaps]
    pairs, missed, extra, mask_ious, differences = 0, [], [], [], []
    for path in sorted((DATA / "images").glob("*.jpg")):
        pixels = np.array(Image.open(path).convert("RGB"))
        ours = detect(network, pixels)
        image = int(path.stem)
        theirs = [(b, m) for b, m in zip(boxes, masks) if b["image_id"] == image and b["score"] > 0.5]
        taken = set()
        for box, mask in sorted(theirs, key=lambda pair: -pair[0]["score"]):
            overlaps = [
                iou(box["bbox"], d["bbox"])
                if ids[d["category"] - 1] == box["category_id"] and i not in taken
                else 0
                for i, d in enumerate(ours)
            ]
            best = int(np.argmax(overlaps)) if overlaps else -1
            if best < 0 or overlaps[best] < 0.75:
                missed.append((image, box["category_id"], round(box["score"], 3), round(max(overlaps, default=0), 3)))
                continue
            taken.add(best)
            pairs += 1
            differences.append(abs(ours[best]["score"] - box["score"]))
            truth = coco_mask.decode(mask["segmentation"]).astype(bool)
            mine = ours[best]["mask"]
            mask_ious.append((truth & mine).sum() / (truth | mine).sum())
        extra += [
            (image, ids[d["category"] - 1], round(d["score"], 3))
            for i, d in enumerate(ours)
            if d["score"] > 0.7 and i not in taken
        ]
    print(f"matched {pairs} of {pairs + len(missed)}, mean mask IoU {np.mean(mask_ious):.4f}")
    print(f"mean difference of scores {np.mean(differences):.4f}")
    print("published above 0.5 without a match (image, class, score, best IoU):", missed)
    print("ours above 0.7 without a match:", extra)


# ---- goldens ----------------------------------------------------------------------------------------------

PARTS = {"[rpn]": "rpn.head", "_[bbox]_": "roi_heads.box_head", "_[mask]_": "roi_heads.mask_head", "": "backbone"}
NAMES = {
    "data": "image",
    "conv0_bn_v1_int8": "backbone.stem",
    "rpn_cls_logits_int8": "rpn.head.cls_logits",
    "rpn_bbox_pred_int8": "rpn.head.bbox_pred",
    "roi_features": "roi_heads.box_roi_pool",
    "_[bbox]_xif4_3_bn_1x1_bn_v1_int8": "roi_heads.box_head.conv",
    "final_avg_int8": "roi_heads.box_head.avg_pool",
    "cls_score_int8": "roi_heads.box_predictor.cls_score",
    "bbox_pred_int8": "roi_heads.box_predictor.bbox_pred",
    "cls_prob_int8": "roi_heads.softmax",
    "_[mask]_pool5": "roi_heads.mask_roi_pool",
    "conv5_mask_v1_int8": "roi_heads.mask_predictor.conv5_mask",
    "mask_fcn_logits_int8": "roi_heads.mask_predictor.mask_fcn_logits",
    "mask_fcn_logits_up_int8": "roi_heads.mask_predictor.upsample",
}


def labelled(network: Network) -> dict[str, str]:
    """The engine's label of each map -> the blob. An inverted residual's third layer counts with its sum."""
    labels = {label: blob for blob, label in NAMES.items()}
    sums = {inputs[0]: outputs[0] for kind, inputs, outputs, _ in network.operators if kind == "Int8Sum"}
    blocks: dict[str, list[str]] = {scope: [] for scope in PARTS.values()}
    for kind, inputs, (blob, *_), _ in network.operators:
        if kind not in ("Int8Conv", "Int8ConvRelu") or blob in NAMES:
            continue
        prefix = next(start for start in PARTS if blob.startswith(start))
        scope, name = PARTS[prefix], blob.removeprefix(prefix)
        block = "_".join(name.split("_")[:2])
        if block not in blocks[scope]:
            blocks[scope].append(block)
        layer = "expand" if "_pw_" in name else "depthwise" if "_dw_" in name else "project"
        labels[f"{scope}.blocks.{blocks[scope].index(block)}.{layer}"] = sums.get(blob, blob)
    return labels


def make_golden(network: Network) -> None:
    from golden_reference import IMAGES, digest, load_pixels, summary, write

    pixels = load_pixels(IMAGES / f"{GOLDEN_IMAGE}.png")
    data, scale = resized(pixels, GOLDEN_SIZES)
    blobs = network.run(data, scale)
    labels = labelled(network)
    tensors = {}
    for label, blob in labels.items():
        tensors |= summary(label, blobs[blob])
    boxes, classes = blobs["bbox_nms"][:, 1:], blobs["class_nms"]
    exact = {
        "proposals": blobs["rois"][:, 1:],
        "detections": boxes,
        "scores": blobs["score_nms"],
        "labels": classes.int(),
        "probabilities": blobs["mask_fcn_probs"][range(len(classes)), classes],
    }
    tensors |= {name: x.float() if x.is_floating_point() else x for name, x in exact.items()}
    facts = {"image": f"tests/images/{GOLDEN_IMAGE}.png", "image_sha256": digest(pixels)}
    facts |= {"min_size": GOLDEN_SIZES[0], "max_size": GOLDEN_SIZES[1], "scale": scale, "maps": len(labels)}
    facts |= {"architecture": "facebook/maskrcnn2go", "dtype": "float64"}
    facts |= {"script": "scripts/maskrcnn2go_reference.py"}
    write("maskrcnn2go_astronaut", {k: v.contiguous() for k, v in tensors.items()}, facts)
    print(facts, {name: list(x.shape) for name, x in exact.items()}, blobs["score_nms"][:9], classes[:9])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["evaluate", "golden"])
    parser.add_argument("--quantised", action="store_true", help="round to the file's Y_scale and Y_zero_point")
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    network = Network(quantised=arguments.quantised)
    (make_golden if arguments.what == "golden" else evaluate)(network)


if __name__ == "__main__":
    main()
