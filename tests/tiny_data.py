"""Small generated data sets in the places and formats of the real ones.

`prepare(folder)` makes `imdb_reviews`, `glue/sst2` and `tiny_shakespeare` through the
official builders of tensorflow-datasets, and writes the files of `multi30k`,
`tatoeba_fra_eng` and `names`. With TFDS_DATA_DIR set to that folder, whatever reads the
real data sets reads these. The files of pen strokes that a recipe reads from a folder
are in it too.
"""

import fcntl
import math
import os
import pathlib
import random
from collections.abc import Iterator

import tensorflow_datasets as tfds

FEELINGS = {
    "negative": "dull awful boring clumsy tedious weak wasted lifeless stale poor",
    "positive": "warm superb moving clever gripping fresh tender lively bold fine",
}
NUMBERS = {"one": "ein", "two": "zwei", "three": "drei", "four": "vier"}
THINGS = {"dogs": "hunde", "cats": "katzen", "men": "männer", "birds": "vögel"}
DEEDS = {"run": "rennen", "sleep": "schlafen", "sing": "singen", "eat": "essen"}
# Ends of surnames.
ORIGINS = {
    "Arabic": "wari ssouf",
    "Chinese": "ng ao",
    "Czech": "ák ová",
    "Dutch": "stra veld",
    "English": "ton ley",
    "French": "eau ière",
    "German": "mann stein",
    "Greek": "poulos akis",
    "Irish": "ghan fey",
    "Italian": "etti ucci",
    "Japanese": "moto yama",
    "Korean": "oon yu",
    "Polish": "wski czyk",
    "Portuguese": "eira hães",
    "Russian": "enko lov",
    "Scottish": "gus cray",
    "Spanish": "uez anza",
    "Vietnamese": "uyen inh",
}
OTHER_WORDS = (
    "the a this that film story plot cast scene music ending camera actor script it "
    "was is felt seemed with and but of in about her his their very rather quite once"
).split()


