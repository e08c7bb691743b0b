/* Does the model answer here as it did where it was made? Exit code 0 when it does, 1 when it does not. */
#include "classifier.h"
#include "golden.h"

#include <math.h>
#include <stdio.h>

static int best(const float *probabilities) {
  int found = 0;
  for (int k = 1; k < MODEL_CLASSES; k += 1) found = probabilities[k] > probabilities[found] ? k : found;
  return found;
}

int main(int count, char **arguments) {
  static float probabilities[MODEL_CLASSES];
  float gap = 0.0f;
  int same = 1, within = 1;
  Classifier *classifier = classifier_open(count > 1 ? arguments[1] : MODEL_FILE);
  if (classifier == NULL) return 1;
  for (int image = 0; image < GOLDEN_IMAGES; image += 1) {
    const float *expected = GOLDEN_PROBABILITIES + image * MODEL_CLASSES;
    if (classifier_run(classifier, GOLDEN_PIXELS + image * MODEL_BYTES, probabilities)) return 1;
    for (int k = 0; k < MODEL_CLASSES; k += 1) {
      const float difference = fabsf(probabilities[k] - expected[k]);
      gap = fmaxf(gap, difference);
      within = within && difference <= GOLDEN_TOLERANCE; /* not so for NaN */
    }
    same = same && best(probabilities) == best(expected);
  }
  classifier_close(classifier);
  printf("%s: %d golden images, %s labels, largest probability gap %.1e (allowed %g)\n",
         same && within ? "passed" : "FAILED", GOLDEN_IMAGES, same ? "the same" : "other", gap, GOLDEN_TOLERANCE);
  return same && within ? 0 : 1;
}
