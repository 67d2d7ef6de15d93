import { expect, test } from 'vitest'
import type { Distribution } from '../distribution.js'
import type { Direction, FrozenTrial } from '../frozen-trial.js'
import { createStudy } from '../index.js'
import { freshTrial } from '../storage/memory.js'
import { TOTAL } from '../total.js'
import { auto, chooseSampler } from './auto.js'

const integer: Distribution = { type: 'int', low: 0, high: 500, log: false, step: 1 }
const study = (
  count: number,
  {
    objectives = 1,
    params = i => ({ x: i }),
    pruned = 0,
  }: {
    objectives?: number
    params?: (i: number) => Readonly<Record<string, number>>
    pruned?: number
  } = {},
) => ({
  name: 's',
  directions: new Array<Direction>(objectives).fill('minimize'),
  systemAttrs: {},
  trials: Array.from(
    { length: count },
    (_, number): FrozenTrial => ({
      ...freshTrial(),
      id: number,
      number,
      state: number < pruned ? 'PRUNED' : 'COMPLETE',
      values: new Array<number>(objectives).fill(0),
      params: params(number),
      internalParams: params(number),
      distributions: Object.fromEntries(Object.keys(params(number)).map(name => [name, integer])),
    }),
  ),
})
const wide = () => Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`x${i}`, 0]))
const conditional = (i: number): Record<string, number> => (i % 2 === 0 ? { kind: 0, a: i } : { kind: 1, b: i })
const whimsical = (i: number): Record<string, number> => (i % 2 === 0 ? { kind: 0, a: i } : { kind: 0, b: i })

test.each([
  ['a new study', study(0), undefined, 'gp'],
  ['few trials', study(40), undefined, 'gp'],
  ['many trials', study(200), undefined, 'tpe'],
  ['many parameters', study(12, { params: wide }), undefined, 'tpe'],
  ['parameters that depend on another', study(12, { params: conditional }), undefined, 'gp'],
  ['many trials of such parameters', study(200, { params: conditional }), undefined, 'tpe group'],
  ['parameters that come and go', study(12, { params: whimsical }), undefined, 'tpe group'],
  ['trials most of which are pruned', study(12, { pruned: 7 }), undefined, 'tpe'],
  ['two objectives and few trials', study(40, { objectives: 2 }), undefined, 'gp'],
  ['two objectives and more trials', study(100, { objectives: 2 }), undefined, 'tpe'],
  ['two objectives and a large budget', study(0, { objectives: 2 }), 1000, 'nsga2'],
  ['five objectives and few trials', study(3, { objectives: 5 }), 60, 'tpe'],
  ['five objectives and a budget', study(3, { objectives: 5 }), 300, 'nsga3'],
] as const)('for %s', (_, view, planned, wanted) => {
  expect(chooseSampler(view, planned).sampler).toBe(wanted)
})

test('the budget is that of the study, unless it is given', async () => {
  const s = await createStudy({ directions: ['minimize', 'minimize'], sampler: auto({ seed: 1 }) })
  const chosen = async (): Promise<unknown> => (await s.storage.trial((await s.ask()).id)).systemAttrs['anneal:auto']
  expect(await chosen()).toMatch(/^gp: /)
  await s.storage.setStudySystemAttr(s.id, TOTAL, 1200)
  expect(await chosen()).toBe('nsga2: 1200 trials for a genetic search')
  const other = await createStudy({ name: 'b', directions: ['minimize', 'minimize'], sampler: auto({ trials: 20 }) })
  await other.storage.setStudySystemAttr(other.id, TOTAL, 1200)
  expect((await other.storage.trial((await other.ask()).id)).systemAttrs['anneal:auto']).toMatch(/^gp: /)
})

test('what was chosen stands with the trial, and changes with what is seen', async () => {
  const s = await createStudy({ sampler: auto({ seed: 1 }) })
  await s.optimize(trial => (trial.number % 2 === 0 ? trial.suggestFloat('x', 0, 1) : trial.suggestInt('n', 1, 5)), {
    trials: 14,
  })
  const said = (await s.trials()).map(t => String(t.systemAttrs['anneal:auto']))
  expect(said[0]).toBe('gp: few trials')
  expect(said.at(-1)).toBe('tpe group: no parameter decides on which others there are')
})
