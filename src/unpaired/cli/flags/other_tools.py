"""Flags of other tools: what people type elsewhere, and the setting that does it here.

The names are those of pytorch-CycleGAN-and-pix2pix, CUT, StyleGAN, ultralytics, timm, Keras,
Lightning and transformers. Only flags that a verb does not have are looked up; see `advice`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Row:
    """One setting, and what other tools call it."""

    names: str
    """With blanks between; case, dashes and underscores do not count."""
    flags: str = ""
    """What to type here, {} for the value; empty: there is no such setting, and `note` says why."""
    example: str = ""
    """The value where none was typed that means the same here: numbers for numbers."""
    note: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    """What to type for values that have other names here."""
    counts: Literal["", "epochs", "kimg", "ratio"] = ""
    """What a value counts where the setting counts images, or is a share of the cycle's weight."""


def _both(setting: str) -> str:
    """A setting of each optimiser or network."""
    part, _, name = setting.rpartition(".")
    return " ".join(f"--{part}.{phase}.{name} {{0}}" for phase in ("generators", "discriminators"))


def _domains(setting: str) -> str:
    """A setting of each domain."""
    return f"--a.{setting} --b.{setting}"


def _kinds(flag: str, **kinds: str) -> Mapping[str, str]:
    return {name.replace("_", ""): f"{flag} {kind}" for name, kind in kinds.items()}


_SEEN = "in images seen"
_GPUS = (
    "which GPU says the environment variable CUDA_VISIBLE_DEVICES; several share a training under "
    "torchrun --nproc-per-node 2 -m unpaired train"
)
_NONE = "there is no such setting"
_AGAIN = "there is none: the same command again continues the run that lies in its folder (-o)"

# fmt: off
_EVERYWHERE = (
    Row("gpu gpus gpu-id gpu-ids gpuid cuda use-cuda use-gpu devices num-gpus accelerator",
        "--device cuda", note=_GPUS, choices={"-1": "--device cpu", "cpu": "--device cpu"}),
    Row("cpu no-cuda no-gpu cpu-only", "--device cpu"),
    Row("out outdir out-dir output-dir output-path output-folder save-dir save-path save-to "
        "results-dir checkpoints-dir checkpoint-dir ckpt-dir log-dir run-dir exp-dir work-dir "
        "project dest", "-o {}", "runs/mine"),
    Row("workers num-workers n-workers dataloader-num-workers num-threads threads jobs n-cpu",
        note="there is none: as many threads as there are processors, up to 16, decode images; a "
        "training decodes them once, into memory, where they fit"),
    Row("quiet silent no-progress", note="progress goes to standard error: 2> /dev/null"),
    Row("verbose debug", note=f"{_NONE}: all is said that there is to say"),
    Row("overwrite force", note="give another folder with -o, or remove the old one"),
)

_IMAGES = (
    Row("domain-a a-dir dir-a a-path path-a data-a root-a source src source-dir train-a input-a",
        "--a {}", "photos/"),
    Row("domain-b b-dir dir-b b-path path-b data-b root-b target tgt target-dir train-b input-b",
        "--b {}", "paintings/"),
    Row("test-a-dir testing-a", "--a-test {}", "photos-test/"),
    Row("test-b-dir testing-b", "--b-test {}", "paintings-test/"),
    Row("dataroot data-root data data-dir data-path dataset dataset-path root train-dir input-dir",
        "--a {0}/trainA --b {0}/trainB", "datasets/mine", "folders may have any names; --a-test "
        "and --b-test name images kept for the test (testA, testB)"),
    Row("size image-size img-size imgsz imsize resolution res input-size height width",
        "--a.size {}", "128", "the other image set follows"),
    Row("crop-size fine-size crop", "--a.fit crop --b.fit crop --a.size {}", "256",
        "squares cut out at random; without them, --a.size alone"),
    Row("load-size scale-size", _domains("fit crop") + " " + _domains("short-side {0}"), "286",
        "squares of --a.size are cut out of images with this short side"),
    Row("preprocess resize-mode", _domains("fit crop"), note="crop cuts squares out at random, "
        "cover the middle one, resize stretches, pad adds a border",
        choices={"none": _domains("fit pad"), "resize": _domains("fit resize")}),
    Row("input-nc in-channels channels", "--a.channels {}", "3", "1 or 3; of b: --b.channels"),
    Row("output-nc out-channels", "--b.channels {}", "3", "1 or 3"),
    Row("grayscale greyscale gray grey", _domains("channels 1")),
    Row("test-split test-size test-ratio", _domains("test-fraction {0}"), "0.1"),
    Row("val-split validation-split val-ratio", _domains("validation-fraction {0}"), "0.05"),
    Row("serial-batches shuffle", note=f"{_NONE}: images are drawn in random order"),
    Row("max-dataset-size subset", note=f"{_NONE}: give a folder with fewer images"),
)

