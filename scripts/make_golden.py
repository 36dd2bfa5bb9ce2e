"""Writes tests/golden/*.safetensors: what torchvision computes, for the engine to be held against.

    python scripts/make_picture.py                # tests/images, from scikit-image
    python scripts/calibrate_synthetic.py         # only to change the synthetic weights
    python scripts/make_golden.py                 # all files, some minutes on two cores
    python scripts/make_golden.py --only nuclei   # files whose name contains a word
    python scripts/make_golden.py --list          # the names, and nothing more

Everything runs on the CPU, one image at a time, in evaluation mode. tests/golden/README.md says
what each file holds. Needs torch, torchvision >= 0.18, safetensors, numpy and pillow.
"""

import argparse
import time
from functools import partial

import torch
from golden_e2e import CASES, NUCLEI, make_case
from golden_nodes import make_nodes
from golden_stages import make_stages, make_transforms
from golden_reference import GOLDEN
from golden_training import make_training


def jobs(dtypes: list[str]) -> dict[str, partial]:
    """File name without its suffix -> what makes it."""
    made = {
        "nodes_astronaut_480x640": partial(make_nodes, "astronaut_480x640", (160, 320)),
        "stages": partial(make_stages, "astronaut_480x640"),
        "transforms": make_transforms,
        "training": make_training,
    }
    return made | {f"e2e_{name}": partial(make_case, name, dtypes) for name in CASES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="WORD", help="files whose name contains it")
    parser.add_argument("--list", action="store_true", help="print the names of the files")
    parser.add_argument(
        "--dtype",
        choices=["float64", "both"],
        default="both",
        help="of end-to-end runs; float64 alone is for a quick look, its files lack half",
    )
    arguments = parser.parse_args()
    dtypes = ["float64", "float32"] if arguments.dtype == "both" else ["float64"]
    chosen = {name: make for name, make in jobs(dtypes).items() if arguments.only in name}
    if not chosen:
        parser.error(f"no file is called {arguments.only!r}; try --list")
    if arguments.list:
        print("\n".join(chosen))
        return
    torch.set_grad_enabled(False)
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for number, (name, make) in enumerate(chosen.items(), 1):
        if name == "e2e_nuclei" and not NUCLEI.is_file():
            print(f"[{number}/{len(chosen)}] {name}: skipped, there is no {NUCLEI} yet")
            continue
        start = time.perf_counter()
        print(f"[{number}/{len(chosen)}] {name}", flush=True)
        make()
        print(f"    {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
