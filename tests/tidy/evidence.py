"""docs/EVIDENCE.md names, for each promised behaviour, the tests that fail without it. Here: each named test exists.

A row's last column holds names in backticks: `Suite.Case` of a unit test, `follow.…` and the like of integration,
`tidy.…`, or the path of a script or file. A row without a name, and a name without a test, fail.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def known():
    names = set()
    for path in [*ROOT.glob("src/*/*_test.cc"), *ROOT.glob("sim/*_test.cc"), *ROOT.glob("tests/**/*_test.cc")]:
        for suite, case in re.findall(r"\b(?:TEST|TEST_F|TEST_P|RC_GTEST_PROP|RC_GTEST_FIXTURE_PROP)\(\s*(\w+),\s*(\w+)", path.read_text()):
            names.add(f"{suite}.{case}")
    for program in (["tests/integration/run.py", "--list"], ["tests/tidy/tidy.py", "--list"]):
        listed = subprocess.run(["/usr/bin/python3", *program], cwd=ROOT, capture_output=True, text=True, check=True)
        names.update(listed.stdout.split())
    return names


def main():
    names, wrong, rows = known(), [], 0
    for number, line in enumerate((ROOT / "docs" / "EVIDENCE.md").read_text().splitlines(), 1):
        if not line.startswith("|") or re.match(r"\|[\s:|-]+\|$", line) or "the test that fails without it" in line:
            continue
        rows += 1
        tests = re.findall(r"`([^`]+)`", line.rstrip("| ").rsplit("|", 1)[-1])
        if not tests:
            wrong.append(f"docs/EVIDENCE.md:{number}: no test named")
        for test in tests:
            if test not in names and not (ROOT / test.split(" ")[0]).exists():
                wrong.append(f"docs/EVIDENCE.md:{number}: there is no test {test}")
    print("\n".join(wrong) if wrong else f"{rows} behaviours, each with a test that exists")
    return 1 if wrong or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
