#define _POSIX_C_SOURCE 200112L /* setenv */
#include "classifier.h"

#include <onnxruntime_c_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct Classifier {
  const OrtApi *api;
  OrtEnv *env;
  OrtSession *session;
  OrtMemoryInfo *memory;
};

/* Say what went wrong and let go of it; 0 when nothing did. */
static int failed(const OrtApi *api, OrtStatus *status) {
  if (status == NULL) return 0;
  fprintf(stderr, "ONNX Runtime: %s\n", api->GetErrorMessage(status));
  api->ReleaseStatus(status);
  return 1;
}

/* Read a whole file: ONNX Runtime takes paths in wide characters on Windows, and bytes everywhere. */
static void *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  char *content = NULL;
  long length = -1;
  if (file != NULL && fseek(file, 0, SEEK_END) == 0) length = ftell(file);
  if (length > 0 && fseek(file, 0, SEEK_SET) == 0) content = malloc((size_t)length);
  if (content != NULL && fread(content, 1, (size_t)length, file) != (size_t)length) {
    free(content);
    content = NULL;
  }
  if (file != NULL) fclose(file);
  if (content == NULL) fprintf(stderr, "%s: cannot be read\n", path);
  *size = (size_t)length;
  return content;
}

/* Before the first call, or ONNX Runtime sends a record of its use away; what the user has set stays. */
static void keep_to_ourselves(void) {
#ifdef _WIN32
  if (getenv("ORT_DISABLE_TELEMETRY") == NULL) _putenv_s("ORT_DISABLE_TELEMETRY", "1");
#else
  setenv("ORT_DISABLE_TELEMETRY", "1", 0);
#endif
}

static int open_session(Classifier *own, const void *model, size_t size) {
  OrtSessionOptions *options = NULL;
  int bad = failed(own->api, own->api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "classifier", &own->env)) ||
            failed(own->api, own->api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &own->memory)) ||
            failed(own->api, own->api->CreateSessionOptions(&options)) ||
            failed(own->api, own->api->CreateSessionFromArray(own->env, model, size, options, &own->session));
  if (options != NULL) own->api->ReleaseSessionOptions(options);
  return bad;
}

Classifier *classifier_open(const char *path) {
  size_t size = 0;
  void *model = read_file(path, &size);
  keep_to_ourselves();
  Classifier *own = model == NULL ? NULL : calloc(1, sizeof *own);
  if (own != NULL) own->api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
  if (own != NULL && own->api == NULL) {
    fprintf(stderr, "ONNX Runtime %s is older than its header\n", OrtGetApiBase()->GetVersionString());
    free(own);
    own = NULL;
  }
  if (own != NULL && open_session(own, model, size)) {
    classifier_close(own);
    own = NULL;
  }
  free(model);
  return own;
}

/* See that an answer has as many values as this project has classes: any file may have been opened. */
static int has_other_size(const Classifier *own, const OrtValue *answer) {
  OrtTensorTypeAndShapeInfo *info = NULL;
  size_t count = 0;
  int bad = failed(own->api, own->api->GetTensorTypeAndShape(answer, &info)) ||
            failed(own->api, own->api->GetTensorShapeElementCount(info, &count));
  if (info != NULL) own->api->ReleaseTensorTypeAndShapeInfo(info);
  if (!bad && count != MODEL_CLASSES) {
    fprintf(stderr, "the model has %zu classes, this project %d: it was made for another file\n", count, MODEL_CLASSES);
    bad = 1;
  }
  return bad;
}

int classifier_run(Classifier *own, const unsigned char *pixels, float probabilities[MODEL_CLASSES]) {
  static const int64_t shape[] = {1, MODEL_HEIGHT, MODEL_WIDTH, MODEL_CHANNELS};
  static const char *const inputs[] = {"image"}, *const outputs[] = {"probabilities"};
  OrtValue *image = NULL, *answer = NULL;
  void *values = NULL;
  int bad =
      failed(own->api, own->api->CreateTensorWithDataAsOrtValue(own->memory, (void *)pixels, MODEL_BYTES, shape, 4,
                                                                ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, &image)) ||
      failed(own->api,
             own->api->Run(own->session, NULL, inputs, (const OrtValue *const *)&image, 1, outputs, 1, &answer)) ||
      has_other_size(own, answer) || failed(own->api, own->api->GetTensorMutableData(answer, &values));
  if (!bad) memcpy(probabilities, values, MODEL_CLASSES * sizeof *probabilities);
  if (answer != NULL) own->api->ReleaseValue(answer);
  if (image != NULL) own->api->ReleaseValue(image);
  return bad;
}

void classifier_close(Classifier *own) {
  if (own == NULL) return;
  if (own->session != NULL) own->api->ReleaseSession(own->session);
  if (own->memory != NULL) own->api->ReleaseMemoryInfo(own->memory);
  if (own->env != NULL) own->api->ReleaseEnv(own->env);
  free(own);
}