_TRAINING = (
    Row("batch-size batch bs train-batch-size per-device-train-batch-size",
        "--training.batch-size {}", "8"),
    Row("lr learning-rate lr0 base-lr init-lr", _both("training.learning-rate"), "1e-4"),
    Row("lr-g g-lr", "--training.generators.learning-rate {}", "1e-4"),
    Row("lr-d d-lr", "--training.discriminators.learning-rate {}", "1e-4"),
    Row("epochs epoch n-epochs num-epochs max-epochs num-train-epochs total-epochs niter",
        "--images {}", "100k", "the length counts images seen of each image set", counts="epochs"),
    Row("n-epochs-decay niter-decay decay-epoch lr-decay-iters",
        "--training.schedule.decay-from 0.5", note="the share of the training after which the "
        "learning rate falls; --images is the length of all"),
    Row("kimg total-kimg", "--images {}", "100k", counts="kimg"),
    Row("steps max-steps num-steps iterations iters n-iters max-iter max-iters total-iters "
        "train-steps", "--images 100k", note="the length counts images seen: steps times "
        "--training.batch-size"),
    Row("max-time time-limit budget timeout", "--time 8h"),
    Row("amp fp16 bf16 half use-amp mixed-precision precision float16 bfloat16 dtype",
        "--training.precision bfloat16", note="chosen by itself where hardware computes it; "
        "float16 is not offered", choices=dict.fromkeys(
            ("no", "false", "0", "32", "fp32", "float32"), "--training.precision float32")),
    Row("no-amp fp32 float32 no-half", "--training.precision float32"),
    Row("resume continue-train continue auto-resume resume-from resume-from-checkpoint load "
        "checkpoint ckpt ckpt-path epoch-count start-epoch which-epoch load-iter", note=_AGAIN),
    Row("weights pretrained pretrained-model init-weights finetune", note="there is none: a "
        "training begins with new weights, or continues its run (the same command again)"),
    Row("model arch method", "--method.kind cyclegan", note="--method.generator.kind and "
        "--method.discriminator.kind choose networks",
        choices=_kinds("--method.kind", dcgan="gan", wgan="gan", gan="gan", dtn="dtn")),
    Row("lambda-a lambda-cyc lambda-cycle cycle-weight", "--method.cycle-weight {}", "10"),
    Row("lambda-b", "--method.cycle-weight-b {}", "10"),
    Row("lambda-identity lambda-idt lambda-id", "--method.identity-weight {}", "5",
        "elsewhere it is a share of the cycle's weight of 10, here a weight", counts="ratio"),
    Row("netg generator", "--method.generator.kind resnet", choices={
        **{f"resnet{n}blocks": f"--method.generator.kind resnet --method.generator.blocks {n}"
           for n in (4, 6, 9)},
        **{f"unet{2**n}": f"--method.generator.kind unet --method.generator.downsamplings {n}"
           for n in (7, 8)}, "unet": "--method.generator.kind unet"}),
    Row("netd discriminator", "--method.discriminator.kind patchgan", choices={
        "pixel": "--method.discriminator.kind patchgan --method.discriminator.layers 0"}),
    Row("n-layers-d", "--method.discriminator.layers {}", "3"),
    Row("ngf", "--method.generator.width {}", "64"),
    Row("ndf", "--method.discriminator.width {}", "64"),
    Row("n-blocks num-blocks res-blocks n-residual-blocks", "--method.generator.blocks {}", "9"),
    Row("norm normalization norm-layer",
        "--method.generator.norm instance --method.discriminator.norm instance", choices={
            n: f"--method.generator.norm {n} --method.discriminator.norm {n}"
            for n in ("batch", "none")}),
    Row("gan-mode gan-type gan-loss adversarial-loss", "--method.adversarial.kind least-squares",
        choices=_kinds("--method.adversarial.kind", vanilla="non-saturating", hinge="hinge",
                       wgan="wasserstein-clip", wgangp="wasserstein-gp")),
    Row("no-lsgan", "--method.adversarial.kind non-saturating"),
    Row("pool-size buffer-size", "--training.pool-size {}", "50"),
    Row("no-flip no-hflip no-mirror", _domains("augmentation.no-flip")),
    Row("flip hflip mirror fliplr", _domains("augmentation.flip")),
    Row("no-augment no-augmentation no-aug",
        f"{_domains('augmentation.no-flip')} {_domains('augmentation.zoom 1')}"),
    Row("beta1 adam-beta1 b1", _both("training.beta1"), "0.5"),
    Row("beta2 adam-beta2 b2", _both("training.beta2"), "0.999"),
    Row("optimizer optimiser optim opt", _both("training.algorithm").format("adam"),
        choices={"rmsprop": _both("training.algorithm").format("rmsprop")}),
    Row("weight-decay wd", note=f"{_NONE}: the papers train without"),
    Row("lr-policy lr-scheduler scheduler lr-schedule", "--training.schedule.kind linear",
        note="or constant, cosine", choices=_kinds(
            "--training.schedule.kind", cosine="cosine", constant="constant", none="constant")),
    Row("ema ema-decay use-ema", "--training.ema-images 10000", note="a half-life in images seen"),
    Row("warmup warmup-epochs warmup-steps", "--training.warm-up-images 2000", note=_SEEN),
    Row("save-epoch-freq save-latest-freq save-freq save-every save-interval save-period snap "
        "save-steps", "--training.checkpoint-images 50000", note=_SEEN),
    Row("print-freq display-freq log-freq log-interval log-every logging-steps",
        "--training.log-images 2000", note=_SEEN),
    Row("sample-interval sample-freq sample-every", "--training.sample-images 20000", note=_SEEN),
    Row("eval-freq eval-interval eval-every val-interval val-freq", "--evaluation.images 100000",
        note=_SEEN),
    Row("random-seed manual-seed rng-seed", "--seed {}", "0"),
    Row("experiment exp exp-name experiment-name run-name", "--name {}", "mine"),
    Row("wandb use-wandb wandb-project logger report-to", "--track wandb", note="or tensorboard"),
    Row("tb use-tensorboard tensorboard", "--track tensorboard"),
    Row("compile torch-compile", "--training.compile"),
    Row("ddp distributed multi-gpu world-size local-rank nproc-per-node", note=_GPUS),
    Row("patience early-stop early-stopping save-best", "--evaluation.export best",
        note="the weights that did best on validation images become the model"),
    Row("init-type init-gain no-dropout dropout", note=f"{_NONE}: weights are drawn from N(0, "
        "0.02), and generators have no dropout"),
    Row("config cfg yaml", "--recipe demo", note="`unpaired recipes` lists complete settings; "
        "those of a run lie in its config.json"),
    Row("cache cache-images ram pin-memory", note=f"{_NONE}: images are decoded once and kept in "
        "memory where they fit"),
    Row("direction which-direction", note="a method translates in the directions that it has; a "
        "and b are named by --a and --b: exchange them"),
    Row("phase is-train dataset-mode", note=f"{_NONE}: the verbs are train, translate, evaluate"),
)

