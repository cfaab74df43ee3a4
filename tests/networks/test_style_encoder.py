from __future__ import annotations

import torch

from unpaired.data.batches import generator
from unpaired.networks.style_encoder import NUM_CODES, StyleEncoder


def build() -> StyleEncoder:
    torch.manual_seed(0)
    return StyleEncoder(in_channels=3, size=32, style_channels=4)


def test_codes_have_unit_mean_square_whatever_the_image():
    images = torch.rand(5, 3, 32, 32) * torch.logspace(-2, 1, 5)[:, None, None, None]
    codes = build()(images)
    assert codes.shape == (5, 4)
    torch.testing.assert_close(codes.square().mean(1), torch.ones(5))


def test_the_newest_codes_are_remembered_in_order():
    encoder = build()
    for first in range(0, NUM_CODES + 96, 32):
        encoder.remember(torch.arange(first, first + 32.0)[:, None].expand(-1, 4))
    kept = encoder.codes[:, 0].sort().values
    assert torch.equal(kept, torch.arange(96.0, NUM_CODES + 96))


def test_styles_are_drawn_from_what_is_remembered_by_the_seed_alone():
    encoder = build()
    drawn = encoder.draw(50, generator(3))
    assert torch.equal(drawn, encoder.draw(50, generator(3)))
    assert not torch.equal(drawn, encoder.draw(50, generator(4)))
    remembered = {tuple(code) for code in encoder.codes.tolist()}
    assert {tuple(code) for code in drawn.tolist()} <= remembered
    assert len(torch.unique(drawn, dim=0)) > 30


def test_the_codes_are_saved_with_the_weights():
    encoder = build()
    encoder.remember(torch.ones(NUM_CODES, 4))
    other = StyleEncoder(in_channels=3, size=32, style_channels=4)
    other.load_state_dict(encoder.state_dict())
    assert torch.equal(other.codes, torch.ones(NUM_CODES, 4))


def test_a_loss_on_codes_cannot_be_lowered_by_shrinking_them():
    encoder = build()
    images = torch.rand(4, 3, 32, 32)
    before = encoder(images)
    with torch.no_grad():
        encoder.network.layers[-1].weight.mul_(0.01)
        encoder.network.layers[-1].bias.mul_(0.01)
    torch.testing.assert_close(encoder(images), before)
