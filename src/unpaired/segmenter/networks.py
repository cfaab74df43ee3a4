"""Segmentation networks (UperNet, SegFormer) by `transformers`: random weights, or pretrained ones.

To add one: a configuration with `build` here, and its name in `SegmenterNetwork`.
"""

from __future__ import annotations

from typing import Literal

from torch import nn

from unpaired.core.config import Natural, config
from unpaired.core.errors import SettingError
from unpaired.core.extras import from_extra

_PURPOSE = "A segmenter"

Widths = tuple[int, int, int, int]
"""One number for each of the four stages, from 1/4 of the image's size to 1/32."""

_SHARED_BY_ALL_SIZES = {
    "num_encoder_blocks": 4,
    "patch_sizes": (7, 3, 3, 3),
    "strides": (4, 2, 2, 2),
    "sr_ratios": (8, 4, 2, 1),
    "mlp_ratios": (4, 4, 4, 4),
}


@config
class UperNet:
    """UperNet (Xiao et al. 2018) on a residual network (He et al. 2016).

    Convolutions and batch norms, which learn from a few hundred photos; the defaults are
    ResNet-18 at half its width and depth. Trained for 15 minutes on one core, on the 400 facades
    at 128×128: on the 106 test photos 0.591 per pixel, 0.355 per class, 0.257 IoU.
    """

    kind: Literal["upernet"] = "upernet"
    """Name of this network."""
    widths: Widths = (32, 64, 128, 256)
    """Channels of the stages."""
    depths: Widths = (1, 1, 1, 1)
    """Residual blocks of the stages."""
    head_width: Natural = 32
    """Channels of the head."""

    def build(self, num_classes: int) -> nn.Module:
        """Images (N, 3, H, W) => an output with `logits` (N, K, H, W). Raises MissingExtra."""
        resnet, upernet, model = from_extra(
            "transformers",
            "ResNetConfig",
            "UperNetConfig",
            "UperNetForSemanticSegmentation",
            purpose=_PURPOSE,
        )
        backbone = resnet(
            layer_type="basic",
            embedding_size=self.widths[0],
            hidden_sizes=list(self.widths),
            depths=list(self.depths),
            out_features=["stage1", "stage2", "stage3", "stage4"],
        )
        settings = upernet(
            backbone_config=backbone,
            hidden_size=self.head_width,
            use_auxiliary_head=False,
            num_labels=num_classes,
        )
        network: nn.Module = model(settings)
        return network


@config
class SegFormer:
    """SegFormer (Xie et al. 2021): a transformer in four stages; the defaults are B0.

    Made for pretrained weights: from random ones, 76 seconds on one core bring it to 0.445 per
    pixel and 0.063 IoU on facades at 128×128, and 67 seconds UperNet to 0.532 and 0.164.
    """

    kind: Literal["segformer"] = "segformer"
    """Name of this network."""
    widths: Widths = (32, 64, 160, 256)
    """Channels of the stages."""
    depths: Widths = (2, 2, 2, 2)
    """Transformer blocks of the stages."""
    heads: Widths = (1, 2, 5, 8)
    """Attention heads of the stages."""
    head_width: Natural = 256
    """Channels of the decoder."""

    def build(self, num_classes: int) -> nn.Module:
        """Images (N, 3, H, W) => an output with `logits` (N, K, H/4, W/4). Raises MissingExtra."""
        config_class, model = from_extra(
            "transformers", "SegformerConfig", "SegformerForSemanticSegmentation", purpose=_PURPOSE
        )
        settings = config_class(
            hidden_sizes=list(self.widths),
            depths=list(self.depths),
            num_attention_heads=list(self.heads),
            decoder_hidden_size=self.head_width,
            num_labels=num_classes,
            **_SHARED_BY_ALL_SIZES,
        )
        network: nn.Module = model(settings)
        return network


SegmenterNetwork = UperNet | SegFormer


def pretrained(weights: str, num_classes: int) -> tuple[SegFormer, nn.Module]:
    """A SegFormer with the weights of a folder or of an id on the Hugging Face hub, and its form.

    What does not fit the classes starts at random: the last layer, or the decoder of an encoder
    that was trained on ImageNet (nvidia/mit-b0). Only safetensors are read, as a pickle can run
    any code.

    Raises:
        MissingExtra: without transformers.
        SettingError: when there are no such weights, or they are of another network.
    """
    form_of, model = from_extra(
        "transformers", "AutoConfig", "SegformerForSemanticSegmentation", purpose=_PURPOSE
    )
    try:
        settings = form_of.from_pretrained(weights)
        if settings.model_type != "segformer":
            raise ValueError(f"it is a {settings.model_type}, not a SegFormer")
        for name, value in _SHARED_BY_ALL_SIZES.items():
            actual = getattr(settings, name)
            if (tuple(actual) if isinstance(value, tuple) else actual) != value:
                raise ValueError(f"its {name} are {actual}, not {value} as in SegFormer B0 to B5")
        network = model.from_pretrained(
            weights, num_labels=num_classes, ignore_mismatched_sizes=True, use_safetensors=True
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        why = str(error).strip().partition("\n")[0].rstrip(".")
        raise SettingError(
            f"the pretrained weights {weights!r} cannot be used: {why}. Give a folder with "
            "config.json and model.safetensors of a SegFormer, or its id on the Hugging Face hub.",
            code="pretrained-unusable",
            setting="pretrained",
        ) from error
    form = SegFormer(
        widths=tuple(settings.hidden_sizes),
        depths=tuple(settings.depths),
        heads=tuple(settings.num_attention_heads),
        head_width=settings.decoder_hidden_size,
    )
    return form, network
