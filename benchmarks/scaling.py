"""What does a firing cost, and a page of the list, in a store of 1,000 jobs and in one of 1,000,000? And 1 to 4 nodes?

python benchmarks/scaling.py [--rounds 5] [--json FILE] [--most 1000000] [--stores memory SQLite PostgreSQL] [PART]

PART is `jobs` or `nodes`; both where there is none.

jobs: all but one of the jobs sleep. The one is made due, again and again: that changes it, reads what is due, claims,
runs, and records. Counted are the time until it has run and the processor time of this process; a round is 100 firings
one after the other. Then a page of 50 jobs is read, the first one and one from the middle.

nodes: so many schedulers in processes of their own run 40,000 jobs that are due at the same moment, from one PostgreSQL
server, with the run log written, until the last outcome is reported.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from _filling import add_sleeping, drop_table, fill_table, scheduler_on, store_on
from _results import arguments, save, short, spread
from _servers_here import postgresql
from _tools import COUNT_DOWN, hit

SIZES = (1_000, 10_000, 100_000, 1_000_000)
STORES = ("memory", "SQLite", "PostgreSQL")
NODES = (1, 2, 3, 4)
FIRINGS, PAGE, NODE_JOBS = 100, 50, 40_000
Row = dict[str, Any]


# -- jobs ---------------------------------------------------------------------------------------------------------


def ask_jobs(rounds: int, stores: list[str], most: int) -> list[Row]:
    rows: list[Row] = []
    print(f"{'store':12}{'jobs':>11}{'firing':>12}{'processor':>12}{'first page':>12}{'in the middle':>14}")
    for store in stores:
        with tempfile.TemporaryDirectory() as folder:
            url = postgresql() if store == "PostgreSQL" else f"sqlite:///{folder}/jobs.sqlite"
            if url is None:
                continue
            scheduler = scheduler_on() if store == "memory" else None
            if scheduler is not None:
                scheduler.start()
            there = 0
            for size in (size for size in SIZES if size <= most):
                if scheduler is None:
                    fill_table(url, there, size - 1)
                    running = scheduler_on(store_on(url))
                    running.start()
                else:
                    add_sleeping(scheduler, there, size - there)
                    running = scheduler
                there = size
                rows.append(measure(running, store, size, rounds))
                if running is not scheduler:
                    running.shutdown()
            if scheduler is not None:
                scheduler.shutdown()
            elif store == "PostgreSQL":
                drop_table(url)
    return rows


def measure(scheduler: Any, store: str, size: int, rounds: int) -> Row:
    if scheduler.get_job("busy") is None:
        scheduler.add_job(hit, "interval", hours=100, id="busy")
    fire(scheduler)
    series = [fire(scheduler) for _ in range(rounds)]
    waited, used = (spread(one[index] for one in series) for index in (0, 1))
    key = datetime.now(UTC) + timedelta(hours=24, milliseconds=size / 2)
    pages: list[float] = []
    middles: list[float] = []
    for _ in range(rounds):
        for after, times in ((None, pages), ((key, ""), middles)):
            begin = time.perf_counter()
            scheduler.get_jobs(limit=PAGE, after=after)
            times.append((time.perf_counter() - begin) * 1e3)
    row = {
        "store": store, "jobs": size, "firing_us": waited[0], "least": waited[1], "most": waited[2],
        "processor_us": used[0], "processor_least": used[1], "processor_most": used[2],
        "page_ms": spread(pages)[0], "middle_ms": spread(middles)[0], "rounds": rounds,
    }  # fmt: skip
    print(
        f"{store:12}{size:11,}{short(waited[0]):>9} us{short(used[0]):>9} us{short(row['page_ms']):>9} ms"
        f"{short(row['middle_ms']):>11} ms",
        flush=True,
    )
    return row


def fire(scheduler: Any) -> tuple[float, float]:
    """Return the microseconds that a firing takes, their median, and those of processor time, their mean."""
    waited = []
    busy = time.process_time()  # of all, because a run is recorded while the next one is made due
    for _ in range(FIRINGS):
        COUNT_DOWN.expect(1)
        begin = time.perf_counter()
        scheduler.modify_job("busy", next_run_time=datetime.now(UTC))
        if not COUNT_DOWN.done.wait(30):
            raise SystemExit("the job did not run")
        waited.append((time.perf_counter() - begin) * 1e6)
    return statistics.median(waited), (time.process_time() - busy) / FIRINGS * 1e6


# -- nodes --------------------------------------------------------------------------------------------------------


def ask_nodes(rounds: int) -> list[Row]:
    import cluster_throughput

    url = postgresql()
    if url is None:
        return []
    rows: list[Row] = []
    print(f"{'schedulers':12}{'jobs/s':>10}   spread")
    series: dict[int, list[float]] = {nodes: [] for nodes in NODES}
    for _ in range(rounds):  # in turn, so that a machine whose speed drifts drifts for all
        for nodes in NODES:
            cluster_throughput.clean(url)
            series[nodes].append(cluster_throughput.measure(url, nodes, NODE_JOBS)[0])
    cluster_throughput.clean(url)
    for nodes, rates in series.items():
        rate, least, most = spread(rates)
        rows.append({"nodes": nodes, "rate": rate, "least": least, "most": most, "rounds": rounds})
        print(f"{nodes:<12}{rate:10,.0f}   {least:,.0f}-{most:,.0f}", flush=True)
    return rows


def main() -> None:
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--most", type=int, default=SIZES[-1], metavar="JOBS")
    parser.add_argument("--stores", nargs="+", default=list(STORES), choices=STORES)
    parser.add_argument("parts", nargs="*", metavar="PART", help="jobs, nodes; default both")
    options = parser.parse_args()
    both = not options.parts
    jobs = ask_jobs(options.rounds, options.stores, options.most) if both or "jobs" in options.parts else []
    nodes = ask_nodes(options.rounds) if both or "nodes" in options.parts else []
    save(options.json, [], jobs=jobs, nodes=nodes)


if __name__ == "__main__":
    main()
