// The model: raw pixels in, probabilities out. No preprocessing, it is inside the model.
#pragma once

#include "model.h"

#include <array>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>

using Probabilities = std::array<float, MODEL_CLASSES>;

// See that an answer has as many values as this project has classes: any file may have been opened.
inline void check_classes(std::size_t count) {
  if (count != MODEL_CLASSES) {
    throw std::runtime_error("the model has " + std::to_string(count) + " classes, this project " +
                             std::to_string(MODEL_CLASSES) + ": it was made for another file");
  }
}

class Classifier {
 public:
  // Open a model file; throws std::exception for what is none.
  explicit Classifier(const std::string &path);
  ~Classifier();

  // Classify MODEL_BYTES pixels 0..255, rows from the top left, colors together. One thread at a time.
  Probabilities operator()(const unsigned char *pixels);

 private:
  struct Own;
  std::unique_ptr<Own> own_;
};
