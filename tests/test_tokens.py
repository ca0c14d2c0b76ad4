"""Numbers and words to tokens and back, for any input and any bad input."""

import os
import re
import subprocess
import sys
import tracemalloc
import unicodedata

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from rnnzoo.tokens import (
    BinaryColumns,
    Bits,
    Bytes,
    Characters,
    Numbers,
    RealSteps,
    ScaledSteps,
    Subwords,
    Whitespace,
    Words,
    check_texts,
    parse_numbers,
    split_rows,
    to_utf8,
)

ranges = st.tuples(st.integers(-50, 50), st.integers(0, 60)).map(
    lambda r: (r[0], r[0] + r[1])
)


@pytest.fixture(autouse=True)
def same_random_numbers():
    """Overrides the fixture of all tests: nothing here is random, and it is slow."""


@st.composite
def tokens_and_rows(draw):
    low, high = draw(ranges)
    row = st.lists(st.integers(low, high), max_size=8)
    return Numbers(low, high), draw(st.lists(row, min_size=1, max_size=6))


@settings(deadline=None, max_examples=60)
@given(tokens_and_rows())
def test_encode_and_decode_are_inverse(case):
    tokens, rows = case
    ids = tokens.encode(rows)
    assert ids.dtype == np.int32
    assert ids.shape == (len(rows), max(map(len, rows)))
    for row, encoded in zip(rows, ids, strict=True):
        assert tokens.decode(encoded[: len(row)]).tolist() == row
        assert np.all(encoded[: len(row)] > 0) and np.all(encoded[len(row) :] == 0)
    assert ids.max(initial=0) < tokens.vocabulary_size


@settings(deadline=None, max_examples=30)
@given(tokens_and_rows(), st.sampled_from([" ", ",", ", ", "  "]))
def test_the_graph_parses_numbers_and_texts_alike(case, separator):
    tokens, rows = case
    expected = tokens.encode(rows)
    ragged = tf.ragged.constant(rows, ragged_rank=1, dtype=tf.int64)
    np.testing.assert_array_equal(tokens(ragged), expected)
    text = tf.constant([separator.join(map(str, row)) for row in rows])
    np.testing.assert_array_equal(tokens(text), expected)


@given(st.lists(st.integers()), st.sampled_from([" ", ",", "; ", "\n"]))
def test_parse_numbers(numbers, separator):
    assert parse_numbers(separator.join(map(str, numbers))) == numbers
    assert parse_numbers(str(numbers)) == numbers


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(1, 9), max_size=5), min_size=1))
def test_split_rows_restores_every_type(rows):
    def round_trip(numbers):
        split, restore, _ = split_rows(numbers)
        return restore([np.asarray(row, "int64") for row in split])

    assert round_trip(rows) == rows
    assert round_trip(tuple(map(tuple, rows))) == tuple(map(tuple, rows))
    assert round_trip(rows[0]) == rows[0]
    one = np.array(rows[0], "int16")
    assert round_trip(one).dtype == np.int16
    np.testing.assert_array_equal(round_trip(one), one)
    ragged = tf.ragged.constant(rows, ragged_rank=1, dtype=tf.int32)
    restored = round_trip(ragged)
    assert restored.dtype == tf.int32 and restored.to_list() == rows
    square = np.ones((3, 4), "uint8")
    np.testing.assert_array_equal(round_trip(square), square)
    assert round_trip(tf.constant(square)).dtype == tf.uint8


BAD = [
    (0, ValueError, "row 1, position 2: 0 is less than 1"),
    (33, ValueError, "row 1, position 2: 33 is more than 32"),
    (10**30, ValueError, f"row 1, position 2: {10**30} is more than 32"),
    (3.5, TypeError, "row 1, position 2: 3.5 is not an integer (float)"),
    (3.0, TypeError, "row 1, position 2: 3.0 is not an integer (float)"),
    ("a", TypeError, "row 1, position 2: 'a' is not an integer (str)"),
    (None, TypeError, "row 1, position 2: None is not an integer (None)"),
    (True, TypeError, "row 1, position 2: True is not an integer (bool)"),
    (np.int64(0), ValueError, "row 1, position 2: 0 is less than 1"),
    ([3], TypeError, "row 1, position 2: [3] is nested too deep"),
    (float("nan"), TypeError, "row 1, position 2: nan is not an integer (float)"),
]


