"""Run the questions here and on APScheduler 3.11.3 in turn; print ratios with their spread.

python benchmarks/compare.py --peer PEER_PYTHON [--ours PYTHON] [--rounds 3] [--json FILE] [--all] [QUESTION ...]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from _results import arguments, save, spread

HERE = Path(__file__).parent
OF_OURS_ALONE = {
    "charts", "cluster_throughput", "compare", "floors", "full", "idle_cost", "million", "others", "profiles",
    "scaling",
}  # fmt: skip
"""Questions about what 3.x cannot do, or about others than 3.x."""
QUESTIONS = sorted(path.stem for path in HERE.glob("[!_]*.py") if path.stem not in OF_OURS_ALONE)
SLOW = {"loop_lag"}
"""Asked only by name, because 3.11.3 takes minutes to answer."""
LATER = {"dispatch_etcd", "dispatch_zookeeper", "dispatch_mongodb", "dispatch_rethinkdb"}
"""Asked only by name and with --all, so that the others take less than five minutes."""

QUICK = {"adding", "cron"}
TIMES = 3
"""Asked so often a round, and the median taken, as a fraction of a second tells more of the moment than of the work."""


def ask(python: str, question: str) -> dict[str, dict[str, Any]]:
    """Return the figures that a question prints in one environment, by name."""
    found = [ask_once(python, question) for _ in range(TIMES if question in QUICK else 1)]
    return {
        name: figure | {"value": statistics.median(figures[name]["value"] for figures in found)}
        for name, figure in found[0].items()
    }


def ask_once(python: str, question: str) -> dict[str, dict[str, Any]]:
    """Return the same, asked one time."""
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
    parser = arguments(__doc__, rounds=3)
    parser.add_argument(
        "--peer", required=True, help="interpreter of an environment with apscheduler==3.11.3"
    )
    parser.add_argument(
        "--ours", default=sys.executable, help="interpreter of an environment with this package"
    )
    parser.add_argument("--all", action="store_true", help=f"also {', '.join(sorted(LATER))}")
    parser.add_argument("questions", nargs="*", metavar="QUESTION")
    options = parser.parse_args()
    unknown = set(options.questions) - set(QUESTIONS)
    if unknown:
        parser.error(f"no such question: {', '.join(unknown)}; there are {', '.join(QUESTIONS)}")
    print(f"{'':32}{'3.11.3':>12}{'ours':>12} {'':16}{'better by':>10}   spread")
    rows: list[dict[str, Any]] = []
    left_out = SLOW if options.all else SLOW | LATER
    for question in options.questions or sorted(set(QUESTIONS) - left_out):
        rounds = [(ask(options.peer, question), ask(options.ours, question)) for _ in range(options.rounds)]
        for name in rounds[0][1]:
            if name not in rounds[0][0]:
                continue  # what the peer has no answer to
            rows.append(row_of(question, [(peer[name], ours[name]) for peer, ours in rounds]))
            print_row(rows[-1])
    save(options.json, rows)


def row_of(question: str, pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
    """Return the medians of both, the median and the spread of the ratios, and what else ours said."""
    first = pairs[0][1]
    median, least, most = spread(ratio(*pair) for pair in pairs)
    row = {"question": question, "name": first["name"], "unit": first["unit"], "rounds": len(pairs)}
    row |= {"theirs": spread(peer["value"] for peer, _ in pairs)[0]}
    own = spread(ours["value"] for _, ours in pairs)
    row |= {"ours": own[0], "ours_spread": own[1:]}
    row |= {"ratio": median, "least": least, "most": most}
    extra = [key for key in first if key not in ("name", "value", "unit", "better")]
    found = {key: spread(ours[key] for _, ours in pairs) for key in extra}
    row["more"] = {key: median for key, (median, _, _) in found.items()}
    row["more_spread"] = {key: [least, most] for key, (_, least, most) in found.items()}
    return row


def print_row(row: dict[str, Any]) -> None:
    note = "".join(f"  {key.replace('_', ' ')} {value}" for key, value in row["more"].items())
    print(
        f"{row['name']:32}{row['theirs']:12,.1f}{row['ours']:12,.1f} {row['unit']:16}{row['ratio']:9.1f}x"
        f"   {row['least']:.1f}-{row['most']:.1f}{note}",
        flush=True,
    )


if __name__ == "__main__":
    main()
