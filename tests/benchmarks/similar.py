"""How often `similar` shows a planted copy among its first pairs, and how long it takes for a class of 300.

    python tests/benchmarks/similar.py [--classes 200] [--seed 0] [--out FILE.md] [--results FILE.json]

Classes are made of the labelled solutions in tests/answers and of the answers in tests/helpers/inline_answers.py; one student
copies from another one and disguises it. Nothing is compared with a peer: Dolos, JPlag and compare50 give percentages.
"""

# isort: off
import kit  # noqa: F401 (first: the other imports need it)

# isort: on
import argparse
import functools
import math
import random
import sys
import time

from benchmark_report import Report, add_options, machine
from helpers.copies import FIRST_THREE, disguised, record, reworded, sources
from helpers.inline_answers import ANSWERS
from helpers.solutions import OF_FILE

from cs231n.instructor.similarity.given import given
from cs231n.instructor.similarity.page import page
from cs231n.instructor.similarity.pairs import unusual
from cs231n.instructor.similarity.pieces import pieces_of_code
from cs231n.instructor.similarity.signs import ALIKE, Class
from cs231n.instructor.similarity.submissions import Submission

SIZE, FORMS = 89, (77, 79, 76)  # of the real class: how many solutions, and how many distinct ones of each exercise
SHORT = 5  # the forms that several students have are among so many of the shortest
FIRST = 10  # pairs on which an instructor surely looks
LARGE = 300
ASKED = {3: 0.93, 1: 0.35}


def main(arguments=None):
    """Measure, print the tables and write them. Returns 0, or 2 if something is lacking, which is told."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--classes", type=int, default=200, metavar="N", help="of each kind (default: 200)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of what is drawn (default: 0)")
    add_options(parser)
    options = parser.parse_args(arguments)
    try:
        report = Report("similar", options.out, options.results)
    except (ValueError, OSError) as error:
        print(f"similar.py: {error}", file=sys.stderr)
        return 2
    lines = [f"{machine('numpy')}. {options.classes} classes a row, seed {options.seed}.", "", *table_head()]
    rows = []
    for name, make in KINDS.items():
        for copied in (3, 1):
            places = [place_of_copy(make, copied, random.Random(f"{options.seed} {k}")) for k in range(options.classes)]
            lines.append(table_row(name, copied, places))
            rows.append({"row": f"similar: {name}, {copied} copied", "places": places})
    honest, copies = answers_alike(random.Random(options.seed))
    seconds = seconds_of_a_large_class(random.Random(options.seed))
    lines += ["", *on_answers(honest, copies), "", on_time(seconds)]
    rows += [{"row": "similar: seconds", "ours_s": [seconds]}, {"row": "similar: answers", "honest": honest, "copies": copies}]
    report.write("\n".join(lines), rows)
    return 0


# Classes


@functools.cache
def forms(function, verdicts):
    """Return solutions of which no two are the same once names are blanked."""
    found = {}
    for source in sources(function, verdicts):
        pieces = pieces_of_code(given().code(function, source).tokens)
        found.setdefault(frozenset(one.what for one in pieces), source)
    return list(found.values())


def distinct_class(rng):
    """Return {function: source} of each student of a class in which no two have the same right solution."""
    pools = [forms(function, ("right",)) for function in FIRST_THREE]
    size = min(map(len, pools))
    columns = [rng.sample(pool, size) for pool in pools]
    return [dict(zip(FIRST_THREE, row, strict=True)) for row in zip(*columns, strict=True)]


def real_class(rng):
    """Return the same of a class as large, and with as many forms, as the real one. A form that comes again has other names."""
    columns = []
    for function, number in zip(FIRST_THREE, FORMS, strict=True):
        chosen = rng.sample(forms(function, ("right", "wrong")), number)
        short = sorted(chosen, key=len)[:SHORT]
        again = [disguised(rng.choice(short), function, rng) for _ in range(SIZE - number)]
        columns.append(rng.sample(chosen + again, SIZE))
    return [dict(zip(FIRST_THREE, row, strict=True)) for row in zip(*columns, strict=True)]


KINDS = {
    "right solutions, all of them distinct": distinct_class,
    f"{SIZE} solutions, {', '.join(map(str, FORMS))} distinct, right and wrong": real_class,
}


def place_of_copy(make, copied, rng):
    """Return at which place `similar` shows a copy of so many functions, from 1; None if it is not among all that it shows."""
    students = make(rng)
    a, b = sorted(rng.sample(range(len(students)), 2))
    thief, other = rng.sample((a, b), 2)
    for function in rng.sample(FIRST_THREE, copied):
        students[thief][function] = disguised(students[other][function], function, rng)
    found = Class([Submission(record(i, own)) for i, own in enumerate(students)], given())
    pairs = unusual(found, found.signs(), 2 * FIRST)
    return next((place for place, pair in enumerate(pairs, 1) if (a, b) in ((pair.a, pair.b), *pair.others)), None)


# Answers


def answers_alike(rng):
    """Return ([how much independent answers share], [how much copies with one word in eight changed share])."""
    honest, copies = [], []
    for question, texts in ANSWERS.items():
        for copied in range(len(texts)):
            own = [*texts, reworded(texts[copied], rng)]
            share = shares(own, question)
            copies.append(share[copied][len(texts)])
            if not copied:
                honest += [share[i][j] for i in range(len(texts)) for j in range(i)]
    return honest, copies


def shares(texts, question):
    """Return, by answer and answer, which part of the shorter one's worth the two share."""
    found = Class([Submission(record(i, {}, {question: text})) for i, text in enumerate(texts)], given())
    shared = next(sign.shared for sign in found.signs() if sign.task == question)
    both, n = shared.summed(), range(len(texts))
    return [[float(both[i, j] / min(shared.own[i], shared.own[j])) for j in n] for i in n]


