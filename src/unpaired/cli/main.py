"""The command `unpaired`: finds the verb, and turns errors into one paragraph and an exit code.

Exit codes: 0 done, 2 the user's input or setting, 3 training stopped on a non-finite value,
130 after Ctrl-C, 141 when nobody reads the output any more, 143 after SIGTERM, SIGHUP or SIGUSR1; 1
is a defect of ours.
"""

from __future__ import annotations

import difflib
import errno
import io
import logging
import os
import sys
from importlib import import_module

import unpaired
from unpaired.core.errors import UnpairedError

VERBS = {
    "demo": "train the built-in example, evaluate it, write a report (a few minutes)",
    "check": "inspect two image sets before any training: counts, bad files, leaks",
    "train": "train a translator on two image sets, or continue a run",
    "translate": "translate files and folders with a trained model",
    "generate": "make images from noise with a model trained for it (DCGAN, WGAN)",
    "evaluate": "measure a model, a run, or images that were made anywhere",
    "segmenter": "train a segmenter on photos and label maps, and score generated photos with it",
    "report": "write a run's report.html",
    "sweep": "train every combination of settings and seeds, one run after the other",
    "compare": "compare runs: one table, one page of plots, one protocol a column",
    "study": "analyse what people say about translated images, from a table of judgements",
    "recipes": "list the recipes: complete settings that are known to work",
    "doctor": "print what an issue report needs: versions, hardware, speed",
}


OF_THE_MACHINE = {
    errno.EACCES,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EMFILE,
    errno.ENAMETOOLONG,
    errno.ENOSPC,
    errno.EPERM,
    errno.EROFS,
}
"""What a full, read-only or closed place says: no defect of ours, whichever line meets it."""


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if isinstance(sys.stdout, io.TextIOWrapper):  # LANG=C and old code pages have no × and no →
        sys.stdout.reconfigure(errors="backslashreplace")
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    verb, rest = arguments[0], arguments[1:]
    if verb == "--version":
        print(f"unpaired {unpaired.__version__}")
        return 0
    if verb not in VERBS:
        from unpaired.cli.flags.other_tools import VERBS as VERBS_OF_OTHERS

        meant = VERBS_OF_OTHERS.get(verb.lower()) or difflib.get_close_matches(verb, VERBS, 1)
        said = [f"`unpaired {name}`" for name in meant]
        if len(said) > 1:
            said = [f"{name}: {VERBS[verb]}" for name, verb in zip(said, meant, strict=True)]
        hint = f" Did you mean {', or '.join(said)}?" if said else ""
        print(
            f"error: there is no verb {verb!r}.{hint} Verbs: {', '.join(VERBS)}.", file=sys.stderr
        )
        return 2
    from unpaired.engine.signals import ending_at_once  # not for --help and --version

    logging.basicConfig(format="warning: %(message)s", level=logging.WARNING, stream=sys.stderr)
    try:
        with ending_at_once():
            code = int(import_module(f"unpaired.cli.{verb}").run(rest))
        if sys.stdout is not None:  # closed by who started us
            sys.stdout.flush()
        return code
    except UnpairedError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # as in `unpaired recipes | head`
        _give_up_output()
        return 141
    except OSError as error:
        if error.errno not in OF_THE_MACHINE:
            raise
        if error.filename is None:  # it may be standard output that takes no more
            _give_up_output()
        where = "what was to be written" if error.filename is None else error.filename
        print(
            f"error: {where}: {error.strerror}. Make room or choose a place that can be read and "
            "written, then give the same command again.",
            file=sys.stderr,
        )
        return 2


def _give_up_output() -> None:
    """What is still in the buffer has nowhere to go: Python would complain of it at exit."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def usage() -> str:
    """The help of the command itself; imports nothing heavy."""
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb:{width}}  {text}" for verb, text in VERBS.items())
    return (
        "unpaired: two image sets in, a translator out, and honest evidence of how well it "
        f"works.\n\nusage: unpaired VERB [options]\n\n{verbs}\n\n"
        "`unpaired VERB --help` says more. Start with `unpaired demo`, or with your own images:\n"
        "  unpaired train --a photos/ --b paintings/"
    )
