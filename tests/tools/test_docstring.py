from tastemaker.tools.docstring import Docstring, read_docstring


def test_reads_the_first_paragraph_and_the_arguments() -> None:
    text = """Find items that
match.

More that a model need not know.

Args:
    query: what to look for,
        on two lines
    n (int, optional): how many: at most 50
    *rest: all the others

Returns:
    items: not an argument
"""
    assert read_docstring(text) == Docstring(
        "Find items that match.",
        {
            "query": "what to look for, on two lines",
            "n": "how many: at most 50",
            "rest": "all the others",
        },
    )


def test_a_continuation_that_looks_like_an_entry_stays_with_its_argument() -> None:
    text = "Sum.\n\nArgs:\n    a: one of\n        b: not an entry\n    c: third"
    assert read_docstring(text).arguments == {"a": "one of b: not an entry", "c": "third"}


def test_no_docstring_and_no_section() -> None:
    assert read_docstring("") == Docstring()
    assert read_docstring("Only this.") == Docstring("Only this.")
    assert read_docstring("Args:\n    a: first") == Docstring("", {"a": "first"})
