"""Trains the bundled nuclei model from scratch: an hour and a half on two CPU cores.

    python scripts/train_nuclei.py --minutes 86 --out ../train
    python scripts/train_nuclei.py --export ../train/checkpoint.pt models/nuclei.safetensors
    python scripts/nuclei_curves.py ../train/log.jsonl models/nuclei_curves.png

The learning rate follows the clock rather than a count of iterations, so that a run ends on time
on any machine: a short warm-up, then half a cosine. The exported weights are a moving average.
Where others use the machine too, OMP_WAIT_POLICY=PASSIVE keeps the threads from spinning.
"""

import argparse
import contextlib
import copy
import json
import math
import time
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from nuclei_data import DEFAULT_DATA, Crops, image_paths, load_samples
from nuclei_model import SETTINGS, Widths, build_model, export

LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.05
WARM_UP = 0.02  # part of the budget
FREEZE_NORM = 0.7  # from this part on, batch norm uses its running statistics, as inference does
AVERAGE = 0.999  # decay of the moving average per iteration

# Sampling in training: few regions an image, as a crop holds a dozen nuclei.
TRAINING = {
    "rpn_pre_nms_top_n_train": 500,
    "rpn_post_nms_top_n_train": 300,
    "box_batch_size_per_image": 64,  # a quarter of them, at most, foreground: 16 masks a crop
    "_skip_resize": True,  # crops come at the network's scale
}


def learning_rate(progress: float) -> float:
    """Progress 0..1 -> the learning rate."""
    if progress < WARM_UP:
        return LEARNING_RATE * (0.05 + 0.95 * progress / WARM_UP)
    rest = (progress - WARM_UP) / (1 - WARM_UP)
    return LEARNING_RATE * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(rest, 1))))


def parameter_groups(model: nn.Module) -> list[dict]:
    """Matrices and filters decay; biases and norms do not."""
    decay = [p for p in model.parameters() if p.ndim > 1]
    rest = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": decay, "weight_decay": WEIGHT_DECAY}, {"params": rest, "weight_decay": 0.0}]


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, iteration: int) -> None:
    """Moves the average towards the model, faster at the start."""
    keep = min(AVERAGE, (1 + iteration) / (10 + iteration))
    current = model.state_dict()
    for name, tensor in average.state_dict().items():
        if tensor.is_floating_point():
            tensor.lerp_(current[name], 1 - keep)
        else:
            tensor.copy_(current[name])


