import * as tf from '@tensorflow/tfjs'
import '@tensorflow/tfjs-backend-wasm'
import type { Peer } from '../harness.js'
import { ADAM, correctedEpsilon, type Scenario, type Weight } from '../scenarios.js'

/** Its optimizer keeps epsilon protected; setting it per step gives Keras's formula. */
type OpenAdam = tf.AdamOptimizer & { epsilon: number }

/** TensorFlow.js on one of its back ends. In Node both run on one thread. */
const peer = (backend: 'wasm' | 'cpu'): Peer => ({
  name: `TensorFlow.js ${backend}`,
  async setup(scenario) {
    if (backend === 'cpu' && scenario.layers.some(layer => layer.kind === 'conv'))
      return { skip: 'minutes per step: its convolutions are plain JavaScript' }
    await tf.setBackend(backend)
    await tf.ready()
    const batches = scenario.batches.map(({ x, y }) => ({
      // One channel: the order of pictures with channels first is that of channels last.
      x: tf.tensor(x, [scenario.batchSize, ...channelsLast(scenario.input)], 'float32'),
      y: tf.cast(tf.oneHot(tf.tensor1d(y, 'int32'), scenario.classes), 'float32'),
    }))
    const variables = weightsOf(scenario).map(({ shape, data }) => tf.variable(tf.tensor(data, [...shape])))
    const optimizer = tf.train.adam(ADAM.learningRate, ADAM.beta1, ADAM.beta2, ADAM.epsilon) as OpenAdam
    let t = 0
    let last = Number.NaN
    return {
      step() {
        tf.setBackend(backend)
        const { x, y } = batches[t++ % batches.length]!
        optimizer.epsilon = correctedEpsilon(t)
        const cost = optimizer.minimize(
          () => tf.losses.softmaxCrossEntropy(y, forward(scenario, x, variables)) as tf.Scalar, // the mean is a scalar
          true,
          variables,
        )!
        last = cost.dataSync()[0]!
        cost.dispose()
        return undefined
      },
      loss: () => last,
      dispose: () => {
        tf.setBackend(backend)
        tf.dispose([batches.map(({ x }) => x), batches.map(({ y }) => y), variables])
        optimizer.dispose()
      },
      note: `tfjs ${tf.version['tfjs-core']}, one thread in Node`,
    }
  },
})

export const peers: readonly Peer[] = [peer('wasm'), peer('cpu')]

function forward(scenario: Scenario, x: tf.Tensor, variables: readonly tf.Variable[]): tf.Tensor {
  const left = [...variables]
  for (const layer of scenario.layers) {
    if (layer.kind === 'flatten') x = tf.reshape(x, [scenario.batchSize, -1])
    else if (layer.kind === 'maxPool') x = tf.maxPool(x as tf.Tensor4D, layer.size, layer.size, 'valid')
    else {
      const [kernel, bias] = left.splice(0, 2) as [tf.Variable, tf.Variable]
      if (layer.kind === 'dense') x = tf.add(tf.matMul(x, kernel as tf.Tensor), bias)
      else x = tf.add(tf.conv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, 1, 'valid'), bias)
      if (layer.relu) x = tf.relu(x)
    }
  }
  return x
}

const channelsLast = (input: readonly number[]): number[] =>
  input.length === 3 ? [input[1]!, input[2]!, input[0]!] : [...input]

/** Kernels as TensorFlow.js has them: [height, width, in, out]; rows after a flatten reordered to channels last. */
function weightsOf({ layers, weights, input }: Scenario): Weight[] {
  let [c, h, w] = input as [number, number, number]
  let flattened = false
  const result: Weight[] = []
  const left = [...weights]
  for (const layer of layers) {
    if (layer.kind === 'flatten') flattened = true
    else if (layer.kind === 'maxPool') [h, w] = [h / layer.size, w / layer.size]
    else {
      const [kernel, bias] = left.splice(0, 2) as [Weight, Weight]
      if (layer.kind === 'conv') {
        result.push(permute(kernel, [2, 3, 1, 0]), bias)
        ;[c, h, w] = [layer.filters, h - layer.kernel + 1, w - layer.kernel + 1]
      } else {
        const units = kernel.shape[1]!
        const reordered = flattened && permute({ shape: [c, h, w, units], data: kernel.data }, [1, 2, 0, 3]).data
        result.push(reordered ? { shape: kernel.shape, data: reordered } : kernel, bias)
        flattened = false
      }
    }
  }
  return result
}

function permute({ shape, data }: Weight, perm: readonly number[]): Weight {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1))
  const to = perm.map(axis => shape[axis]!)
  const out = new Float32Array(data.length)
  for (let i = 0; i < out.length; i++) {
    let from = 0
    let rest = i
    for (let axis = to.length - 1; axis >= 0; axis--) {
      from += (rest % to[axis]!) * strides[perm[axis]!]!
      rest = Math.floor(rest / to[axis]!)
    }
    out[i] = data[from]!
  }
  return { shape: to, data: out }
}
