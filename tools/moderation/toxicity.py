#!/usr/bin/env python3
"""Writes the weights of the toxicity score from the package `alt-profanity-check`.

Run once, and again when a new version of the package is wanted:

    python3 -m venv /tmp/venv
    /tmp/venv/bin/pip install alt-profanity-check==1.9.1
    /tmp/venv/bin/python tools/moderation/toxicity.py

The package holds a vectoriser (words of two letters and more, term frequency times inverse document
frequency, normalised) and five calibrated linear classifiers whose probabilities are averaged. Their
coefficients are averaged here, and one sigmoid is fitted to what the five say of lines made of the
model's own words. A word's coefficient times its rarity, and its rarity, are kept in 1/256.
"""

import random

import numpy
from profanity_check.profanity_check import model, vectorizer

from sums import ROOT, note

WEIGHTS = ROOT / "engine/core/data/rules/toxicity.tsv"
SAMPLES = ROOT / "engine/core/tests/moderation/toxicity.tsv"
SCALE = 256

HEAD = """\
# Weights of the toxicity score, made by tools/moderation/toxicity.py from alt-profanity-check 1.9.1,
# Copyright (c) 2019 Victor Zhou, (c) 2020 Menelaos Kotoglou and Dimitrios Mistriotis, MIT licence:
#
# Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
# associated documentation files (the "Software"), to deal in the Software without restriction,
# including without limitation the rights to use, copy, modify, merge, publish, distribute,
# sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
# furnished to do so, subject to the following conditions: The above copyright notice and this
# permission notice shall be included in all copies or substantial portions of the Software.
# THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
# NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
# NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES
# OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
# CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
#
# First line: bias, slope and offset of the sigmoid. Then: word, coefficient * rarity, rarity; in 1/256.
"""


def main() -> None:
    parts = [part.estimator for part in model.calibrated_classifiers_]
    coefficients = numpy.mean([part.coef_[0] for part in parts], axis=0)
    bias = float(numpy.mean([part.intercept_[0] for part in parts]))
    words = vectorizer.get_feature_names_out()
    rarity = vectorizer.idf_

    random.seed(7)
    lines = [" ".join(random.choices(list(words), k=random.randint(1, 12))) for _ in range(6000)]
    lines += [str(word) for word in words]
    vectors = vectorizer.transform(lines)
    scores = vectors @ coefficients + bias
    theirs = numpy.clip(model.predict_proba(vectors)[:, 1], 1e-4, 1 - 1e-4)
    slope, offset = fit(scores, theirs)

    with WEIGHTS.open("w", encoding="utf-8") as out:
        out.write(HEAD)
        out.write(f"=\t{bias:.5f}\t{slope:.5f}\t{offset:.5f}\n")
        for word, coefficient, rare in zip(words, coefficients, rarity):
            toxic = round(float(coefficient * rare) * SCALE)
            if word.isascii() and len(word) <= 32:
                out.write(f"{word}\t{toxic}\t{round(float(rare) * SCALE)}\n")

    samples = lines[:60] + [
        "hello how are you today",
        "you are an idiot and everybody hates you",
        "what a lovely village",
        "shut up stupid",
        "the patient was given antibiotics",
        "go away you moron moron moron",
    ]
    with SAMPLES.open("w", encoding="utf-8") as out:
        for line, probability in zip(samples, model.predict_proba(vectorizer.transform(samples))[:, 1]):
            out.write(f"{probability:.4f}\t{line}\n")
    note(WEIGHTS, SAMPLES)


def fit(scores: numpy.ndarray, wanted: numpy.ndarray) -> tuple[float, float]:
    """The sigmoid 1 / (1 + exp(slope * score + offset)) with the least squares, by Gauss and Newton."""
    slope, offset = -2.0, 0.0
    for _ in range(200):
        ours = 1 / (1 + numpy.exp(slope * scores + offset))
        steep = -ours * (1 - ours)
        jacobian = numpy.stack([steep * scores, steep], axis=1)
        step = numpy.linalg.lstsq(jacobian, wanted - ours, rcond=None)[0]
        slope, offset = slope + 0.5 * step[0], offset + 0.5 * step[1]
    return float(slope), float(offset)


if __name__ == "__main__":
    main()