@pytest.mark.parametrize(("value", "kind", "line"), BAD)
def test_bad_values_are_named(value, kind, line):
    with pytest.raises(kind) as error:
        Numbers(1, 32).encode([[1], [4, 5, value]], max_length=32)
    message = str(error.value)
    assert message.splitlines()[-1].strip() == line
    assert message.startswith(
        "numbers must be integers from 1 to 32, at most 32 in a row. Correct or remove "
        "1 of 2 rows"
    )


def test_every_bad_row_is_named():
    rows = [[0], [1], [2] * 33, 7, [5, "x", 40]]
    with pytest.raises(TypeError) as error:
        Numbers(1, 32).encode(rows, max_length=32)
    assert str(error.value).splitlines()[1:] == [
        "  row 0, position 0: 0 is less than 1",
        "  row 2, 33 numbers, more than 32",
        "  row 3, 7 is not a list (int)",
        "  row 4, position 1: 'x' is not an integer (str); "
        "position 2: 40 is more than 32",
    ]


@pytest.mark.parametrize(
    "numbers",
    [None, 5, "31 4", {1, 2}, {"a": 1}, 3.5, np.array(3)],
)
def test_other_types_than_lists_are_refused(numbers):
    with pytest.raises(TypeError, match="must be a list of integers or a list of such"):
        split_rows(numbers)


def test_the_graph_refuses_numbers_out_of_range():
    for bad in ([[0]], [[33]]):
        with pytest.raises(tf.errors.InvalidArgumentError, match="from 1 to 32"):
            Numbers(1, 32)(tf.constant(bad))
    with pytest.raises(tf.errors.InvalidArgumentError):
        Numbers(1, 32)(tf.constant(["3 x"]))


def test_an_empty_range_is_refused():
    with pytest.raises(ValueError, match="maximum must be an integer of at least 5"):
        Numbers(5, 4)


# Words

NUMERALS = ["one", "two", "three", "four", "five", "six"]
PARTS = [
    ("It's <br />GREAT!!", ["it's", "great", "!", "!"]),
    ("one<br>two<BR/>three< / p >four<Strong>five</strong>six", NUMERALS),
    ("<b>a</b><i>b</i><em>c</em><u>d</u><hr/><div>e</div>", list("abcde")),
    ("<ul><li>a</li><li>b</li></ul><span>c</span>", list("abc")),
    ("a<b and c>d", ["a", "<", "b", "and", "c", ">", "d"]),
    ("<script> <a href=x>", ["<", "script", ">", "<", "a", "href", "=", "x", ">"]),
    ("don't DON\u2019T", ["don't", "don't"]),
    ("l'eau 'quoted' dogs'", ["l'eau", "'", "quoted", "'", "dogs", "'"]),
    ("rock'n'roll ''x'' a''b '", "rock'n'roll ' ' x ' ' a ' ' b '".split()),
    ("so-so 3.14 $5 8/10", "so - so 3 . 14 $ 5 8 / 10".split()),
    ("fine\U0001f600\U0001f600ok", ["fine", "\U0001f600", "\U0001f600", "ok"]),
    ("a\0b \0 c", ["a", "b", "c"]),
    ("a\xa0b\u2003c\u3000d\u2028e\x0bf\x0cg\x85h", list("abcdefgh")),
    ("a\u200bb\ufeffc\u200ed\xade", list("abcde")),
    ("<\u200bbr> x", ["x"]),
    ("\u00c9T\u00c9 e\u0301t\u00c9 \u1e9e", ["\xe9t\xe9", "e\u0301t\xe9", "\xdf"]),
    (
        "\u039f\u0394\u039f\u03a3 \u03a3\u0391",
        ["\u03bf\u03b4\u03bf\u03c2", "\u03c3\u03b1"],
    ),
    ("\u0130stanbul I", ["i\u0307stanbul", "i"]),
    (
        "\u4f60\u597d\uff0c\u4e16\u754c\u3002",
        ["\u4f60\u597d", "\uff0c", "\u4e16\u754c", "\u3002"],
    ),
    (
        "\u0928\u092e\u0938\u094d\u0924\u0947!",
        ["\u0928\u092e\u0938\u094d\u0924\u0947", "!"],
    ),
    ("\ud83d\ude00 \udc00x", ["?", "?", "?", "x"]),
    ("", []),
    (" \t\n\r<br /> \u200b\0", []),
]


