"""Which sequences belong to which split, and what DAVIS says about them.

The DAVIS-2016 table equals the file that ships with its annotations (`db_info.yml`). Attribute
scores average the per-sequence numbers over the sequences that carry the attribute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from vosedu import clip

ATTRIBUTES: Mapping[str, str] = MappingProxyType({**clip.ATTRIBUTES, "ROT": "rotation"})
"""Codes of the 15 attributes that papers report, and of rotation, which they leave out.

DAVIS's own file writes DEF and OCC for what papers (and this package) write DE and OC.
"""


@dataclass(frozen=True)
class DavisSequence:
    """One DAVIS-2016 sequence: its split, number of frames and attributes.

    temporal: whether the sequence counts for temporal stability (T): half of val does not,
    because strong occlusion or fast motion makes the contours incomparable.
    """

    name: str
    split: str
    frames: int
    temporal: bool
    attributes: frozenset[str]


_DAVIS16 = """
bear               train   82 yes DEF
blackswan          val     50 yes
bmx-bumps          train   90 no  CS EA FM HO IO LR MB OCC OV SC SV
bmx-trees          val     80 no  BC CS DEF EA FM HO IO LR MB OCC SC SV
boat               train   75 yes BC DB EA SC
breakdance         val     84 no  AC DB DEF FM HO MB OV ROT
breakdance-flare   train   71 no  CS DEF FM HO MB ROT
bus                train   80 yes EA HO OCC SC
camel              val     90 yes CS DEF IO ROT
car-roundabout     val     75 yes BC ROT
car-shadow         val     40 yes AC BC EA LR
car-turn           train   80 yes BC ROT SV
cows               val    104 yes CS DEF HO IO OCC
dance-jump         train   60 yes DB DEF EA HO MB OCC ROT SC
dance-twirl        val     90 no  CS DEF HO IO MB OV ROT SC
dog                val     60 no  CS DEF EA FM MB ROT
dog-agility        train   25 no  AC DEF EA FM HO MB OCC OV
drift-chicane      val     52 no  AC DB EA FM HO LR ROT SV
drift-straight     val     50 yes AC CS EA FM HO LR MB OV ROT SV
drift-turn         train   64 yes AC DB FM HO IO OV ROT SV
elephant           train   80 yes CS DB DEF EA
flamingo           train   80 yes DB DEF HO IO SC
goat               val     90 no  BC CS DEF EA
hike               train   80 yes DEF HO LR
hockey             train   75 yes DEF HO IO ROT SC
horsejump-high     val     50 no  DEF HO IO OCC SC
horsejump-low      train   60 no  DEF EA HO IO OCC SC
kite-surf          val     50 yes DB EA HO IO MB OCC SC SV
kite-walk          train   80 yes DB DEF HO IO OCC SC
libby              val     49 no  DEF EA HO MB OCC SC
lucia              train   70 no  DEF HO OCC
mallard-fly        train   70 no  AC DB DEF EA FM LR MB OV ROT SV
mallard-water      train   80 yes DB EA IO LR
motocross-bumps    train   60 yes AC BC FM HO IO OV ROT SV
motocross-jump     val     40 no  AC DEF EA FM HO IO MB OV ROT SC SV
motorbike          train   43 no  EA FM HO IO LR OCC ROT SC SV
paragliding        train   70 no  HO IO LR SC
paragliding-launch val     80 yes DEF EA HO IO SC
parkour            val    100 no  AC DEF FM HO LR OCC ROT SV
rhino              train   90 yes BC DEF OCC
rollerblade        train   35 no  CS DEF FM HO LR MB
scooter-black      val     43 yes EA HO IO SV
scooter-gray       train   75 no  BC EA FM HO IO OCC ROT SC
soapbox            val     99 yes AC DEF HO IO MB ROT SV
soccerball         train   48 no  FM HO LR MB OCC
stroller           train   91 yes CS DEF FM HO IO SC
surf               train   55 yes CS DB FM HO IO OV SV
swing              train   60 no  DEF FM HO IO OCC SC
tennis             train   70 no  DEF FM HO IO MB SV
train              train   80 yes EA HO SC
"""

_DAVIS17_MORE = {
    "train": """
