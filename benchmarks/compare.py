"""Run the questions here and on APScheduler 3.11.3 in turn; print ratios with their spread.

python benchmarks/compare.py --peer PEER_PYTHON [--ours PYTHON] [--rounds 3] [QUESTION ...]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OF_OURS_ALONE = {"compare", "cluster_throughput"}
QUESTIONS = sorted(path.stem for path in HERE.glob("[!_]*.py") if path.stem not in OF_OURS_ALONE)
SLOW = {"loop_lag"}
"""Asked only by name, because 3.11.3 takes minutes to answer."""


def ask(python: str, question: str) -> dict[str, dict[str, Any]]:
    """Return the figures that a question prints in one environment, by name."""
    done = subprocess.run(
        [python, str(HERE / f"{question}.py")], capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode:
        sys.exit(f"{question} failed in {python}:\n{done.stderr[-2000:]}")
    figures = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {figure["name"]: figure for figure in figures}


def ratio(peer: dict[str, Any], ours: dict[str, Any]) -> float:
    """Return how many times better ours is."""
    better: float = peer["value"] / ours["value"]
    return better if peer["better"] == "lower" else 1 / better


def main() -> None:
    """Print a line for each figure: both medians, the median of the ratios of the rounds, and their spread."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--peer", required=True, help="interpreter of an environment with apscheduler==3.11.3"
    )
    parser.add_argument(
        "--ours", default=sys.executable, help="interpreter of an environment with this package"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("questions", nargs="*", default=sorted(set(QUESTIONS) - SLOW), metavar="QUESTION")
    options = parser.parse_args()
    unknown = set(options.questions) - set(QUESTIONS)
    if unknown:
        parser.error(f"no such question: {', '.join(unknown)}; there are {', '.join(QUESTIONS)}")
    print(f"{'':32}{'3.11.3':>12}{'ours':>12} {'':16}{'better by':>10}   spread")
    for question in options.questions:
        rounds = [(ask(options.peer, question), ask(options.ours, question)) for _ in range(options.rounds)]
        for name, first in rounds[0][1].items():
            pairs = [(peer[name], ours[name]) for peer, ours in rounds]
            ratios = sorted(ratio(*pair) for pair in pairs)
            peer, ours = (statistics.median(pair[side]["value"] for pair in pairs) for side in (0, 1))
            extra = {
                key: statistics.median(pair[1][key] for pair in pairs)
                for key in first
                if key not in ("name", "value", "unit", "better")
            }
            note = "".join(f"  {key.replace('_', ' ')} {value}" for key, value in extra.items())
            print(
                f"{name:32}{peer:12,.1f}{ours:12,.1f} {first['unit']:16}{statistics.median(ratios):9.1f}x"
                f"   {ratios[0]:.1f}-{ratios[-1]:.1f}{note}",
                flush=True,
            )


if __name__ == "__main__":
    main()