@pytest.mark.parametrize(("text", "words"), PARTS)
def test_split(text, words):
    assert Words.split(text) == words


TAG = re.compile(
    r"< */? *(?:br|p|i|b|em|u|strong|hr|div|span|ul|li) */? *>", re.ASCII | re.I
)


def reference(text):
    """Splits as `Words` should, a character at a time."""
    kinds = [unicodedata.category(c)[0] for c in text]
    text = "".join(" " if k in "CZ" else c for c, k in zip(text, kinds, strict=True))
    text = TAG.sub(" ", text.replace("\u2019", "'"))

    def is_letter(index):
        inside = 0 <= index < len(text)
        return inside and unicodedata.category(text[index])[0] in "LMN"

    spaced = ""
    for index, character in enumerate(text):
        joins = character == "'" and is_letter(index - 1) and is_letter(index + 1)
        is_alone = not (is_letter(index) or joins)
        spaced += f" {character} " if is_alone else character
    return spaced.lower().split()


# Characters on which all versions of Unicode agree; RE2 takes the long s for an s.
STEADY = [
    character
    for character in map(chr, range(0x30000))
    if unicodedata.category(character)
    == unicodedata.ucd_3_2_0.category(character)
    not in ("Cn", "Co", "Cs")
    and character != "\u017f"
]
FRAGMENTS = [
    *["<", ">", "/", "<br />", "</B>", "<p", "br", "i", "<strong>", " ", "  ", "."],
    *["'", "\u2019", "''", "don't", "a", "I", "\0", "\n", "\xa0", "\u200b", "\xad"],
    *[
        "\u0130",
        "\u03a3",
        "\u0391",
        "\u0301",
        "\U0001f600",
        "7",
        "-",
        "\ufeff",
        "\ufffd",
    ],
]
texts_of_all_kinds = st.lists(
    st.sampled_from(FRAGMENTS) | st.sampled_from(STEADY), max_size=25
).map("".join)


@settings(deadline=None, max_examples=250)
@given(texts_of_all_kinds)
@example("<<br>br>")
def test_words_of_any_text_equal_the_reference(text):
    assert Words.split(text) == reference(text)


def test_words_of_every_character_equal_the_reference():
    common = [c for c in STEADY if not "\u3400" <= c <= "\ud7ff" and c < "\U00020000"]
    assert len(common) > 11_000
    texts = [f"A{c}B {c}' {c}{c}" for c in common]
    known = sorted({word for text in texts for word in reference(text)})
    words = Words(known)
    wrong = [
        (text, got)
        for text, got in zip(texts, words.decode(words.encode(texts)), strict=True)
        if got.split(" ") != reference(text)
    ]
    assert wrong == []


@settings(deadline=None, max_examples=100)
@given(texts_of_all_kinds)
def test_splitting_is_idempotent(text):
    words = Words.split(text)
    joined = " ".join(words)
    # What is left of a tag around a tag is a tag once more.
    assume(not TAG.search(joined))
    assert Words.split(joined) == words


@pytest.mark.slow
def test_words_do_not_depend_on_the_locale():
    """In Turkish, the small letter of I is one without a dot."""
    code = (
        "from rnnzoo.tokens import Words\n"
        "print(ascii(Words.split('I THINK \u0130T IS J\u0300\u00cc')))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "1"},
    )
    expected = ["i", "think", "i\u0307t", "is", "j\u0300\u00ec"]
    assert result.stdout.strip() == ascii(expected)


def test_invalid_utf8_becomes_unknown_characters():
    words = Words(["a", "\ufffd", "b", "\xe9"])
    texts = tf.constant([b"a\xffb", b"\xe9", b"a\xc3", "b\xe9 \xe9".encode()])
    expected = [[2, 3, 4], [3, 0, 0], [2, 3, 0], [1, 5, 0]]
    assert words(texts).numpy().tolist() == expected
    data = tf.data.Dataset.from_tensors(texts).map(words)
    assert next(iter(data)).numpy().tolist() == expected
    assert words.encode([b"a\xffb"]).tolist() == [[2, 3, 4]]


