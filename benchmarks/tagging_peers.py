"""One measurement of benchmarks/tagging.py, in a process of its own.

    python -c "import tagging_peers; tagging_peers.main()" WHAT FOLDER BATCHES

WHAT is rnnzoo or flair (training and answering), crf or torchcrf (a step of the layer
alone), or crfsuite (a CRF on hand-made features). Prints JSON in the last line. Only
what is asked for is imported: each may have an environment of its own.
"""

import json
import pathlib
import statistics
import sys
import tempfile
import time

# Of both networks.
SIZES = {"embedding_dim": 64, "character_dim": 24, "character_units": 48, "units": 128}
BATCH, ALONE = 32, 50
# Of the layer alone: batch, steps, tags.
SHAPE = (32, 25, 40)


def read_conllu(path):
    """Returns the words and the parts of speech of each sentence."""
    found, words, tags = [], [], []
    for line in [*pathlib.Path(path).read_text(encoding="utf-8").split("\n"), ""]:
        fields = line.split("\t")
        if len(fields) == 10 and fields[0].isdigit():
            words.append(fields[1])
            tags.append(fields[3])
        elif not line and words:
            found.append((words, tags))
            words, tags = [], []
    return found


def median(action, repeats):
    """Returns the median seconds of an action."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def measure(train, tag, sentences, batches):
    """Returns words per second, learned and answered, and milliseconds of one alone.

    Args:
        train: Takes a step on a batch of sentences.
        tag: Answers a list of lists of words.
        sentences: Words and tags.
        batches: Number of batches.
    """
    parts = [sentences[n * BATCH : (n + 1) * BATCH] for n in range(batches)]
    # As both train: sentences of similar length together.
    flat = sorted((one for part in parts for one in part), key=lambda one: len(one[0]))
    parts = [flat[n * BATCH : (n + 1) * BATCH] for n in range(batches)]
    count = sum(len(words) for words, _ in flat)
    words = [words for words, _ in flat]
    # The first time, shapes are compiled.
    for part in parts:
        train(part)
    learned = median(lambda: [train(part) for part in parts], 3)
    tag(words)
    answered = median(lambda: tag(words), 3)
    alone = iter([one for one, _ in sentences if 10 <= len(one) <= 30] * 3)
    for _ in range(10):
        tag([next(alone)])
    return {
        "training_words_per_second": count / learned,
        "answering_words_per_second": count / answered,
        "alone_milliseconds": 1000 * median(lambda: tag([next(alone)]), ALONE),
    }


def rnnzoo(folder, batches):
    """Measures our tagger."""
    import keras

    from rnnzoo.models.tagging import Tagger

    keras.utils.set_random_seed(0)
    sentences = read_conllu(folder / "ud_ewt" / "train.conllu")
    words = [words for words, _ in sentences]
    model = Tagger(
        tags=sorted({tag for _, tags in sentences for tag in tags}),
        scheme="plain",
        vocabulary=Tagger.learn_vocabulary(words),
        characters=Tagger.learn_characters(words),
        **SIZES,
    )
    model.compile_with_defaults(keras.optimizers.Adam())

    def train(part):
        model.train_on_batch(*model.encode(*map(list, zip(*part, strict=True))))

    return measure(train, model.tag_words, sentences, batches)


def flair(folder, batches):
    """Measures flair's tagger of the same sizes."""
    import logging

    import flair.data
    import flair.embeddings
    import flair.models
    import torch

    logging.disable(logging.CRITICAL)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    sentences = read_conllu(folder / "ud_ewt" / "train.conllu")

    def make(part):
        made = []
        for words, tags in part:
            one = flair.data.Sentence(list(words))
            for token, tag in zip(one, tags, strict=True):
                token.add_label("upos", tag)
            made.append(one)
        return made

    given = make(sentences[: BATCH * batches])
    labels = flair.data.Dictionary(add_unk=False)
    for name in sorted({tag for _, tags in sentences for tag in tags}):
        labels.add_item(name)
    words = flair.data.Dictionary()
    for row, _ in sentences:
        for word in row:
            words.add_item(word)
    # Its own list of characters would be downloaded.
    letters = flair.data.Dictionary()
    for one in sorted({one for row, _ in sentences for word in row for one in word}):
        letters.add_item(one)
    path = pathlib.Path(tempfile.mkdtemp(), "characters")
    letters.save(path)
    characters = SIZES["character_units"] // 2
    embeddings = flair.embeddings.StackedEmbeddings(
        [
            flair.embeddings.OneHotEmbeddings(
                words, embedding_length=SIZES["embedding_dim"]
            ),
            flair.embeddings.CharacterEmbeddings(
                path_to_char_dict=str(path),
                char_embedding_dim=SIZES["character_dim"],
                hidden_size_char=characters,
            ),
        ]
    )
    tagger = flair.models.SequenceTagger(
        embeddings=embeddings,
        tag_dictionary=labels,
        tag_type="upos",
        hidden_size=SIZES["units"],
        reproject_embeddings=False,
        use_crf=True,
    )
    optimizer = torch.optim.Adam(tagger.parameters())
    made = {tuple(one.text for one in row): row for row in given}

    def train(part):
        batch = [made[tuple(words)] for words, _ in part]
        tagger.train()
        optimizer.zero_grad()
        loss, _ = tagger.forward_loss(batch)
        loss.backward()
        optimizer.step()
        for one in batch:
            one.clear_embeddings()

    def tag(rows):
        with torch.no_grad():
            tagger.eval()
            given = [flair.data.Sentence(list(row)) for row in rows]
            tagger.predict(given, mini_batch_size=BATCH)
            return [[token.tag for token in one] for one in given]

    return measure(train, tag, sentences, batches)


