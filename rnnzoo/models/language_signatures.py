"""Ways to call an export of a language model."""

import dataclasses
from typing import Any

import tensorflow as tf

from rnnzoo.architectures.signature import Signature
from rnnzoo.decoding import DecodingOptions
from rnnzoo.decoding.options import BEAM_OPTIONS, check_limit, graph_inputs
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