def prepare(data_dir: str | os.PathLike) -> pathlib.Path:
    """Makes the data sets that are not there yet; several processes may call it.

    Returns:
        The folder, for TFDS_DATA_DIR.
    """
    data_dir = pathlib.Path(data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    with open(data_dir / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        write(data_dir, "imdb_reviews", {"train": _imdb(240), "test": _imdb(80)})
        write(
            data_dir,
            "glue/sst2",
            {
                "train": _sst2(120),
                "validation": _sst2(40),
                "test": _sst2(20, hidden=True),
            },
        )
        write(
            data_dir,
            "tiny_shakespeare",
            {
                split: iter([(split, {"text": _play(seed, lines)})])
                for seed, (split, lines) in enumerate(
                    {"train": 80, "validation": 10, "test": 10}.items()
                )
            },
        )
        _write_pairs(data_dir)
        _write_names(data_dir)
        _write_hourly(data_dir)
        write_treebank(data_dir)
        for name, count in {"pendigits.tra": 240, "pendigits.tes": 40}.items():
            lines = [_pen(random.Random(seed), seed % 10) for seed in range(count)]
            (data_dir / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return data_dir


def _write_pairs(data_dir: pathlib.Path) -> None:
    """Writes captions in two languages, and sentences that are like no other."""
    captions, sentences = data_dir / "multi30k", data_dir / "tatoeba_fra_eng"
    for folder in (captions, sentences):
        folder.mkdir(exist_ok=True)
    draw = random.Random(1)
    for split, count in {"train": 240, "val": 40, "test_2016_flickr": 20}.items():
        rows = [
            [draw.choice(list(kind.items())) for kind in (NUMBERS, THINGS, DEEDS)]
            for _ in range(count)
        ]
        for side, language in enumerate(("en", "de")):
            lines = [" ".join(words[side] for words in row).title() for row in rows]
            text = "\n".join(lines) + "\n"
            (captions / f"{split}.{language}").write_text(text, encoding="utf-8")
    lines = []
    for _ in range(4000):
        words = [draw.choice(OTHER_WORDS) for _ in range(5)]
        lines.append(f"{' '.join(words)}.\t{' '.join(reversed(words))} !")
    (sentences / "fra.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_treebank(data_dir: pathlib.Path) -> None:
    """Writes sentences with parts of speech in the files of a treebank."""
    draw = random.Random(3)
    kinds = [
        ("DET", "the a this".split()),
        ("ADJ", FEELINGS["positive"].split()),
        ("NOUN", list(THINGS)),
        ("VERB", list(DEEDS)),
        ("PUNCT", [".", "!"]),
    ]
    for part, count in {"train": 240, "dev": 40, "test": 40}.items():
        lines = []
        for _ in range(count):
            begin = draw.randint(0, 3)
            for place, (tag, words) in enumerate(kinds[begin:], 1):
                word = draw.choice(words)
                lines.append(f"{place}\t{word}\t{word}\t{tag}" + "\t_" * 6)
            lines.append("")
        path = data_dir / f"{part}.conllu"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_hourly(data_dir: pathlib.Path) -> None:
    """Writes waves in the files of M4's hourly series: a series a row, ragged."""
    draw = random.Random(0)
    for part in ("train", "test"):
        lines = ["V1," + ",".join(f"V{place}" for place in range(2, 700))]
        for number in range(6):
            count, begin = (430 + 20 * number, 0) if part == "train" else (48, 430)
            waves = (math.sin((begin + t) / 24 * 6.2832) for t in range(count))
            values = [f"{100 + 20 * wave + draw.gauss(0, 0.5):.2f}" for wave in waves]
            lines.append(",".join([f"H{number + 1}", *values]))
        path = data_dir / f"Hourly-{part}.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_names(data_dir: pathlib.Path) -> None:
    """Writes surnames of several origins, some of them twice."""
    draw = random.Random(2)
    folder = data_dir / "names"
    folder.mkdir(exist_ok=True)
    for origin, ends in ORIGINS.items():
        names = [
            "Ab",
            *(draw.choice("BDKLMPST") + draw.choice("aeio") for _ in "x" * 15),
        ]
        lines = [name + draw.choice(ends.split()) for name in names]
        text = "\n".join([*lines, lines[0]]) + "\n"
        (folder / f"{origin}.txt").write_text(text, encoding="utf-8")


def write(data_dir: pathlib.Path, name: str, splits: dict[str, Iterator]) -> None:
    """Writes examples `(key, features)` by split with the official builder."""
    builder = tfds.builder(name, data_dir=data_dir)
    builder._split_generators = lambda manager: splits
    builder.download_and_prepare()


def _imdb(count: int) -> Iterator:
    for index in range(count):
        label = index % 2
        text = _review(random.Random(count * 1000 + index), label)
        yield f"{count}-{index}", {"text": text, "label": label}


def _sst2(count: int, hidden: bool = False) -> Iterator:
    for index in range(count):
        label = index % 2
        text = _words(random.Random(count * 2000 + index), label, 3, 20)
        yield (
            index,
            {
                "sentence": " ".join(text),
                "label": -1 if hidden else label,
                "idx": index,
            },
        )


def _words(draw: random.Random, label: int, shortest: int, longest: int) -> list[str]:
    """Draws words, about one in five of them telling the label."""
    feelings = list(FEELINGS.values())[label].split()
    length = draw.randint(shortest, longest)
    words = [
        draw.choice(feelings if draw.random() < 0.2 else OTHER_WORDS)
        for _ in range(length)
    ]
    words[draw.randrange(length)] = draw.choice(feelings)
    return words


def _review(draw: random.Random, label: int) -> str:
    """Draws a review of 3 to 60 words: sentences, some capitals, some paragraphs."""
    words = _words(draw, label, 3, 60)
    if draw.random() < 0.2:
        place = draw.randrange(len(words))
        words[place] = words[place].upper()
    sentences = []
    while words:
        length = draw.randint(3, 12)
        sentence, words = " ".join(words[:length]), words[length:]
        sentences.append(
            sentence[0].upper() + sentence[1:] + draw.choice([".", ".", "!", "..."])
        )
    return draw.choice([" ", " ", "<br /><br />"]).join(sentences)


def _play(seed: int, lines: int) -> str:
    """Draws speeches in the layout of the plays."""
    draw = random.Random(seed)
    text = ""
    for _ in range(lines):
        speech = " ".join(draw.choices(OTHER_WORDS, k=draw.randint(3, 9)))
        text += f"{draw.choice(['KING', 'QUEEN', 'FOOL'])}:\n{speech.capitalize()}.\n\n"
    return text


def _pen(draw: random.Random, digit: int) -> str:
    """Draws eight points, as far to the right and as high as the digit says."""
    points = []
    for step in range(8):
        points += [10 * digit + step, 100 - 10 * digit - step]
    values = [min(max(value + draw.randint(-3, 3), 0), 100) for value in points]
    return ",".join(f"{value:3}" for value in [*values, digit])