_TRANSLATING = (
    Row("direction which-direction target target-domain", "--to b",
        choices={"btoa": "--to a", "b2a": "--to a", "a": "--to a"}),
    Row("model weights checkpoint ckpt name load generator network pretrained",
        note="the model comes first, without a flag: unpaired translate runs/NAME/model IMAGES"),
    Row("input inputs source src dataroot data data-dir images input-dir folder",
        note="images come after the model, without a flag: unpaired translate MODEL photos/"),
    Row("batch bs", "--batch-size {}", "8"),
    Row("seed", "--style-seed {}", "0"),
    Row("num-samples n-samples styles num-styles", "--samples {}", "4"),
    Row("size image-size img-size imgsz crop-size load-size scale", "--resolution trained",
        note="images keep their size; trained: they go through at the size of training"),
    Row("force replace exist-ok", "--overwrite"),
    Row("resume continue skip no-overwrite skip-exists", "--skip-existing"),
    Row("ext extension save-format image-format suffix", "--format png",
        choices=_kinds("--format", jpg="jpeg", jpeg="jpeg", webp="webp", tiff="tiff", tif="tiff")),
    Row("amp fp16 bf16 half precision", note=f"{_NONE}: bfloat16 where hardware computes it"),
    Row("recursive", note=f"{_NONE}: folders are searched at any depth"),
    Row("num-test limit max-images", note=f"{_NONE}: give files, or a pattern such as 'in/1*.jpg'"),
    Row("quality jpeg-quality", note=f"{_NONE}: JPEG and WebP are written at quality 95"),
)