def test_an_empty_text_is_one_unknown_word():
    words = Words(["a"])
    assert words.encode([""]).tolist() == [[1]]
    assert words.encode(["a a", "", " <br> ", "a"]).tolist() == [
        [2, 2],
        [1, 0],
        [1, 0],
        [2, 0],
    ]
    assert words.encode([]).shape == (0, 1) and words.encode([]).dtype == np.int32
    assert Words([]).encode(["a b", ""]).tolist() == [[1, 1], [1, 0]]


@pytest.mark.parametrize(
    ("max_length", "kept"),
    [
        (None, "abcdefghi"),
        (10, "abcdefghi"),
        (9, "abcdefghi"),
        (8, "abcdfghi"),
        (5, "abchi"),
        (4, "abhi"),
        (3, "abi"),
        (2, "ai"),
    ],
)
def test_long_texts_keep_their_head_and_tail(max_length, kept):
    words = Words("a b c d e f g h i".split(), max_length=max_length)
    ids = words.encode(["a b c d e f g h i", "a b", "x"])
    assert words.decode(ids) == [" ".join(kept), "a b", "[unknown]"]
    assert ids.shape == (3, len(kept))


VOCABULARY = ["a", "i", "'", ".", "<", "br", "\U0001f600", "don't", "i\u0307"]
# Created once, as each compiles its graph.
WORDS = {n: Words(VOCABULARY, max_length=n) for n in (None, 2, 3, 4, 9)}


@settings(deadline=None, max_examples=80)
@given(
    st.lists(texts_of_all_kinds, min_size=1, max_size=6),
    st.sampled_from([*WORDS]),
)
def test_ids_of_any_texts(texts, max_length):
    words = WORDS[max_length]
    ids = words.encode(texts)
    assert ids.dtype == np.int32 and ids.ndim == 2 and len(ids) == len(texts)
    assert ids.min() >= 0 and ids.max() < words.vocabulary_size == 11
    lengths = np.count_nonzero(ids, axis=1)
    # No row is empty, none is too long, the longest has no padding.
    assert lengths.min() >= 1 and lengths.max() == ids.shape[1]
    assert max_length is None or ids.shape[1] <= max_length
    assert np.array_equal(ids != 0, np.arange(ids.shape[1]) < lengths[:, None])
    for text, row, length in zip(texts, ids, lengths, strict=True):
        expected = [
            VOCABULARY.index(word) + 2 if word in VOCABULARY else 1
            for word in reference(text)
        ] or [1]
        if max_length and len(expected) > max_length:
            half = max_length // 2
            expected = expected[: max_length - half] + expected[-half:]
        assert row[:length].tolist() == expected


def test_lists_tensors_and_data_sets_give_the_same_ids():
    words = Words(VOCABULARY, max_length=4)
    texts = ["I don't.", "", "a\0\U0001f600 <br>a a a a.", "\u0130 <"]
    expected = words.encode(texts)
    np.testing.assert_array_equal(words.encode(tuple(texts)), expected)
    np.testing.assert_array_equal(words.encode(np.array(texts)), expected)
    np.testing.assert_array_equal(words.encode(np.array(texts, object)), expected)
    np.testing.assert_array_equal(words.encode(tf.constant(texts)), expected)
    np.testing.assert_array_equal(words(tf.constant(texts)), expected)
    data = tf.data.Dataset.from_tensor_slices(texts).batch(4).map(words)
    np.testing.assert_array_equal(next(iter(data)), expected)


def test_decode():
    words = Words(["quiet", "triumph"])
    ids = words.encode(["Triumph! quiet", "quiet", ""])
    assert words.decode(ids) == ["triumph [unknown] quiet", "quiet", "[unknown]"]
    assert words.decode([[2, 0], [3, 3]]) == ["quiet", "triumph triumph"]
    assert words.decode(np.zeros((2, 0), int)) == ["", ""]


