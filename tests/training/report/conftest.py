"""A folder of results: complete, partial, and one that could not be run."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="needs the training extra")

from tests.training.report.made_up import PLAIN, fold_speakers, independent, made_up
from training.report import build
from training.report.document import Document
from training.report.rows import gather
from training.results import NOT_RUN, FoldResult, result_folder


@pytest.fixture(scope="package")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results as trainings leave them: complete, partial, and one that could not be run."""
    root = tmp_path_factory.mktemp("runs")

    def save(recipe: str, protocol: str, results: list[FoldResult]) -> None:
        for result in results:
            result.save(result_folder(root, recipe, protocol, str(result.about["fold"])))

    image = PLAIN | {"augmentation": {"rotation_deg": 5.0, "mixup_alpha": 0.3}}
    audio = PLAIN | {"augmentation": {"noise": 0.3, "time_masks": 2}}
    hybrid = PLAIN | {"model": "cnn-lstm", "initial": "random"}
    lstm = PLAIN | {"model": "lstm", "initial": "random"}
    si = "speaker-independent"
    save("plain", si, independent(0.6, 1, title="the plain one"))
    save("image", si, independent(0.6, 2, 3, title="+ images", settings=image))
    save("audio", si, independent(0.9, 3, 3, title="+ audio", settings=audio))
    save("lstm", si, independent(0.4, 4, 2, title="an LSTM", settings=lstm))
    save("cnn-lstm", si, independent(0.4, 5, 2, title="a hybrid", settings=hybrid))
    prepared = hybrid | {"initial": "hybrid-pretraining"}
    save("prepared", si, independent(0.5, 6, 2, title="a prepared hybrid", settings=prepared))
    everybody = tuple(s for i in range(6) for s in fold_speakers(i))
    for name, skill, title, settings in (
        ("lstm", 0.5, "an LSTM", lstm),
        ("plain", 0.7, "the plain one", PLAIN),
    ):
        save(
            name,
            "paper",
            [
                made_up(
                    f"seed-{i}", skill, i, speakers=everybody[:8], title=title, settings=settings
                )
                for i in range(5 if name == "plain" else 2)
            ],
        )
    save(
        "plain",
        "cross-corpus",
        [made_up("without-savee", 0.4, 9, speakers=everybody[-2:], title="the plain one")],
    )
    others = (("ased", "1"), ("turev", "1"))
    name = "without-ased-emospeech-turev"
    alike = [made_up(name, 0.3, 10, speakers=others, title="the plain one")]
    save("plain", "corpus-groups", alike)
    missing = result_folder(root, "resnet34-imagenet", si, "fold-1")
    missing.mkdir(parents=True)
    (missing / NOT_RUN).write_text("weights could not be downloaded")
    study = root / "study.toml"
    rows = [
        ("plain", "models", None, {si: 6, "paper": 5, "cross-corpus": 2}),
        ("image", "augmentation", "plain", {si: 3}),
        ("audio", "augmentation", "plain", {si: 3}),
        ("lstm", "models", None, {si: 6, "paper": 5}),
        ("cnn-lstm", "models", None, {si: 2}),
        ("prepared", "models", None, {si: 2}),
        ("resnet34-imagenet", "models", None, {si: 3}),
        ("never", "models", None, {"paper": 5}),
    ]
    text = ""
    for recipe, group, base, folds in rows:
        wanted = ", ".join(f"{p} = {n}" for p, n in folds.items())
        text += f'[[row]]\nrecipe = "{recipe}"\ngroup = "{group}"\nfolds = {{ {wanted} }}\n'
        text += f'base = "{base}"\n' if base else ""
    study.write_text(text)
    recipes = root / "recipes"
    recipes.mkdir()
    for name, title in (("resnet34-imagenet", "with ImageNet"), ("never", "never run")):
        (recipes / f"{name}.toml").write_text(
            f'title = "{title}"\ninitial = "imagenet"\n[corpora.ravdess]\nclips_per_epoch = 1\n'
        )
    return root


@pytest.fixture(scope="package")
def document(runs: Path) -> Document:
    return build(gather(runs, runs / "study.toml"), "no exported model file was given")
