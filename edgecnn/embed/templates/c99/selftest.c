/* Does the model answer here as it did where it was made? Exit code 0 when it does, 1 when it does not. */
#include "golden.h"
#include "model.h"

#include <math.h>
#include <stdio.h>

static int best(const float *probabilities) {
  int found = 0;
  for (int k = 1; k < MODEL_CLASSES; k += 1) found = probabilities[k] > probabilities[found] ? k : found;
  return found;
}

/* What is compared: logarithms, as probabilities near one hide what happened to the rest; NaN stays NaN. */
static float compared(float probability) {
  if (!GOLDEN_LOGARITHMS) return probability;
  return logf(probability < 1e-30f ? 1e-30f : probability);
}

int main(void) {
  static float probabilities[MODEL_CLASSES];
  double largest = 0, squares = 0, mean;
  int same = 1, within = 1;
  for (int image = 0; image < GOLDEN_IMAGES; image += 1) {
    const float *expected = GOLDEN_PROBABILITIES + image * MODEL_CLASSES;
    model_run(GOLDEN_PIXELS + image * MODEL_BYTES, probabilities);
    for (int k = 0; k < MODEL_CLASSES; k += 1) {
      const double gap = fabs((double)compared(probabilities[k]) - compared(expected[k]));
      largest = fmax(largest, gap);
      squares += gap * gap;
      within = within && gap <= GOLDEN_TOLERANCE; /* not so for NaN */
    }
    /* Another label counts where the card has the two further apart than is allowed. */
    const float *wanted = expected + best(expected), *found = expected + best(probabilities);
    if (wanted != found && (!GOLDEN_LOGARITHMS || compared(*wanted) - compared(*found) > GOLDEN_TOLERANCE)) same = 0;
  }
  mean = sqrt(squares / (GOLDEN_IMAGES * MODEL_CLASSES));
  within = within && mean <= GOLDEN_RMS_TOLERANCE;
  printf("%s: %d golden images, %s labels, largest %s gap %.1e (allowed %g), root mean square %.1e (allowed %g)\n",
         same && within ? "passed" : "FAILED", GOLDEN_IMAGES, same ? "the same" : "other",
         GOLDEN_LOGARITHMS ? "log-probability" : "probability", largest, GOLDEN_TOLERANCE, mean, GOLDEN_RMS_TOLERANCE);
  return same && within ? 0 : 1;
}