def test_learn():
    texts = ["b B a", "c, c d", "d. \u0130"]
    # Equally frequent words are in the order of their bytes.
    assert Words.learn(texts, 10) == ["b", "c", "d", ",", ".", "a", "i\u0307"]
    assert Words.learn(texts, 2) == ["b", "c"]
    assert Words.learn(texts, 0) == []
    assert Words.learn(texts, 10, min_count=2) == ["b", "c", "d"]
    assert Words.learn(texts, 1, min_count=3) == []
    assert Words.learn([], 10) == [] == Words.learn(["", " "], 10)


def test_learn_takes_an_iterator_of_any_length():
    read = []

    def texts():
        for index in range(3500):
            read.append(index)
            yield f"all w{index % 7} n{index}"

    # 3,500 is a multiple of 7: each of the seven words is there 500 times.
    assert Words.learn(texts(), 8, min_count=2) == [
        "all",
        *(f"w{index}" for index in range(7)),
    ]
    assert read == list(range(3500))


def test_config_round_trip():
    words = Words(["b", "a", "\u00e9"], max_length=3)
    config = words.get_config()
    vocabulary = ["b", "a", "\u00e9"]
    options = {"start": False, "max_length": 3, "normalize": False}
    assert config == {"vocabulary": vocabulary, **options}
    config_of_keras = keras.saving.serialize_keras_object(words)
    for copy in (
        Words.from_config(config),
        keras.saving.deserialize_keras_object(config_of_keras),
    ):
        assert copy.get_config() == config and copy.vocabulary_size == 5
        assert copy.encode(["a b c \xc9 d"]).tolist() == [[3, 2, 1]]


def test_repeated_words_are_refused():
    with pytest.raises(ValueError) as error:
        Words(["a", "b", "c", "b", "a", "b"])
    assert str(error.value) == (
        "Every word must be once in a vocabulary: remove the others. Received: 2 words "
        "more than once, such as 'a'"
    )
    with pytest.raises(ValueError) as error:
        Words(["a"], max_length=1)
    assert str(error.value) == (
        "max_length must be an integer of at least 2. Received: max_length=1"
    )


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("one text", "texts must be a list of strings. Received: texts='one text'"),
        (None, "texts must be a list of strings. Received: texts=None"),
        (7, "texts must be a list of strings. Received: texts=7"),
        ({"a": 1}, "texts must be a list of strings. Received: texts={'a': 1}"),
        (
            ["a", 3, None, "b", ["c"]],
            "texts must be strings. Correct or remove 3 of 5 rows (rows count from 0); "
            "nothing was answered. Received:\n  row 1: 3 (int)\n"
            "  row 2: a missing value (None)\n"
            "  row 4: ['c'] (list)",
        ),
        (
            ["a", float("nan")],
            "texts must be strings. Correct or remove 1 of 2 rows (rows count from 0); "
            "nothing was answered. Received:\n  row 1: a missing value (nan)",
        ),
        (
            [["a", "b"]],
            "texts must be strings. Correct or remove 1 of 1 rows (rows count from 0); "
            "nothing was answered. Received:\n  row 0: ['a', 'b'] (list)",
        ),
    ],
)
def test_other_types_than_texts_are_refused(texts, message):
    with pytest.raises(TypeError) as error:
        check_texts(texts)
    assert str(error.value) == message
    with pytest.raises(TypeError) as error:
        Words(["a"]).encode(texts, name="reviews")
    assert str(error.value) == message.replace("texts", "reviews", 1).replace(
        "texts=", "reviews="
    )


def test_texts_of_any_type_become_strings():
    expected = ["a", "\xe9", "\ufffd"]
    texts = ["a", "\xe9".encode(), b"\xff"]
    assert check_texts(texts) == check_texts(tuple(texts)) == expected
    assert check_texts(np.array(texts, object)) == expected
    assert check_texts(tf.constant(["a", "\xe9"])) == expected[:2]
    kinds = {type(text) for text in check_texts(np.array(["a", "b"]))}
    assert kinds == {str}
    assert check_texts([]) == [] == check_texts(np.array([], object))


def test_checking_texts_needs_no_padded_copy():
    texts = ["a" * 10**6] + ["b"] * 50
    tracemalloc.start()
    assert check_texts(texts) == texts
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**7


# Characters

