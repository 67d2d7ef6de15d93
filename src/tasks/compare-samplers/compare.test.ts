import { describe, expect, test } from 'vitest'
import { reportText } from '../../report/index.js'
import { compareSamplers, samplersReport, samplerTable } from './index.js'
import { levels } from './problems.js'

describe('samplers on the same budget', () => {
  test('every one has the same trials, and the best only gets better', async () => {
    const comparison = await compareSamplers({ problems: ['Branin'], trials: 20, seeds: 2 })
    const [problem] = comparison.problems
    expect(problem!.samplers.map(s => s.name)).toEqual(['grid', 'random', 'tpe', 'gp'])
    for (const { name, best, places } of problem!.samplers) {
      expect(best).toHaveLength(2)
      for (const run of best) {
        expect(run).toHaveLength(20)
        for (let i = 1; i < run.length; i++) expect(run[i]!).toBeLessThanOrEqual(run[i - 1]!)
      }
      // Of 20 trials a square grid can use 16.
      expect(places).toHaveLength(name === 'grid' ? 16 : 20)
    }
    const end = (name: string) => problem!.samplers.find(s => s.name === name)!.best.map(run => run.at(-1)!)
    expect(Math.max(...end('gp'))).toBeLessThan(Math.min(...end('grid')))
    expect(samplerTable(comparison).rows).toHaveLength(4)
    const report = samplersReport(comparison)
    expect(report.sections[1]!.charts!.map(c => c.title)).toEqual(['The best so far', 'Where they looked'])
    expect(reportText(report)).toContain('Trials to random')
  }, 30_000)

  test('a network on digits is tuned too', async () => {
    const { problems } = await compareSamplers({
      problems: ['digits'],
      only: ['grid', 'random'],
      trials: 5,
      seeds: 1,
      quick: true,
    })
    expect(problems[0]).toMatchObject({
      name: 'digits',
      parameters: ['learningRate', 'momentum', 'units'],
      plane: null,
    })
    for (const { best } of problems[0]!.samplers) expect(best[0]!.at(-1)!).toBeLessThan(2.4)
  }, 60_000)

  test('options out of range and unknown samplers are refused', async () => {
    await expect(compareSamplers({ trials: 1 })).rejects.toMatchObject({ code: 'bad-option' })
    await expect(compareSamplers({ only: ['tpee'] })).rejects.toMatchObject({ code: 'unknown-sampler' })
    await expect(compareSamplers({ signal: AbortSignal.abort() })).rejects.toThrow()
  })
})

test('levels reach both ends, and one alone lies between', () => {
  expect(levels(0, 10, 3)).toEqual([0, 5, 10])
  expect(levels(1, 100, 3, true).map(x => Math.round(x))).toEqual([1, 10, 100])
  expect(levels(0, 10, 1)).toEqual([5])
})
