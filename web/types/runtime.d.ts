// Both packages of ONNX Runtime have the interface of onnxruntime-common; their files come from a build, not from here.
declare module "*/ort.wasm.bundle.min.mjs" {
  export * from "onnxruntime-common";
}
declare module "onnxruntime-node" {
  export * from "onnxruntime-common";
}
