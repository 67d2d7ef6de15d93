import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matches, select } from './selector.js'

const paths = [
  'encoder/block_0/dense/kernel',
  'encoder/block_0/dense/bias',
  'dense/kernel',
  'dense/bias',
  'dense_1/kernel',
]

describe('selectors', () => {
  test.each<[string | string[], number[]]>([
    ['bias', [1, 3]],
    ['dense', [0, 1, 2, 3]],
    ['dense*', [0, 1, 2, 3, 4]],
    ['encoder/**', [0, 1]],
    ['**/kernel', [0, 2, 4]],
    ['encoder/**/kernel', [0]],
    ['*/kernel', [2, 4]],
    ['dense_?/kernel', [4]],
    ['**', [0, 1, 2, 3, 4]],
    [
      ['**', '!bias'],
      [0, 2, 4],
    ],
    [
      ['!bias', '**'],
      [0, 1, 2, 3, 4],
    ],
    ['dense/kernel', [2]],
  ])('%j', (selector, wanted) => {
    expect(select(selector, paths, 'test')).toEqual(wanted.map(i => paths[i]))
  })

  test('a predicate chooses by path', () => {
    expect(select(path => path.length < 12, paths, 'test')).toEqual(['dense/bias'])
  })

  test('a path chooses itself, whatever characters it is made of', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[\w.+()[\]{}|^$-]+$/), { minLength: 1, maxLength: 4 }), names => {
        expect(matches(names.join('/'), names.join('/'))).toBe(true)
      }),
    )
  })

  test('one that chooses nothing is an error that names what is near', () => {
    expect(() => select('dense/kernle', paths, 'groups[0].match')).toThrow(
      expect.objectContaining({
        code: 'no-match',
        where: 'groups[0].match',
        expected: expect.stringContaining('dense/kernel'),
      }),
    )
  })

  test.each([[null], [''], [[]], [3], [['a', 1]]])('%j is no selector', bad => {
    expect(() => select(bad as string, paths, 'test')).toThrow(expect.objectContaining({ code: 'bad-selector' }))
  })
})
