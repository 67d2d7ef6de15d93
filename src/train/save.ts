import { ConfigError, encodeOnnx, type Tensor } from '../ir/index.js'
import type { Network } from '../nn/network.js'
import { isLayer } from '../nn/wrapper.js'
import { optimizerToConfig } from '../optim/to-config.js'
import type { Model } from './model.js'
import { traceInference } from './step.js'
import { writeFileAtomic } from './write.js'

/** Key of `metadata_props` under which a saved model keeps what ONNX has no place for. */
export const METADATA = 'anneal.model'

/** Before the names of weights in training, where they are not those to predict with. */
export const TRAINED = 'trained:'

/** A model's architecture and training setup as JSON. */
export interface SavedModel {
  readonly format: 1
  readonly name: string
  readonly seed: number
  readonly step: number
  readonly epoch: number
  readonly inputs: Network['inputs']
  readonly outputs: readonly number[]
  readonly calls: readonly {
    readonly name: string
    readonly type: string
    readonly config: unknown
    readonly inputs: readonly number[]
  }[]
  readonly compile: Record<string, unknown> | null
}

/** An inference ONNX with everything `loadModel` needs beside it. */
export async function saveModel(
  model: Model,
  path: string,
  { optimizer = true }: { optimizer?: boolean } = {},
): Promise<void> {
  await writeFileAtomic(path, await modelBytes(model, { optimizer }))
}

/** The bytes `save` writes. */
export async function modelBytes(
  model: Model,
  { optimizer = true }: { optimizer?: boolean } = {},
): Promise<Uint8Array> {
  // What predicts is in the file as its constants; where the optimizer trains other weights, those go with its slots.
  const weights = await model.evaluationWeights()
  const { graph, outputs } = traceInference(model.network, 'batch', (g, path) => g.constant(weights[path]!, path))
  const compiled = model.isCompiled
  const training: Record<string, Tensor> = compiled && optimizer ? await model.slots() : {}
  if (compiled && optimizer && model.optimizer.evaluate !== undefined)
    for (const [path, t] of Object.entries(await model.weights())) training[`${TRAINED}${path}`] = t
  // Weights that inference does not use are kept all the same.
  const keep = graph.constants.filter(value => value.name in weights)
  return encodeOnnx(graph, {
    outputs,
    inputs: graph.inputs,
    keep,
    metadata: { [METADATA]: JSON.stringify(describe(model, compiled)) },
    training,
  })
}

function describe(model: Model, compiled: boolean): SavedModel {
  const net = model.network
  const problems: { code: string; where: string; expected: string; received: string; hint: string }[] = []
  const plain = (value: unknown, where: string): unknown => {
    if (typeof value === 'function') {
      problems.push({
        code: 'function-in-config',
        where,
        expected: 'a name or a record',
        received: 'a function',
        hint: 'a function cannot be written to a file: save the weights with saveWeights and build the model in code',
      })
      return null
    }
    if (isLayer(value)) return { type: value.type, config: plain(value.config, where) }
    if (Array.isArray(value)) return value.map((item, i) => plain(item, `${where}[${i}]`))
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v, `${where}.${k}`)]))
    return value
  }
  const calls = net.calls.map(call => ({
    name: call.name,
    type: call.layer.type,
    config: plain(call.layer.config, call.name),
    inputs: call.inputs,
  }))
  if (problems.length > 0)
    throw new ConfigError({
      code: 'not-saveable',
      where: model.name,
      received: `${problems.length} functions`,
      problems,
    })
  return {
    format: 1,
    name: model.name,
    seed: model.seed,
    step: model.step,
    epoch: model.epoch,
    inputs: net.inputs,
    outputs: net.outputs.map(output => output.from),
    calls,
    compile: compiled ? describeCompile(model) : null,
  }
}

/** Compile options as far as they are data; a function of the user's own must be given anew. */
function describeCompile(model: Model): Record<string, unknown> | null {
  const { options, optimizer } = model.compiled
  const isData = (value: unknown): boolean =>
    typeof value !== 'function' && (typeof value !== 'object' || value === null || Object.values(value).every(isData))
  const entries = Object.entries(options).filter(([key, value]) => key !== 'optimizer' && isData(value))
  // A metric of the user's own is left out; anything else that cannot be written changes training: compile anew.
  const lost = Object.keys(options).filter(key => key !== 'optimizer' && !entries.some(([name]) => name === key))
  if (lost.some(key => key !== 'metrics' && key !== 'weightedMetrics')) return null
  const saved = optimizerToConfig(optimizer, model.learningRate)
  if (saved === null) return null
  const override = model.learningRateOverride
  return {
    ...Object.fromEntries(entries),
    optimizer: saved,
    ...(override === null ? {} : { learningRate: model.learningRate }),
  }
}
