"""Annotated sentences: every format and scheme, repairs, and what is refused."""

import gzip
import itertools
import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rnnzoo.analysis.tag_baseline import MostFrequentTag
from rnnzoo.analysis.tagging import plot_tag_confusion, tagging_report
from rnnzoo.data import schemes
from rnnzoo.data.tagged import TaggedSentences

LETTERS = {"iob1": "BI", "iob2": "BI", "iobes": "BIES"}
ANY_TAGS = st.lists(
    st.sampled_from(["O", *(f"{p}-{n}" for p in "BIES" for n in ("a", "b-c"))]),
    max_size=7,
)


def read(tmp_path, content, name="it.conll", **options):
    content = content if isinstance(content, bytes) else content.encode()
    (tmp_path / name).write_bytes(content)
    return TaggedSentences(tmp_path / name, **options)


@given(ANY_TAGS)
def test_spans_are_those_of_seqeval(tags):
    entities = pytest.importorskip("seqeval.metrics.sequence_labeling").get_entities
    expected = [(name, start, end + 1) for name, start, end in entities(tags)]
    assert schemes.tags_to_spans(tags, "iobes") == expected


@given(ANY_TAGS, st.sampled_from(sorted(LETTERS)))
def test_repaired_tags_keep_their_spans_and_follow_the_scheme(tags, scheme):
    tags = [tag for tag in tags if tag[0] in LETTERS[scheme] + "O"]
    good, changes = schemes.repair_tags(tags, scheme)
    assert schemes.tags_to_spans(good, scheme) == schemes.tags_to_spans(tags, scheme)
    is_broken = not follows(tags, scheme)
    assert follows(good, scheme) and is_broken == (changes > 0)
    for other in LETTERS:
        there = schemes.convert_tags(good, scheme, other)
        assert schemes.convert_tags(there, other, scheme) == good
        assert follows(there, other)


def follows(tags, scheme):
    pairs = itertools.pairwise([None, *tags, None])
    return all(schemes.is_allowed(one, two, scheme) for one, two in pairs)


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        ([["O", "O"]], "iob2"),
        ([["I-A", "I-A", "B-A"], ["I-B", "O"]], "iob1"),
        ([["B-A", "I-A"], ["I-B", "O"], ["B-B"], ["B-A"]], "iob2"),
        ([["U-A", "O", "B-A", "L-A"]], "iobes"),
        ([["S-A", "B-A", "M-A", "E-A"]], "iobes"),
        ([["NOUN", "O"]], "plain"),
        ([["B-A", "O"], ["NOUN"]], "plain"),
    ],
)
def test_schemes_are_detected(tags, scheme):
    assert schemes.detect_scheme(tags) == scheme


@pytest.mark.parametrize("scheme", [*LETTERS, "plain"])
def test_overlapping_spans_are_refused(scheme):
    with pytest.raises(ValueError, match="not overlap"):
        schemes.spans_to_tags([("A", 0, 2), ("B", 1, 3)], 3, scheme)


def test_columns_with_every_oddity(tmp_path):
    text = (
        "\ufeff-DOCSTART- -X- O\r\n\r\n# a comment\r\nİstanbul NNP B-LOC\r\n"
        "# CD O\r\n👍🏽   UH\tO\r\n\r\n\r\n\r\n-DOCSTART- -X- O\r\n東京 NNP B-LOC"
    )
    source = read(tmp_path, text)
    assert source.words == [["İstanbul", "#", "👍🏽"], ["東京"]]
    assert source.tags == [["B-LOC", "O", "O"], ["B-LOC"]]
    assert source.lines == [4, 11] and not source.report
    assert read(tmp_path, text, column=2).tags[0] == ["NNP", "CD", "UH"]
    assert read(tmp_path, text, column=-2).scheme == "plain"


def test_words_with_spaces_are_separated_by_tabs(tmp_path):
    source = read(tmp_path, "New York\tB-LOC\nis\tO\t\nwide\u3000\u00a0.\tO\n")
    assert source.words == [["New York", "is", "wide\u3000\u00a0."]]