def make_emissions():
    """Returns scores, tags and a mask, the same for both layers."""
    import numpy as np

    random = np.random.default_rng(0)
    batch, steps, count = SHAPE
    lengths = random.integers(5, steps + 1, batch)
    lengths[0] = steps
    mask = np.arange(steps) < lengths[:, None]
    scores = random.normal(size=SHAPE).astype("float32")
    return scores, random.integers(0, count, (batch, steps)), mask


def crf(folder, batches):
    """Measures the gradient of our layer."""
    import tensorflow as tf

    from rnnzoo.layers.crf import LinearChainCRF

    scores, tags, mask = make_emissions()
    layer = LinearChainCRF(SHAPE[2])
    layer(scores)
    given = tf.Variable(scores)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            likelihood = layer.log_likelihood(
                tf.convert_to_tensor(given), tf.constant(tags), tf.constant(mask)
            )
            loss = -tf.reduce_mean(likelihood)
        return loss, tape.gradient(loss, [given, *layer.trainable_variables])

    for _ in range(5):
        loss, _ = step()
    return {"milliseconds": 1000 * median(step, 50), "loss": float(loss)}


def torchcrf(folder, batches):
    """Measures the gradient of pytorch-crf's layer, with the same scores."""
    import torch
    import torchcrf as package

    torch.set_num_threads(1)
    scores, tags, mask = map(torch.from_numpy, make_emissions())
    layer = package.CRF(SHAPE[2], batch_first=True)
    for weight in layer.parameters():
        torch.nn.init.zeros_(weight)
    scores.requires_grad_(True)

    def step():
        scores.grad = None
        layer.zero_grad()
        loss = -layer(scores, tags, mask, reduction="mean")
        loss.backward()
        return loss

    for _ in range(5):
        loss = step()
    return {"milliseconds": 1000 * median(step, 50), "loss": float(loss.detach())}


def features(words, place):
    """Returns hand-made features of a word: itself, affixes, shape, neighbours."""
    word = words[place]
    found = {
        "bias": 1.0,
        "word": word.lower(),
        "is_upper": word.isupper(),
        "is_title": word.istitle(),
        "is_digit": word.isdigit(),
        "has_digit": any(one.isdigit() for one in word),
        "has_hyphen": "-" in word,
        "shape": "".join(
            "X"
            if one.isupper()
            else "x"
            if one.islower()
            else "9"
            if one.isdigit()
            else one
            for one in word[:8]
        ),
    }
    for size in (1, 2, 3, 4):
        found[f"prefix{size}"] = word[:size].lower()
        found[f"suffix{size}"] = word[-size:].lower()
    for step in (-2, -1, 1, 2):
        at = place + step
        inside = 0 <= at < len(words)
        found[f"word{step}"] = words[at].lower() if inside else "EDGE"
        if inside and abs(step) == 1:
            found[f"title{step}"] = words[at].istitle()
            found[f"suffix{step}"] = words[at][-3:].lower()
    return found


def crfsuite(corpus, batches):
    """Trains a CRF on hand-made features; returns the tags of the test sentences.

    `corpus` is a JSON file with `train` and `test`, lists of words and tags.
    """
    import sklearn_crfsuite

    parts = json.loads(pathlib.Path(corpus).read_text(encoding="utf-8"))
    rows = {
        name: [[features(words, at) for at in range(len(words))] for words, _ in part]
        for name, part in parts.items()
    }
    begin = time.perf_counter()
    model = sklearn_crfsuite.CRF(
        algorithm="lbfgs", c1=0.1, c2=0.1, max_iterations=batches or 100
    )
    model.fit(rows["train"], [tags for _, tags in parts["train"]])
    seconds = time.perf_counter() - begin
    answers = [list(map(str, row)) for row in model.predict(rows["test"])]
    return {"seconds": seconds, "answers": answers}


def main():
    """Prints what is measured with the words of the command line."""
    what, where, number = sys.argv[1:]
    kinds = {one.__name__: one for one in (rnnzoo, flair, crf, torchcrf, crfsuite)}
    print(json.dumps(kinds[what](pathlib.Path(where), int(number))))
