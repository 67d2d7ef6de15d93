import * as ort from 'onnxruntime-node'
import { type AttrValue, type DType, encodeOnnx, Graph, type Shape, tensor, type Value } from '../../src/ir/index.js'
import type { Peer } from '../harness.js'
import { ADAM, adamRate, type LayerSpec, type Scenario } from '../scenarios.js'

/** The same step as a graph written by hand, run on onnxruntime-node with nothing of anneal around it. */
export const bare: Peer = {
  name: 'bare graph',
  async setup(scenario, threads) {
    const bytes = trainingStep(scenario)
    const session = await ort.InferenceSession.create(bytes, {
      graphOptimizationLevel: 'basic',
      intraOpNumThreads: threads,
      logSeverityLevel: 3,
      extra: { session: { intra_op: { allow_spinning: '0' }, set_denormal_as_zero: '1' } },
    })
    const sets = [0, 1].map(() => stateOf(scenario))
    const loss = new ort.Tensor('float32', new Float32Array(1), [])
    const batches = scenario.batches.map(({ x, y }) => ({
      x: new ort.Tensor('float32', x, [scenario.batchSize, ...scenario.input]),
      y: new ort.Tensor('int64', BigInt64Array.from(y, BigInt), [scenario.batchSize, 1]),
    }))
    let t = 0
    return {
      async step() {
        const [from, to] = [sets[t % 2]!, sets[(t + 1) % 2]!]
        const batch = batches[t++ % batches.length]!
        const rate = new ort.Tensor('float32', Float32Array.of(adamRate(t)), [])
        const next = Object.fromEntries(Object.entries(to).map(([name, value]) => [`next ${name}`, value]))
        await session.run({ ...batch, rate, ...from }, { loss, ...next })
        return undefined
      },
      loss: () => (loss.data as Float32Array)[0]!,
      dispose: () => session.release(),
      note: `ONNX Runtime, ${bytes.length >> 10} KiB graph`,
    }
  },
}

/** Weights and moments; what is written next lies in a second set. */
function stateOf(scenario: Scenario): Record<string, ort.Tensor> {
  const entries = scenario.weights.flatMap(({ shape, data }, i) =>
    [data.slice(), new Float32Array(data.length), new Float32Array(data.length)].map(
      (values, slot) => [`${'wmv'[slot]}${i}`, new ort.Tensor('float32', values, shape)] as const,
    ),
  )
  return Object.fromEntries(entries)
}

type Emit = ReturnType<typeof emitter>

/** Emits nodes by operator name; all a node needs besides is its output's type. */
function emitter(g: Graph) {
  const emit = (
    op: string,
    inputs: (Value | null)[],
    shape: Shape,
    attrs: Record<string, AttrValue> = {},
    { dtype = 'float32', domain = '' }: { dtype?: DType; domain?: string } = {},
  ): Value => g.node({ op, domain, inputs, attrs, outputs: [{ dtype, shape }] }).outputs[0]!
  const number = (value: number) => g.constant(tensor([value], [], 'float32'))
  const ints = (...values: number[]) => g.constant(tensor(values, [values.length], 'int64'))
  return Object.assign(emit, {
    number,
    ints,
    add: (a: Value, b: Value) => emit('Add', [a, b], a.shape),
    mul: (a: Value, b: Value) => emit('Mul', [a, b], a.shape),
    sum: (a: Value, axes: number[], shape: Shape) => emit('ReduceSum', [a, ints(...axes)], shape, { keepdims: 0 }),
    reshape: (a: Value, shape: number[]) => emit('Reshape', [a, ints(...shape)], shape),
    transpose: (a: Value, perm: number[]) =>
      emit(
        'Transpose',
        [a],
        perm.map(axis => a.shape[axis]!),
        { perm },
      ), // prettier-ignore
    positive: (a: Value) => {
      const mask = emit('Greater', [a, number(0)], a.shape, {}, { dtype: 'bool' })
      return emit('Cast', [mask], a.shape, { to: 1 })
    },
  })
}

