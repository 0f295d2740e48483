"""`vosedu doctor`: what works on this machine."""

from __future__ import annotations

from vosedu.commands.common import Arguments, Commands


def add(commands: Commands) -> None:
    """The command's parser."""
    commands.add(run, "doctor", "say what works on this machine", "doctor")


def run(arguments: Arguments) -> int:
    """Print what works here; exit code 1 if something needed does not."""
    from vosedu import doctor

    checks = doctor.examine()
    print(doctor.report(checks))
    return int(any(check.verdict == "FAIL" for check in checks))
