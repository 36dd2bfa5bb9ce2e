"""Scores nuclei detections against the labels: box and mask AP, and the error in counting.

    python scripts/evaluate.py --list                      # the validation images, one a line
    python scripts/evaluate.py --reference                 # torchvision runs the model file
    python scripts/evaluate.py --results results.json      # what another engine found

Results are COCO's: a JSON array of {file_name, category_id, bbox: [x, y, w, h], score,
segmentation: {size: [h, w], counts}}, matched to the images by the base name of `file_name`.
AP is COCO's, over IoU 0.50:0.95, but of up to 400 detections an image: nuclei come in hundreds.
"""

import argparse
import contextlib
import io
import json
from pathlib import Path

import numpy as np
import torch
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from tqdm import tqdm

from nuclei_data import DEFAULT_DATA, image_paths, read_image, read_labels
from nuclei_model import load_model

MODEL = Path(__file__).parents[1] / "models" / "nuclei.safetensors"
NUCLEUS = 1  # category
MAX_DETECTIONS = [1, 10, 400]  # an image
COUNTED = 0.5  # score from which a detection counts as a nucleus


def encode(masks: np.ndarray) -> list[dict]:
    """Binary masks [N, H, W] -> N run-length encodings, as JSON takes them."""
    codes = rle.encode(np.asfortranarray(masks.transpose(1, 2, 0).astype(np.uint8)))
    return [{"size": code["size"], "counts": code["counts"].decode()} for code in codes]


def compressed(segmentation: dict) -> dict:
    """A run-length encoding with plain or compressed counts -> with compressed counts."""
    if isinstance(segmentation["counts"], list):
        return rle.frPyObjects(segmentation, *segmentation["size"])
    return segmentation


def truth(paths: list[Path]) -> COCO:
    """The labels of the images as a COCO data set; image ids are positions in `paths`."""
    images, annotations = [], []
    for image_id, path in enumerate(tqdm(paths, desc="labels", unit="", leave=False)):
        labels = read_labels(path)
        height, width = labels.shape
        images.append({"id": image_id, "height": height, "width": width, "file_name": path.name})
        ids = np.unique(labels[labels > 0])
        for code in encode(labels == ids[:, None, None]):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": NUCLEUS,
                    "segmentation": code,
                    "area": float(rle.area(code)),
                    "bbox": rle.toBbox(code).tolist(),
                    "iscrowd": 0,
                }
            )
    categories = [{"id": NUCLEUS, "name": "nucleus"}]
    coco = COCO()
    coco.dataset = {"images": images, "annotations": annotations, "categories": categories}
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


@torch.no_grad()
def detect(model: torch.nn.Module, path: Path, device: str) -> list[dict]:
    """torchvision's detections of one image, as COCO results without an image id."""
    pixels = torch.from_numpy(read_image(path)).permute(2, 0, 1).float() / 255
    found = {key: value.cpu() for key, value in model([pixels.to(device)])[0].items()}
    boxes, scores = found["boxes"].numpy(), found["scores"].numpy()
    boxes[:, 2:] -= boxes[:, :2]
    codes = encode((found["masks"][:, 0] > 0.5).numpy())
    return [
        {
            "file_name": path.name,
            "category_id": NUCLEUS,
            "bbox": box.tolist(),
            "score": float(score),
            "segmentation": code,
        }
        for box, score, code in zip(boxes, scores, codes)
    ]


def reference(model_path: Path, paths: list[Path], device: str) -> list[dict]:
    """torchvision's detections of all images."""
    model = load_model(model_path).to(device)
    bar = tqdm(paths, desc="torchvision", unit="image", leave=False)
    return [found for path in bar for found in detect(model, path, device)]


def place(results: list[dict], paths: list[Path]) -> list[dict]:
    """Gives each result the id of the image that bears its name."""
    ids = {path.name: image_id for image_id, path in enumerate(paths)}
    unknown = {Path(found["file_name"]).name for found in results} - ids.keys()
    if unknown:
        raise ValueError(
            f"{len(unknown)} images of the results are not in the split, the first is "
            f"{min(unknown)}; choose --split, --data or --limit to match"
        )
    return [
        {
            **found,
            "image_id": ids[Path(found["file_name"]).name],
            "segmentation": compressed(found["segmentation"]),
        }
        for found in results
    ]


