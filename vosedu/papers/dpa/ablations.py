"""The tables of the DPA paper as data.

Every row says what it changes against the full network (version IV), what the paper reports, and
its claim with the suite that can show it, the margin inside which a difference counts as no effect
(half of the loss that the paper prints in J, where it prints one), and the control that must cost
`COST` points if the claim is to be testable: more than the largest effect of the table, 3.1. All
of these stood here before the first run. RAFT's part is played by DIS flow. That masks are cut at a
cross-validated threshold was decided after a first run at one half, whose score hung on whether the
random numbers of a seed let the decoder reach one half at all; J at one half stays in the records.
"""

from __future__ import annotations

from vosedu.papers.contract import Claim, Row, Table

COST = 5.0  # J points that a control must cost
REFERENCES, FLOW = "references of another video", "flow of another video"
CONTROLS = {
    "passers-by": REFERENCES,  # one frame does not tell the subject from those who pass
    "turns": FLOW,  # now flow, now appearance points at the subject
}
NEEDS_REAL_DATA = "no weights were released; needs training on the real data"


def _gjf(g: float, j: float, f: float) -> dict[str, float]:
    return {"DAVIS16 G": g, "DAVIS16 J": j, "DAVIS16 F": f}


def _claim(text: str, suite: str, better: str, margin: float) -> Claim:
    return Claim(text, suite, better, margin, CONTROLS[suite], COST)


def _version(
    label: str, reported: tuple[float, float, float], claim: Claim | None = None, **changes: object
) -> Row:
    inference = {k: v for k, v in changes.items() if k == "references"}
    config = {k: v for k, v in changes.items() if k != "references"}
    return Row(label, config, inference=inference, reported=_gjf(*reported), claim=claim)


TABLE1 = Table(
    "1",
    "IMA, IFA, prototypes and references (DAVIS-2016 val, 352 x 352, RAFT; ours with DIS flow)",
    "IV",
    (
        _version(
            "I",
            (83.4, 83.2, 83.5),
            _claim("without either attention the most is lost", "turns", "lower", 1.5),
            ima="none",
            ifa="none",
        ),
        _version(
            "II",
            (85.9, 85.4, 86.3),
            _claim("without the other frames context is lost", "passers-by", "lower", 0.45),
            ifa="none",
        ),
        _version(
            "III",
            (85.4, 85.0, 85.8),
            _claim("without the other modality bad flow does harm", "turns", "lower", 0.65),
            ima="none",
        ),
        _version("IV", (86.9, 86.3, 87.4)),
        _version(
            "V",
            (86.3, 85.8, 86.9),
            _claim("one reference is too few", "passers-by", "lower", 0.25),
            references=1,
        ),
        _version(
            "VI",
            (86.5, 86.0, 87.1),
            _claim("two references are a little too few", "passers-by", "lower", 0.15),
            references=2,
        ),
        _version(
            "VII",
            (86.8, 86.2, 87.5),
            _claim("three references are nearly enough", "passers-by", "same", 0.5),
            references=3,
        ),
        _version(
            "VIII",
            (86.9, 86.3, 87.5),
            _claim("more than four references change nothing", "passers-by", "same", 0.5),
            references=5,
        ),
        _version(
            "IX",
            (86.1, 85.5, 86.6),
            _claim("IMA needs its prototypes", "turns", "lower", 0.4),
            ima="without-prototypes",
        ),
        _version(
            "X",
            (86.3, 85.7, 87.1),
            _claim("IFA needs its prototypes", "passers-by", "lower", 0.3),
            ifa="without-prototypes",
        ),
        _version(
            "XI",
            (85.3, 84.6, 86.0),
            _claim("both need their prototypes", "turns", "lower", 0.85),
            ima="without-prototypes",
            ifa="without-prototypes",
        ),
        Row(REFERENCES, intervention=REFERENCES),
        Row(FLOW, intervention=FLOW),
    ),
    note=(
        "Masks are cut at a cross-validated threshold. The paper does not say whether V to VIII "
        "were trained again or only tested with another N; here they are tested only."
    ),
    suites=("turns",),
    threshold="cross-validated",
)

TABLE2 = Table(
    "2",
    "Cost at 352 x 352",
    "IV",
    tuple(
        Row(
            label,
            reported={"parameters in M": millions, "seconds a frame": seconds},
            unavailable="cost, not accuracy: measured live by 'vosedu bench' and in notebook 1",
        )
        for label, millions, seconds in (
            ("I", 39.5, 0.0164),
            ("II", 41.5, 0.0183),
            ("III", 40.5, 0.0322),
            ("IV", 43.5, 0.0414),
        )
    ),
)


def _results(
    fps: float | None, g: float, j: float, f: float, fbms: float | None
) -> dict[str, float | None]:
    return {"frames a second": fps, **_gjf(g, j, f), "FBMS J": fbms}


_OTHERS = "another paper's method"
TABLE3 = Table(
    "3",
    "DAVIS-2016 val and FBMS test",
    "DPA, 512 x 512",
    (
        Row(
            "DPA, 352 x 352",
            reported=_results(24.2, 86.9, 86.3, 87.4, 81.2),
            unavailable=NEEDS_REAL_DATA,
        ),
        Row(
            "DPA, 512 x 512",
            reported=_results(19.5, 87.6, 86.8, 88.4, 83.4),
            unavailable=NEEDS_REAL_DATA,
        ),
        Row(
            "HFAN, 512 x 512", reported=_results(None, 87.0, 86.6, 87.3, None), unavailable=_OTHERS
        ),
        Row("TMO, 384 x 384", reported=_results(None, 86.1, 85.6, 86.6, 79.9), unavailable=_OTHERS),
        Row(
            "OAST, 384 x 640", reported=_results(None, 85.9, 85.4, 86.3, 81.9), unavailable=_OTHERS
        ),
    ),
    note="No post-processing. On FBMS at 352 x 352 DPA stands below OAST.",
)

TABLE4 = Table(
    "4",
    "YouTube-Objects, mean J per category",
    "mean",
    tuple(
        Row(name, reported={"J mean": j}, unavailable=NEEDS_REAL_DATA)
        for name, j in (
            ("aeroplane", 87.5),
            ("bird", 85.6),
            ("boat", 70.1),
            ("car", 77.7),
            ("cat", 81.2),
            ("cow", 69.0),
            ("dog", 81.8),
            ("horse", 61.9),
            ("motorbike", 62.1),
            ("train", 51.3),
            ("mean", 73.7),
        )
    ),
    note="The ten categories average to 72.8; 73.7 is an average over videos.",
)

TABLES = (TABLE1, TABLE2, TABLE3, TABLE4)
