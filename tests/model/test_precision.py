"""What stays in float32 where training asks for bfloat16."""

import torch

from ivyspt.config import Model
from ivyspt.jets import KK, VALUE
from ivyspt.model.ivyspt import IvySPT
from tests.conftest import make_batch


def test_the_regression_keeps_its_digits_under_bfloat16():
    model = IvySPT(
        Model(dimension=16, heads=2), torch.Generator().manual_seed(0)
    ).eval()  # its correction starts at zero
    batch = make_batch((40, 35)).to(torch.device("cpu"), torch.float32)
    plain = model(batch, derivatives=True).total_variance
    with torch.autocast("cpu", torch.bfloat16):
        mixed = model(batch, derivatives=True).total_variance
    for part in (VALUE, KK):  # bfloat16 has eight bits: were the regression in it, the last digit would be the third
        torch.testing.assert_close(mixed[part], plain[part], rtol=1e-5, atol=1e-7)