boxing-fisheye cat-girl classic-car color-run crossing dancing disc-jockey dog-gooses dogs-scale
drone kid-football koala lady-running lindy-hop longboard miami-surf night-race planes-water
rallye schoolgirls scooter-board sheep skate-park snowboard stunt tractor-sand tuk-tuk
upside-down varanus-cage walking
""",
    "val": """
bike-packing dogs-jump gold-fish india judo lab-coat loading mbike-trick pigs shooting
""",
    "test-dev": """
aerobatics car-race carousel cats-car chamaleon deer giant-slalom girl-dog golf guitar-violin
gym helicopter horsejump-stick hoverboard lock man-bike monkeys-trees mtb-race orchid
people-sunset planes-crossing rollercoaster salsa seasnake skate-jump slackline subway tandem
tennis-vest tractor
""",
}

_FBMS = {
    "test": """
camel01 cars1 cars4 cars5 cars10 cats01 cats03 cats06 dogs01 dogs02 farm01 giraffes01 goats01
horses02 horses04 horses05 lion01 marple2 marple4 marple6 marple7 marple9 marple12 people03
people1 people2 rabbits02 rabbits03 rabbits04 tennis
""",
    "train": """
bear01 bear02 cars2 cars3 cars6 cars7 cars8 cars9 cats02 cats04 cats05 cats07 ducks01 horses01
horses03 horses06 lion02 marple1 marple3 marple5 marple8 marple10 marple11 marple13 meerkats01
people04 people05 rabbits01 rabbits05
""",
}

YOUTUBE_OBJECTS: Mapping[str, int] = MappingProxyType(
    {
        "aeroplane": 6,
        "bird": 6,
        "boat": 15,
        "car": 7,
        "cat": 16,
        "cow": 20,
        "dog": 27,
        "horse": 14,
        "motorbike": 10,
        "train": 5,
    }
)
"""Categories of YouTube-Objects and how many of the 126 annotated sequences each has."""


def _davis16() -> Mapping[str, DavisSequence]:
    table = {}
    for line in _DAVIS16.split("\n")[1:-1]:
        name, split, frames, temporal, *codes = line.split()
        codes = [{"DEF": "DE", "OCC": "OC"}.get(code, code) for code in codes]
        table[name] = DavisSequence(name, split, int(frames), temporal == "yes", frozenset(codes))
    return MappingProxyType(table)


DAVIS16 = _davis16()
"""Sequence name -> DavisSequence, all 50, in alphabetical order."""


def davis16_names(split: str) -> tuple[str, ...]:
    """Names of the DAVIS-2016 "train" (30) or "val" (20) split, sorted; "trainval" has both.

    "train-5" is every sixth sequence of "train", "train-25" the others: a split of ours, for what
    is chosen without looking at "val".
    """
    parts = ("train", "val") if split == "trainval" else (split.partition("-")[0],)
    names = [name for name, sequence in DAVIS16.items() if sequence.split in parts]
    apart = names[5::6]
    kept = {"train-5": apart, "train-25": [name for name in names if name not in apart]}
    return tuple(kept.get(split, names))


def davis17_names(split: str) -> tuple[str, ...]:
    """Names of DAVIS-2017 "train" (60), "val" (30), "trainval" or "test-dev" (30), sorted."""
    parts = ("train", "val") if split == "trainval" else (split,)
    names = [name for part in parts for name in _DAVIS17_MORE[part].split()]
    names += [name for name, sequence in DAVIS16.items() if sequence.split in parts]
    return tuple(sorted(names))


def fbms_names(split: str) -> tuple[str, ...]:
    """Names of the FBMS-59 "test" (30) or "train" (29) sequences, sorted; "all" has both."""
    parts = ("train", "test") if split == "all" else (split,)
    return tuple(sorted(name for part in parts for name in _FBMS[part].split()))


FROM_YOUTUBE = frozenset(
    "dog-agility drift-turn drift-straight motocross-bumps motocross-jump parkour".split()
)
"""Sequences that DAVIS took from YouTube; no figure shows their frames, as their terms ask."""
