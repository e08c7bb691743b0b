// Does the model answer here as it did where it was made? Exit code 0 when it does, 1 when it does not.
#include "classifier.hpp"
#include "golden.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

// What is compared: logarithms, as probabilities near one hide what happened to the rest; NaN stays NaN.
static double compared(float probability) {
  if (!GOLDEN_LOGARITHMS) return probability;
  return std::log(probability < 1e-30f ? 1e-30f : probability);
}

int main(int count, char **arguments) try {
  Classifier classifier(count > 1 ? arguments[1] : MODEL_FILE);
  double largest = 0, squares = 0;
  bool same = true, within = true;
  for (int image = 0; image < GOLDEN_IMAGES; image += 1) {
    const float *expected = GOLDEN_PROBABILITIES + image * MODEL_CLASSES;
    const Probabilities found = classifier(GOLDEN_PIXELS + image * MODEL_BYTES);
    for (int k = 0; k < MODEL_CLASSES; k += 1) {
      const double gap = std::abs(compared(found[k]) - compared(expected[k]));
      largest = std::max(largest, gap);
      squares += gap * gap;
      within = within && gap <= GOLDEN_TOLERANCE;  // not so for NaN
    }
    // Another label counts where the card has the two further apart than is allowed.
    const auto wanted = std::max_element(expected, expected + MODEL_CLASSES) - expected;
    const auto best = std::max_element(found.begin(), found.end()) - found.begin();
    const double apart = compared(expected[wanted]) - compared(expected[best]);
    if (wanted != best && (!GOLDEN_LOGARITHMS || apart > GOLDEN_TOLERANCE)) same = false;
  }
  const double mean = std::sqrt(squares / (GOLDEN_IMAGES * MODEL_CLASSES));
  within = within && mean <= GOLDEN_RMS_TOLERANCE;
  std::printf("%s: %d golden images, %s labels, largest %s gap %.1e (allowed %g), root mean square %.1e (allowed %g)\n",
              same && within ? "passed" : "FAILED", GOLDEN_IMAGES, same ? "the same" : "other",
              GOLDEN_LOGARITHMS ? "log-probability" : "probability", largest, GOLDEN_TOLERANCE, mean,
              GOLDEN_RMS_TOLERANCE);
  return same && within ? 0 : 1;
} catch (const std::exception &error) {
  std::fprintf(stderr, "FAILED: %s\n", error.what());
  return 1;
}
