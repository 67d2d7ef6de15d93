import { decodeFunction, decodeGraph, decodeOpsets } from './decode-graph.js'
import type { ModelDescription } from './decode-model.js'
import { decodeTensor } from './decode-tensor.js'
import { parseModel } from './decode-wire.js'
import { FormatError } from './errors.js'
import type { ExternalFiles } from './external.js'
import type { Tensor } from './tensor.js'

export interface DecodeOptions {
  /** Where tensors outside the model are found: `folderFiles(folder)` in Node, `memoryFiles({ … })` anywhere. */
  files?: ExternalFiles | undefined
}

/**
 * What an ONNX file says, as plain data. Nothing is trusted and nothing inferred: lengths, extents, names, references
 * and paths are checked, tensors are copied out of the bytes. `importOnnx` of `anneal/graph` makes a typed graph of it.
 *
 * @throws FormatError with the place in the file where it is not an ONNX model that anneal can read
 */
export function decodeOnnx(bytes: Uint8Array, options: DecodeOptions = {}): ModelDescription {
  const model = parseModel(bytes)
  if (model.graph === undefined)
    throw new FormatError({ code: 'missing-graph', where: 'model', expected: 'a graph', received: 'none' })
  const opsets = decodeOpsets(model.opsetImport, 'model')
  const functions = model.functions.map(proto => decodeFunction(proto, options.files))
  const names = new Set<string>()
  for (const { domain, op, overload } of functions) unique(names, `${domain}.${op}:${overload}`, 'functions')
  const graph = decodeGraph(model.graph, { opsets, files: options.files, outer: () => false, where: '' })
  const keys = new Set<string>()
  for (const { key } of model.metadataProps) unique(keys, key, 'metadata_props')
  const training = new Map<string, Tensor>()
  for (const info of model.trainingInfo)
    for (const proto of info.algorithm?.initializer ?? []) {
      const where = `training_info/${proto.name}`
      if (training.has(proto.name)) duplicate(proto.name, where)
      training.set(proto.name, decodeTensor(proto, where, options.files))
    }
  return {
    irVersion: Number(model.irVersion),
    producer: `${model.producerName} ${model.producerVersion}`.trim(),
    opsets,
    graph,
    functions,
    metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])),
    training,
  }
}

function unique(seen: Set<string>, name: string, where: string): void {
  if (seen.has(name)) duplicate(name, where)
  seen.add(name)
}

function duplicate(name: string, where: string): never {
  throw new FormatError({ code: 'duplicate-name', where, expected: 'every name once', received: name })
}
