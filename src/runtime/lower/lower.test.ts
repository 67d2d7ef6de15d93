import { beforeAll, describe, expect, test } from 'vitest'
import { gradients } from '../../autodiff/index.js'
import {
  counterRandom,
  Graph,
  liveNodes,
  numbersOf,
  sizeOf,
  type Tensor,
  type Traced,
  tensor,
  type Value,
} from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { compile } from '../index.js'
import { blockSize } from './block-size.js'
import { inBlocks } from './blocked-conv.js'
import { lower, lowerings } from './index.js'

type Built = { traced: Traced; feeds: Record<string, Tensor> }
type Make = (input: (shape: readonly number[], name?: string) => Value) => Record<string, Value>

/** A graph with inputs filled with random multiples of 1/4: sums are exact in any order, and ties occur. */
function built(make: Make): Built {
  const graph = new Graph()
  const feeds: Record<string, Tensor> = {}
  const outputs = make((shape, name = `input${graph.inputs.length}`) => {
    const random = counterRandom(graph.inputs.length + 1)
    const numbers = Array.from({ length: sizeOf(shape) }, (_, i) => Math.round(4 * random.normal(i)) / 4)
    feeds[name] = tensor(numbers, shape, 'float32')
    return graph.input(name, 'float32', shape)
  })
  return { traced: { graph, outputs }, feeds }
}

const run = async ({ graph, outputs }: Traced, feeds: Record<string, Tensor>) => {
  const program = await compile(graph, { outputs, lowering: false })
  const used = Object.fromEntries(program.inputs.map(port => [port.name, feeds[port.name]!]))
  return program.run(used)
}
const opsOf = ({ outputs }: Traced): string[] =>
  liveNodes(Object.values(outputs)).map(node => (node.domain === '' ? node.op : `${node.domain}.${node.op}`))

/** Largest difference between two results relative to the largest number of each output. */
function difference(a: Record<string, Tensor>, b: Record<string, Tensor>): number {
  let largest = 0
  for (const [name, expected] of Object.entries(a)) {
    const [x, y] = [numbersOf(expected), numbersOf(b[name]!)]
    const scale = x.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3)
    x.forEach((value, i) => {
      largest = Math.max(largest, Math.abs(value - y[i]!) / scale)
    })
  }
  return largest
}

const lowering = (name: string) => lowerings.find(l => l.name === name)!
const cpu = { device: 'cpu', native: true, threads: 2 } as const

/** The graph after one lowering, having checked that its results are those of the plain graph. */
async function lowered(
  by: string | ((traced: Traced) => Traced),
  make: Make,
): Promise<{ before: string[]; after: string[] }> {
  const { traced, feeds } = built(make)
  const changed = await (typeof by === 'string' ? lowering(by).apply(traced, cpu) : by(traced))
  expect(difference(await run(traced, feeds), await run(changed, feeds))).toBeLessThan(1e-5)
  return { before: opsOf(traced), after: opsOf(changed) }
}

/** All outputs and all gradients of the sum of their squares. */
const withGradients = (y: Value, wrt: readonly Value[]): Record<string, Value> => {
  const loss = ops.reduceSum(ops.mul(y, y), { keepdims: 0 })
  return { y, ...Object.fromEntries(gradients(loss, wrt).map((g, i) => [`d${i}`, g])) }
}

describe('matmul-transpose', () => {
  test('reads a transposed matrix as it lies, on either side', async () => {
    const { before, after } = await lowered('matmul-transpose', input => {
      const [a, b] = [input([5, 3]), input([5, 4])]
      return { ...withGradients(ops.matMul(ops.transpose(a), b), [a, b]) }
    })
    expect(after).toContain('com.microsoft.FusedMatMul')
    const transposes = (list: string[]) => list.filter(op => op === 'Transpose').length
    // What is left turns the gradient of `a` itself round.
    expect(transposes(before)).toBeGreaterThan(1)
    expect(transposes(after)).toBe(1)
  })
  test('also in batches, and where a batch is broadcast', async () => {
    const { after } = await lowered('matmul-transpose', input => {
      const [a, b, c, d] = [input([2, 3, 4, 5]), input([2, 3, 6, 5]), input([6, 5]), input([2, 3, 6, 4])]
      const turned = (x: Value) =>
        ops.transpose(x, { perm: x.shape.map((_, i) => (i < x.shape.length - 2 ? i : 2 * x.shape.length - 3 - i)) })
      return { many: ops.matMul(a, turned(b)), one: ops.matMul(a, turned(c)), both: ops.matMul(turned(a), turned(d)) }
    })
    expect(after.filter(op => op === 'com.microsoft.FusedMatMul')).toHaveLength(3)
  })
  test('leaves other transposes and vectors alone', async () => {
    const { after } = await lowered('matmul-transpose', input => {
      const [a, b, v] = [input([3, 2, 4]), input([3, 4, 5]), input([3])]
      return {
        batch: ops.matMul(ops.transpose(a, { perm: [1, 0, 2] }), input([4, 5])),
        vector: ops.matMul(ops.transpose(input([3, 4])), v),
        plain: ops.matMul(a, b),
      }
    })
    expect(after.filter(op => op === 'MatMul')).toHaveLength(3)
  })
})

