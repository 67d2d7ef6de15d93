import { decodeOnnx } from '../ir/decode.js'
import { FormatError, isAnnealError, type Tensor } from '../ir/index.js'
import type { Layer } from '../nn/layer.js'
import * as layers from '../nn/layers/index.js'
import { input, network, type SymbolicTensor } from '../nn/network.js'
import type { OptimizerConfig } from '../optim/from-config.js'
import type { CompileOptions } from './config.js'
import { Model } from './model.js'
import { readFile } from './read.js'
import { METADATA, type SavedModel, TRAINED } from './save.js'

export interface LoadOptions {
  /** Factories of layers of your own, by type. */
  layers?: Readonly<Record<string, (config: Record<string, unknown>) => Layer>>
}

type Factory = (config: Record<string, unknown>) => Layer

/**
 * A model saved by `model.save`, from its path or bytes: architecture, weights, optimizer state and counters, ready to
 * go on training.
 * @throws DataError if there is no such file, FormatError if it is not ONNX, is damaged or was not written by `save`
 */
export async function loadModel(file: string | Uint8Array, options: LoadOptions = {}): Promise<Model> {
  const bytes = typeof file === 'string' ? await readFile(file) : file
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
  try {
    return rebuild(parseSaved(text, where), onnx, where, options)
  } catch (cause) {
    if (cause instanceof FormatError) throw cause
    // Whatever else a damaged description leads to.
    throw new FormatError({
      code: 'bad-metadata',
      where,
      expected: `a model that can be built from '${METADATA}'`,
      received: isAnnealError(cause) ? cause.message : String(cause),
      cause,
    })
  }
}

function rebuild(saved: SavedModel, onnx: ReturnType<typeof decodeOnnx>, where: string, options: LoadOptions): Model {
  const factories: Record<string, Factory> = { ...options.layers }
  // Layer factories check the config they are given, whatever its type says.
  for (const factory of Object.values(layers))
    if ('type' in factory) factories[factory.type] ??= factory as unknown as Factory
  const made = new Map<string, Layer>()
  const inputs = saved.inputs.map(i =>
    input({ name: i.name, dtype: i.dtype, shape: i.shape.slice(1) as readonly number[] }),
  )
  const results: SymbolicTensor[] = []
  const build = (type: string, config: Record<string, unknown>, name: string): Layer => {
    const factory = factories[type]
    if (factory === undefined)
      throw new FormatError({
        code: 'unknown-layer',
        where: `${where}: ${name}`,
        expected: 'a layer of anneal, or one given in options.layers',
        received: type,
      })
    // A layer inside another's options stands there as its type and config.
    const inner = (value: unknown): unknown =>
      isSavedLayer(value) ? build(value.type, value.config, `${name}/${value.type}`) : value
    return factory(Object.fromEntries(Object.entries(withoutNulls(config)).map(([key, value]) => [key, inner(value)])))
  }
  for (const call of saved.calls) {
    const layer = made.get(call.name) ?? build(call.type, { ...(call.config as object), name: call.name }, call.name)
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
    tensors[weight.path] = checked(t, weight.path, weight.shape, where)
  }
  model.setWeights(tensors)
  model.step = saved.step
  model.epoch = saved.epoch
  if (saved.compile !== null) {
    const { optimizer, learningRate, ...rest } = saved.compile as { optimizer: OptimizerConfig; learningRate?: number }
    const options: unknown = { ...rest, optimizer }
    model.compile(options as CompileOptions) // resolveCompile checks it
    if (learningRate !== undefined) model.learningRate = learningRate
  }
  const training = new Map(onnx.training)
  for (const weight of model.network.weights) {
    const t = training.get(`${TRAINED}${weight.path}`)
    if (t === undefined) continue
    training.delete(`${TRAINED}${weight.path}`)
    training.set(weight.path, checked(t, weight.path, weight.shape, where))
  }
  // An optimizer that could not be written finds its slots when the model is compiled anew.
  if (model.isCompiled)
    for (const slot of model.optimizer.slots(model.trainable)) {
      const t = training.get(slot.name)
      if (t !== undefined) checked(t, slot.name, slot.shape, where)
    }
  model.restore(Object.fromEntries(training))
  return model
}

function checked(t: Tensor, name: string, shape: readonly number[], where: string): Tensor {
  if (t.dtype === 'float32' && String(t.shape) === String(shape)) return t
  throw new FormatError({
    code: 'weight-shape',
    where: `${where}: ${name}`,
    expected: `float32 [${shape}]`,
    received: `${t.dtype} [${t.shape}]`,
  })
}

const isSavedLayer = (value: unknown): value is { type: string; config: Record<string, unknown> } =>
  typeof value === 'object' &&
  value !== null &&
  'type' in value &&
  typeof value.type === 'string' &&
  'config' in value &&
  typeof value.config === 'object' &&
  value.config !== null

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
