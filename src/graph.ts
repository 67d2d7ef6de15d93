/** The plain functional core: build a graph, differentiate it, compile it, run it. */
export * from './autodiff/index.js'
export * from './ir/index.js'
export { type ImportedModel, type ImportOptions, importOnnx } from './ops/import.js'
export { bindDims } from './ops/rebuild.js'
export * from './runtime/index.js'
