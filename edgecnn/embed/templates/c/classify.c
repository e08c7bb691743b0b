/* Classify binary PGM (gray) or PPM (RGB) files that have the model's size: classify MODEL.onnx PICTURE... */
#include "classifier.h"

#include <stdio.h>

#define KIND (MODEL_CHANNELS == 1 ? '5' : '6')

static int read_picture(const char *path, unsigned char pixels[MODEL_BYTES]) {
  FILE *file = fopen(path, "rb");
  char kind = 0;
  int width = 0, height = 0, whole = 0, good = 0;
  if (file != NULL) {
    good = fscanf(file, "P%c %d %d %d", &kind, &width, &height, &whole) == 4 && kind == KIND && whole == 255 &&
           width == MODEL_WIDTH && height == MODEL_HEIGHT && fgetc(file) != EOF &&
           fread(pixels, 1, MODEL_BYTES, file) == MODEL_BYTES;
    fclose(file);
  }
  if (!good) {
    fprintf(stderr, "%s: expected a binary %s of %dx%d, 0..255, without comments\n", path,
            MODEL_CHANNELS == 1 ? "PGM" : "PPM", MODEL_WIDTH, MODEL_HEIGHT);
  }
  return !good;
}

int main(int count, char **arguments) {
  static unsigned char pixels[MODEL_BYTES];
  static float probabilities[MODEL_CLASSES];
  int bad = 0;
  if (count < 3) {
    fprintf(stderr, "usage: classify MODEL.onnx PICTURE...\n");
    return 2;
  }
  Classifier *classifier = classifier_open(arguments[1]);
  if (classifier == NULL) return 1;
  for (int picture = 2; picture < count && !bad; picture += 1) {
    int best = 0;
    bad = read_picture(arguments[picture], pixels) || classifier_run(classifier, pixels, probabilities);
    for (int k = 1; k < MODEL_CLASSES; k += 1) best = probabilities[k] > probabilities[best] ? k : best;
    if (!bad) printf("%s: %s  %.1f%%\n", arguments[picture], MODEL_LABELS[best], 100.0 * probabilities[best]);
  }
  classifier_close(classifier);
  return bad;
}
