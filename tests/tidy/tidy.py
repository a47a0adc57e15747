"""Rules of the tree that no compiler holds: who imports whom, what only os may call, how a coroutine waits.

    python3 tests/tidy/tidy.py [--headers]    --headers also compiles every header alone (needs build-dev configured)

Each rule is one test; the last line is `N passed, N failed`.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# A room imports from itself and from rooms of lower floors. include/ is floor 1.
FLOORS = {"dynamodb_replicator": 1, "base": 2, "item": 3, "async": 3, "core": 4, "wire": 4, "flow": 5, "aws": 5,
          "os": 5, "app": 6, "cli": 7, "sim": 7}
# Decisions and formats cannot reach a coroutine, although its floor is lower.
NEVER = {"core": {"async"}, "wire": {"async"}, "sim": {"os"}}
# What stands outside the table, and why.
EXCEPTIONS = {("wire", "core/rows.h"): "plain values without behaviour: what a lease row holds, which wire spells in bytes"}

# Calls and headers that belong to os alone: everything else asks a door, so that the simulator decides.
BANNED = [
    r"std::chrono::\w+_clock", r"\b(system|steady|high_resolution)_clock::now", r"(?<![\w:.>])(?:std::|::)?time\s*\(\s*(?:nullptr|NULL|0|&)",
    r"\bclock_gettime\s*\(", r"\bgettimeofday\s*\(", r"(?<![\w:.>])(?:std::|::)?s?rand\s*\(", r"\brandom_device\b",
    r"\bmt19937", r"\bgetrandom\s*\(", r"\bRAND_bytes\b", r"(?<![\w:.>])(?:std::|::)?(?:secure_)?getenv\s*\(", r"\bstd::j?thread\b",
    r"\bstd::async\b", r"\bthis_thread\b", r"\bpthread_", r"(?<![\w:.>])(?:::)?(?:u|nano)?sleep\s*\(",
    r"(?<![\w:.>])::(?:socket|connect|bind|listen|accept|open|read|write|fopen)\s*\(", r"\bstd::[io]?fstream\b", r"\bfopen\s*\(",
    r"#include <(?:sys/socket\.h|netdb\.h|thread|fstream|future|random)>", r"#include <boost/",
]
# The simulator's driver is a program around the simulated world, no part of it: it forks, pipes and reads a file.
DRIVER = ROOT / "sim" / "drive"
PLANTED = "DYNAMODB_REPLICATOR_PLANTED"
SERVER_HEADERS = re.compile(r"#include <(?:boost/(?:beast|asio/ssl)[/.]|openssl/(?:ssl|x509))")
SERVER_FILES_MAX = 3
LENGTH_LOOK_AGAIN, LENGTH_MAX, TEST_LENGTH_MAX = 300, 450, 600

# Words of a machine or a moment, which no reader of a clone can follow.
FOREIGN_WORDS = [
    r"(?<![\w.])/work/", r"\bissue\s+#?\d+", r"(?<!\w)#\d{1,4}\b(?=.*\b(?:issue|fix|see)\b)", r"\bhelper session\b",
    r"\b(?:ChatGPT|Claude|Copilot|LLM)\b", r"\b(?:TODO|FIXME|XXX)\b",
    r"registry\.npmjs", r"deb\.debian\.org", r"archive\.ubuntu", r"\bnpmjs\.(?:com|org)",
]

_rules = []


def rule(function):
    _rules.append(function)
    return function


def tracked():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout.split("\n")
    return [path for path in map(ROOT.__truediv__, filter(None, listed)) if path.is_file()]


def cpp(*endings):
    return [path for path in tracked() if path.suffix in (endings or (".cc", ".h")) and room(path)]


def room(path):
    parts = path.relative_to(ROOT).parts
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    return {"sim": "sim", "include": "dynamodb_replicator"}.get(parts[0])


def is_test(path):
    return path.stem.endswith(("_test", "_fuzz"))


def show(path):
    return str(path.relative_to(ROOT))


def code(path):
    """The text with comments and string literals blanked; line numbers stay."""
    def blank(match):
        text = match.group(0)
        return re.sub(r"[^\n]", " ", text) if text.startswith("/") else text[0] + re.sub(r"[^\n]", " ", text[1:-1]) + text[-1]
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\''
    text = re.sub(r'R"(\w*)\((.*?)\)\1"', lambda m: '"' + re.sub(r'[^\n]', ' ', m.group(2)) + '"', path.read_text(), flags=re.S)
    return re.sub(pattern, blank, text, flags=re.S)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


@rule
def imports_point_down():
    for path in cpp():
        here = room(path)
        if here not in FLOORS:
            yield f"{show(path)}: room {here} stands on no floor: add it to the table, and say why in DESIGN.md"
            continue
        for match in re.finditer(r'^#include [<"]([a-z_]+)/([^>"]+)[>"]', path.read_text(), re.M):
            there, name = match.group(1), f"{match.group(1)}/{match.group(2)}"
            if there == here or there not in FLOORS or (here, name) in EXCEPTIONS:
                continue
            if FLOORS[there] >= FLOORS[here] and not (here == "sim" and there == "app"):
                yield f"{show(path)}: {here} (floor {FLOORS[here]}) imports {name} (floor {FLOORS[there]})"
            elif there in NEVER.get(here, ()):
                yield f"{show(path)}: {here} never imports {there}"


@rule
def only_os_touches_the_outside():
    for path in cpp():
        if room(path) == "os" or is_test(path) or DRIVER in path.parents:
            continue
        text = code(path)
        raw = path.read_text()
        for pattern in BANNED:
            for match in re.finditer(pattern, raw if pattern.startswith("#include") else text):
                if room(path) == "base" and path.name == "time.h" and "chrono" in match.group(0):
                    continue  # the types of time, no clock
                if room(path) in ("cli", "sim") and match.group(0).startswith("#include <"):
                    continue
                yield f"{show(path)}:{line_of(raw, match.start())}: {match.group(0).strip()} belongs to os"


@rule
def server_headers_are_in_few_files():
    found = [path for path in cpp() if SERVER_HEADERS.search(path.read_text())]
    for path in found:
        if room(path) != "os" or path.suffix != ".cc":
            yield f"{show(path)}: Beast and TLS headers are for .cc files of os"
    inside = [show(path) for path in found if room(path) == "os" and path.suffix == ".cc" and not is_test(path)]
    if len(inside) > SERVER_FILES_MAX:
        yield f"Beast or TLS headers are in {len(inside)} files of os; {SERVER_FILES_MAX} at most: {', '.join(inside)}"


@rule
def only_the_simulator_plants_bugs():
    header, cmake = ROOT / "src/base/planted.h", ROOT / "sim/CMakeLists.txt"
    users = {path for path in cpp() if re.search(r'#include "base/planted\.h"', path.read_text())}
    for path in users:
        if path.suffix != ".cc" and DRIVER not in path.parents:
            yield f"{show(path)}: a header includes base/planted.h, which programs with and without planted bugs would share"
    compiled = re.search(r"set\(planted ([^)]*)\)", cmake.read_text())
    listed = {ROOT / "src" / f"{name}.cc" for name in compiled.group(1).split()} if compiled else set()
    hooked = {path for path in users if (ROOT / "src") in path.parents}
    for path in sorted(hooked ^ listed):
        yield f"{show(path)}: includes base/planted.h, or stands in the list of sim/CMakeLists.txt, but not both"
    defined = f"target_compile_definitions(simulate PRIVATE {PLANTED})"
    if defined not in cmake.read_text() or cmake.read_text().count(PLANTED) != 1:
        yield f"{show(cmake)}: {PLANTED} is defined for simulate alone"
    for path in tracked():
        if path in (header, cmake, pathlib.Path(__file__).resolve()) or not path.is_file():
            continue
        if PLANTED.encode() in path.read_bytes():
            yield f"{show(path)}: {PLANTED} is the simulator's alone"


def closing(text, opening):
    depth = 0
    for position in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if depth == 0:
            return position
    return len(text)


@rule
def co_await_stands_alone():
    # GCC 12 miscompiles one inside a condition; inside a larger expression it is hard to see when it runs.
    for path in cpp():
        text = code(path)
        for match in re.finditer(r"\b(?:if|while|for|switch)\s*(?:constexpr\s*)?\(", text):
            inside = text[match.end():closing(text, match.end() - 1)]
            if re.search(r"\bco_await\b", inside):
                yield f"{show(path)}:{line_of(text, match.start())}: co_await inside a condition"
        for match in re.finditer(r"\bco_await\b", text):
            before = text[:match.start()].rstrip()
            if before.endswith("operator"):
                continue
            if not before.endswith(("co_return", "=", ";", "{", "}", ":", ")", "else")) or before.endswith(("==", "!=", "<=", ">=")):
                yield f"{show(path)}:{line_of(text, match.start())}: co_await inside a larger expression"
            statement = text[match.end():text.find(";", match.end())]
            if re.search(r"\?|&&|\|\|", re.sub(r"\([^()]*(?:\([^()]*\)[^()]*)*\)", "", statement)) and "{" not in statement:
                yield f"{show(path)}:{line_of(text, match.start())}: co_await inside a larger expression"


@rule
def coroutine_lambdas_capture_nothing():
    # The closure may be gone when the coroutine goes on.
    for path in cpp():
        text = code(path)
        for match in re.finditer(r"\[([^\[\]]+)\]\s*\([^()]*(?:\([^()]*\)[^()]*)*\)\s*(?:mutable\s*)?->\s*(?:\w+::)*Task\b", text):
            yield f"{show(path)}:{line_of(text, match.start())}: a coroutine lambda captures [{match.group(1).strip()}]"


@rule
def headers_begin_well():
    for path in cpp(".h"):
        text = path.read_text()
        if "#pragma once" not in text:
            yield f"{show(path)}: no #pragma once"
        if not text.startswith("//"):
            yield f"{show(path)}: a header begins by saying what it is"
        if re.search(r"^\s*using namespace (?!std::chrono_literals)", code(path), re.M):
            yield f"{show(path)}: using namespace in a header"


@rule
def public_headers_know_nobody():
    for path in cpp(".h"):
        if room(path) != "dynamodb_replicator":
            continue
        for name in re.findall(r'#include [<"]([^>"]+)[>"]', path.read_text()):
            if "/" in name and not name.startswith("dynamodb_replicator/"):
                yield f"{show(path)}: a public header includes {name}"


@rule
def files_are_of_readable_length():
    for path in tracked():
        if path.suffix not in (".cc", ".h", ".py"):
            continue
        lines = path.read_text().count("\n")
        most = TEST_LENGTH_MAX if is_test(path) else LENGTH_MAX
        if lines > most:
            yield f"{show(path)}: {lines} lines, {most} at most"
        elif lines > LENGTH_LOOK_AGAIN and not is_test(path):
            print(f"look again: {show(path)} has {lines} lines")


@rule
def every_test_file_has_a_room():
    for path in tracked():
        if path.suffix == ".cc" and path.stem.endswith("_test") and not room(path) and "tests" not in path.parts:
            yield f"{show(path)}: no room builds this test"


@rule
def nothing_speaks_of_a_machine_or_a_moment():
    for path in tracked():
        if path == pathlib.Path(__file__).resolve() or path.name == "LICENSE":
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            yield f"{show(path)}: not text"
            continue
        for pattern in FOREIGN_WORDS:
            for match in re.finditer(pattern, text):
                yield f"{show(path)}:{line_of(text, match.start())}: {match.group(0)!r}"


def headers_stand_alone():
    """Each header compiles with nothing before it."""
    database = json.loads((ROOT / "build-dev" / "compile_commands.json").read_text())
    flags = collections.OrderedDict()
    for entry in database:
        for flag in re.findall(r"-(?:isystem |I|D|std=)\S+", entry["command"]):
            flags[flag] = None
    arguments = [part for flag in flags for part in flag.split(" ")]
    for path in cpp(".h"):
        done = subprocess.run(["g++", "-std=c++20", "-fsyntax-only", "-w", "-x", "c++", *arguments, f"-I{ROOT}", str(path)],
                              cwd=ROOT / "build-dev", capture_output=True, text=True, check=False)
        if done.returncode != 0:
            yield f"{show(path)}: {done.stderr.splitlines()[0]}"


def main():
    rules = _rules + ([headers_stand_alone] if "--headers" in sys.argv[1:] else [])
    if "--list" in sys.argv[1:]:
        print("\n".join(f"tidy.{each.__name__}" for each in _rules + [headers_stand_alone]))
        return 0
    failed = 0
    for each in rules:
        found = list(each())
        failed += bool(found)
        print(f"[{'failed' if found else 'passed'}] tidy.{each.__name__}")
        for line in found:
            print(f"    {line}")
    print(f"{len(rules) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
