"""Where does the time of a question go? A sampling profile of all threads, by module and by function.

python benchmarks/profiles.py QUESTION [--top 12] [--within TEXT] [--times 10]

Needs py-spy (in the group `bench`), which looks at the process from outside and so does not slow it down as a tracing
profiler would. Counted is only who holds the interpreter, because threads that wait are no work, and not the loading
of modules. `--within` counts only what is called, at whatever depth, by functions whose name has this text:
`_main_loop` is the scheduler's thread, which makes the turns, `add_job` what adds jobs. Questions that dispatch do so
with ten times the jobs, for more samples.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
FRAME = re.compile(r"^(?P<name>.*) \((?P<file>.*?)(:\d+)?\)$")


def samples_of(question: str, rate: int, times: int) -> list[tuple[list[tuple[str, str]], int]]:
    """Return stacks, outermost first, as pairs of file and function, and how often each was seen."""
    with tempfile.TemporaryDirectory() as folder:
        target = f"{folder}/raw"
        command = [
            str(Path(sys.executable).with_name("py-spy")), "record", "--gil", "--format", "raw", "--rate", str(rate),
            "--output", target, "--", sys.executable, str(HERE / f"{question}.py"),
        ]  # fmt: skip
        environment = {**os.environ, "BENCH_TIMES": str(times)}
        subprocess.run(
            command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        lines = Path(target).read_text().splitlines()
    stacks = []
    for line in lines:
        stack, _, count = line.rpartition(" ")
        frames = [found for frame in stack.split(";") if (found := FRAME.match(frame))]
        stacks.append(([(_module(found["file"]), found["name"]) for found in frames], int(count)))
    return stacks


def _module(file: str) -> str:
    for marker in ("site-packages/", "src/", "lib/python"):
        if marker in file:
            return file.rpartition(marker)[2].partition(".py")[0]
    return Path(file).stem


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("question")
    parser.add_argument("--top", type=int, default=12)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--within", default="", metavar="TEXT")
    parser.add_argument("--rate", type=int, default=500, help="samples a second")
    options = parser.parse_args()
    stacks = [
        (frames, count)
        for frames, count in samples_of(options.question, options.rate, options.times)
        if not any(module.startswith("<frozen importlib") for module, _ in frames)
        and any(options.within in name for _, name in frames)
    ]
    total = sum(count for _, count in stacks) or 1
    own: Counter[str] = Counter()
    modules: Counter[str] = Counter()
    below: Counter[str] = Counter()
    for frames, count in stacks:
        if not frames:
            continue
        module, name = frames[-1]
        own[f"{module}:{name}"] += count
        modules[module] += count
        for frame in set(frames):
            below[":".join(frame)] += count
    print(f"{total} samples")
    for title, counts in (("by module", modules), ("by function", own), ("with what they call", below)):
        print(f"\n{title}")
        for name, count in counts.most_common(options.top):
            print(f"{count / total:7.1%}  {name}")


if __name__ == "__main__":
    main()
