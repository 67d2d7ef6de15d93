import { describe, expect, test } from 'vitest'
import { DataError, formatError, GraphError, graph, isAnnealError, nearest, ShapeError } from './index.js'

describe('errors', () => {
  test('carry their fields, and one sentence made of them', () => {
    const cause = new RangeError('deep')
    const error = new ShapeError({
      code: 'rank',
      where: 'dense_1',
      expected: [1, 2],
      received: 3n,
      hint: 'flatten first',
      cause,
    })
    expect(error).toMatchObject({
      name: 'ShapeError',
      code: 'rank',
      where: 'dense_1',
      received: 3n,
      hint: 'flatten first',
      cause,
    })
    expect(error.message).toBe('rank: at dense_1, expected [1, 2], received 3. Flatten first')
    expect(error).toBeInstanceOf(Error)
    expect(error).not.toBeInstanceOf(GraphError)
    expect(isAnnealError(error)).toBe(true)
    expect(isAnnealError(cause)).toBe(false)
  })

  test('tell of every problem at once', () => {
    const error = new DataError({
      code: 'rows',
      received: 2,
      problems: [
        { code: 'a', where: 'line 1' },
        { code: 'b', where: 'line 2' },
      ],
    })
    expect(error.message).toBe('rows: received 2\n  - a: at line 1\n  - b: at line 2')
    expect(error.problems).toHaveLength(2)
  })

  test('say something short of whatever they are given', () => {
    const value = graph().input('x', 'float32', [1])
    for (const received of [
      value,
      value.graph,
      { a: 1n },
      undefined,
      null,
      Number.NaN,
      [[new Error('e')]],
      () => 1,
      Symbol('s'),
    ])
      expect(formatError({ code: 'c', received }).length).toBeLessThan(400)
    expect(formatError({ code: 'c', received: value })).toBe('c: received x')
    expect(formatError({ code: 'c', received: 'y'.repeat(1e6) }).length).toBeLessThan(400)
    expect(formatError({ code: 'c', received: new Array(1e6).fill(1) }).length).toBeLessThan(400)
  })
})

test('the nearest names come first, whatever their case', () => {
  expect(nearest('reluu', ['Sigmoid', 'Relu', 'Elu', 'Selu'], 2)).toEqual(['Relu', 'Elu'])
  expect(nearest('x', [])).toEqual([])
})