_EVALUATING = (
    Row("fake gen fakes generated-dir pred preds predictions results result-dir out-images",
        "--generated {}", "out/"),
    Row("gt reference ref real-dir reals target dataset", "--real {}", "photos/"),
    Row("input source src", "--inputs {}", "sketches/"),
    Row("paired ground-truth label", "--truth {}", "truth/"),
    Row("metric metrics fid kid", "--extractor inception"),
    Row("clip cmmd", "--extractor clip"),
    Row("model-path weights checkpoint ckpt name run", note="the run or model folder comes first, "
        "without a flag: unpaired evaluate runs/NAME"),
    Row("phase set subset", "--split test"),
    Row("batch-size batch bs", note=f"{_NONE}: batches are as large as suits"),
)

_GENERATING = (
    Row("n num num-images n-samples num-samples samples images", "--count {}", "64"),
    Row("seeds random-seed", "--seed {}", "0"),
    Row("network model weights ckpt", note="the model comes first, without a flag: unpaired "
        "generate runs/NAME/model"),
    Row("trunc truncation", note=f"{_NONE}: these generators have no mean to draw towards"),
)
# fmt: on

TABLE: Mapping[str, tuple[Row, ...]] = {
    "train": (*_TRAINING, *_IMAGES, *_EVERYWHERE),
    "check": (*_IMAGES, *_EVERYWHERE),
    "translate": (*_TRANSLATING, *_EVERYWHERE),
    "evaluate": (*_EVALUATING, *_EVERYWHERE),
    "generate": (*_GENERATING, *_EVERYWHERE),
    "segmenter": (*_EVERYWHERE,),
}
"""The rows of each verb; demo and sweep have those of train."""

VERBS: Mapping[str, tuple[str, ...]] = {
    "test": ("translate", "evaluate"),
    **dict.fromkeys(("infer", "inference", "predict", "apply", "convert", "use"), ("translate",)),
    **dict.fromkeys(("eval", "val", "validate", "measure", "fid"), ("evaluate",)),
    **dict.fromkeys(("run", "fit", "resume", "continue", "finetune", "learn"), ("train",)),
    **dict.fromkeys(("sample", "samples"), ("generate",)),
    **dict.fromkeys(("info", "env", "version"), ("doctor",)),
    **dict.fromkeys(("grid", "tune", "search"), ("sweep",)),
    **dict.fromkeys(("inspect", "verify", "data"), ("check",)),
    "list": ("recipes",),
}
"""What other tools call the verbs."""
