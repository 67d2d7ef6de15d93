import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import {
  addDim,
  broadcastShapes,
  type Dim,
  divDim,
  isStatic,
  mulDim,
  normalizeAxis,
  productDim,
  type Shape,
  ShapeError,
  sameShape,
  sizeOf,
  stridesOf,
  subDim,
} from './index.js'

describe('dimensions', () => {
  it.each<[Dim, Dim]>([
    [addDim(2, 3), 5],
    [addDim('n', 0), 'n'],
    [addDim(0, 'n'), 'n'],
    [addDim('n', 1), '(n+1)'],
    [subDim('n', 'n'), 0],
    [subDim('n', 0), 'n'],
    [subDim(7, 2), 5],
    [mulDim(4, 5), 20],
    [mulDim('n', 1), 'n'],
    [mulDim(1, 'n'), 'n'],
    [mulDim(0, 'n'), 0],
    [mulDim(3, 'n'), '(n*3)'],
    [mulDim('n', 3), '(n*3)'],
    [mulDim('n', 'm'), '(n*m)'],
    [divDim('n', 'n'), 1],
    [divDim('n', 1), 'n'],
    [divDim(7, 2), 3],
    [divDim(-7, 2), -3],
    [divDim(7, 0), 0],
    [productDim(['n', 2, 3]), '((n*2)*3)'],
    [productDim([]), 1],
  ])('%s is %s', (found, expected) => {
    expect(found).toBe(expected)
  })

  test('a size is that of static shapes alone', () => {
    expect(sizeOf([2, 3, 0])).toBe(0)
    expect(sizeOf([])).toBe(1)
    expect(() => sizeOf(['n'])).toThrow(ShapeError)
    expect(isStatic([1, 'n'])).toBe(false)
    expect(stridesOf([2, 3, 4])).toEqual([12, 4, 1])
    expect(sameShape([1, 'n'], [1, 'n'])).toBe(true)
    expect(sameShape([1], [1, 1])).toBe(false)
  })

  test('an axis may count from the end, and must exist', () => {
    expect(normalizeAxis(-1, 3)).toBe(2)
    expect(normalizeAxis(0, 3)).toBe(0)
    for (const axis of [3, -4, 0.5]) expect(() => normalizeAxis(axis, 3, 'here')).toThrow(/at here.*-3 to 2/)
  })
})

describe('broadcastShapes', () => {
  it.each<[Shape[], Shape]>([
    [
      [[2, 3], [3]],
      [2, 3],
    ],
    [
      [
        [4, 1, 3],
        [2, 1],
      ],
      [4, 2, 3],
    ],
    [[[], [2]], [2]],
    [[[0], [1]], [0]],
    [
      [
        ['n', 3],
        [1, 3],
      ],
      ['n', 3],
    ],
    [[['n'], ['n']], ['n']],
    [[['n'], [4]], [4]],
    [[['n'], ['m']], ['max(m,n)']],
    [[], []],
  ])('%j give %j', (shapes, expected) => {
    expect(broadcastShapes(shapes)).toEqual(expected)
  })

  test('extents that differ are refused with all the shapes', () => {
    expect(() => broadcastShapes([[2, 3], [2]], 'node')).toThrow(/at node.*\[2, 3\] and \[2\]/)
  })

  test('the order of the operands does not matter, and nothing broadcasts to less than itself', () => {
    const dim = fc.constantFrom<Dim>(1, 2, 3, 'n', 'm')
    fc.assert(
      fc.property(fc.array(dim, { maxLength: 3 }), fc.array(dim, { maxLength: 3 }), (a, b) => {
        const either = (x: Shape, y: Shape) => {
          try {
            return broadcastShapes([x, y])
          } catch (error) {
            expect(error).toBeInstanceOf(ShapeError)
            return null
          }
        }
        const result = either(a, b)
        expect(either(b, a)).toEqual(result)
        if (result === null) return
        expect(result).toHaveLength(Math.max(a.length, b.length))
        expect(broadcastShapes([result, a])).toEqual(result)
      }),
    )
  })
})
