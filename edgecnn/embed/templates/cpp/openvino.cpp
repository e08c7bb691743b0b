// The classifier on OpenVINO.
#include "classifier.hpp"

#include <algorithm>
#include <openvino/openvino.hpp>

struct Classifier::Own {
  ov::Core core;
  ov::InferRequest request;
};

// In float32: by default OpenVINO takes bfloat16 where the processor has it, and answers differ by more
// than the golden images allow.
Classifier::Classifier(const std::string &path) : own_(std::make_unique<Own>()) {
  auto model = own_->core.read_model(path);
  model->reshape({{"image", ov::PartialShape{1, MODEL_HEIGHT, MODEL_WIDTH, MODEL_CHANNELS}}});
  auto compiled = own_->core.compile_model(model, "CPU", ov::hint::inference_precision(ov::element::f32),
                                           ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY));
  own_->request = compiled.create_infer_request();
}

Classifier::~Classifier() = default;

Probabilities Classifier::operator()(const unsigned char *pixels) {
  auto image = own_->request.get_tensor("image");
  std::copy_n(pixels, MODEL_BYTES, image.data<unsigned char>());
  own_->request.infer();
  const ov::Tensor answer = own_->request.get_tensor("probabilities");
  check_classes(answer.get_size());
  Probabilities probabilities;
  std::copy_n(answer.data<float>(), MODEL_CLASSES, probabilities.begin());
  return probabilities;
}