/** A layer's output and, from the gradient of that, the gradients of its input (when asked) and weights. */
interface Applied {
  readonly y: Value
  readonly back: (dy: Value, wantsInput: boolean) => { dx: Value | null; dw: Value[] }
}

function trainingStep({ input, batchSize, layers, weights, classes }: Scenario): Uint8Array {
  const g = new Graph()
  const emit = emitter(g)
  const x = g.input('x', 'float32', [batchSize, ...input])
  const labels = g.input('y', 'int64', [batchSize, 1])
  const rate = g.input('rate', 'float32', [])
  const parameters = weights.map(({ shape }, i) => g.input(`w${i}`, 'float32', shape))

  const unused = [...parameters]
  const applied: Applied[] = []
  let value = x
  for (const layer of layers) {
    const last = apply(emit, layer, value, unused)
    applied.push(last)
    value = last.y
  }
  const logits = emit('LogSoftmax', [value], value.shape, { axis: -1 })
  const picked = emit('GatherElements', [logits, labels], [batchSize, 1], { axis: 1 })
  const mean = emit('ReduceMean', [picked], [], { keepdims: 0 })
  const outputs: Record<string, Value> = { loss: emit('Neg', [mean], []) }

  const softmax = emit('Softmax', [value], value.shape, { axis: -1 })
  const rows = g.constant(
    tensor(
      Array.from({ length: batchSize }, (_, i) => i),
      [batchSize, 1],
      'int64',
    ),
  ) // prettier-ignore
  const places = emit('Concat', [rows, labels], [batchSize, 2], { axis: 1 }, { dtype: 'int64' })
  const minusOne = g.constant(tensor(new Float32Array(batchSize).fill(-1 / batchSize)))
  const scaled = emit.mul(softmax, emit.number(1 / batchSize))
  let gradient: Value | null = emit('ScatterND', [scaled, places, minusOne], [batchSize, classes], { reduction: 'add' })
  const gradients: Value[] = []
  for (let i = applied.length - 1; i >= 0; i--) {
    const { dx, dw } = applied[i]!.back(gradient!, i > 0)
    gradients.unshift(...dw)
    gradient = dx
  }

  parameters.forEach((w, i) => {
    const [m, v] = [g.input(`m${i}`, 'float32', w.shape), g.input(`v${i}`, 'float32', w.shape)]
    const dw = gradients[i]!
    const { beta1, beta2, epsilon } = ADAM
    const nextM = emit.add(emit.mul(m, emit.number(beta1)), emit.mul(dw, emit.number(1 - beta1)))
    const square = emit.mul(dw, dw)
    const nextV = emit.add(emit.mul(v, emit.number(beta2)), emit.mul(square, emit.number(1 - beta2)))
    const root = emit.add(emit('Sqrt', [nextV], v.shape), emit.number(epsilon))
    const change = emit('Div', [emit.mul(nextM, rate), root], w.shape)
    outputs[`next w${i}`] = emit('Sub', [w, change], w.shape)
    outputs[`next m${i}`] = nextM
    outputs[`next v${i}`] = nextV
  })
  return encodeOnnx(g, { outputs })
}

function apply(emit: Emit, layer: LayerSpec, x: Value, weights: Value[]): Applied {
  if (layer.kind === 'flatten') {
    const shape = x.shape as number[]
    const flat = [shape[0]!, shape.slice(1).reduce((a, b) => a * b, 1)]
    return { y: emit.reshape(x, flat), back: dy => ({ dx: emit.reshape(dy, shape), dw: [] }) }
  }
  if (layer.kind === 'maxPool') return maxPool(emit, x, layer.size)
  const [w, b] = weights.splice(0, 2) as [Value, Value]
  const linear = layer.kind === 'dense' ? dense(emit, x, w, b) : conv(emit, x, w, b)
  if (!layer.relu) return linear
  const y = emit('Relu', [linear.y], linear.y.shape)
  return { y, back: (dy, wantsInput) => linear.back(emit.mul(dy, emit.positive(y)), wantsInput) }
}

