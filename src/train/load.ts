import { decodeOnnx } from '../ir/decode.js'
import { FormatError, type Tensor } from '../ir/index.js'
import type { Layer } from '../nn/layer.js'
import * as layers from '../nn/layers/index.js'
import { input, network, type SymbolicTensor } from '../nn/network.js'
import { type CompileOptions, optimizerFromConfig } from './config.js'
import { Model } from './model.js'
import { METADATA, type SavedModel } from './save.js'

export interface LoadOptions {
  /** Factories of layers of your own, by type. */
  layers?: Readonly<Record<string, (config: Record<string, unknown>) => Layer>>
}

type Factory = (config: Record<string, unknown>) => Layer

/**
 * A model saved by `model.save`, from its path or bytes: architecture, weights, optimizer state and counters, ready to
 * go on training.
 * @throws FormatError if the file is not ONNX or was not written by `save`
 */
export async function loadModel(file: string | Uint8Array, options: LoadOptions = {}): Promise<Model> {
  const bytes = typeof file === 'string' ? await (await import('node:fs/promises')).readFile(file) : file
  const where = typeof file === 'string' ? file : 'model'
  const onnx = decodeOnnx(bytes)
  const text = onnx.metadata[METADATA]
  if (text === undefined)
    throw new FormatError({
      code: 'not-an-anneal-model',
      where,
      expected: `metadata '${METADATA}'`,
      received: onnx.producer === '' ? 'an ONNX file without it' : `an ONNX file by ${onnx.producer}`,
      hint: 'for ONNX files of other makers use importOnnx',
    })
  const saved = parseSaved(text, where)
  const factories: Record<string, Factory> = { ...options.layers }
  // Layer factories check the config they are given, whatever its type says.
  for (const factory of Object.values(layers))
    if ('type' in factory) factories[factory.type] ??= factory as unknown as Factory
  const made = new Map<string, Layer>()
  const inputs = saved.inputs.map(i =>
    input({ name: i.name, dtype: i.dtype, shape: i.shape.slice(1) as readonly number[] }),
  )
  const results: SymbolicTensor[] = []
  for (const call of saved.calls) {
    const factory = factories[call.type]
    if (factory === undefined)
      throw new FormatError({
        code: 'unknown-layer',
        where: `${where}: ${call.name}`,
        expected: 'a layer of anneal, or one given in options.layers',
        received: call.type,
      })
    const layer = made.get(call.name) ?? factory({ ...withoutNulls(call.config), name: call.name })
    made.set(call.name, layer)
    results.push(layer.apply(call.inputs.map(from => (from < 0 ? inputs[-1 - from]! : results[from]!))))
  }
  const outputs = saved.outputs.map(from => (from < 0 ? inputs[-1 - from]! : results[from]!))
  const model = new Model(network(inputs, outputs, saved.name), { name: saved.name, seed: saved.seed })
  const tensors: Record<string, Tensor> = {}
  for (const weight of model.network.weights) {
    const t = onnx.graph.initializers.get(weight.path)
    if (t === undefined)
      throw new FormatError({ code: 'missing-weight', where, expected: `initializer ${weight.path}`, received: 'none' })
    tensors[weight.path] = t
  }
  model.setWeights(tensors)
  model.step = saved.step
  model.epoch = saved.epoch
  if (saved.compile !== null) {
    const { optimizer, ...rest } = saved.compile as { optimizer: { name: string; config: Record<string, unknown> } }
    const restored = optimizerFromConfig(optimizer.name, optimizer.config)
    if (restored !== undefined) {
      model.compile({ ...(rest as unknown as CompileOptions), optimizer: restored }) // resolveCompile checks it
      model.restore(Object.fromEntries(onnx.training))
    }
  }
  return model
}

const withoutNulls = (config: unknown): Record<string, unknown> =>
  Object.fromEntries(Object.entries(config as Record<string, unknown>).filter(([, value]) => value !== null))

function parseSaved(text: string, where: string): SavedModel {
  try {
    const saved = JSON.parse(text) as SavedModel
    if (saved.format === 1 && Array.isArray(saved.calls) && Array.isArray(saved.inputs) && Array.isArray(saved.outputs))
      return saved
  } catch {
    // falls through to the error below
  }
  throw new FormatError({
    code: 'bad-metadata',
    where,
    expected: `a model description (format 1) in '${METADATA}'`,
    received: text.slice(0, 60),
  })
}