def test_gzip_and_encodings(tmp_path):
    text = "Dağ\tB-LOC\n\nO\tO\n"
    plain = read(tmp_path, text)
    packed = read(tmp_path, gzip.compress(text.encode()), "it.conll.gz")
    wide = read(tmp_path, text.encode("utf-16"), encoding="utf-16")
    marked = read(tmp_path, text.encode("utf-16"))
    turkish = read(tmp_path, text.encode("iso8859-9"), encoding="iso8859-9")
    for other in (packed, wide, marked, turkish):
        assert other.words == plain.words and other.tags == plain.tags
    with pytest.raises(ValueError, match="line 1 has other bytes.*--encoding"):
        read(tmp_path, text.encode("iso8859-9"))
    with pytest.raises(ValueError, match="damaged"):
        read(tmp_path, gzip.compress(text.encode())[:-9], "it.gz")


CONLLU = """# text = Gehen wir ins Kino
1\tGehen\tgehen\tVERB\tV\t_\t0\troot\t_\t_
2\twir\twir\tPRON\t_\t_\t1\tnsubj\t_\t_
3-4\tins\t_\t_\t_\t_\t_\t_\t_\t_
3\tin\tin\tADP\t_\t_\t5\tcase\t_\t_
4\tdas\tder\tDET\t_\t_\t5\tdet\t_\t_
4.1\tgern\tgern\tADV\t_\t_\t_\t_\t_\t_
5\tKino\tKino\tNOUN\t_\t_\t1\tobl\t_\t_

"""


def test_conllu(tmp_path):
    source = read(tmp_path, CONLLU, "it.conllu")
    assert source.words == [["Gehen", "wir", "in", "das", "Kino"]]
    assert source.tags == [["VERB", "PRON", "ADP", "DET", "NOUN"]]
    assert read(tmp_path, CONLLU, column="xpos").tags[0][:2] == ["V", "_"]
    assert read(tmp_path, CONLLU, column="8").tags[0][0] == "root"
    with pytest.raises(ValueError, match="empty.*LEMMA, UPOS"):
        read(tmp_path, CONLLU, column="DEPS")
    with pytest.raises(ValueError, match="Did you mean 'UPOS'"):
        read(tmp_path, CONLLU, column="UPOSS")
    with pytest.raises(ValueError, match="from 1 to 10"):
        read(tmp_path, CONLLU, column=11)


def test_columns_are_named_by_the_first_line(tmp_path):
    text = "Word POS NER\nAda NNP B-PER\nsmiles VBZ O\n"
    assert read(tmp_path, text).tags == [["B-PER", "O"]]
    assert read(tmp_path, text, column="pos").tags == [["NNP", "VBZ"]]
    plus = "# global.columns = ID FORM NE\n1\tAda\tB-PER\n1-2\tx\t_\n2\truns\tO\n"
    assert read(tmp_path, plus, column="NE").words == [["Ada", "runs"]]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("Ada O\nis here O\nnow O\n", "3 columns instead of 2.*line 2"),
        ("Ada\tO\n \tO\n", "an empty word.*line 2"),
        ("word\nother\n", "--tags=FILE.*one column"),
        ("", "at least one sentence"),
        ("\n\n# only a comment\n", "one column|at least one sentence"),
        ('{"text": "a", "spans": []}\n{"text": 3, "spans": []}\n', "no text.*line 2"),
        ('{"text": "a", "spans": [[0, 5, "X"]]}', "beyond the text.*line 1"),
        ('{"text": "a", "spans": [[0, 1]]}', "without start, end and label"),
        ('{"text": "a", "spans": []}\n{"text"', "JSON.*line 2"),
        ('{"text": "a"}', "no list of spans"),
        ('{"tokens": ["a"], "ner_tags": [3]}', "numbers of tags have no names"),
    ],
)
def test_bad_lines_are_refused_with_their_number(tmp_path, text, match):
    with pytest.raises(ValueError, match=f"(?s){match}"):
        read(tmp_path, text)


