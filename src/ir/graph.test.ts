import { describe, expect, it, test } from 'vitest'
import {
  CONTENT_LIMIT,
  capturedValues,
  contentNumbers,
  Graph,
  GraphError,
  graph,
  scalar,
  tensor,
  type Value,
} from './index.js'

const failure = (run: () => unknown): GraphError => {
  try {
    run()
  } catch (error) {
    if (error instanceof GraphError) return error
    throw error
  }
  throw new Error('did not fail')
}
const copy = (x: Value, name?: string) =>
  x.graph.node({ op: 'Identity', inputs: [x], outputs: [x], ...(name === undefined ? {} : { name }) }).outputs[0]!

describe('Graph', () => {
  test('every input has a name of its own and extents that are whole numbers or names', () => {
    const g = graph()
    expect(g.input('x', 'float32', ['batch', 0, 3])).toMatchObject({ name: 'x', shape: ['batch', 0, 3], node: null })
    expect(failure(() => g.input('x', 'int32', []))).toMatchObject({ code: 'duplicate-name', where: 'x' })
    for (const dim of [-1, 0.5, Number.NaN])
      expect(failure(() => g.input('y', 'float32', [dim])).code).toBe('bad-dimension')
  })

  test('keeps equal small constants once, bit for bit, unless they are named', () => {
    const g = graph()
    expect(scalar(g, 'float32', 2)).toBe(scalar(g, 'float32', 2))
    expect(g.constant(tensor([1, 2]))).toBe(g.constant(tensor([1, 2])))
    const others = [
      scalar(g, 'float32', 0),
      scalar(g, 'float32', -0),
      scalar(g, 'float64', 0),
      g.constant(tensor([0])),
      g.constant(tensor(0), 'zero'),
    ]
    expect(new Set(others).size).toBe(5)
    expect(failure(() => g.constant(tensor(1), 'zero')).code).toBe('duplicate-name')
  })

  test('names nodes by scope and operator, and values by node, without using a name twice', () => {
    const g = graph()
    const x = g.input('x', 'float32', [1])
    const names = g.scope('block', () => g.scope('dense', () => [copy(x), copy(x)]))
    expect(names.map(value => value.node!.name)).toEqual(['block/dense/Identity_0', 'block/dense/Identity_1'])
    expect(names[0]!.name).toBe('block/dense/Identity_0:0')
    expect(copy(x, 'mine').node!.name).toBe('mine')
    expect(copy(x, 'mine').node!.name).toBe('Identity_0')
    expect(copy(g.input('Identity_1', 'float32', [1])).node!.name).toBe('Identity_2')
    expect(() => g.scope('a', () => failure(() => g.input('x', 'float32', [])))).not.toThrow()
    expect(g.scopePath).toBe('')
  })

  test('leaves a scope when what was built in it fails', () => {
    const g = graph()
    expect(() =>
      g.scope('a', () => {
        throw new GraphError({ code: 'any' })
      }),
    ).toThrow(GraphError)
    expect(g.scopePath).toBe('')
  })

  test('renames a value of its own to a name that is free, and leaves it otherwise', () => {
    const g = graph()
    const y = copy(g.input('x', 'float32', [1]))
    g.rename(y, 'x')
    expect(y.name).toBe('Identity_0:0')
    g.rename(y, 'y')
    expect(y.name).toBe('y')
    expect(g.hasName('y')).toBe(true)
    graph().rename(y, 'z')
    expect(y.name).toBe('y')
  })

  test('takes no values of another graph, but a body takes those around it', () => {
    const g = graph()
    const x = g.input('x', 'float32', [1])
    const other = graph()
    expect(failure(() => other.node({ op: 'Neg', inputs: [x], outputs: [x] }))).toMatchObject({
      code: 'foreign-value',
      received: 'x',
    })
    const inner = new Graph(new Graph(g))
    const y = inner.node({ op: 'Neg', inputs: [x], outputs: [x] }).outputs[0]!
    expect(failure(() => g.node({ op: 'Neg', inputs: [y], outputs: [x] })).code).toBe('foreign-value')
    expect(failure(() => inner.input('x', 'float32', [])).code).toBe('duplicate-name')
  })

  test('finds what bodies take from around them, results and bodies in bodies included', () => {
    const g = graph()
    const [a, b, c] = ['a', 'b', 'c'].map(name => g.input(name, 'float32', [1])) as [Value, Value, Value]
    const body = new Graph(g)
    const own = body.node({ op: 'Neg', inputs: [a], outputs: [a] }).outputs[0]!
    const inner = new Graph(body)
    inner.results.push({ name: 'r', value: inner.node({ op: 'Add', inputs: [own, b], outputs: [a] }).outputs[0]! })
    body.node({ op: 'If', inputs: [own], attrs: { then_branch: inner }, outputs: [a] })
    body.results.push({ name: 's', value: c })
    const node = g.node({ op: 'If', inputs: [a], attrs: { then_branch: body }, outputs: [a] })
    expect(new Set(capturedValues(node))).toEqual(new Set([a, b, c]))
  })

  test('tracks the content of small integer tensors, and of no others', () => {
    const g = graph()
    expect(g.constant(tensor([1n, 2n])).content).toEqual([1, 2])
    expect(g.constant(tensor([1, 2])).content).toBeUndefined()
    expect(g.constant(tensor(new BigInt64Array(CONTENT_LIMIT + 1))).content).toBeUndefined()
    expect(g.constant(tensor([[1n]])).content).toBeUndefined()
    const long = g.node({
      op: 'Shape',
      inputs: [],
      outputs: [{ dtype: 'int64', shape: [65], content: new Array(65).fill(1) }],
    })
    expect(long.outputs[0]!.content).toBeUndefined()
  })

  it.each([
    [{ dtype: 'int64' as const, shape: [2], content: [1, 2] }, [1, 2]],
    [{ dtype: 'int64' as const, shape: [2], content: [1, 'batch'] }, undefined],
    [{ dtype: 'float32' as const, shape: [2], constant: tensor([3, 4]) }, [3, 4]],
    [{ dtype: 'float32' as const, shape: [2] }, undefined],
  ])('knows numbers only where all of them are known', (type, expected) => {
    expect(contentNumbers(type)).toEqual(expected)
  })
})
