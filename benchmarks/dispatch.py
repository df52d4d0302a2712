"""How many jobs a second run from memory when all are due at once, beside a bare thread pool in the same process?"""

import time
from concurrent.futures import ThreadPoolExecutor

from _tools import COUNT_DOWN, answer, hit, runs_per_second

JOBS = 10_000

rate = runs_per_second(JOBS)
COUNT_DOWN.expect(JOBS)
with ThreadPoolExecutor(10) as pool:
    begin = time.perf_counter()
    for _ in range(JOBS):
        pool.submit(hit)
    COUNT_DOWN.done.wait()
    bare = JOBS / (time.perf_counter() - begin)
answer("run jobs from memory", rate, "jobs/s", "higher", of_bare_pool=round(rate / bare, 2))
