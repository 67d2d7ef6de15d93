import { expect, test } from 'vitest'
import { Graph, RuntimeError } from '../ir/index.js'
import { mul } from '../ops/index.js'
import { type Device, oneByOne } from './device.js'
import { compile, listDevices } from './index.js'

async function double(device: Device): Promise<number[]> {
  const graph = new Graph()
  const y = mul(graph.input('x', 'float32', [2]), 2)
  const program = await compile(graph, { outputs: { y }, device })
  return [...((await program.run({ x: Float32Array.of(1, 2) })).y!.data as Float32Array)]
}

const refused = (device: Device): Promise<unknown> =>
  double(device).then(
    () => undefined,
    (error: unknown) => error,
  )

const present = await listDevices()
const absent = (['cuda', 'webgpu'] as const).filter(device => !present.includes(device))

test('Node has its processor, natively and in WebAssembly', () => {
  expect(present).toEqual(expect.arrayContaining(['cpu', 'wasm']))
})

test.each(present)('%s is listed, and runs a program', async device => {
  expect(await double(device)).toEqual([2, 4])
})

test.skipIf(absent.length === 0)(
  `a device this machine lacks is refused with a list of what there is${absent.length === 0 ? ' (skipped: it lacks none)' : ''}`,
  async () => {
    for (const device of absent) {
      const error = await refused(device)
      expect(error).toBeInstanceOf(RuntimeError)
      expect(error).toMatchObject({
        code: 'no-device',
        expected: `one of ${present.join(', ')}`,
        received: device,
        hint: expect.stringContaining('ONNX Runtime says'),
      })
    }
  },
)

test('a device nobody knows is refused with a list of what there is', async () => {
  const error = await refused('gpu' as Device)
  expect(error).toBeInstanceOf(RuntimeError)
  expect(error).toMatchObject({ code: 'no-device', expected: `one of ${present.join(', ')}`, received: 'gpu' })
})

test('threads must be a whole number, on every device', async () => {
  const graph = new Graph()
  const y = mul(graph.input('x', 'float32', [2]), 2)
  for (const device of ['cpu', 'wasm'] as const)
    for (const threads of [0, 1.5, -2, Number.NaN])
      await expect(compile(graph, { outputs: { y }, device, threads })).rejects.toMatchObject({ code: 'threads' })
})

test('work that must take turns does, in order, and a failure does not stop the rest', async () => {
  const turn = oneByOne()
  const seen: string[] = []
  const work =
    (name: string, fails = false) =>
    async (): Promise<string> => {
      seen.push(`${name} begins`)
      await new Promise(resolve => setTimeout(resolve, name === 'first' ? 20 : 1))
      seen.push(`${name} ends`)
      if (fails) throw new TypeError(name)
      return name
    }
  const results = await Promise.allSettled([turn(work('first')), turn(work('second', true)), turn(work('third'))])
  expect(results.map(result => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(seen).toEqual(['first begins', 'first ends', 'second begins', 'second ends', 'third begins', 'third ends'])
})
