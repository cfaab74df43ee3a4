"""Error classes, with exit codes: each message says what, where, why, and what to do next.

The tree::

    UnpairedError                 exit 2: the user's input or setting
    ├── SettingError              a setting has no meaning, or contradicts another   (ValueError)
    ├── DataError                 a set of images cannot be used                     (ValueError)
    │   └── UnreadableImage       one image cannot be used; the others go on
    ├── ModelError                a model folder is refused                          (ValueError)
    ├── RunError                  a run folder is refused                            (ValueError)
    ├── MissingExtra              an optional package is absent                      (ImportError)
    ├── BrokenPackage             an optional package is there, but does not import  (ImportError)
    └── NonFiniteLoss             exit 3: training met a non-finite value     (ArithmeticError)

Anything else that reaches the user is a defect of ours and ends with exit code 1.
"""

from __future__ import annotations

from typing import Any, get_args


class UnpairedError(Exception):
    """Base of all errors with a message written for users.

    `code` names what happened, for programs and tests: messages are reworded, codes stay. `setting`
    is the path of the setting that is to blame or that would help, such as "training.batch_size";
    empty where there is none.
    """

    exit_code = 2
    code = "error"

    def __init__(self, message: str, *, code: str = "", setting: str = "") -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.setting = setting


class SettingError(UnpairedError, ValueError):
    """A setting has no meaning, or contradicts another."""

    code = "setting"


class DataError(UnpairedError, ValueError):
    """A set of images cannot be used."""

    code = "data"


class UnreadableImage(DataError):
    """One image cannot be used: `reason` says why, without the image's name; `setting` is that of
    its decoding which would let it pass, if there is one. `numbers`: the smallest and the largest
    that the image holds, where their range is what is missing."""

    code = "unreadable-image"

    def __init__(
        self,
        name: str,
        reason: str,
        setting: str = "",
        *,
        code: str = "",
        numbers: tuple[float, float] | None = None,
    ) -> None:
        super().__init__(f"{name}: {reason}", code=code, setting=setting)
        self.name = name
        self.reason = reason
        self.numbers = numbers


class ModelError(UnpairedError, ValueError):
    """A model folder is refused."""

    code = "model"


class RunError(UnpairedError, ValueError):
    """A run folder is refused."""

    code = "run"


class MissingExtra(UnpairedError, ImportError):
    """An optional package is absent; `extra` names the extra that brings it."""

    code = "missing-extra"

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed. "
            f'Install it with: pip install "unpaired[{extra}]"'
        )


class BrokenPackage(UnpairedError, ImportError):
    """An optional package is installed, but cannot be imported."""

    code = "broken-package"

    def __init__(self, package: str, purpose: str, error: Exception) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is installed but cannot be imported "
            f"({error}). Most often torchvision was built for another torch: install the one that "
            "belongs to yours, from where torch came from (pip install --force-reinstall "
            "torchvision --index-url …), or, for transformers, none (pip uninstall torchvision)."
        )


class NonFiniteLoss(UnpairedError, ArithmeticError):
    """A loss or gradient became NaN or infinite; the optimiser step was not taken.

    `images` were seen until then without one.
    """

    exit_code = 3
    code = "non-finite-loss"

    def __init__(self, message: str, *, images: int = 0, code: str = "", setting: str = "") -> None:
        super().__init__(message, code=code, setting=setting)
        self.images = images


def check_choice(name: str, value: object, choices: Any) -> None:
    """Refuse what the `Literal` of a setting does not name.

    Raises:
        SettingError: with the choices that there are.
    """
    if value not in get_args(choices):
        *others, last = map(repr, get_args(choices))
        raise SettingError(
            f"{name} is {value!r}: give {', '.join(others)} or {last}.",
            code="unknown-choice",
            setting=name,
        )
