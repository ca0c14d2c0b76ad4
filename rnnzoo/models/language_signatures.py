"""Ways to call an export of a language model."""

import dataclasses
import functools
from typing import Any

import tensorflow as tf

from rnnzoo.architectures.signature import Signature
from rnnzoo.decoding import DecodingOptions, make_keys
from rnnzoo.decoding.options import BEAM_OPTIONS, check_limit, graph_inputs
from rnnzoo.decoding.stops import encode_stops, truncate_at_stop
from rnnzoo.tokens import check_in_graph

# Maximum number of symbols that an export writes, over all hypotheses.
LONGEST = 10_000
TEXT = ((None,), "string")


def language_signatures(model: Any) -> dict[str, Signature]:
    """Returns the signatures of generating, searching, scoring and streaming."""
    texts = model.sample_texts()

    def score(text: list[str]) -> dict:
        figures = model.score(text)
        return {name: [row[name] for row in figures] for name in figures[0]}

    return {
        "generate": _generate_signature(model, texts),
        "search": _search_signature(model, texts),
        "score": Signature(
            graph=model.score_graph,
            inputs={"text": TEXT},
            answers=score,
            examples=[{"text": texts[:2]}, {"text": texts}],
        ),
        "stream": model.stream_signature(
            model.read, model.recurrence.get_initial_state(1)
        ),
        **_write_signatures(model, texts),
    }


def _generate_signature(model: Any, texts: list[str]) -> Signature:
    def graph(text: Any, max_length: Any, **options: Any) -> dict:
        max_length = check_limit("max_length", max_length, 0, LONGEST)
        complete = DecodingOptions(max_length=max_length, **options)
        return model.generate_graph(text, complete)

    def generate(text: list[str], **options: Any) -> dict:
        return {"text": model.generate(text, **options)}

    first = dataclasses.asdict(DecodingOptions(max_length=20, seed=1))
    first = {name: first[name] for name in first if name not in BEAM_OPTIONS}
    stop = next((s for s in model.tokens.vocabulary if s.strip()), "")
    others = [
        {"temperature": 0.0, "repetition_penalty": 1.5},
        {"top_k": 3, "top_p": 0.9, "seed": -7, "stop": stop},
        {"top_p": -1.0},
        {"max_length": 0},
    ]
    return Signature(
        graph=graph,
        inputs={"text": TEXT, **graph_inputs(*first)},
        answers=generate,
        examples=[
            {"text": texts[:2], **first},
            *({"text": texts, **first, **other} for other in others),
        ],
    )


def _write_signatures(model: Any, texts: list[str]) -> dict[str, Signature]:
    """Returns `begin`, which reads prompts, and `write`, which continues in chunks.

    After any number of calls of `write`, `text` is what `generate` returns with the
    same seed and as many tokens in all.
    """
    spec = model.writer.state_spec
    parts = {
        f"{name}_{number}" if name == "state" else name: (tuple(one.shape), one.dtype)
        for name, part in spec._asdict().items()
        for number, one in enumerate(tf.nest.flatten(part))
    }
    parts = {name: (shape, dtype.name) for name, (shape, dtype) in parts.items()}

    def to_named(state: Any, written: Any) -> dict:
        tensors = tf.nest.flatten(state)
        return {"written": written, **dict(zip(parts, tensors, strict=True))}

    @tf.function(autograph=False)
    def begin(text: Any, seed: Any) -> dict:
        state = model.start(make_keys(text, seed))
        _, state = model.read_tokens(state, model.encode_graph(text))
        return to_named(state, tf.zeros((tf.size(text), 0), tf.int32))

    @tf.function(autograph=False)
    def write(written: Any, max_length: Any, **given: Any) -> dict:
        state = tf.nest.pack_sequence_as(spec, [given.pop(name) for name in parts])
        max_length = check_limit("max_length", max_length, 0, LONGEST)
        options = DecodingOptions(max_length=max_length, **given)
        stops = encode_stops(model.tokens, options.stop)
        tokens, state = model.sample_tokens(state, options, stops)
        written = tf.concat([written, tokens], axis=1)
        text = truncate_at_stop(model.tokens.format(written), stops)
        return {"text": text, **to_named(state, written)}

    def answer(function: Any, inputs: dict, **given: Any) -> dict:
        tensors = {n: tf.constant(given[n], inputs[n][1]) for n in inputs}
        outputs = function(**tensors)
        return {
            name: [text.decode() for text in tensor.numpy()]
            if tensor.dtype == tf.string
            else tensor.numpy()
            for name, tensor in outputs.items()
        }

    options = dataclasses.asdict(DecodingOptions(max_length=20))
    named = [n for n in options if n not in (*BEAM_OPTIONS, "seed")]
    first = {"text": TEXT, **graph_inputs("seed")}
    more = {"written": ((None, None), "int32"), **graph_inputs(*named), **parts}
    begun = answer(begin, first, text=texts[:2], seed=1)
    return {
        "begin": Signature(
            graph=begin,
            inputs=first,
            answers=functools.partial(answer, begin, first),
            examples=[{"text": texts[:2], "seed": 1}],
        ),
        "write": Signature(
            graph=write,
            inputs=more,
            answers=functools.partial(answer, write, more),
            examples=[{**begun, **{name: options[name] for name in named}}],
        ),
    }


def _search_signature(model: Any, texts: list[str]) -> Signature:
    def graph(text: Any, max_length: Any, beam_width: Any) -> dict:
        # Divided, since a product of large numbers may overflow.
        is_right = (0 <= max_length) & (1 <= beam_width)
        is_right &= max_length <= LONGEST // tf.maximum(beam_width, 1)
        message = (
            f"max_length times beam_width must be at most {LONGEST}, neither less than "
            "0, and beam_width at least 1."
        )
        options = DecodingOptions(
            seed=0,  # which a beam ignores
            max_length=check_in_graph(max_length, is_right, message),
            beam_width=check_in_graph(beam_width, is_right, message),
        )
        return model.generate_graph(text, options, is_beam=True)

    def search(text: list[str], max_length: int, beam_width: int) -> dict:
        found = model.generate(
            text, max_length=max_length, beam_width=beam_width, n_best=beam_width
        )
        answers, scores = zip(*(row[0] for row in found), strict=True)
        return {"text": list(answers), "score": list(scores)}

    return Signature(
        graph=graph,
        inputs={"text": TEXT, **graph_inputs("max_length", "beam_width")},
        answers=search,
        examples=[{"text": texts[:2], "max_length": 10, "beam_width": 4}],
    )