def average_precision(coco: COCO, results: list[dict], kind: str) -> dict[str, float]:
    """COCO's AP, AP50 and AP75 of "bbox" or "segm", for MAX_DETECTIONS."""
    if not results:
        return {"AP": 0.0, "AP50": 0.0, "AP75": 0.0}
    with contextlib.redirect_stdout(io.StringIO()):
        scored = COCOeval(coco, coco.loadRes(results), kind)
        scored.params.maxDets = MAX_DETECTIONS
        scored.evaluate()
        scored.accumulate()
    # precision [10 IoUs, 101 recalls, 1 class, 4 areas, 3 maxDets]; summarize() assumes 100
    precision = scored.eval["precision"][:, :, 0, 0, 2]
    return {"AP": precision.mean(), "AP50": precision[0].mean(), "AP75": precision[5].mean()}


def counts(coco: COCO, results: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """Nuclei an image, true and found with a score of COUNTED or more: two arrays [images]."""
    size = len(coco.dataset["images"])
    true = [note["image_id"] for note in coco.dataset["annotations"]]
    found = [hit["image_id"] for hit in results if hit["score"] >= COUNTED]
    return np.bincount(true, minlength=size), np.bincount(found, minlength=size)


def report(coco: COCO, results: list[dict]) -> dict[str, float]:
    """Prints the table of figures and returns them."""
    figures = {}
    for name, kind in (("box", "bbox"), ("mask", "segm")):
        for key, value in average_precision(coco, results, kind).items():
            figures[f"{name} {key}"] = float(value)
    true, found = counts(coco, results)
    error = np.abs(true - found)
    figures["mean absolute counting error"] = float(error.mean())
    figures["median counting error, percent"] = float(np.median(100 * error / true))
    print(f"{len(true)} images, {true.sum()} nuclei, {found.sum()} found with score >= {COUNTED}")
    for key, value in figures.items():
        print(f"{key:32} {value:.3f}")
    return figures


def per_image(coco: COCO, results: list[dict]) -> None:
    """Prints a line an image: true and found counts, its own mask AP50."""
    true, found = counts(coco, results)
    for image in coco.dataset["images"]:
        here = [hit for hit in results if hit["image_id"] == image["id"]]
        part = COCO()
        notes = [n for n in coco.dataset["annotations"] if n["image_id"] == image["id"]]
        part.dataset = {**coco.dataset, "images": [image], "annotations": notes}
        with contextlib.redirect_stdout(io.StringIO()):
            part.createIndex()
        precision = average_precision(part, here, "segm")
        print(
            f"{image['file_name']}  {image['width']}x{image['height']}  true {true[image['id']]}"
            f"  found {found[image['id']]}  AP {precision['AP']:.3f}  AP50 {precision['AP50']:.3f}"
        )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--list", action="store_true", help="print the paths of the images")
    what.add_argument("--reference", action="store_true", help="run the model in torchvision")
    what.add_argument("--results", type=Path, metavar="FILE", help="score a COCO results file")
    parser.add_argument("--model", type=Path, default=MODEL, help="safetensors file")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="images/ and labels/")
    parser.add_argument("--split", choices=["train", "val", "all"], default="val")
    parser.add_argument("--limit", type=int, help="only the first images of the split")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the results as JSON")
    parser.add_argument("--per-image", action="store_true", help="a line for every image, too")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    paths = image_paths(args.data, args.split)[: args.limit]
    if args.list:
        print("\n".join(map(str, paths)))
        return
    if args.reference:
        results = reference(args.model, paths, args.device)
    else:
        results = json.loads(args.results.read_text())
    results = place(results, paths)
    if args.save:
        args.save.write_text(json.dumps(results))
    coco = truth(paths)
    if args.per_image:
        per_image(coco, results)
    report(coco, results)


if __name__ == "__main__":
    try:
        main()
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f"evaluate.py: {error}")
