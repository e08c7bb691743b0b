/* The model: raw pixels in, probabilities out. No preprocessing, it is inside the model. */
#pragma once

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct Classifier Classifier;

/* Open a model file; NULL when it cannot be opened, and the reason is on standard error. */
Classifier *classifier_open(const char *path);

/* Classify MODEL_BYTES pixels 0..255, rows from the top left, colors together; 0 when it worked. */
int classifier_run(Classifier *classifier, const unsigned char *pixels, float probabilities[MODEL_CLASSES]);

void classifier_close(Classifier *classifier);

#ifdef __cplusplus
}
#endif