def freeze_norm(model: nn.Module) -> None:
    """Batch norm goes on learning scale and shift, but its statistics stay."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


class Run:
    """A training run: model, average, optimiser, and how far they have come."""

    def __init__(self, args: argparse.Namespace):
        torch.manual_seed(args.seed)
        self.args, self.device = args, torch.device(args.device)
        model = build_model(Widths(), **TRAINING).to(self.device)
        self.model = model.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.model).eval()
        self.optimiser = torch.optim.AdamW(parameter_groups(self.model), lr=LEARNING_RATE)
        self.iteration, self.seconds = 0, 0.0
        self.out = Path(args.out)
        self.out.mkdir(parents=True, exist_ok=True)

    @property
    def progress(self) -> float:
        return self.seconds / (60 * self.args.minutes)

    def step(self, images: list, targets: list) -> dict[str, float]:
        """One update; returns the losses by name."""
        rate = learning_rate(self.progress)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        images = [image.to(self.device) for image in images]
        targets = [{k: v.to(self.device) for k, v in target.items()} for target in targets]
        with self.precision():
            losses = self.model(images, targets)
            total = sum(losses.values())
        if not torch.isfinite(total):
            raise FloatingPointError(f"iteration {self.iteration}: the loss is {total.item()}")
        self.optimiser.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimiser.step()
        self.iteration += 1
        follow(self.average, self.model, self.iteration)
        return {"loss": total.item(), "lr": rate} | {k: v.item() for k, v in losses.items()}

    def precision(self) -> contextlib.AbstractContextManager:
        """bfloat16 convolutions: 1.7 times as fast where the processor has them."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=not self.args.float32)

    def save(self) -> None:
        """Writes checkpoint.pt (to resume or export) and nuclei.safetensors (to use)."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "iteration": self.iteration,
            "seconds": self.seconds,
        }
        unfinished = self.out / "checkpoint.unfinished"
        torch.save(state, unfinished)
        unfinished.replace(self.out / "checkpoint.pt")
        export(self.average.state_dict(), self.out / "nuclei.safetensors")

    def load(self, path: str) -> None:
        """Goes on from a checkpoint; time already spent counts."""
        state = torch.load(path, map_location=self.device)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.iteration, self.seconds = state["iteration"], state["seconds"]


def collate(batch: list) -> tuple[list, list]:
    """[(image, target), ...] -> images, targets."""
    images, targets = zip(*batch)
    return list(images), list(targets)


def crops(args: argparse.Namespace, start: int) -> DataLoader:
    """Batches of training crops; a resumed run draws other ones than it began with."""
    paths = image_paths(args.data, "train")
    samples = load_samples(paths, SETTINGS["min_size"], SETTINGS["max_size"])
    dataset = Crops(samples, seed=args.seed + start)
    return DataLoader(dataset, args.batch, collate_fn=collate, num_workers=args.workers)


def train(args: argparse.Namespace) -> None:
    """Runs until the minutes are spent."""
    run = Run(args)
    if args.resume:
        run.load(args.resume)
    batches = crops(args, run.iteration)
    sums, count, saved, last = {}, 0, run.seconds, time.monotonic()
    bar = tqdm(total=round(60 * args.minutes), initial=round(run.seconds), unit="s")
    with open(run.out / "log.jsonl", "a" if args.resume else "w") as log:
        for batch in batches:
            run.model.train()
            if run.progress >= FREEZE_NORM:
                freeze_norm(run.model)
            losses = run.step(*batch)
            sums = {k: sums.get(k, 0) + v for k, v in losses.items()}
            count += 1
            now = time.monotonic()
            run.seconds, last = run.seconds + now - last, now
            bar.update(round(run.seconds) - bar.n)
            if run.iteration % args.log_every == 0:
                means = {k: round(v / count, 6) for k, v in sums.items()}
                row = {"iteration": run.iteration, "seconds": round(run.seconds), **means}
                print(json.dumps(row), file=log, flush=True)
                bar.set_postfix(iteration=run.iteration, loss=f"{means['loss']:.3f}")
                sums, count = {}, 0
            if run.progress >= 1:
                break
            if run.seconds - saved > 60 * args.save_every:
                run.save()
                saved = run.seconds
    run.save()
    print(f"{run.iteration} iterations; {run.out / 'nuclei.safetensors'} is ready")


def export_checkpoint(checkpoint: str, path: str) -> None:
    """The averaged weights of a checkpoint, as a model file."""
    state = torch.load(checkpoint, map_location="cpu")
    size = export(state["average"], path)
    print(f"{path}: {size / 1e6:.1f} MB, after {state['iteration']} iterations")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="images/ and labels/")
    parser.add_argument("--out", default="../train", help="folder for checkpoint, log and export")
    parser.add_argument("--minutes", type=float, default=86, help="time to train for")
    parser.add_argument("--batch", type=int, default=4, help="crops an iteration")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    parser.add_argument("--workers", type=int, default=1, help="processes that make crops")
    parser.add_argument("--float32", action="store_true", help="no bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", metavar="CHECKPOINT", help="go on from a checkpoint")
    parser.add_argument("--log-every", type=int, default=20, metavar="ITERATIONS")
    parser.add_argument("--save-every", type=float, default=5, metavar="MINUTES")
    parser.add_argument("--export", nargs=2, metavar=("CHECKPOINT", "OUT"), help="only export")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    torch.set_num_threads(args.threads)
    if args.export:
        export_checkpoint(*args.export)
    else:
        train(args)


if __name__ == "__main__":
    try:
        main()
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f"train_nuclei.py: {error}")
