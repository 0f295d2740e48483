"""`vosedu data`: the real data sets, and videos made of still images."""

from __future__ import annotations

from pathlib import Path

from vosedu.commands.common import Arguments, Commands, refuse
from vosedu.errors import InputError

READ = {  # what each action reads
    "list": (),
    "where": ("NAME",),
    "get": ("NAME", "--root", "--part"),
    "check": ("NAME", "--root", "--resolution"),
    "animate": ("NAME", "--root"),
}


def add(commands: Commands) -> None:
    """The command's parser."""
    p = commands.add(
        run,
        "data",
        "the real data sets: list them, get one, say where it belongs, check what is there; "
        "animate: make short videos of still images with masks",
        "data get davis16",
    )
    p.add_argument("action", choices=tuple(READ))
    p.add_argument(
        "name", nargs="?", help="a name from the list; of animate, a folder of images and masks"
    )
    p.add_argument("--root", type=Path, help="another folder than the default")
    p.add_argument("--resolution", help="of DAVIS (default: 480p)")
    p.add_argument("--part", nargs="+", metavar="KEY", help="only these archives")


def run(arguments: Arguments) -> int:
    """List the data sets, say where one belongs, get it, or look it over."""
    from vosedu.datasets import manage

    name, root = arguments.name, arguments.root
    unread = {"NAME", "--root", "--part", "--resolution"} - set(READ[arguments.action])
    refuse(arguments, sorted(unread), f"on data {arguments.action}")
    if arguments.action == "list":
        print("\n".join(manage.list_datasets()))
        return 0
    if name is None:
        if arguments.action == "animate":
            raise InputError("name a folder of images and masks: vosedu data animate my_pairs")
        raise InputError(f"name a data set: vosedu data {arguments.action} davis16")
    if arguments.action == "where":
        print("\n".join(manage.where(name)))
    elif arguments.action == "get":
        arguments.kept = "the same command goes on from there"
        manage.get(name, arguments.part, root)
    elif arguments.action == "animate":
        arguments.kept = "the same command goes on from there"
        animate(name, root)
    else:
        options = {"resolution": arguments.resolution} if arguments.resolution else {}
        report = manage.check(name, root, **options)
        print("\n".join(report.lines))
        return int(not report.ok)
    return 0


def animate(folder: str, out: Path | None) -> None:
    """Make short videos of the pairs in `folder`, where downloads go unless `out` is given."""
    from vosedu.datasets import moving, pairs
    from vosedu.paths import downloads_dir

    target = moving.write(pairs(folder), out or downloads_dir() / "moving-stills")
    print(f"{target} holds a short video of each image; open it with vosedu.datasets.folder")
