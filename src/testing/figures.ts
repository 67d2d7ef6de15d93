import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { DataError, Graph, type Tensor, tensor, type Value } from '../ir/index.js'
import { compile } from '../runtime/index.js'

/** Numbers from another framework as they stand in a JSON file: a scalar, or a shape with its data. */
export interface Figure {
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

/** Reads a JSON file of figures beside the test: `readFigures(new URL('./figures/keras.json', import.meta.url))`. */
export const readFigures = <T>(url: URL): T => JSON.parse(readFileSync(url, 'utf8')) as T

/** A figure as a tensor; float32 unless said otherwise. */
export const figureTensor = ({ shape, data }: Figure, dtype: 'float32' | 'int32' = 'float32'): Tensor =>
  tensor(dtype === 'int32' ? Int32Array.from(data) : Float32Array.from(data), shape)

/** Builds a graph, runs it once on the CPU and returns its results. */
export async function evaluate(
  feeds: Readonly<Record<string, Tensor>>,
  build: (inputs: Readonly<Record<string, Value>>, graph: Graph) => Readonly<Record<string, Value>>,
): Promise<Record<string, Tensor>> {
  const graph = new Graph()
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, t]) => [name, graph.input(name, t.dtype, t.shape)]),
  )
  const outputs = build(inputs, graph)
  return (await compile(graph, { outputs })).run(feeds, undefined, { ignoreUnknown: true })
}

/** Expects numbers within `tolerance`, relative to the larger of the wanted number and `floor`; shapes too if given. */
export function expectClose(
  received: Tensor | number,
  wanted: Figure | number,
  { tolerance = 1e-5, floor = 1, what = '' }: { tolerance?: number; floor?: number; what?: string } = {},
): void {
  const numbers = typeof received === 'number' ? [received] : Array.from(received.data as ArrayLike<number>, Number)
  const expected = typeof wanted === 'number' ? [wanted] : wanted.data
  if (typeof received !== 'number' && typeof wanted !== 'number')
    expect([...received.shape], `${what}: shape`).toEqual(wanted.shape)
  if (numbers.length !== expected.length)
    throw new DataError({ code: 'figure-size', where: what, expected: expected.length, received: numbers.length })
  numbers.forEach((x, i) => {
    const scale = Math.max(Math.abs(expected[i]!), floor)
    const near = Math.abs(x - expected[i]!) <= tolerance * scale
    if (!near) expect(x, `${what}[${i}] of ${numbers}, wanted ${expected}`).toBeCloseTo(expected[i]!, 7)
  })
}
