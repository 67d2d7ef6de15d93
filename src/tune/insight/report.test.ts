import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { reportText } from '../../report/index.js'
import { createStudy } from '../create.js'
import { random } from '../samplers/random.js'
import { exportStudy, studyReport } from './index.js'

async function small(name: string) {
  const study = await createStudy({ name, sampler: random({ seed: 3 }) })
  await study.optimize(
    async trial => {
      const lr = trial.suggestFloat('lr', 1e-4, 1, { log: true })
      const units = trial.suggestInt('units', 4, 64)
      trial.suggestFloat('fixed', 2, 2)
      if (trial.suggestCategorical('kind', ['a', 'b']) === 'b') trial.suggestFloat('slope', 0, 1)
      if (trial.number === 6) throw new TypeError('no <memory>, "left"')
      await trial.report(lr, 0)
      trial.setUserAttr('note', `n, ${trial.number}`)
      return (Math.log10(lr) + 2) ** 2 + 1 / units
    },
    { trials: 14, catch: true },
  )
  return study
}

describe('the page', () => {
  test('holds every figure, names what is missing, and needs nothing else', async () => {
    const study = await small('digits <1>')
    const folder = await mkdtemp(join(tmpdir(), 'report-'))
    try {
      await study.report(join(folder, 'tune.html'))
      const html = await readFile(join(folder, 'tune.html'), 'utf8')
      expect(html).toContain('Study digits &lt;1&gt;')
      expect(html).not.toContain('digits <1>')
      for (const words of [
        'Optimization history',
        'Share of trials up to a value',
        'What may still be gained',
        'What matters for the objective value',
        'Trials across their parameters',
        'Ranks over pairs of parameters',
        'The value over pairs of parameters',
        'Values on the way',
        'When trials ran',
        'The best trials',
        'Always the same, and so not shown: fixed.',
        'Asked for only sometimes: slope',
        'TypeError: no &lt;memory&gt;',
      ])
        expect(html, words).toContain(words)
      expect(html).not.toMatch(/<(script|link|img)[^>]+(src|href)=/)
      expect(html).not.toContain('NaN')
    } finally {
      await rm(folder, { recursive: true })
    }
  }, 60_000)

  test('of several objectives has the front and the hypervolume, by the names they have', async () => {
    const study = await createStudy({ directions: ['minimize', 'maximize'], sampler: random({ seed: 1 }) })
    await study.setMetricNames(['loss', 'speed'])
    await study.optimize(trial => [trial.suggestFloat('x', 0, 1), trial.suggestFloat('y', 0, 1)], { trials: 12 })
    const report = await studyReport(study)
    expect(report.lead).toBe('12 trials (12 complete) to minimize loss and maximize speed.')
    const titles = report.sections.flatMap(section => (section.charts ?? []).map(chart => chart.title))
    for (const title of ['Pareto front', 'Hypervolume', 'Optimization history: speed', 'Loss over each parameter'])
      expect(titles).toContain(title)
  })

  test('of a study without trials, or with failed ones only, says what is missing', async () => {
    const study = await createStudy({ name: 'new' })
    expect(reportText(await studyReport(study))).toContain('There are no trials yet.')
    await study.optimize(() => Promise.reject(new Error('down')), { trials: 2, catch: true })
    const text = reportText(await studyReport(study))
    expect(text).toContain('No trial is complete yet: 2 failed.')
    expect(text).toContain('Error: down')
  })

  test('of trials without parameters, of one trial, and of equal values can be drawn', async () => {
    const bare = await createStudy()
    await bare.optimize(() => 1, { trials: 3 })
    expect(reportText(await studyReport(bare))).toContain('The trials have no parameters.')
    const one = await createStudy()
    await one.optimize(trial => trial.suggestFloat('x', 0, 1), { trials: 1 })
    expect(reportText(await studyReport(one))).toContain('One complete trial says nothing')
    const equal = await createStudy()
    await equal.optimize(trial => 0 * trial.suggestFloat('x', 0, 1), { trials: 8 })
    expect(reportText(await studyReport(equal))).toContain('The best')
  })

  test('shows other studies beside it', async () => {
    const [a, b] = [await small('a'), await small('b')]
    const report = await studyReport(a, { others: [b] })
    const charts = report.sections.flatMap(section => section.charts ?? [])
    const edf = charts.find(chart => chart.title === 'Share of trials up to a value')
    expect(edf).toMatchObject({ series: [{ name: 'a (13)' }, { name: 'b (13)' }] })
  })
})

describe('export', () => {
  test('CSV has a row for each trial, with text quoted where it must be', async () => {
    const rows = (await exportStudy(await small('csv'), 'csv')).trimEnd().split('\n')
    expect(rows[0]).toBe(
      'number,value,datetime_start,datetime_complete,duration,params_fixed,params_kind,params_lr,params_slope,params_units,user_attrs_note,system_attrs_fail_reason,state',
    )
    expect(rows).toHaveLength(15)
    expect(rows[1]).toContain(',"n, 0",')
    expect(rows[7]).toContain('"TypeError: no <memory>, ""left""",FAIL')
  })
  test('JSON holds everything', async () => {
    const study = await small('json')
    const parsed = JSON.parse(await exportStudy(study, 'json'))
    expect(parsed).toMatchObject({ name: 'json', directions: ['minimize'] })
    expect(parsed.trials[3]).toMatchObject({ number: 3, state: 'COMPLETE', userAttrs: { note: 'n, 3' } })
    expect(parsed.trials[3].distributions.units).toEqual({
      name: 'IntDistribution',
      attributes: { low: 4, high: 64, log: false, step: 1 },
    })
    expect(Object.keys(parsed.trials[3].intermediateValues)).toEqual(['0'])
  })
  test('another format is refused', async () => {
    const study = await createStudy()
    // @ts-expect-error: from outside the type system
    await expect(exportStudy(study, 'xml')).rejects.toMatchObject({ code: 'unknown-format' })
  })
})
