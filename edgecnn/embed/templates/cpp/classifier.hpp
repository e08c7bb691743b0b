// The model: raw pixels in, probabilities out. No preprocessing, it is inside the model.
#pragma once

#include "model.h"

#include <array>
#include <memory>
#include <string>

using Probabilities = std::array<float, MODEL_CLASSES>;

class Classifier {
 public:
  // Open a model file; throws std::exception for what is none.
  explicit Classifier(const std::string &path);
  ~Classifier();

  // Classify MODEL_BYTES pixels 0..255, rows from the top left, colours together. One thread at a time.
  Probabilities operator()(const unsigned char *pixels);

 private:
  struct Own;
  std::unique_ptr<Own> own_;
};