TURKISH = "çğıİöşüÇĞIÖŞÜ"
CHARACTERS = Characters(
    TURKISH + "abc \n\t\N{GRINNING FACE}e\N{COMBINING ACUTE ACCENT}\0", start=True
)
WITHOUT_START = Characters(CHARACTERS.vocabulary)
WHITESPACE = Whitespace(["\n", "mr.", "N", "İ", "n't"], start=True)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(CHARACTERS.vocabulary, max_size=12), min_size=1, max_size=5))
@example(["", TURKISH, "e\N{COMBINING ACUTE ACCENT}\n\n"])
def test_decode_inverts_encode_for_known_characters(texts):
    ids = CHARACTERS.encode(texts)
    assert CHARACTERS.decode(ids) == texts
    assert ids.shape == (len(texts), 1 + max(map(len, texts)))
    assert np.all(ids[:, 0] == CHARACTERS.start_id)
    assert ids.max() < CHARACTERS.vocabulary_size
    if all(texts):
        np.testing.assert_array_equal(WITHOUT_START.encode(texts), ids[:, 1:])


@pytest.mark.parametrize("tokens", [CHARACTERS, WHITESPACE])
def test_a_data_set_gives_the_ids_of_a_list(tokens):
    texts = ["", TURKISH, "e\N{COMBINING ACUTE ACCENT}\n\n", "mr. N\nx"]
    data = tf.data.Dataset.from_tensors(tf.constant(texts)).map(tokens)
    np.testing.assert_array_equal(next(iter(data)), tokens.encode(texts))


SEPARATED = st.lists(
    st.sampled_from([*WHITESPACE.vocabulary, "<unk>", "Mr.", " ", "\t \r", "\0"]),
    max_size=8,
)


@settings(deadline=None, max_examples=50)
@given(SEPARATED, st.integers(1, 9))
@example(["<unk>", "\n", "\n", "N"], 1)
def test_whitespace_splits_words_and_lines(symbols, size):
    text = " ".join(symbols)
    words = [s for s in symbols if s.strip(" \t\r")]
    assert Whitespace.split(text) == words
    ids = WHITESPACE.encode([text])[0]
    known = {word: i + 2 for i, word in enumerate(WHITESPACE.vocabulary)}
    assert ids.tolist() == [WHITESPACE.start_id, *(known.get(w, 1) for w in words)]
    written = WHITESPACE.decode([ids])
    assert written == [" ".join(w if w in known else "<unk>" for w in words)]
    np.testing.assert_array_equal(WHITESPACE.encode(written)[0], ids)
    assert WHITESPACE.format(ids[None]).numpy()[0].decode() == written[0]
    chunks = list(Whitespace.chunks(text, size))
    assert "".join(chunks) == text
    assert [w for chunk in chunks for w in Whitespace.split(chunk)] == words


LOSSLESS = Subwords(
    Subwords.learn(["The cat's cat  sat\non the mat.\n\n"], 60, lossless=True),
    start=True,
)


@settings(deadline=None, max_examples=50)
@given(st.text("Thecatson m.'\n", max_size=40), st.integers(1, 9))
def test_lossless_subwords_keep_white_space(text, size):
    ids = LOSSLESS.encode([text])[0]
    assert LOSSLESS.decode([ids]) == [text]
    words, chunks = Subwords.split(text), list(Subwords.chunks(text, size))
    assert "".join(words) == text == "".join(chunks)
    for parts in (words, chunks):
        # No token is of two of them.
        rows = LOSSLESS.encode([*parts, ""])[:, 1:]
        assert rows[rows > 0].tolist() == ids[1:].tolist()


def test_whether_subwords_are_lossless():
    assert LOSSLESS.is_lossless
    assert not Subwords(Subwords.learn(["a cat\n"], 60)).is_lossless


BYTES = Bytes(start=True)


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=12) | st.text(max_size=6).map(str.encode), st.integers(0, 12))
@example(b"\xe2\x82\xac\xf0\x9f\x98", 5)
def test_bytes_are_encoded_and_characters_decoded(content, cut):
    ids = [byte + 2 for byte in content]
    assert BYTES(tf.constant([content])).numpy()[0].tolist() == [258, *ids]
    text = content.decode("utf-8", "ignore")
    assert BYTES.decode([ids]) == [text]
    assert BYTES.format([[258, *ids, 0]]).numpy()[0].decode() == text
    # What is decoded by parts is what is decoded at once.
    part = ids[:cut]
    end = BYTES.complete_prefix(part)
    assert len(part) - 3 <= end <= len(part)
    assert "".join(BYTES.decode([ids[:end], ids[end:]])) == text


