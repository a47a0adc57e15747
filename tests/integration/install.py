"""What `cmake --install` puts into a clean prefix runs by its names, with nothing of the build around it."""

import os
import subprocess

import runner
from emulators import ROOT
from pairs import Pair
from program import BIN


def installed(world):
    prefix = world.directory / "prefix"
    if not prefix.exists():
        subprocess.run(["cmake", "--install", str(BIN.parent), "--prefix", str(prefix)], cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL)
    return prefix


def call(prefix, *command):
    """By name, with a PATH of this prefix alone and no other variable but HOME."""
    return subprocess.run(command, env={"PATH": str(prefix / "bin"), "HOME": str(prefix)}, cwd="/", timeout=60,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


@runner.test("install.every_name_of_the_build_is_installed_and_runs")
def _(world):
    prefix = installed(world)
    names = sorted(path.name for path in (prefix / "bin").iterdir())
    links = {path.name for path in BIN.iterdir() if path.is_symlink()}
    assert links | {"dynamodb-replicator"} <= set(names), f"{links} in the build, {names} installed"
    assert "launch-kinesis-cluster" in names, names
    for name in names:
        assert not os.path.isabs(os.readlink(prefix / "bin" / name)) if (prefix / "bin" / name).is_symlink() else True
        answer = call(prefix, name, "--help")
        assert answer.returncode == 0 and "--" in answer.stdout, f"{name}: {answer}"
    answer = call(prefix, "dynamodb-replicator", "--version")
    assert answer.returncode == 0 and any(c.isdigit() for c in answer.stdout), answer
    assert call(prefix, "dynamodb-replicator", "no-such-command").returncode == 2


@runner.test("install.the_installed_program_replicates_with_a_clean_environment")
def _(world):
    prefix = installed(world)
    pair = Pair(world, world.name("installed"), ("S", "N"), "streams", 20, 1)
    pair.change(60)
    answer = call(prefix, "dynamodb-replicator", *map(str, pair.arguments("--until-caught-up")))
    assert answer.returncode == 0, answer
    pair.assert_equal()