function dense(emit: Emit, x: Value, w: Value, b: Value): Applied {
  const [batch, units] = [x.shape[0]!, w.shape[1]!]
  return {
    y: emit('Gemm', [x, w, b], [batch, units]),
    back: (dy, wantsInput) => ({
      dx: wantsInput ? emit('Gemm', [dy, w], x.shape, { transB: 1 }) : null,
      dw: [emit('Gemm', [x, dy], w.shape, { transA: 1 }), emit.sum(dy, [0], b.shape)],
    }),
  }
}

/** A valid convolution: its weight gradient is one product per offset of the kernel, or over columns for few channels. */
function conv(emit: Emit, x: Value, w: Value, b: Value): Applied {
  const [n, c, h, wide] = x.shape as [number, number, number, number]
  const [o, , k] = w.shape as [number, number, number]
  const [oh, ow] = [h - k + 1, wide - k + 1]
  const offsets = Array.from({ length: k * k }, (_, i) => [Math.floor(i / k), i % k] as const)
  const slice = (from: Value, axes: number[], starts: number[], shape: number[]) => {
    const ends = starts.map((start, i) => start + [oh, ow][i]!)
    return emit('Slice', [from, emit.ints(...starts), emit.ints(...ends), emit.ints(...axes)], shape)
  }
  const byOffset = (dy: Value): Value => {
    const last = emit.transpose(x, [0, 2, 3, 1])
    const rows = emit.reshape(emit.transpose(dy, [1, 0, 2, 3]), [o, n * oh * ow])
    const products = offsets.map(([i, j]) => {
      const window = emit.reshape(slice(last, [1, 2], [i, j], [n, oh, ow, c]), [n * oh * ow, c])
      return emit.reshape(emit('MatMul', [rows, window], [o, c]), [1, o * c])
    })
    const stacked = emit('Concat', products, [k * k, o * c], { axis: 0 })
    return emit.reshape(emit.transpose(stacked, [1, 0]), [o, c, k, k])
  }
  const byColumns = (dy: Value): Value => {
    const windows = offsets.map(([i, j]) => emit.reshape(slice(x, [2, 3], [i, j], [n, c, oh, ow]), [n, 1, c, oh * ow]))
    const columns = emit('Concat', windows, [n, k * k, c, oh * ow], { axis: 1 })
    const flat = emit.reshape(columns, [n, k * k * c, oh * ow])
    const fused = { domain: 'com.microsoft' }
    const each = emit('FusedMatMul', [emit.reshape(dy, [n, o, oh * ow]), flat], [n, o, k * k * c], { transB: 1 }, fused)
    const summed = emit.reshape(emit.sum(each, [0], [o, k * k * c]), [o, k * k, c])
    return emit.reshape(emit.transpose(summed, [0, 2, 1]), [o, c, k, k])
  }
  return {
    y: emit('Conv', [x, w, b], [n, o, oh, ow]),
    back: (dy, wantsInput) => ({
      dx: wantsInput ? emit('ConvTranspose', [dy, w], x.shape) : null,
      dw: [c < 8 ? byColumns(dy) : byOffset(dy), emit.sum(dy, [0, 2, 3], b.shape)],
    }),
  }
}

/** Pooling without overlap: every maximum of a window gets the gradient (ties at zero are stopped by the Relu before). */
function maxPool(emit: Emit, x: Value, size: number): Applied {
  const [n, c, h, w] = x.shape as [number, number, number, number]
  const y = emit('MaxPool', [x], [n, c, h / size, w / size], {
    kernel_shape: [size, size],
    strides: [size, size],
  })
  const scales = emit.ints // sizes are exact where scales could round
  const enlarge = (v: Value) =>
    emit('Resize', [v, null, null, scales(n, c, h, w)], x.shape, {
      mode: 'nearest',
      nearest_mode: 'floor',
      coordinate_transformation_mode: 'asymmetric',
    })
  const back = (dy: Value) => {
    const chosen = emit('Equal', [x, enlarge(y)], x.shape, {}, { dtype: 'bool' })
    return { dx: emit('Where', [chosen, enlarge(dy), emit.number(0)], x.shape), dw: [] }
  }
  return { y, back }
}
