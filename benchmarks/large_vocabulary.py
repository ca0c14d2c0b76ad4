"""What a softmax over many words costs, and what training without all of it loses.

    rnnzoo prepare imdb_reviews
    python benchmarks/large_vocabulary.py

A GRU learns to predict the words of film reviews (as blanks separate them, so that
there are more than 200,000), of which 10,000, 50,000 or 200,000 are known; with
`output="full"`, `"adaptive"` and `"sampled"`, each in a process of its own, for as many
steps. A step has 16 rows of 35 words; the time of one is the median of the last half.
Perplexity is that of reviews that were kept back, exact for each output. Prints a
table, and writes it to benchmarks/large_vocabulary.csv.
"""

import json
import math
import statistics
import sys
import time

from harness import Benchmark, run_in_process

SIZES, OUTPUTS = (10_000, 50_000, 200_000), ("full", "adaptive", "sampled")
STEPS, ROWS, LENGTH, TEXTS = 1500, 16, 35, 200


def measure(size: int, output: str, steps: int) -> dict[str, float]:
    """Trains a model; returns milliseconds per step, and the perplexity."""
    import collections

    import keras

    from rnnzoo import language_model
    from rnnzoo.data.text import Streams
    from rnnzoo.recipes.reviews_language import ReviewsLanguage

    class Times(keras.callbacks.Callback):
        """Notes how long steps take."""

        def __init__(self):
            super().__init__()
            self.found: list[float] = []

        def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
            """Notes when a step begins."""
            self.begin = time.perf_counter()

        def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
            """Notes how long it took."""
            self.found.append(time.perf_counter() - self.begin)

    keras.utils.set_random_seed(0)
    training, validation = ReviewsLanguage(num_validation=TEXTS).reviews
    words = [sys.intern(word) for review in training for word in review.split()]
    counts = collections.Counter(words)
    model = language_model(
        None,
        tokens="whitespace",
        vocabulary=[word for word, _ in counts.most_common(size)],
        units=128,
        embedding_dim=128,
        num_layers=1,
        cell="gru",
        dropout=0.0,
        output=output,
    )
    model.compile_with_defaults(keras.optimizers.Adam(3e-3, global_clipnorm=1.0))
    model.carry_state(ROWS)
    streams, times = Streams(words, LENGTH), Times()

    def batches():
        for index in range(steps):
            yield model.encode(*streams.batch(ROWS, 0, index))

    model.fit(batches(), steps_per_epoch=steps, verbose=0, callbacks=[times])
    scores = model.score([" ".join(review.split()) for review in validation])
    nats = sum(score["nats"] for score in scores)
    perplexity = math.exp(nats / sum(score["symbols"] for score in scores))
    seconds = statistics.median(times.found[steps // 2 :])
    return {"milliseconds": 1000 * seconds, "perplexity": perplexity}


def main() -> None:
    """Measures everything, prints and writes the table."""
    benchmark = Benchmark(__file__, __doc__, {"SIZES": (500,), "STEPS": 20})
    benchmark.parse()
    rows = []
    for size in SIZES:
        full: dict = {}
        for output in OUTPUTS:
            found = run_in_process(__file__, str(size), output, str(STEPS))
            full = full or found
            rows.append(
                {
                    "words": size,
                    "output": output,
                    "milliseconds_per_step": round(found["milliseconds"], 1),
                    "times_as_fast": round(
                        full["milliseconds"] / found["milliseconds"], 2
                    ),
                    "perplexity": round(found["perplexity"], 1),
                    "perplexity_of_full": round(
                        found["perplexity"] / full["perplexity"], 3
                    ),
                }
            )
            print(rows[-1], flush=True)
            benchmark.write(list(rows[0]), [list(row.values()) for row in rows])


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1].isdigit():
        print(json.dumps(measure(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
    else:
        main()
