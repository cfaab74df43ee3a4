"""Study table: one row is one judgement. Columns, in any order; others are ignored:

rater     who judged
image     which input image was shown (or `item`): one name under all methods
method    which method translated it
rating    five-step study: a whole number from 1 (worst) to 5 (best)
choice    real-or-fake study (two-alternative forced choice, 2AFC): what the
          rater took the translated image for; real = fooled, fake = not fooled
practice  optional: 1 marks a trial before the scored ones; it is left out
catch     optional: 1 marks a catch trial, whose right answer is known; it
          decides whether the rater is kept, and counts in no number
expected  optional: right answer of a catch trial; default: fake, or a rating
          of 1

A table has `rating` or `choice`; an empty one is a trial without an answer, and
is left out. A catch trial is failed with no answer, the other choice, or a
rating more than one step from the right one. Commas, semicolons or tabs may
separate the columns. `side` and `order` may stay: they tell how it was shown.
"""

RATER, IMAGE, METHOD = "rater", "image", "method"
RATING, CHOICE = "rating", "choice"
PRACTICE, CATCH, EXPECTED = "practice", "catch", "expected"

ALIASES = {"item": IMAGE}
