"""Measures several translators of captions as one, and penalties on length.

    rnnzoo train multi30k_en_de
    rnnzoo train multi30k_en_de --attention=additive --run=runs/additive
    python benchmarks/ensemble.py runs/multi30k_en_de runs/additive ...

Models are folders of runs, or listed weights, with the recipe's vocabulary. Together,
the share that they give to a token is the mean of theirs, at every step of the beam.
For the first model alone, and for all together, the penalty on length is chosen on the
captions of validation. BLEU and chrF are sacreBLEU's, as the recipe's. Prints a table
and writes it to benchmarks/ensemble.csv and docs/translation.md.
"""

import pathlib

import numpy as np
import tensorflow as tf
from harness import Benchmark

import rnnzoo
from rnnzoo.analysis.text_quality import translation_quality
from rnnzoo.decoding import DecodingOptions, Writer
from rnnzoo.recipes.multi30k_en_de import Multi30kEnDe

BEAM = 5
PENALTIES = (0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0)


class Ensemble:
    """Translators with one vocabulary, whose shares of each token are averaged.

    Args:
        models: Two translators or more.
    """

    def __init__(self, models: list):
        """Checks that the vocabularies are one, and makes what writes."""
        self.models = models
        vocabularies = {model.tokens.get_config()["vocabulary"] for model in models}
        if len(vocabularies) > 1:
            raise ValueError(
                "The translators of an ensemble must have one vocabulary: give models "
                f"of one recipe. Received: {len(vocabularies)} vocabularies"
            )
        specs = [model.state_spec() for model in models]
        tokens = models[0].tokens
        self.writer = Writer(
            self.step,
            {
                "decoders": [spec.pop("decoder") for spec in specs],
                "left": tf.TensorSpec((None,), tf.int32),
            },
            tokens.vocabulary_size,
            forbidden=[tokens.UNKNOWN],
            end=tokens.start_id,
            memory_spec=specs,
        )
        self.search = tf.function(
            self.search_graph,
            input_signature=[tf.TensorSpec((None, None), tf.int32), tf.TensorSpec(())],
            autograph=False,
        )

    def step(self, tokens, state: dict, memory: list) -> tuple:
        """Returns the logarithm of the mean shares of the next token, and the state."""
        shares, decoders = [], []
        for model, decoder, part in zip(
            self.models, state["decoders"], memory, strict=True
        ):
            before = {"decoder": decoder, "left": state["left"]}
            logits, after = model.writer.decode_step(tokens, before, part)
            shares.append(tf.nn.softmax(logits))
            decoders.append(after["decoder"])
        after = {"decoders": decoders, "left": state["left"] - 1}
        return tf.math.log(tf.add_n(shares) / len(shares)), after

    def search_graph(self, source, length_penalty) -> tf.Tensor:
        """Returns the best tokens of each row."""
        state, count = self.models[0].start_decoding(source)
        memory = [dict(model.begin(source)) for model in self.models]
        decoders = [part.pop("decoder") for part in memory]
        state = state._replace(
            state={"decoders": decoders, "left": state.state["left"]}, memory=memory
        )
        options = DecodingOptions().to_tensors()
        found = self.writer.search(state, options, count, BEAM, length_penalty)
        return found[0][:, 0]

    def translate(self, texts: list[str], *, length_penalty: float) -> list[str]:
        """Translates a batch, as a `Translator` does."""
        first, answers = self.models[0], [""] * len(texts)
        for rows, source in first.batch_texts(texts):
            tokens = self.search(source, np.float32(length_penalty)).numpy()
            for row, text in zip(rows, first.tokens.decode(tokens), strict=True):
                answers[row] = text.strip()
        return answers


def main() -> None:
    """Measures everything, prints and writes the table."""
    benchmark = Benchmark(__file__, __doc__)
    parser = benchmark.parser
    parser.add_argument("models", nargs="+", help="runs, or listed weights")
    models = {}
    for name in benchmark.parse().models:
        best, label = pathlib.Path(name, "best.keras"), pathlib.Path(name).name
        if label in models:
            parser.error(f"names of runs must differ. Received: {label} twice")
        models[label] = rnnzoo.load(best if best.exists() else name)
    recipe = Multi30kEnDe()
    validation, test = recipe.parts[1], recipe.test_examples()
    rows = []

    def quality(model, pairs: tuple, penalty: float) -> tuple:
        translations = model.translate(list(pairs[0]), length_penalty=penalty)
        figures = translation_quality(translations, pairs[1])
        return tuple(round(figures[name], 2) for name in ("bleu", "chrf"))

    first, cases = next(iter(models)), dict(models)
    if len(models) > 1:
        cases[f"all {len(models)}"] = Ensemble(list(models.values()))
    for name, model in cases.items():
        tried = PENALTIES if name == first or name not in models else (1.0,)
        found = {one: quality(model, validation, one)[0] for one in tried}
        print(name, found, flush=True)
        for penalty in sorted({1.0, max(found, key=found.get)}):
            row = [name, penalty, found[penalty], *quality(model, test, penalty)]
            rows.append(row)
            print(*row, flush=True)
    header = ["model", "length penalty", "BLEU on validation", "BLEU", "chrF"]
    benchmark.write(header, rows, "translation.md")


if __name__ == "__main__":
    main()
