import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createStudy, loadStudy } from '../../index.js'
import { openStorage } from '../index.js'
import { openJournal } from './open.js'

let folder: string
let path: string
let url: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'anneal-journal-'))
  path = join(folder, 'study.log')
  url = `journal:///${path}`
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A journal as Optuna 5 writes it: a queued trial that was run, one that runs, one that failed; then odd ends. */
const OPTUNA_5 = [
  '{"op_code":0,"worker_id":"w-1","study_name":"a","directions":[2]}',
  '{"op_code":0,"worker_id":"w-2","study_name":"a","directions":[1]}',
  '{"op_code":3,"worker_id":"w-1","study_id":0,"system_attr":{"study:metric_names":["acc"]}}',
  '{"op_code":4,"worker_id":"w-1","study_id":0,"datetime_start":null,"state":4,"value":null,"values":null,"distributions":{},"params":{},"user_attrs":{},"system_attrs":{"fixed_params":{"x":0.5}},"intermediate_values":{}}',
  '{"op_code":6,"worker_id":"w-1","trial_id":0,"state":0,"values":null,"datetime_start":"2026-11-26T02:25:14.734128+00:00"}',
  '{"op_code":6,"worker_id":"w-2","trial_id":0,"state":0,"values":null,"datetime_start":"2026-11-26T02:25:15.734128+00:00"}',
  String.raw`{"op_code":5,"worker_id":"w-1","trial_id":0,"param_name":"x","param_value_internal":0.5,"distribution":"{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0, \"high\": 1.0, \"log\": false}}"}`,
  String.raw`{"op_code":5,"worker_id":"w-1","trial_id":0,"param_name":"c","param_value_internal":5,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"a\", null, 3, 2.5, true, NaN]}}"}`,
  '{"op_code":7,"worker_id":"w-1","trial_id":0,"step":3,"intermediate_value":NaN}',
  '{"op_code":6,"worker_id":"w-1","trial_id":0,"state":1,"values":[Infinity],"datetime_complete":"2026-11-26T02:25:14.772582+00:00"}',
  '{"op_code":8,"worker_id":"w-2","trial_id":0,"user_attr":{"too":"late"}}',
  '{"op_code":4,"worker_id":"w-1","study_id":7,"datetime_start":"2026-11-26T02:25:14.790531+00:00"}',
  '{"op_code":4,"worker_id":"w-1","study_id":0,"datetime_start":"2026-11-26T02:25:14.790531+00:00"}',
  '{"op_code":10,"worker_id":"w-1","trial_ids":[9]}',
].join('\n')

test("Optuna's operations are replayed as Optuna replays them: the first counts, what comes too late is void", async () => {
  writeFileSync(path, `${OPTUNA_5}\n`)
  const study = await loadStudy({ name: 'a', storage: url })
  expect(study.direction).toBe('maximize')
  expect(await study.systemAttrs()).toEqual({ 'study:metric_names': ['acc'] })
  const trials = await study.trials()
  expect(trials).toHaveLength(2)
  expect(trials[0]).toMatchObject({
    number: 0,
    state: 'COMPLETE',
    values: [Infinity],
    params: { x: 0.5, c: Number.NaN },
    internalParams: { x: 0.5, c: 5 },
    userAttrs: {},
    start: new Date('2026-11-26T02:25:14.734Z'),
    complete: new Date('2026-11-26T02:25:14.772Z'),
  })
  expect([...trials[0]!.intermediateValues]).toEqual([[3, Number.NaN]])
  expect(trials[1]).toMatchObject({ id: 1, number: 1, state: 'RUNNING' })
})

test('a last line that is not finished is waited for, and removed by who writes next', async () => {
  writeFileSync(path, `${OPTUNA_5}\n{"op_code":8,"worker_id":"w-1","trial_id":1,"user_at`)
  const reader = await openStorage(url)
  expect((await reader.trials(0))[1]!.userAttrs).toEqual({})
  appendFileSync(path, 'tr":{"k":1}}\n')
  expect((await reader.trials(0))[1]!.userAttrs).toEqual({ k: 1 })
  appendFileSync(path, '{"op_code":8,"worker_id":"w-1","tri')
  await reader.setTrialUserAttr(1, 'k', 2)
  const again = await openStorage(url)
  expect((await again.trials(0))[1]!.userAttrs).toEqual({ k: 2 })
  for (const line of readFileSync(path, 'utf8').trimEnd().split('\n')) expect(line).toMatch(/^\{"op_code".*\}$/)
})

test('a broken line in the middle is named', async () => {
  writeFileSync(path, `${OPTUNA_5.replace('"trial_id":0,"step":3', '"trial_id":0,"step"')}\n`)
  await expect(openStorage(url)).rejects.toMatchObject({
    name: 'FormatError',
    where: expect.stringContaining('line 9'),
  })
})

test('an operation that is not known is refused', async () => {
  writeFileSync(path, `${OPTUNA_5}\n{"op_code":11,"worker_id":"w"}\n`)
  await expect(openStorage(url)).rejects.toMatchObject({ code: 'bad-journal' })
})

test('a file of another kind is refused', async () => {
  writeFileSync(path, 'SQLite format 3\0 and so on\n')
  await expect(openStorage(url)).rejects.toMatchObject({ code: 'bad-journal', hint: expect.stringContaining('sqlite') })
  await expect(openStorage(`journal:///${join(folder, 'nowhere', 'a.log')}`)).rejects.toMatchObject({
    code: 'storage-path',
  })
})

test('a journal that was replaced by a shorter one is noticed', async () => {
  const study = await createStudy({ storage: url, name: 'a' })
  await study.ask()
  writeFileSync(path, '')
  await expect(study.trials()).rejects.toMatchObject({ code: 'bad-journal' })
})

test('each write is a line, in one append, and the lock is let go of', async () => {
  const study = await createStudy({ storage: url, name: 'a' })
  await study.optimize(trial => trial.suggestFloat('x', 0, 1), { trials: 3 })
  const operations = readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => (JSON.parse(line) as { op_code: number }).op_code)
  expect(operations).toEqual([0, 4, 5, 6, 4, 5, 6, 4, 5, 6])
  expect(readdirSync(folder)).toEqual(['study.log'])
})

test('the lock of a process that died is taken over after a while, and not before', async () => {
  const storage = await openJournal(path, url, { grace: 300 })
  symlinkSync(path, `${path}.lock`)
  const began = performance.now()
  await storage.createStudy('a', ['minimize'])
  expect(performance.now() - began).toBeGreaterThan(250)
  expect(existsSync(`${path}.lock`)).toBe(false)
  expect((await storage.studies()).map(study => study.name)).toEqual(['a'])
})

test('reads go on where the last one ended', async () => {
  const writer = await openStorage(url)
  const reader = await openStorage(url)
  const id = await writer.createStudy('a', ['minimize'])
  for (let i = 0; i < 50; i++) {
    const { trial } = await writer.beginTrial(id)
    await writer.setTrialUserAttr(trial.id, 'text', 'ü漢🎉'.repeat(i * 700)) // over the end of what is read at a time
    expect((await reader.trial(trial.id)).userAttrs.text).toBe('ü漢🎉'.repeat(i * 700))
  }
  expect(statSync(path).size).toBeGreaterThan(1 << 20)
  expect(await (await openStorage(url)).trials(id)).toEqual(await reader.trials(id))
})
