import { expect, test } from 'vitest'
import { createStudy } from '../tune/create.js'
import { progressOf } from '../tune/progress.js'
import { tuneView } from './tune-view.js'

async function progress(trials: number) {
  const study = await createStudy({ name: 'a' })
  await study.storage.setStudySystemAttr(study.id, 'anneal:trials', 4)
  for (const x of [3, 5, 1, 2].slice(0, trials)) await study.enqueueTrial({ x })
  if (trials > 0) await study.optimize(trial => trial.suggestFloat('x', 0, 9), { trials })
  // Later than all of them, or there would be no speed to tell.
  return progressOf(await study.storage.snapshot(study.id), { since: 0, now: Date.now() + 1000 })
}

/** What a terminal shows in the end: lines, the erased ones gone. */
function screen(text: string): string[] {
  const lines: string[] = []
  for (const line of text.split('\n').slice(0, -1)) {
    const [erased, rest = line] = line.split('A\r\x1b[J')
    if (rest !== line) lines.length -= Number(erased!.slice(2))
    lines.push(rest)
  }
  return lines
}

test('on a terminal the table stays in place, lines go above it, and what comes after its end goes below', async () => {
  let text = ''
  const view = tuneView({ isTTY: true, columns: 60, write: (more: string) => (text += more) })
  view.line('before')
  view.update(await progress(0))
  view.line('in between')
  view.update(await progress(2))
  view.end(await progress(4))
  view.line('after')
  const lines = screen(text)
  expect([lines[0], lines[1], lines.at(-1)]).toEqual(['before', 'in between', 'after'])
  expect(lines.slice(2, -1)).toEqual([
    expect.stringMatching(/^4\/4 {2}━{20} /),
    'trials  0 running, 4 complete',
    'best    1 (trial 2)  ██▁▁',
    '        x=1',
  ])
})

test('elsewhere there is a line where there is a better value', async () => {
  let text = ''
  const view = tuneView({ write: (more: string) => (text += more) })
  const two = await progress(2)
  view.update(two)
  view.update(two)
  view.update(await progress(4))
  expect(text.split('\n').map(line => line.slice(0, 20))).toEqual(['2/4  best 3 (trial 0', '4/4  best 1 (trial 2', ''])
  expect(text).not.toContain('\x1b')
})
