"""Which operators a file needs, and whether every runtime of the format has them."""

from typing import Any


def list_onnx_operators(graph: Any) -> list[str]:
    """Returns the operators of an ONNX graph; of foreign domains with their name."""
    found = set()
    for node in graph.node:
        own = node.domain in ("", "ai.onnx")
        found.add(node.op_type if own else f"{node.domain}.{node.op_type}")
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                found |= set(list_onnx_operators(inner))
    return sorted(found)


def list_litert_operators(content: bytes) -> list[str]:
    """Returns the operators of a LiteRT file; those that are not built in as `a.B`.

    Operators of TensorFlow (`tensorflow.B`) need its select operators, others
    (`custom.B`) code of their own.
    """
    from tensorflow.lite.python import schema_py_generated

    schema: Any = schema_py_generated
    file = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    names = {number: name for name, number in vars(schema.BuiltinOperator).items()}
    found = set()
    for code in file.operatorCodes or ():
        custom = (code.customCode or b"").decode()
        if custom.startswith("Flex"):
            found.add(f"tensorflow.{custom.removeprefix('Flex')}")
        else:
            found.add(f"custom.{custom}" if custom else names[code.builtinCode])
    return sorted(found)


def describe_operators(operators: dict[str, list[str]]) -> dict:
    """Returns what `model.json` says of the operators of a folder's files.

    Example:
        >>> from rnnzoo.exporting.operators import describe_operators
        >>> describe_operators({"tokens": ["GRU", "MatMul"]})["built_in_only"]
        True
    """
    foreign = [name for names in operators.values() for name in names if "." in name]
    return {"operators": operators, "built_in_only": not foreign}
