"""A full disk or a read-only folder: one sentence, nothing half-written, and what stood there before stays."""

from argparse import Namespace

import matplotlib.pyplot as plt
import polars as pl
import pytest
import torch

from ivyspt.artefacts import growing_table, write_json, write_table, write_text
from ivyspt.columns import DataError
from ivyspt.config import Losses
from ivyspt.losses.gradnorm import GradNorm
from ivyspt.training.checkpoint import save_state, save_weights
from tests.conftest import make_model
from tests.robustness.conftest import quota
from workflow.scripts.figures import drawing
from workflow.scripts.tables import typesetting

FRAME = pl.DataFrame({"value": pl.int_range(20_000, eager=True).hash(seed=1)})  # does not compress


def grow(path):
    with growing_table(path, {"settings": {}}) as append:
        for part in FRAME.iter_slices(5_000):
            append(part)


def train(path):
    model = make_model()
    save_state(path, model, torch.optim.Adam(model.parameters()), GradNorm(Losses()), {"epoch": 1, "history": []})


def draw(path):
    figure, axes = plt.subplots()
    axes.plot(FRAME["value"].to_numpy() % 1000)
    try:
        drawing.save(figure, Namespace(pdf=path, png=path))
    finally:
        plt.close(figure)


WRITERS = {
    "table": lambda path: write_table(FRAME, path, {"settings": {}}),
    "growing table": grow,
    "JSON": lambda path: write_json({"values": FRAME["value"].to_list()}, path),
    "text": lambda path: write_text("x" * 100_000, path),
    "LaTeX": lambda path: typesetting.write("x" * 100_000, path),
    "weights": lambda path: save_weights(make_model(), path, {}),
    "checkpoint": train,
    "figure": draw,
}


@pytest.fixture(params=WRITERS, ids=lambda name: name.replace(" ", "_"))
def write(request):
    return WRITERS[request.param]


def holds_earlier_alone(folder) -> bool:
    return {path.name: path.read_bytes() for path in folder.iterdir()} == {"result": b"earlier result"}


def test_a_file_that_outgrows_what_the_disk_has_left_is_no_file(write, tmp_path):
    (tmp_path / "result").write_bytes(b"earlier result")
    with pytest.raises(DataError, match=r"result: must be writable to its end, got .*(too large|27)"), quota(2_000):
        write(tmp_path / "result")
    assert holds_earlier_alone(tmp_path)
    write(tmp_path / "result")
    assert not holds_earlier_alone(tmp_path)


def test_a_full_disk_is_one_sentence_and_room_is_all_that_it_takes(write, full_disk):
    with pytest.raises(DataError, match=r"result: must be writable to its end, got .*(No space left|28)") as caught:
        write(full_disk / "result")
    assert "\n" not in str(caught.value)
    assert [path.name for path in full_disk.iterdir()] == ["filler"]
    (full_disk / "filler").unlink()
    write(full_disk / "result")
    assert [path.name for path in full_disk.iterdir()] == ["result"]


def test_a_read_only_folder_is_one_sentence(write, read_only):
    for path in (read_only / "earlier", read_only / "new", read_only / "inner" / "new"):
        with pytest.raises(DataError, match="must be writable to its end, got") as caught:
            write(path)
        assert "\n" not in str(caught.value)
    assert [path.name for path in read_only.iterdir()] == ["earlier"]
    assert (read_only / "earlier").read_bytes() == b"earlier result"


def test_a_stop_while_writing_leaves_the_earlier_file(tmp_path):
    (tmp_path / "result").write_bytes(b"earlier result")

    def stop():
        with growing_table(tmp_path / "result") as append:
            append(FRAME)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert holds_earlier_alone(tmp_path)
