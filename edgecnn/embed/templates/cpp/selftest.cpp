// Does the model answer here as it did where it was made? Exit code 0 when it does, 1 when it does not.
#include "classifier.hpp"
#include "golden.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

int main(int count, char **arguments) try {
  Classifier classifier(count > 1 ? arguments[1] : MODEL_FILE);
  float gap = 0;
  bool same = true, within = true;
  for (int image = 0; image < GOLDEN_IMAGES; image += 1) {
    const float *expected = GOLDEN_PROBABILITIES + image * MODEL_CLASSES;
    const Probabilities found = classifier(GOLDEN_PIXELS + image * MODEL_BYTES);
    for (int k = 0; k < MODEL_CLASSES; k += 1) {
      const float difference = std::abs(found[k] - expected[k]);
      gap = std::max(gap, difference);
      within = within && difference <= GOLDEN_TOLERANCE;  // not so for NaN
    }
    same = same && std::max_element(found.begin(), found.end()) - found.begin() ==
                       std::max_element(expected, expected + MODEL_CLASSES) - expected;
  }
  std::printf("%s: %d golden images, %s labels, largest probability gap %.1e (allowed %g)\n",
              same && within ? "passed" : "FAILED", GOLDEN_IMAGES, same ? "the same" : "other", gap, GOLDEN_TOLERANCE);
  return same && within ? 0 : 1;
} catch (const std::exception &error) {
  std::fprintf(stderr, "FAILED: %s\n", error.what());
  return 1;
}
