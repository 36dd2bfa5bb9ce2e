"""Small checkpoints as PyTorch and numpy write them, and the numbers in them: tests/golden/checkpoints/.

Each file holds the same kinds of tensors: plain, transposed, expanded, cut out of a larger storage, two that share a
storage, a parameter, a scalar, an empty one, and a counter that readers pass over. expected.safetensors has, for each
file, NAME|TENSOR as float64, contiguous.
"""

import io
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16, "f64": torch.float64}


def tensors(dtype: torch.dtype) -> OrderedDict:
    generator = torch.Generator().manual_seed(7)
    base = torch.randn(6, 5, generator=generator, dtype=torch.float32).to(dtype)
    cube = torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.float32).to(dtype)
    return OrderedDict(
        [
            ("plain.weight", cube.clone()),
            ("transposed.weight", cube.permute(3, 1, 0, 2)),
            ("expanded.bias", base[2:3, 1:2].expand(3, 4)),
            ("cut.weight", base[1:4, 1:5:2]),
            ("shared.row", base[4]),
            ("shared.column", base[:, 3]),
            ("parameter.weight", torch.nn.Parameter(base[:2].clone())),
            ("scalar", base[0, 0].clone()),
            ("empty", torch.zeros(0, 3, dtype=dtype)),
            ("norm.num_batches_tracked", torch.tensor(12)),
        ]
    )


def state_dict(dtype: torch.dtype) -> OrderedDict:
    state = tensors(dtype)
    state._metadata = OrderedDict([("", {"version": 1})])  # as nn.Module.state_dict() attaches
    return state


def wrapped(dtype: torch.dtype) -> dict:
    """As trainers save: the state dict beside an optimizer's, of which nothing is to be read."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(3))], lr=0.1, momentum=0.9)
    meta = {"CLASSES": ("cell", "nucleus"), "epoch": 3, "time": "now", "seed": None}
    return {"meta": meta, "state_dict": state_dict(dtype), "optimizer": optimizer.state_dict()}


def detectron(dtype: str) -> dict:
    arrays = {name: value.detach().numpy() for name, value in tensors(DTYPES[dtype]).items() if "tracked" not in name}
    arrays["fortran.weight"] = np.asfortranarray(arrays["plain.weight"][0, 0])
    arrays["large.weight"] = np.arange(2000, dtype=arrays["scalar"].dtype).reshape(40, 50) / 7
    return {"model": arrays, "__author__": "golden", "matching_heuristics": True, "lr": np.float32(0.25)}


def python2(root: dict) -> bytes:
    """What Python 2 with numpy writes at protocol 2: names and bytes both as str."""
    out = bytearray(b"\x80\x02}(")

    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value if len(value) < 256 else b"T" + struct.pack("<i", len(value)) + value

    out += text(b"blobs") + b"}("
    for name, array in root.items():
        out += text(name.encode("latin1"))
        out += b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R(K\x01"
        out += b"(" + b"".join(b"J" + struct.pack("<i", extent) for extent in array.shape) + b"t"
        out += b"cnumpy\ndtype\n" + text(array.dtype.str[1:].encode()) + b"K\x00K\x01\x87R(K\x03" + text(b"<")
        out += b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89" + text(array.tobytes()) + b"tb"
    out += b"u" + text(b"cfg") + text(b"{\xe9}") + b"u."
    return bytes(out)


def recompressed(plain: bytes) -> bytes:
    """The same zip as someone's archiver would pack it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry))
    return buffer.getvalue()


def saved(value, **options) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def numbers(value) -> np.ndarray:
    if isinstance(value, torch.Tensor):
        value = value.detach().to(torch.float64).numpy()
    return np.array(value, dtype=np.float64, order="C")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    expected = {}

    def write(file: str, content: bytes, values: dict) -> None:
        (folder / file).write_bytes(content)
        for name, value in values.items():
            if "tracked" not in name:
                expected[f"{file}|{name}"] = numbers(value)

    for name, dtype in DTYPES.items():
        values = tensors(dtype)
        write(f"zip_{name}.pth", saved(state_dict(dtype)), values)
        write(f"legacy_{name}.pth", saved(state_dict(dtype), _use_new_zipfile_serialization=False), values)
    values = tensors(torch.float32)
    write("zip_wrapped.pth", saved(wrapped(torch.float32)), values)
    write("legacy_wrapped.pth", saved(wrapped(torch.float32), _use_new_zipfile_serialization=False), values)
    write("zip_deflated.pth", recompressed(saved(state_dict(torch.float32))), values)
    write("zip_protocol4.pth", saved(state_dict(torch.float32), pickle_protocol=4), values)
    for protocol in (2, 3, 4, 5):
        root = detectron("f32")
        write(f"detectron_{protocol}.pkl", pickle.dumps(root, protocol=protocol), root["model"])
    root = detectron("f64")
    write("detectron_f64.pkl", pickle.dumps(root, protocol=4), root["model"])
    contiguous = {name: np.ascontiguousarray(array) for name, array in detectron("f32")["model"].items() if array.ndim}
    write("python2.pkl", python2(contiguous), contiguous)
    save_file(expected, folder / "expected.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "tests/golden/checkpoints"))
