"""Files of tensors: what is written is what is read, and nothing else is."""

import numpy as np
import pytest

from ivyspt.columns import DataError
from ivyspt.tensor_file import read_tensors, write_tensors

ARRAYS = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "count": np.array(3, dtype=np.int64),
    "view": np.arange(8.0).reshape(2, 4).T,  # not contiguous
    "empty": np.zeros((0, 2)),
}


def test_arrays_and_header_survive(tmp_path):
    write_tensors(ARRAYS, {"model": {"blocks": 2}}, tmp_path / "w.safetensors")
    arrays, header = read_tensors(tmp_path / "w.safetensors")
    assert header == {"model": {"blocks": 2}}
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


def test_the_same_content_is_the_same_bytes(tmp_path):
    write_tensors(ARRAYS, {"b": 1, "a": 2}, tmp_path / "one")
    write_tensors(dict(reversed(ARRAYS.items())), {"a": 2, "b": 1}, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_no_flipped_bit_passes(tmp_path):
    write_tensors(ARRAYS, {"model": {"blocks": 2}}, tmp_path / "whole")
    whole = (tmp_path / "whole").read_bytes()
    for place in range(8, len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        (tmp_path / "damaged").write_bytes(damaged)
        with pytest.raises(DataError, match="damaged: must "):
            read_tensors(tmp_path / "damaged")


@pytest.mark.parametrize("content", [b"", b"text", b"\x00" * 64])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(DataError, match="other: must be a whole safetensors file"):
        read_tensors(tmp_path / "other")
