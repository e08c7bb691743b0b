// The classifier on ONNX Runtime.
#include "classifier.hpp"

#include <onnxruntime_c_api.h>
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

namespace {

// Before the first call, or ONNX Runtime sends a record of its use away; what the user has set stays.
void keep_to_ourselves() {
#ifdef _WIN32
  if (std::getenv("ORT_DISABLE_TELEMETRY") == nullptr) _putenv_s("ORT_DISABLE_TELEMETRY", "1");
#else
  setenv("ORT_DISABLE_TELEMETRY", "1", 0);
#endif
}

const OrtApi *find_api() {
  keep_to_ourselves();
  return OrtGetApiBase()->GetApi(ORT_API_VERSION);
}

const OrtApi *api() {
  static const OrtApi *found = find_api();
  if (found == nullptr) {
    throw std::runtime_error(std::string("ONNX Runtime ") + OrtGetApiBase()->GetVersionString() +
                             " is older than its header");
  }
  return found;
}

void check(OrtStatus *status) {
  if (status == nullptr) return;
  const std::string reason = api()->GetErrorMessage(status);
  api()->ReleaseStatus(status);
  throw std::runtime_error("ONNX Runtime: " + reason);
}

std::vector<char> read(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + ": cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

// What ONNX Runtime hands out, let go of in the end; fill(out()) at most once.
template <typename T>
class Owned {
 public:
  explicit Owned(void (*release)(T *)) : release_(release) {}
  Owned(const Owned &) = delete;
  Owned &operator=(const Owned &) = delete;
  ~Owned() {
    if (value_ != nullptr) release_(value_);
  }
  T **out() { return &value_; }
  T *get() const { return value_; }

 private:
  void (*release_)(T *);
  T *value_ = nullptr;
};

}  // namespace

struct Classifier::Own {
  Owned<OrtEnv> env{api()->ReleaseEnv};
  Owned<OrtMemoryInfo> memory{api()->ReleaseMemoryInfo};
  Owned<OrtSession> session{api()->ReleaseSession};
};

Classifier::Classifier(const std::string &path) : own_(std::make_unique<Own>()) {
  const std::vector<char> model = read(path);
  Owned<OrtSessionOptions> options{api()->ReleaseSessionOptions};
  check(api()->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "classifier", own_->env.out()));
  check(api()->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, own_->memory.out()));
  check(api()->CreateSessionOptions(options.out()));
  check(api()->CreateSessionFromArray(own_->env.get(), model.data(), model.size(), options.get(), own_->session.out()));
}

Classifier::~Classifier() = default;

Probabilities Classifier::operator()(const unsigned char *pixels) {
  static const std::int64_t shape[] = {1, MODEL_HEIGHT, MODEL_WIDTH, MODEL_CHANNELS};
  static const char *const inputs[] = {"image"}, *const outputs[] = {"probabilities"};
  Owned<OrtValue> image{api()->ReleaseValue}, answer{api()->ReleaseValue};
  check(api()->CreateTensorWithDataAsOrtValue(own_->memory.get(), const_cast<unsigned char *>(pixels), MODEL_BYTES,
                                              shape, 4, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, image.out()));
  check(api()->Run(own_->session.get(), nullptr, inputs, image.out(), 1, outputs, 1, answer.out()));
  Owned<OrtTensorTypeAndShapeInfo> info{api()->ReleaseTensorTypeAndShapeInfo};
  std::size_t count = 0;
  check(api()->GetTensorTypeAndShape(answer.get(), info.out()));
  check(api()->GetTensorShapeElementCount(info.get(), &count));
  check_classes(count);
  void *values = nullptr;
  check(api()->GetTensorMutableData(answer.get(), &values));
  Probabilities probabilities;
  std::copy_n(static_cast<const float *>(values), MODEL_CLASSES, probabilities.begin());
  return probabilities;
}
