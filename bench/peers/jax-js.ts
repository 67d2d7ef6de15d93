import { defaultDevice, init, type Array as JaxArray, jit, lax, nn, numpy as np, valueAndGrad } from '@jax-js/jax'
import type { Peer } from '../harness.js'
import { ADAM, adamRate, type Scenario } from '../scenarios.js'

/** The whole step, Adam included, under `jit` on WebAssembly. In Node it has no worker threads. */
export const peers: readonly Peer[] = [
  {
    name: 'jax-js wasm',
    async setup(scenario) {
      await init('wasm')
      defaultDevice('wasm')
      const array = (data: Float32Array | Int32Array, shape: readonly number[]) =>
        np.array(data as Float32Array<ArrayBuffer>).reshape([...shape])
      const batches = scenario.batches.map(({ x, y }) => ({
        x: array(x, [scenario.batchSize, ...scenario.input]),
        y: nn.oneHot(np.array(y as Int32Array<ArrayBuffer>), scenario.classes),
      }))
      let weights = scenario.weights.map(({ shape, data }) => array(data.slice(), shape))
      let m = scenario.weights.map(({ shape }) => np.zeros([...shape]))
      let v = scenario.weights.map(({ shape }) => np.zeros([...shape]))
      const update = jit(trainingStep(scenario))
      let t = 0
      let last = Number.NaN
      return {
        async step() {
          const { x, y } = batches[t++ % batches.length]!
          const rate = np.array(adamRate(t))
          const next = update(weights, m, v, x.ref, y.ref, rate)
          weights = next.weights
          m = next.m
          v = next.v
          for (const list of [weights, m, v]) for (const item of list) await item.blockUntilReady()
          last = (await next.loss.data())[0]!
          return undefined
        },
        loss: () => last,
        dispose: () => {
          for (const item of [...weights, ...m, ...v]) item.dispose()
          for (const { x, y } of batches) {
            x.dispose()
            y.dispose()
          }
          update.dispose()
        },
        note: 'one thread in Node',
      }
    },
  },
]

/** Arguments are consumed, as jax-js wants it: `.ref` keeps one for another use. */
const trainingStep =
  (scenario: Scenario) =>
  (weights: JaxArray[], m: JaxArray[], v: JaxArray[], x: JaxArray, y: JaxArray, rate: JaxArray) => {
    const lossOf = (parameters: JaxArray[]) => {
      const logits = nn.logSoftmax(forward(scenario, x, parameters))
      return np.mean(np.sum(logits.mul(y), -1)).mul(-1)
    }
    const [loss, gradients] = valueAndGrad(lossOf)(weights.map(w => w.ref))
    const next = { loss, weights: [] as JaxArray[], m: [] as JaxArray[], v: [] as JaxArray[] }
    weights.forEach((w, i) => {
      const gradient = gradients[i]!
      const nextM = m[i]!.mul(ADAM.beta1).add(gradient.ref.mul(1 - ADAM.beta1))
      const nextV = v[i]!.mul(ADAM.beta2).add(np.square(gradient).mul(1 - ADAM.beta2))
      next.weights.push(w.sub(nextM.ref.mul(rate.ref).div(np.sqrt(nextV.ref).add(ADAM.epsilon))))
      next.m.push(nextM)
      next.v.push(nextV)
    })
    rate.dispose()
    return next
  }

function forward(scenario: Scenario, x: JaxArray, parameters: JaxArray[]): JaxArray {
  const left = [...parameters]
  for (const layer of scenario.layers) {
    if (layer.kind === 'flatten') x = x.reshape([scenario.batchSize, -1])
    else if (layer.kind === 'maxPool') {
      const [n, c, h, w] = x.shape as [number, number, number, number]
      const windows = x.reshape([n, c, h / layer.size, layer.size, w / layer.size, layer.size])
      x = np.max(np.max(windows, 5), 3)
    } else {
      const [kernel, bias] = left.splice(0, 2) as [JaxArray, JaxArray]
      if (layer.kind === 'dense') x = np.matmul(x, kernel).add(bias)
      else x = lax.conv(x, kernel, [1, 1], 'VALID').add(bias.reshape([1, -1, 1, 1]))
      if (layer.relu) x = nn.relu(x)
    }
  }
  return x
}
