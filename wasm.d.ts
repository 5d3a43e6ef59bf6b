// WebAssembly as a module of the script: how Workers take it.
declare module '*.wasm' {
  const module: WebAssembly.Module
  export default module
}
