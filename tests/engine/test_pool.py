from __future__ import annotations

import torch

from unpaired.data.batches import generator
from unpaired.engine.pool import ImagePool


def numbered(first: int, count: int) -> torch.Tensor:
    return torch.arange(first, first + count).float().reshape(count, 1, 1, 1)


def test_while_filling_images_come_back_unchanged():
    pool = ImagePool(4)
    assert torch.equal(pool.exchange(numbered(0, 3), generator(0)), numbered(0, 3))
    judged = pool.exchange(numbered(3, 3), generator(1))
    assert judged[0].item() == 3  # the last free place
    assert len(pool.images) == 4


def test_half_are_exchanged_and_no_image_is_lost_or_doubled():
    pool, exchanged = ImagePool(50), 0
    pool.exchange(numbered(0, 50), generator(0))
    for i in range(100):
        new = numbered(100 + 10 * i, 10)
        before = {*pool.images.flatten().tolist(), *new.flatten().tolist()}
        judged = pool.exchange(new, generator(i))
        after = [*pool.images.flatten().tolist(), *judged.flatten().tolist()]
        assert sorted(after) == sorted(before)
        exchanged += int((judged != new).sum())
    assert 420 < exchanged < 580  # 500 expected, standard deviation 16


def test_size_zero_keeps_nothing():
    pool = ImagePool(0)
    fakes = numbered(0, 3)
    assert pool.exchange(fakes, generator(0)) is fakes
    assert pool.images is None


def test_what_is_kept_does_not_change_with_the_batch():
    pool = ImagePool(4)
    fakes = numbered(0, 2)
    pool.exchange(fakes, generator(0))
    fakes.zero_()
    assert pool.images.flatten().tolist() == [0, 1]
