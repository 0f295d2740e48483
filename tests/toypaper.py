"""A small semi-supervised paper, written into a folder: what "add a paper" asks for, file by file.

Its network follows every object by the grey levels that its mask covers in the first frame.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vosedu import papers

FILES = {
    "__init__.py": '''
        """Grey levels (Nobody, NOWHERE 2031): objects keep their grey level."""

        from vosedu.papers.contract import Paper
        from vosedu.papers.KEY.ablations import TABLES
        from vosedu.papers.KEY.inference import Inference, segment
        from vosedu.papers.KEY.network import Config, build
        from vosedu.papers.KEY.released import RELEASED
        from vosedu.papers.KEY.training import recipe, train

        PAPER = Paper(
            key="KEY",
            name="Grey",
            title="Objects Keep Their Grey Level",
            venue="NOWHERE",
            year=2031,
            citation="Nobody. Objects Keep Their Grey Level. NOWHERE 2031.",
            setting="semi-supervised",
            needs=frozenset({"mask"}),
            Config=Config,
            build=build,
            recipe=recipe,
            train=train,
            Inference=Inference,
            segment=segment,
            tables=TABLES,
            released=RELEASED,
            protocol="toyvos-objects",
        )
    ''',
    "network.py": """
        from __future__ import annotations

        from dataclasses import dataclass, replace

        import torch
        from torch import Tensor, nn


        @dataclass(frozen=True)
        class Config:
            levels: int = 32

            @classmethod
            def paper(cls) -> Config:
                return cls()

            @classmethod
            def released(cls) -> Config:
                return cls(levels=64)

            def scaled(self, profile: str) -> Config:
                return self if profile == "full" else replace(self, levels=8)


        class Grey(nn.Module):
            def __init__(self, config: Config) -> None:
                super().__init__()
                self.config = config
                self.width = nn.Parameter(torch.tensor(float(config.levels)))

            def forward(self, grey: Tensor, level: Tensor) -> Tensor:
                return self.width - (grey - level).abs()  # B H W


        def build(config: Config) -> Grey:
            return Grey(config)
    """,
    "inference.py": '''
        from __future__ import annotations

        from collections.abc import Iterator, Mapping
        from dataclasses import dataclass

        import numpy as np
        import torch

        from vosedu.clip import Clip
        from vosedu.papers.contract import FeatureStore, FrameResult
        from vosedu.papers.KEY.network import Grey


        @dataclass(frozen=True)
        class Inference:
            """How to predict.

            invert: compare inverted grey levels.
            gain: factor on the grey levels, which
                also scales noise.
            """

            invert: bool = False
            gain: float = 1.0

            @classmethod
            def paper(cls) -> Inference:
                return cls()

            @classmethod
            def released(cls) -> Inference:
                return cls(invert=True)


        def segment(
            model: Grey,
            clip: Clip,
            *,
            given: Mapping[int, np.ndarray] | None = None,
            inference: Inference | None = None,
            features: FeatureStore | None = None,
        ) -> Iterator[FrameResult]:
            levels = {}
            for index, frame in enumerate(clip.frames):
                grey = torch.from_numpy(frame.mean(-1))
                mask = given.get(index)
                for number in [] if mask is None else np.unique(mask[mask > 0]):
                    levels[int(number)] = grey[torch.from_numpy(mask == number)].mean()
                labels = np.zeros(clip.size, np.uint8)
                for number, level in levels.items():
                    labels[(model(grey, level) > 0).numpy()] = number
                if mask is not None:
                    labels = mask
                yield FrameResult(index, labels=labels)
    ''',
    "training.py": """
        from __future__ import annotations

        from collections.abc import Callable
        from typing import Any

        import numpy as np
        import torch
        import torch.nn.functional as F

        from vosedu.papers.KEY.network import Config, Grey, build
        from vosedu.training import Batch, History, Recipe, Stage, Step, fit
        from vosedu.training.data import open_data


        def recipe(profile: str) -> Recipe:
            steps = {"quick": 2, "ablate": 4, "course": 8, "full": 100}[profile]
            data = "toyvos/mixed/train"
            return Recipe((Stage("main", data, "paper", steps, 2, (48, 80), lr=0.1),))


        def loss(model: Grey, batch: Batch, step: Step) -> dict[str, torch.Tensor]:
            logits = model(batch["grey"], batch["level"][:, None, None])
            return {"mask": F.binary_cross_entropy_with_logits(logits, batch["mask"])}


        def train(
            config: Config,
            recipe: Recipe,
            *,
            seed: int = 0,
            data: Callable[[str], Any] = open_data,
            **options: Any,
        ) -> tuple[Grey, History]:
            def sample(rng: np.random.Generator, step: Step) -> Batch:
                clips = data(recipe.stages[0].data)
                clip = clips[int(rng.integers(len(clips)))]
                index = int(rng.integers(len(clip)))
                grey = torch.from_numpy(np.asarray(clip.frames[index])).float().mean(-1)
                mask = torch.from_numpy(clip.labels[index] == 1).float()
                level = (grey * mask).sum() / mask.sum().clamp(min=1)
                return {"grey": grey, "mask": mask, "level": level}

            torch.manual_seed(seed)
            return fit(build(config), recipe, lambda stage: (sample, loss), seed=seed, **options)
    """,
    "ablations.py": """
        from vosedu.papers.contract import Row, Table

        FULL = Row("full", reported={"DAVIS17 J&F": 50.0})
        INVERTED = Row("inverted", inference={"invert": True}, reported={"DAVIS17 J&F": 49.0})
        TABLES = (Table("1", "The grey level", FULL.label, (FULL, INVERTED)),)
    """,
    "released.py": """
        from vosedu.papers.contract import Released

        RELEASED = Released(reason="the authors do not exist")
    """,
}


def write(folder: Path, key: str) -> Path:
    """Write the package of the paper `key` into `folder`; returns the package's own folder."""
    package = folder / key
    package.mkdir(parents=True)
    for name, text in FILES.items():
        lines = [line[8:] for line in text.replace("KEY", key).splitlines()]
        (package / name).write_text("\n".join(lines[1:]) + "\n")
    return package


@contextmanager
def among_the_papers(folder: Path) -> Iterator[None]:
    """Inside, packages in `folder` are packages under `vosedu.papers`."""
    path, loaded = list(papers.__path__), set(sys.modules)
    papers.__path__.append(str(folder))
    try:
        yield
    finally:
        papers.__path__[:] = path
        for name in set(sys.modules) - loaded:
            if name.startswith("vosedu.papers."):
                del sys.modules[name]
