#!/usr/bin/env python3
"""Times faiss' IndexFlatIP and implicit's recommend on the vectors that freshet-bench hands over.

    freshet-bench lookups --no-socket --compare 'python3 Tests/clients/compare_lookups.py'

calls it with a folder (items.f32, queries.f32: row-major float32; seen.i32: rows that each query's user has seen),
the factors of a row and the number of items asked for. One query at a time; faiss excludes nothing, implicit what the
user has seen. Prints a JSON object a line. Needs: pip install numpy faiss-cpu implicit scipy; what is not there is said
on standard error and left out.
"""

import json
import os
import sys
import time

# Read when the libraries load: implicit's recommend is measured on one thread, as its own documentation advises.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

SECONDS = 2.0


def report(numpy, name, items, threads, call, queries):
    """Calls call(number) for each query in turn until the time is over; the first round is not counted."""
    for number in range(min(queries, 8)):
        call(number)
    times = []
    end = time.perf_counter() + SECONDS
    start = time.perf_counter()
    while True:
        call(len(times) % queries)
        now = time.perf_counter()
        times.append(now - start)
        if now >= end:
            break
        start = now
    p50, p99, p999 = (float(x) * 1e6 for x in numpy.percentile(times, [50, 99, 99.9]))
    print(
        json.dumps(
            {
                "part": "library", "items": items, "name": f"{name}, {threads} thr", "concurrency": 1,
                "pipeline": 1, "learning": 0, "lookups_per_second": len(times) / sum(times),
                "p50_us": p50, "p99_us": p99, "p999_us": p999,
            }
        ),
        flush=True,
    )


def with_faiss(numpy, items, queries, count):
    try:
        import faiss
    except ImportError:
        print("faiss is not installed: pip install faiss-cpu", file=sys.stderr)
        return
    index = faiss.IndexFlatIP(items.shape[1])
    index.add(items)
    for threads in sorted({1, faiss.omp_get_max_threads()}):
        faiss.omp_set_num_threads(threads)
        report(
            numpy, "faiss FlatIP", len(items), threads,
            lambda number: index.search(queries[number : number + 1], count), len(queries),
        )


def with_implicit(numpy, items, queries, seen, count):
    try:
        import implicit
        from scipy.sparse import csr_matrix
    except ImportError:
        print("implicit is not installed: pip install implicit scipy", file=sys.stderr)
        return
    model = implicit.als.AlternatingLeastSquares(factors=items.shape[1], use_gpu=False)
    model.item_factors, model.user_factors = items, queries
    rows = numpy.repeat(numpy.arange(len(queries)), seen.shape[1])
    ones = numpy.ones(seen.size, dtype=numpy.float32)
    seen = csr_matrix((ones, (rows, seen.ravel())), shape=(len(queries), len(items)))
    each = [seen[number] for number in range(len(queries))]
    report(
        numpy, "implicit", len(items), 1,
        lambda number: model.recommend(number, each[number], N=count), len(queries),
    )


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 64
    try:
        import numpy
    except ImportError:
        print("numpy is not installed: pip install numpy", file=sys.stderr)
        return 0
    folder, factors, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    items = numpy.fromfile(f"{folder}/items.f32", dtype=numpy.float32).reshape(-1, factors)
    queries = numpy.fromfile(f"{folder}/queries.f32", dtype=numpy.float32).reshape(-1, factors)
    seen = numpy.fromfile(f"{folder}/seen.i32", dtype=numpy.int32).reshape(len(queries), -1)
    with_faiss(numpy, items, queries, count)
    with_implicit(numpy, items, queries, seen, count)
    return 0


if __name__ == "__main__":
    sys.exit(main())