def test_sentences_with_bad_lines_may_be_left_out(tmp_path):
    text = "Ada O\nis here O\n\nnow O\n"
    source = read(tmp_path, text, skip_bad_rows=True)
    assert source.words == [["now"]] and "line 2" in source.report


def test_broken_tags_are_counted_and_repaired_or_refused(tmp_path):
    text = "a O\nb I-X\nc I-X\n\nd B-X\ne I-Y\n\nf B-X\n\ng B-Y\n"
    source = read(tmp_path, text)
    assert source.tags[:2] == [["O", "B-X", "I-X"], ["B-X", "B-Y"]]
    assert "2 of 7 tags in 2 sentences break the scheme iob2" in source.report
    assert "I-X should be B-X: 1 row, at line 2" in source.report
    with pytest.raises(ValueError, match="(?s)line 6.*Correct them"):
        read(tmp_path, text, broken="refuse")
    typo = "".join(f"w{n} B-X\n" for n in range(30)) + "b B_X\n"
    with pytest.raises(ValueError, match="--scheme=plain.*B_X on line 31"):
        read(tmp_path, typo)
    assert read(tmp_path, typo, scheme="plain").tag_names == ["B-X", "B_X"]


def test_schemes_are_converted(tmp_path):
    text = "a I-X\nb B-X\nc I-X\n"
    source = read(tmp_path, text)
    assert source.file_scheme == "iob1" and source.tags == [["B-X", "B-X", "I-X"]]
    wide = read(tmp_path, text, target_scheme="iobes")
    assert wide.tags == [["S-X", "B-X", "E-X"]] and wide.scheme == "iobes"
    with pytest.raises(ValueError, match="Plain tags mark no spans"):
        read(tmp_path, "a X\n", target_scheme="iob2")
    assert read(tmp_path, "a B\nb I\nc O\n").tag_names == ["O", "B-span", "I-span"]


TEXT = "Ada Lovelace lives in London."


@pytest.mark.parametrize(
    "row",
    [
        {"text": TEXT, "label": [[0, 12, "PER"], [22, 28, "LOC"]]},
        {"text": TEXT, "labels": [[22, 28, "LOC"], [0, 12, "PER"]], "id": 3},
        {
            "text": TEXT,
            "entities": [
                {"id": 1, "label": "PER", "start_offset": 0, "end_offset": 12},
                {"id": 2, "label": "LOC", "start_offset": 22, "end_offset": 28},
            ],
            "relations": [],
        },
        [TEXT, {"entities": [[0, 12, "PER"], [22, 28, "LOC"]]}],
        {
            "text": TEXT,
            "ents": [
                {"start": 0, "end": 12, "label": "PER"},
                {"start": 22, "end": 28, "label": "LOC"},
            ],
        },
        {
            "text": TEXT,
            "tokens": [{"text": "Ada", "start": 0, "end": 3, "id": 0}],
            "spans": [
                {"start": 0, "end": 12, "label": "PER", "token_start": 0},
                {"start": 22, "end": 28, "label": "LOC"},
            ],
            "answer": "accept",
        },
        {
            "tokens": ["Ada", "Lovelace", "lives", "in", "London", "."],
            "ner_tags": ["B-PER", "I-PER", "O", "O", "B-LOC", "O"],
        },
    ],
)
def test_spans_of_every_tool(tmp_path, row):
    source = read(tmp_path, json.dumps(row), "it.jsonl")
    assert source.words == [["Ada", "Lovelace", "lives", "in", "London", "."]]
    assert source.tags == [["B-PER", "I-PER", "O", "O", "B-LOC", "O"]]


def test_odd_spans_are_reported(tmp_path):
    rows = [
        {"text": "New Yorkers 👍", "spans": [[0, 8, "LOC"], [4, 11, "PER"]]},
        {"text": "a b", "spans": [[1, 2, "X"]], "intent": "x"},
        {"text": "no", "spans": [], "answer": "reject"},
    ]
    rows[0]["intent"] = "x"
    source = read(tmp_path, "\n".join(map(json.dumps, rows)), "it.jsonl")
    assert source.tags == [["B-LOC", "I-LOC", "O"], ["O", "O"]]
    assert source.intents == ["x", "x"]
    for part in (
        "widened to the whole word: 1 row, at line 1",
        "overlap a longer one, left out: 1 row, at line 1",
        "without a word, left out: 1 row, at line 2",
        "not accepted: 1 row, at line 3",
    ):
        assert part in source.report