describe('pooled-relu', () => {
  const net =
    (attrs: Parameters<typeof ops.maxPool>[1]): Make =>
    input => {
      const [x, w] = [input([2, 3, 8, 8]), input([4, 3, 1, 1])]
      return withGradients(ops.maxPool(ops.relu(ops.conv(x, w)), attrs), [x, w])
    }
  const gates = (list: string[]) => list.filter(op => op === 'Greater').length
  test('lays the gate on the small tensor, where windows tile and where they overlap', async () => {
    for (const attrs of [
      { kernel_shape: [2, 2], strides: [2, 2] },
      { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    ]) {
      const { traced } = built(net(attrs))
      const { before, after } = await lowered('pooled-relu', net(attrs))
      expect(gates(after)).toBe(gates(before))
      const large = (t: Traced) =>
        liveNodes(Object.values(t.outputs)).filter(node => node.op === 'Greater' && node.outputs[0]!.shape[3] === 8)
      expect(large(traced)).toHaveLength(1)
      expect(large(await lowering('pooled-relu').apply(traced, cpu))).toHaveLength(0)
    }
  })
  test('leaves alone a gradient that comes from elsewhere, too', async () => {
    const make: Make = input => {
      const x = input([1, 2, 4, 4])
      const h = ops.relu(x)
      const y = ops.maxPool(h, { kernel_shape: [2, 2], strides: [2, 2] })
      return {
        y,
        dx: gradients([ops.reduceSum(y, { keepdims: 0 }), ops.reduceSum(ops.mul(h, h), { keepdims: 0 })], [x])[0]!,
      }
    }
    const { before, after } = await lowered('pooled-relu', make)
    expect(after).toEqual(before)
  })
})

describe('kernel-gradient', () => {
  test.each([1, 2, 5])('sums over parts of the batch, for %i threads', async threads => {
    const { traced, feeds } = built(input => {
      const [x, w] = [input([72, 16, 24, 24]), input([16, 16, 3, 3])]
      return withGradients(ops.conv(x, w, null, { pads: [1, 1, 1, 1], strides: [1, 2] }), [w])
    })
    const changed = await lowering('kernel-gradient').apply(traced, { ...cpu, threads })
    expect(opsOf(traced)).not.toContain('Scan')
    expect(opsOf(changed)).toContain('Scan')
    expect(difference(await run(traced, feeds), await run(changed, feeds))).toBeLessThan(1e-5)
  })
  test('leaves small batches whole', async () => {
    const { before, after } = await lowered('kernel-gradient', input => {
      const [x, w] = [input([2, 16, 8, 8]), input([16, 16, 3, 3])]
      return withGradients(ops.conv(x, w), [w])
    })
    expect(after).toEqual(before)
  })
})

describe('blocked-conv', () => {
  let block = 0
  beforeAll(async () => {
    block = await blockSize(cpu)
  })
  // Also where it would not pay: these are small.
  const everywhere = (traced: Traced) => inBlocks(traced, block, 2, () => true)
  const check = (name: string, make: Make, expected = true) =>
    test(name, async ({ skip }) => {
      skip(block === 0, 'this machine has no blocked kernels')
      const { after } = await lowered(everywhere, make)
      if (expected) expect(after).toContain('com.microsoft.nchwc.Conv')
      else expect(after.filter(op => op.startsWith('com.microsoft.nchwc'))).toEqual([])
    })
  const conv =
    (x: number[], w: number[], attrs: Parameters<typeof ops.conv>[3]): Make =>
    input => {
      const [X, W, B] = [input(x), input(w), input([w[0]!])]
      return withGradients(ops.conv(X, W, B, attrs), [X, W, B])
    }
  check('few channels come in plain', conv([2, 3, 9, 9], [16, 3, 3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }))
  check('blocks of channels', conv([2, 32, 7, 6], [48, 32, 3, 3], { pads: [1, 0, 1, 2] }))
  check('dilations', conv([1, 16, 9, 9], [32, 16, 3, 3], { dilations: [2, 3] }))
  check('groups', conv([2, 32, 7, 7], [32, 16, 3, 3], { group: 2 }))
  check('depthwise', conv([2, 32, 7, 7], [32, 1, 3, 3], { group: 32, pads: [1, 1, 1, 1], strides: [2, 1] }))
  check('padding by the runtime', conv([2, 16, 7, 8], [16, 16, 3, 3], { auto_pad: 'SAME_LOWER', strides: [2, 2] }))
  check('other numbers of channels stay plain', conv([2, 24, 7, 7], [20, 24, 3, 3], {}), false)
  check('1×1 stays plain', conv([2, 16, 7, 7], [16, 16, 1, 1], {}), false)
  check('1-D stays plain', conv([2, 16, 9], [16, 16, 3], {}), false)
  check('a whole network with gates, pools, sums, and values asked for in the middle', input => {
    const x = input([2, 3, 12, 12])
    const [w1, b1, w2, w3, s] = [
      input([32, 3, 3, 3]),
      input([32]),
      input([32, 32, 3, 3]),
      input([16, 32, 3, 3]),
      input([32, 1, 1]),
    ]
    const first = ops.relu(ops.conv(x, w1, b1))
    const second = ops.conv(first, w2, null, { pads: [1, 1, 1, 1] })
    const joined = ops.relu(ops.add(first, ops.mul(second, 0.5)))
    const scaled = ops.mul(joined, s)
    const pooled = ops.maxPool(joined, { kernel_shape: [2, 2], strides: [2, 2] })
    const meaned = ops.averagePool(scaled, { kernel_shape: [3, 3], strides: [2, 2] })
    const last = ops.sigmoid(ops.conv(pooled, w3))
    const y = ops.globalAveragePool(ops.mul(last, last))
    const loss = ops.add(
      ops.reduceSum(ops.mul(y, y), { keepdims: 0 }),
      ops.reduceSum(ops.mul(meaned, meaned), { keepdims: 0 }),
    )
    const wrt = [x, w1, b1, w2, w3, s]
    const steps = ops.cast(ops.greater(second, 0), { to: 'int32' })
    return {
      first,
      joined,
      steps,
      y,
      last: ops.transpose(last, { perm: [0, 2, 3, 1] }),
      ...Object.fromEntries(gradients(loss, wrt).map((g, i) => [`d${i}`, g])),
    }
  })
  test('Relu behind a convolution becomes part of it', async ({ skip }) => {
    skip(block === 0, 'this machine has no blocked kernels')
    const { after } = await lowered(everywhere, input => {
      const y = ops.relu(ops.conv(input([2, 16, 8, 8]), input([16, 16, 3, 3])))
      return { y: ops.maxPool(y, { kernel_shape: [2, 2], strides: [2, 2] }) }
    })
    expect(after).not.toContain('Relu')
    expect(after).toContain('com.microsoft.nchwc.MaxPool')
  })
  test('is for convolutions that pay for the reordering', async ({ skip }) => {
    skip(block === 0, 'this machine has no blocked kernels')
    const chosen = async (x: number[], w: number[]) => {
      const graph = new Graph()
      const y = ops.conv(graph.input('x', 'float32', x), graph.input('w', 'float32', w))
      return opsOf(await lowering('blocked-conv').apply({ graph, outputs: { y } }, cpu)).includes(
        'com.microsoft.nchwc.Conv',
      )
    }
    expect(await chosen([64, 32, 28, 28], [64, 32, 3, 3])).toBe(true)
    // More weights to rearrange than there is to compute.
    expect(await chosen([1, 256, 6, 6], [256, 256, 3, 3])).toBe(false)
    expect(await chosen([64, 3, 28, 28], [16, 3, 3, 3])).toBe(false)
  })
  test('without blocked kernels nothing changes', () => {
    const { traced } = built(conv([2, 32, 7, 6], [48, 32, 3, 3], {}))
    expect(lowering('blocked-conv').applies({ device: 'cpu', native: false })).toBe(false)
    expect(lowering('blocked-conv').applies({ device: 'webgpu', native: true })).toBe(false)
    expect(opsOf(traced)).not.toContain('com.microsoft.nchwc.Conv')
  })
})

test('all together leave a training step as it was', async () => {
  const { traced, feeds } = built(input => {
    const x = input([32, 1, 28, 28])
    const weights = [input([16, 1, 3, 3]), input([16]), input([32, 16, 3, 3]), input([32]), input([4608, 10])]
    const [w1, b1, w2, b2, w3] = weights as [Value, Value, Value, Value, Value]
    const h = ops.relu(ops.conv(ops.relu(ops.conv(x, w1, b1)), w2, b2))
    const p = ops.maxPool(h, { kernel_shape: [2, 2], strides: [2, 2] })
    return withGradients(ops.logSoftmax(ops.matMul(ops.flatten(p), ops.mul(w3, 0.01))), weights)
  })
  const all = await lower(traced, { device: 'cpu', threads: 2 })
  expect(opsOf(all)).not.toEqual(opsOf(traced))
  expect(difference(await run(traced, feeds), await run(all, feeds))).toBeLessThan(2e-5)
})