# Time


def seconds_of_a_large_class(rng):
    """Return the seconds from the records to the page of a class of 300 with all exercises and eight answers of 100 words."""
    words = " ".join(text for texts in ANSWERS.values() for text in texts).split()
    pools = {function: sources(function) for function in OF_FILE.values()}
    submissions = []
    for i in range(LARGE):
        own = {function: disguised(rng.choice(pool), function, rng) for function, pool in pools.items()}
        answers = {f"question-{number}": " ".join(rng.choices(words, k=100)) for number in range(1, 9)}
        submissions.append(Submission(record(i, own, answers)))
    started = time.perf_counter()
    found = Class(submissions, given())
    signs = found.signs()
    page(found, signs, unusual(found, signs, 2 * FIRST))
    return time.perf_counter() - started


# What is told


def table_head():
    return [
        f"| a class of | copied, renamed and reordered | shown first | among the first {FIRST} | 95 % interval | asked for |",
        "|---|---|---|---|---|---|",
    ]


def table_row(name, copied, places):
    first = sum(place == 1 for place in places)
    among = sum(place is not None and place <= FIRST for place in places)
    low, high = wilson(among, len(places))
    functions = f"{copied} functions" if copied > 1 else "1 function"
    return (
        f"| {name} | {functions} | {first / len(places):.0%} | **{among / len(places):.0%}** | {low:.0%} to {high:.0%} | "
        f"{ASKED[copied]:.0%} |"
    )


def wilson(hits, tries, z=1.96):
    """Return Wilson's interval for a share."""
    share = hits / tries
    middle = (share + z * z / (2 * tries)) / (1 + z * z / tries)
    half = z * math.sqrt(share * (1 - share) / tries + z * z / (4 * tries * tries)) / (1 + z * z / tries)
    return max(0.0, middle - half), min(1.0, middle + half)


def on_answers(honest, copies):
    kinds = {"independent": honest, "copied, one word in eight changed": copies}
    head = ["| answers | pairs | share: median | least to most | counted as alike |", "|---|---|---|---|---|"]
    return head + [
        f"| {name} | {len(shares)} | {spread(shares)} | {sum(one >= ALIKE for one in shares)} |" for name, shares in kinds.items()
    ]


def spread(shares):
    return f"{sorted(shares)[len(shares) // 2]:.2f} | {min(shares):.2f} to {max(shares):.2f}"


def on_time(seconds):
    return f"A class of {LARGE}, seven exercises and eight answers of 100 words each: **{seconds:.1f} s** from records to page."


if __name__ == "__main__":
    sys.exit(main())