def test_parallel_files(tmp_path):
    (tmp_path / "seq.in").write_text("play jazz\nstop\n")
    (tmp_path / "seq.out").write_text("O B-genre\nO\n\n")
    (tmp_path / "label").write_text("Play\nStop\n")
    folder = TaggedSentences(tmp_path)
    files = TaggedSentences(
        tmp_path / "seq.in", tags=tmp_path / "seq.out", intents=tmp_path / "label"
    )
    for source in (folder, files):
        assert source.rows([0]) == ([["play", "jazz"]], [(["O", "B-genre"], "Play")])
        assert source.intent_names == ["Play", "Stop"]
    assert TaggedSentences(tmp_path / "seq.in", tags=tmp_path / "seq.out").rows(
        [1]
    ) == (
        [["stop"]],
        [["O"]],
    )
    (tmp_path / "seq.out").write_text("O\nO\n")
    with pytest.raises(ValueError, match="2 words and 1 tags.*line 1"):
        TaggedSentences(tmp_path)
    (tmp_path / "seq.out").write_text("O O\n")
    with pytest.raises(ValueError, match="one line for each line"):
        TaggedSentences(tmp_path)
    with pytest.raises(FileNotFoundError, match="Did you mean 'seq.out'"):
        TaggedSentences(tmp_path / "seq.ou")


@given(st.data())
def test_figures_are_those_of_seqeval(data):
    metrics = pytest.importorskip("seqeval.metrics")
    scheme = data.draw(st.sampled_from(["iob2", "iobes"]))
    tags = ANY_TAGS.filter(bool).map(
        lambda row: [tag if tag[0] in LETTERS[scheme] else "O" for tag in row]
    )
    true = data.draw(st.lists(tags, min_size=1, max_size=4))
    answered = [data.draw(st.permutations(row)) for row in true]
    report = tagging_report(true, true, answered, scheme)
    assume(report.by_label)  # of none, seqeval warns
    expected = metrics.classification_report(
        true, answered, output_dict=True, zero_division=0
    )
    for name, score in report.by_label.items():
        found = expected[name]
        keys = ("precision", "recall", "f1-score", "support")
        assert score == pytest.approx([found[key] for key in keys])
    for name, score in (("micro avg", report.micro), ("macro avg", report.macro)):
        assert score.f1 == pytest.approx(expected[name]["f1-score"])
    assert report.token_accuracy == pytest.approx(
        metrics.accuracy_score(true, answered)
    )


def test_report_and_picture(tmp_path):
    words = [["Ada", "smiles"], ["Oslo", "."]]
    true, answered = [["B-PER", "O"], ["B-LOC", "O"]], [["B-PER", "O"], ["O", "O"]]
    report = tagging_report(
        words,
        true,
        answered,
        losses=[0.1, float("nan")],
        intents=(["a", "b"], ["a", "b"]),
        baseline=answered,
    )
    assert report.figures()["baseline_token_accuracy"] == 0.75
    assert report.intent_accuracy == 1 and report.sentence_accuracy == 0.5
    assert [one.place for one in report.worst] == [0]
    assert "Ada[B-PER] smiles" in str(report)
    many = [[f"B-{n}" for n in range(40)]]
    for number, one in enumerate((report, tagging_report(many, many, many))):
        plot_tag_confusion(one, tmp_path / f"{number}.png")
        assert (tmp_path / f"{number}.png").stat().st_size > 1000


def test_the_baseline_knows_words():
    words, tags = [["The", "run", "run"]], [["O", "B-X", "I-X"]]
    baseline = MostFrequentTag(words, tags, "iob2")
    assert baseline.tag([["the", "new", "run"]]) == [["O", "O", "B-X"]]
