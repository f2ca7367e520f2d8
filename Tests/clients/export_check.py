"""Reads what freshet export wrote, with the tools that it is for: NumPy and, where it is there, gensim.

    export_check.py FRESHET STATE FOLDER      in a folder of its own
"""
import csv
import json
import sqlite3
import subprocess
import sys

import numpy

freshet, state, folder = sys.argv[1:]


def export(form, output, *more):
    command = [freshet, "export", "--input", state, "--format", form, "--output", f"{folder}/{output}", *more]
    print(subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip())
    return f"{folder}/{output}"


database = sqlite3.connect(f"file:{state}?mode=ro", uri=True)
rows = database.execute(
    "SELECT CAST(id AS TEXT), title, tags, users, bias, vector FROM item_factors JOIN items USING(row)"
    " WHERE model = 'likes' ORDER BY row").fetchall()
wanted = numpy.frombuffer(b"".join(row[5] for row in rows), "<f4").reshape(len(rows), -1)
ids = [row[0] for row in rows]

arrays = export("npy", "items", "--model", "likes")
vectors = numpy.load(f"{arrays}/vectors.npy", allow_pickle=False)
assert vectors.dtype == numpy.float32 and numpy.array_equal(vectors, wanted)
assert numpy.load(f"{arrays}/ids.npy", allow_pickle=False).tolist() == ids
assert numpy.allclose(numpy.load(f"{arrays}/biases.npy"), [row[4] for row in rows])

projected = export("projector", "projector", "--model", "likes", "--count", "20", "--normalize")
table = numpy.loadtxt(f"{projected}/vectors.tsv", delimiter="\t")
assert table.shape == (20, wanted.shape[1]) and numpy.allclose(numpy.linalg.norm(table, axis=1), 1, atol=1e-5)
with open(f"{projected}/metadata.tsv", newline="") as file:
    metadata = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
assert len(metadata) == 20 and metadata[0].keys() == {"id", "title", "tags", "users", "bias"}
by_id = {row[0]: row for row in rows}
assert all(by_id[line["id"]][1] == line["title"] for line in metadata)
assert all(json.loads(by_id[line["id"]][2]) == line["tags"].split("|") for line in metadata)
least = min(int(line["users"]) for line in metadata)
assert sum(row[3] > least for row in rows) < 20, "those that most users took"

with open(export("csv", "users.csv", "--of", "users", "--model", "stars"), newline="") as file:
    users = list(csv.DictReader(file))
expected = database.execute(
    "SELECT CAST(id AS TEXT), vector FROM user_factors JOIN users USING(row) WHERE model = 'stars' ORDER BY row").fetchall()
assert [line["id"] for line in users] == [row[0] for row in expected]
assert numpy.array_equal(
    numpy.array([[line[f"f{k}"] for k in range(wanted.shape[1])] for line in users], "f4"),
    numpy.frombuffer(b"".join(row[1] for row in expected), "<f4").reshape(len(users), -1))

words = export("word2vec", "items.txt", "--model", "likes")
head, *lines = open(words, encoding="utf-8").read().splitlines()
assert head == f"{len(rows)} {wanted.shape[1]}" and len(lines) == len(rows)
assert all(len(line.split(" ")) == wanted.shape[1] + 1 for line in lines)
try:
    from gensim.models import KeyedVectors
except ImportError:
    print("skipped: no gensim; the file's form was looked at by hand")
else:
    loaded = KeyedVectors.load_word2vec_format(words, binary=False)
    assert loaded.index_to_key == ids and numpy.allclose(loaded.vectors, wanted)
    print("fine: gensim reads it,", loaded.most_similar(ids[0], topn=1))
print("export: all is well")
