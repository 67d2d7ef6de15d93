import { describe, expect, test } from 'vitest'
import { compile, createState, graph, numbersOf, ShapeError, tensor } from '../graph.js'
import * as ops from '../ops/index.js'

describe('State', () => {
  test('holds copies: neither what was written nor what was read is shared', async () => {
    const state = await createState()
    const value = tensor([1, 2, 3])
    state.write('w', value)
    ;(value.data as Float32Array).fill(9)
    const read = await state.read('w')
    expect(read).toEqual(tensor([1, 2, 3]))
    ;(read.data as Float32Array).fill(7)
    expect(await state.read('w')).toEqual(tensor([1, 2, 3]))
    expect(state.names).toEqual(['w'])
    expect(state.has('w')).toBe(true)
    state.delete('w')
    expect(state.names).toEqual([])
    expect(state.has('w')).toBe(false)
  })

  test('an entry keeps its dtype and shape', async () => {
    const state = await createState()
    state.write('w', tensor([1, 2, 3]))
    for (const other of [tensor([1, 2]), tensor([[1, 2, 3]]), tensor([1, 2, 3], [3], 'int32')])
      expect(() => state.write('w', other)).toThrow(ShapeError)
    expect(await state.read('w')).toEqual(tensor([1, 2, 3]))
    state.write('w', tensor([4, 5, 6]))
    expect(await state.read('w')).toEqual(tensor([4, 5, 6]))
  })

  test('an unknown entry is refused with the nearest names', async () => {
    const state = await createState()
    state.write('dense/kernel', tensor([1]))
    state.write('dense/bias', tensor([1]))
    await expect(state.read('dense/kernal')).rejects.toMatchObject({
      code: 'unknown-state',
      where: 'dense/kernal',
      expected: expect.stringMatching(/^one of dense\/kernel/),
    })
  })

  test('what is written between steps is what the next step sees', async () => {
    const g = graph()
    const program = await compile(g, { outputs: {}, updates: { w: ops.mul(g.input('w', 'float32', [1]), 2) } })
    const state = await createState()
    state.write('w', tensor([1]))
    await program.run({}, state)
    state.write('w', tensor([10]))
    await program.run({}, state)
    await program.run({}, state)
    expect(numbersOf(await state.read('w'))).toEqual([40])
  })

  test('moments that decay below normal numbers become zero, and zero again after another decay', async () => {
    const g = graph()
    const m = g.input('m', 'float32', [4])
    const program = await compile(g, { outputs: {}, updates: { m: ops.mul(m, 0.9) } })
    const state = await createState()
    state.write('m', tensor([1, 1e-38, -1e-38, 2e-45]))
    // The runtime itself flushes on some threads only; the state does it every hundred steps.
    for (let i = 0; i < 100; i++) await program.run({}, state)
    const [normal, ...rest] = numbersOf(await state.read('m'))
    expect(normal).toBeCloseTo(0.9 ** 100, 8)
    expect(rest.map(Math.abs)).toEqual([0, 0, 0])
  })
})
