// Classify binary PGM (gray) or PPM (RGB) files that have the model's size: classify MODEL.onnx PICTURE...
#include "classifier.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <vector>

static std::vector<unsigned char> read_picture(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::string kind;
  int width = 0, height = 0, whole = 0;
  file >> kind >> width >> height >> whole;
  file.get();
  std::vector<unsigned char> pixels(MODEL_BYTES);
  file.read(reinterpret_cast<char *>(pixels.data()), MODEL_BYTES);
  if (!file || kind != (MODEL_CHANNELS == 1 ? "P5" : "P6") || width != MODEL_WIDTH || height != MODEL_HEIGHT ||
      whole != 255) {
    throw std::runtime_error(path + ": expected a binary " + (MODEL_CHANNELS == 1 ? "PGM" : "PPM") + " of " +
                             std::to_string(MODEL_WIDTH) + "x" + std::to_string(MODEL_HEIGHT) +
                             ", 0..255, without comments");
  }
  return pixels;
}

int main(int count, char **arguments) {
  if (count < 3) {
    std::cerr << "usage: classify MODEL.onnx PICTURE...\n";
    return 2;
  }
  try {
    Classifier classifier(arguments[1]);
    for (int picture = 2; picture < count; picture += 1) {
      const Probabilities answer = classifier(read_picture(arguments[picture]).data());
      const auto best = std::max_element(answer.begin(), answer.end());
      std::printf("%s: %s  %.1f%%\n", arguments[picture], MODEL_LABELS[best - answer.begin()], 100.0 * *best);
    }
  } catch (const std::exception &error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
