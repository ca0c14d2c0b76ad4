"""What the recipes for machines of characters share."""

# Options that are arguments of the model.
SETTINGS = (
    "attention",
    "reverse_source",
    "double_source",
    "embedding_dim",
    "units",
    "num_layers",
    "cell",
    "dropout",
)