def test_the_unknown_word_is_not_learned():
    texts = ["<unk> <unk> b\n", "a b\n\n"]
    assert Whitespace.learn(texts, 10) == ["\n", "b", "a"]
    assert Whitespace.learn(texts, 2) == ["\n", "b"]
    assert Whitespace.learn(texts, 10, min_count=2) == ["\n", "b"]


@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(), max_size=20))
def test_characters_are_one_token_each(text):
    ids = CHARACTERS.encode([text])[0, 1:]
    assert len(ids) == len(text) == len(Characters.split(text))
    known = set(CHARACTERS.vocabulary)
    expected = "".join(c if c in known else "\ufffd" for c in text)
    assert CHARACTERS.decode([ids]) == [expected]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(st.characters() | st.sampled_from(TURKISH)), max_size=5))
@example(["", "\ud800a", "\ufffd\0", "\U0010ffff", "e\N{COMBINING ACUTE ACCENT}"])
def test_characters_are_the_same_in_python_and_in_the_graph(texts):
    for tokens in (CHARACTERS, WITHOUT_START, Characters("")):
        ids = tokens.encode(texts)
        assert ids.dtype == np.int32 and ids.shape[0] == len(texts)
        if texts:
            in_graph = tokens(tf.constant([to_utf8(text) for text in texts]))
            np.testing.assert_array_equal(in_graph, ids)


def test_the_most_frequent_characters_are_learned():
    assert Characters.learn(["şişe", "iş\n"], 10) == ["ş", "i", "\n", "e"]
    assert Characters.learn(["şişe", "iş\n"], 10, min_count=2) == ["ş", "i"]
    assert Characters("ab").encode(["", "ba"]).tolist() == [[1, 0], [3, 2]]


@pytest.mark.parametrize("vocabulary", [["ab"], ["a", ""], ["a", 1], "a\ud800"])
def test_other_symbols_than_characters_are_refused(vocabulary):
    with pytest.raises(ValueError, match="must hold single characters"):
        Characters(vocabulary)


def test_repeated_characters_are_refused():
    with pytest.raises(ValueError, match="1 characters more than once, such as 'a'"):
        Characters("aba")


@settings(deadline=None, max_examples=50)
@given(st.text("ab <>/'\n", max_size=60), st.integers(1, 9))
def test_chunks_have_the_tokens_of_the_whole_text(text, size):
    for kind in (Words, Characters):
        chunks = list(kind.chunks(text, size))
        assert "".join(chunks) == text
        symbols = [symbol for chunk in chunks for symbol in kind.split(chunk)]
        assert symbols == kind.split(text)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 10**40), min_size=1, max_size=4))
def test_bits_are_formatted_as_decimals(numbers):
    columns = BinaryColumns(1)
    bits = columns.encode([[number] for number in numbers])[..., 0] > 0
    assert columns.decode(bits) == numbers
    written = columns.format(bits).numpy()
    assert [int(text) for text in written] == numbers
    assert [text.decode() for text in written] == [str(number) for number in numbers]


@pytest.mark.parametrize(
    ("tokens", "ids"),
    [
        (Words(["b", "è"], start=True), [[4, 2, 3], [4, 1, 0], [4, 0, 0]]),
        (Words(["b", "è"]), [[2, 3, 3], [1, 2, 0]]),
        (Characters("b è\n", start=True), [[6, 2, 3], [6, 1, 5], [6, 0, 0]]),
    ],
)
def test_format_equals_decode(tokens, ids):
    written = [text.decode() for text in tokens.format(tf.constant(ids)).numpy()]
    assert written == tokens.decode(ids)


