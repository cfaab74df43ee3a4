from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from unpaired.data.batches import generator
from unpaired.engine.pool import ImagePool

CPU = torch.device("cpu")


def numbered(first: int, count: int) -> torch.Tensor:
    return torch.arange(first, first + count).float().reshape(count, 1, 1, 1)


def exchange(pool: ImagePool, images: torch.Tensor, seed: int) -> torch.Tensor:
    return pool.exchange(images, pool.plan(len(images), generator(seed), CPU))


def test_while_filling_images_come_back_unchanged():
    pool = ImagePool(4)
    assert torch.equal(exchange(pool, numbered(0, 3), 0), numbered(0, 3))
    judged = exchange(pool, numbered(3, 3), 1)
    assert judged[0].item() == 3  # the last free place
    assert len(pool.images) == 4


def test_half_are_exchanged_and_no_image_is_lost_or_doubled():
    pool, exchanged = ImagePool(50), 0
    exchange(pool, numbered(0, 50), 0)
    for i in range(100):
        new = numbered(100 + 10 * i, 10)
        before = {*pool.images.flatten().tolist(), *new.flatten().tolist()}
        judged = exchange(pool, new, i)
        after = [*pool.images.flatten().tolist(), *judged.flatten().tolist()]
        assert sorted(after) == sorted(before)
        exchanged += int((judged != new).sum())
    assert 420 < exchanged < 580  # 500 expected, standard deviation 16


def test_size_zero_keeps_nothing():
    pool = ImagePool(0)
    fakes = numbered(0, 3)
    assert exchange(pool, fakes, 0) is fakes
    assert pool.images is None


def test_what_is_kept_does_not_change_with_the_batch():
    pool = ImagePool(4)
    fakes = numbered(0, 2)
    exchange(pool, fakes, 0)
    fakes.zero_()
    assert pool.images.flatten().tolist() == [0, 1]


class Growing:
    """The pool as it was before its memory was fixed: the same draws, in the same order."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.images: torch.Tensor | None = None

    def exchange(self, fakes: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        held = 0 if self.images is None else len(self.images)
        room = min(self.size - held, len(fakes))
        if room > 0:
            parts = [fakes[:room]] if self.images is None else [self.images, fakes[:room]]
            self.images = torch.cat(parts).clone()
        late = fakes[room:]
        if len(late) == 0:
            return fakes
        assert self.images is not None
        places = torch.randperm(self.size, generator=random)[: len(late)]
        old = torch.rand(len(places), generator=random) < 0.5
        chosen, places = old.nonzero()[:, 0], places[old]
        result = late.clone()
        result[chosen] = self.images[places]
        self.images[places] = late[chosen]
        return torch.cat([fakes[:room], result])


@pytest.mark.parametrize(("size", "batch"), [(10, 4), (10, 1), (3, 8), (4, 4)])
def test_results_are_those_of_a_pool_that_grows(size: int, batch: int, tmp_path: Path):
    """To the bit, a checkpoint in the middle of filling and one of a full pool included."""
    pool, growing = ImagePool(size), Growing(size)
    for i in range(40):
        new = numbered(batch * i, batch)
        assert torch.equal(exchange(pool, new, i), growing.exchange(new, generator(i)))
        assert torch.equal(pool.images, growing.images)
        if i in (1, 20):
            save_file({"pool": pool.images}, tmp_path / "pool.safetensors")
            pool = ImagePool(size)
            pool.restore(load_file(tmp_path / "pool.safetensors")["pool"])


def test_images_keep_their_memory_format():
    pool, images = ImagePool(2), torch.rand(3, 4, 5, 6).to(memory_format=torch.channels_last)
    for i in range(4):
        assert exchange(pool, images, i).is_contiguous(memory_format=torch.channels_last)


def test_a_pool_that_is_offered_nothing_stays_as_it_is():
    """A method of one direction makes images of one domain: the draws of the other's stay none."""
    pool = ImagePool(4)
    for i in range(5):
        before = (random := generator(i)).get_state()
        pool.plan(2, random, CPU)
        assert torch.equal(random.get_state(), before)
    assert pool.images is None
