"""Trains a classifier on a csv of any size, of which each worker reads its shard.

    srun --ntasks=2 python train_on_a_cluster.py reviews.csv moods.keras \
        --classes=angry,calm --steps=1000

Start it with `srun`, with `TF_CONFIG` on every machine, or alone. Memory holds some
thousand rows, whatever the size of the file.
"""

import argparse
import itertools

import keras

from rnnzoo import text_classifier
from rnnzoo.data.shards import LabelledShard, stream_dataset, stream_rows
from rnnzoo.tokens import Words
from rnnzoo.training.devices import choose_devices

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("data", help="a .csv, .tsv, .jsonl or .txt file that all can read")
parser.add_argument("to", help="the .keras file to write")
parser.add_argument("--classes", required=True, help="labels, separated by commas")
parser.add_argument("--text", default="text", help="column of the texts")
parser.add_argument("--label", default="label", help="column of the labels")
parser.add_argument("--batch-size", type=int, default=64, help="over all workers")
parser.add_argument("--steps", type=int, default=1000, help="batches per epoch")
parser.add_argument("--epochs", type=int, default=3)
parsed = parser.parse_args()

devices = choose_devices()  # before TensorFlow is used
print(devices.description, flush=True)
columns = {"text": parsed.text, "label": parsed.label}
# The vocabulary is that of the first rows, the same for all workers.
first = itertools.islice(stream_rows(parsed.data, **columns), 100_000)
words = Words.learn((text for text, _ in first), 30_000, normalize=True)
keras.utils.set_random_seed(0)
with devices.scope():
    model = text_classifier(None, classes=parsed.classes.split(","), vocabulary=words)
rows = LabelledShard(
    parsed.data,
    devices.machine,
    devices.num_machines,
    classes=model.classes,
    **columns,
)
data = stream_dataset(rows, model.encode, batch_size=parsed.batch_size)
model.fit(
    data,
    steps_per_epoch=parsed.steps,
    epochs=parsed.epochs,
    verbose=2 if devices.is_chief else 0,
)
if devices.is_chief:
    model.save(parsed.to)
if devices.has_several_machines:
    devices.sum_over_machines(0.0)  # waits until the chief has written
