"""The verbs of the `rnnzoo` command, their arguments, and what runs them."""

from rnnzoo.command import answering, comparing, measuring, showing, verbs

FLAG = {"action": "store_true"}
CLASS, COLUMN, FILE, FOLDER = (
    {"metavar": name} for name in ("CLASS", "COLUMN", "FILE", "FOLDER")
)
FORCE = ("--force", "replace files that are there", FLAG)
READING = [
    ("--encoding", "character encoding of the file", {"default": "utf-8"}),
    (
        "--separator",
        "of columns: a character, or semicolon, tab, pipe or comma; default: that of "
        "the suffix",
    ),
    ("--skip-bad-rows", "report unusable rows and skip them", FLAG),
]
# Of files of annotated sentences, which taggers are measured on.
SENTENCES = [
    ("--column", "of a tagger: column of the tags, a number from 1 or a name", COLUMN),
    ("--word-column", "of a tagger: column of the words", COLUMN),
    ("--tags", "of a tagger: a parallel file of tags", FILE),
    ("--intents", "of a tagger: a parallel file of intents, or a key in jsonl", FILE),
    ("--scheme", "of a tagger: plain, iob1, iob2 or iobes; default: as it is found"),
]
MODEL = [
    ("model", "a model or weights of `rnnzoo list`, or a .keras file"),
    ("--weights", "listed weights or a .keras file; default: the model's own"),
]
# Verbs: what they do, their help, and their arguments with help and details.
VERBS = {
    "list": (
        showing.run_list,
        "list models, weights and recipes",
        [
            (
                "pattern",
                "names, such as '*language*'; or cells and descriptions, as '*gru*'",
                {"nargs": "?", "default": "*"},
            ),
            ("--task", "what they are for, such as text-classification"),
            ("--licence --license", "of weights, such as Apache-2.0 or 'CC*'"),
        ],
    ),
    "describe": (
        showing.run_describe,
        "describe a model, weights, a recipe or a .keras file",
        [("name", "a name of `rnnzoo list`, or a .keras file")],
    ),
    "answer": (
        answering.run_answer,
        "answer raw input, one answer per line",
        [
            *MODEL,
            ("inputs", "default: lines of --file or of standard input", {"nargs": "*"}),
            ("--file", "a text file with one input per line", FILE),
            (
                "--data",
                "a table, of any size: a .csv, .tsv, .jsonl or .txt file",
                FILE,
            ),
            (
                "--to",
                "write the rows of the table and their answers to a .csv, .tsv, .jsonl "
                "or .txt file; default: print answers",
                FILE,
            ),
            ("--text", "column of the texts; default: text, or the only one", COLUMN),
            ("--json", "print a line of JSON for each input", FLAG),
            ("--probabilities", "add the probability of each class", FLAG),
            ("--prefix", "what the names of added columns begin with"),
            *READING,
            FORCE,
        ],
    ),
    "explain": (
        measuring.run_explain,
        "show which words led to a classifier's answer",
        [
            *MODEL,
            ("text", "one text"),
            ("--method", "occlusion or gradient", {"default": "occlusion"}),
            ("--target-class --of", "default: the class answered", CLASS),
            ("--html", "also write an HTML page", FILE),
            FORCE,
        ],
    ),
    "evaluate": (
        measuring.run_evaluate,
        "measure a model as its recipe does, or on your own data",
        [
            *MODEL,
            (
                "--data",
                "labelled examples to measure a classifier on: a .csv, .tsv, .jsonl or "
                ".txt file, or a folder per label",
            ),
            ("--text", "column of the texts", {"default": "text", **COLUMN}),
            ("--label", "column of the labels", {"default": "label", **COLUMN}),
            *SENTENCES,
            *READING,
            (
                "--plots",
                "with --data, folder for confusion.png and calibration.png, which get "
                "a number if they are there already",
                {"default": ".", **FOLDER},
            ),
            FORCE,
            ("--recipe", "default: the recipe that trained the weights"),
            ("--json", "print the figures as JSON", FLAG),
        ],
    ),
    "compare": (
        comparing.run_compare,
        "compare run folders: settings, figures and curves",
        [
            ("runs", "two or more run folders", {"nargs": "+", "metavar": "RUN"}),
            (
                "--plot",
                "picture of the curves; default: compare.png, with a number if it is "
                "there already",
                FILE,
            ),
            ("--json", "print settings and figures as JSON", FLAG),
            FORCE,
        ],
    ),
    "export": (
        verbs.run_export,
        "write a folder that can be served without rnnzoo",
        [
            *MODEL,
            ("--to", "the folder", {"required": True, **FOLDER}),
            (
                "--format",
                "savedmodel (raw text in, answers out), onnx or litert (tokens in and "
                "out)",
                {"default": "savedmodel"},
            ),
            (
                "--precision",
                "precision of the stored weights: float32, or for onnx and litert "
                "float16 or int8",
                {"default": "float32"},
            ),
            (
                "--version",
                "number of the folder in FOLDER; servers use the highest",
                {"type": int, "default": 1},
            ),
            ("--overwrite --force", "replace an existing version", FLAG),
            ("--examples", "your own inputs, to be shown in requests.json", FILE),
            ("--text", "of a table of examples, the column of the texts"),
        ],
    ),
    "demo": (
        verbs.run_demo,
        "show a page with models in the browser",
        [
            ("--port", "of the page; 0 for a free one", {"type": int, "default": 8000}),
            ("--to", "write it to a new folder for any static host instead", FOLDER),
        ],
    ),
    "prepare": (
        verbs.run_prepare,
        "prepare a public data set; without a name, list them",
        [
            ("name", "a data set; default: list them", {"nargs": "?"}),
            (
                "--data-dir",
                "folder of all data sets; default: TFDS_DATA_DIR or "
                "~/tensorflow_datasets",
            ),
            (
                "--manual-dir",
                "folder with the original files, for machines without a network; "
                "default: downloads/manual in the folder of all data sets",
            ),
        ],
    ),
    "train": (verbs.run_train, "train a preset recipe; again to resume", []),
}

# What `train` takes beside the options of the recipe.
RUN = [
    ("--run", "folder of the run; the same folder resumes"),
    (
        "--devices",
        "auto, cpu, gpu, tpu, multi_worker (the machines of TF_CONFIG), or a number of "
        "GPUs or virtual CPU devices",
        {"default": "auto"},
    ),
    (
        "--workers",
        "processes on this machine that train together, as several machines do",
        {"default": 1, "type": int},
    ),
    ("--new-data", "resume with other data of the same classes and vocabulary", FLAG),
]