def test_numbers_are_formatted():
    ids = Numbers(-3, 5).encode([[-3, 5], [], [0]])
    assert Numbers(-3, 5).format(ids).numpy().tolist() == [b"-3 5", b"", b"0"]


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (Numbers(0, 99), "1 x"),
        (Numbers(0, 99), "1.0"),
        (Numbers(0, 99), "0x1"),
        (Numbers(0, 99), "\u0661"),
        (Numbers(0, 99), "9" * 30),
        (Bits(), "+1"),
        (Bits(), "12"),
        (RealSteps(2), "1 2 3"),
        (RealSteps(1), "nan"),
        (RealSteps(1), "inf"),
        (RealSteps(1), "1e999"),
        (RealSteps(1), "0x1p3"),
        (RealSteps(1), "1_0"),
    ],
)
def test_the_graph_refuses_other_words_than_numbers(tokens, text):
    with pytest.raises(tf.errors.InvalidArgumentError):
        tokens(tf.constant([text]))


def test_rows_of_steps_keep_their_numbers():
    steps = RealSteps(2)(tf.constant(["1 2", "3 4, 5 6", "(+.5;1e2)"])).numpy()
    expected = [[[1, 2], [0, 0]], [[3, 4], [5, 6]], [[0.5, 100], [0, 0]]]
    assert steps.tolist() == expected


ROWS_OF_PAIRS = [[[2, -0.5], [0, 8]], [[1, 1]]]


@pytest.mark.parametrize("kind", ["int8", "int64", "float16", "float64", ">f4", object])
@pytest.mark.parametrize("tokens", [RealSteps(2), ScaledSteps([1, 2], [0.5, 4])])
def test_arrays_give_the_steps_of_lists(tokens, kind):
    as_arrays = [np.array(row).astype(kind) for row in ROWS_OF_PAIRS]
    as_lists = [array.tolist() for array in as_arrays]
    expected = tokens.encode(tokens.rows(as_lists)[0])
    assert expected.dtype == np.float32
    for rows in (as_arrays, [as_lists[0], as_arrays[1]], np.ma.array(as_arrays[0])):
        found, is_batch = tokens.rows(rows)
        assert is_batch == isinstance(rows, list)
        np.testing.assert_array_equal(tokens.encode(found), expected[: len(found)])
    several = np.stack([as_arrays[0]] * 3)
    assert tokens.encode(tokens.rows(several)[0]).tolist() == [expected[0].tolist()] * 3


def test_one_number_a_step():
    tokens = RealSteps(1)
    for row in ([1.0, 2.0], np.array([1, 2]), np.float16([1, 2])):
        for inputs, is_batch in ((row, False), ([row], True)):
            rows, found = tokens.rows(inputs)
            assert found == is_batch
            assert tokens.encode(rows).tolist() == [[[1.0], [2.0]]]
    rows = tokens.check([[1, 2], [3]])
    assert tokens.encode(rows)[..., 0].tolist() == [[1.0, 2.0], [3.0, 0.0]]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (np.array([[1.0, np.nan]]), "step 0: a number is not finite"),
        (np.array([[True, False]]), "True is not a number (bool)"),
        (np.array([[1j, 2]]), "1j is not a number (complex)"),
        (np.ma.array([[1, 2]], mask=[[1, 0]]), "None is not a number (None)"),
        (np.ones((2, 3)), "not one or more steps of 2 numbers"),
        (np.zeros((0, 2)), "not one or more steps of 2 numbers"),
    ],
)
def test_arrays_of_other_types_are_refused(row, problem):
    tokens = RealSteps(2)
    rows, _ = tokens.rows([np.ones((3, 2)), row])
    with pytest.raises((TypeError, ValueError), match="remove 1 of 2 rows") as error:
        tokens.encode(rows)
    assert str(error.value).endswith(f"row 1: {problem}")


def test_rows_of_several_types_are_encoded_together():
    rows = [[1, 2], (3,), range(4, 6), np.array([6], "uint8"), [np.int64(7)], []]
    rows.append(np.zeros((0, 2), int))
    ids = Numbers(0, 9).encode(rows)
    assert ids.tolist() == [[2, 3], [4, 0], [5, 6], [7, 0], [8, 0], [0, 0], [0, 0]]
    with pytest.raises(ValueError, match="row 1, position 2: 10 is more than 9"):
        Numbers(0, 9).encode([np.array([1]), range(8, 11)])
    with pytest.raises(ValueError, match="is more than 9"):
        Numbers(0, 9).encode([[10**400]])
    masked = np.ma.array([99, 2], mask=[True, False])
    with pytest.raises(TypeError, match="row 0, position 0: masked"):
        Numbers(0, 9).encode([masked])
