import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { callbacks, layers, sequential, type TrainEvent, tensor } from '../../index.js'
import type { RemoteMonitorOptions } from './remote-monitor.js'

interface Heard {
  path: string | undefined
  headers: IncomingMessage['headers']
  body: string
}
let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
  server = undefined
})

/** A server that notes what it is told; `answer: null` never answers. */
async function listen(answer: number | null = 200): Promise<{ root: string; heard: Heard[] }> {
  const heard: Heard[] = []
  server = createServer((request, response) => {
    let body = ''
    request.on('data', part => {
      body += part
    })
    request.on('end', () => {
      heard.push({ path: request.url, headers: request.headers, body })
      if (answer !== null) response.writeHead(answer).end('ok')
    })
  })
  await new Promise<void>(resolve => server!.listen(0, '127.0.0.1', resolve))
  return { root: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard }
}

async function train(options: RemoteMonitorOptions) {
  const net = sequential([layers.dense({ units: 1, inputShape: [2] })])
  net.compile({ optimizer: 'sgd', loss: 'mse' })
  const data = { x: tensor(new Float32Array(4), [2, 2]), y: tensor(new Float32Array(2), [2, 1]) }
  const events: TrainEvent[] = []
  for await (const event of net.train(data, { epochs: 3, callbacks: callbacks.remoteMonitor(options), verbose: 0 }))
    events.push(event)
  expect(events.at(-1)).toMatchObject({ type: 'trainEnd', reason: 'completed' })
  return events.filter(event => event.type === 'notice')
}

test('posts every epoch in order, as JSON', async () => {
  const { root, heard } = await listen()
  expect(await train({ root, path: '/here', headers: { authorization: 'me' }, sendAsJson: true })).toEqual([])
  expect(heard.map(({ path }) => path)).toEqual(['/here', '/here', '/here'])
  expect(heard.map(({ body }) => JSON.parse(body).epoch)).toEqual([0, 1, 2])
  expect(JSON.parse(heard[0]!.body)).toHaveProperty('loss')
  expect(heard[0]!.headers).toMatchObject({ authorization: 'me', 'content-type': 'application/json' })
})

test('posts a form with the JSON in a field, as Keras does', async () => {
  const { root, heard } = await listen()
  await train({ root, field: 'log' })
  expect(heard[0]!.path).toBe('/publish/epoch/end/')
  expect(heard[0]!.headers['content-type']).toMatch('application/x-www-form-urlencoded')
  expect(JSON.parse(new URLSearchParams(heard[2]!.body).get('log')!)).toMatchObject({ epoch: 2 })
})

test('a server that is not there, refuses or never answers gives one warning and stops nothing', async () => {
  const { root } = await listen(500)
  expect(await train({ root })).toMatchObject([{ level: 'warning', text: expect.stringContaining('answered 500') }])
  server!.close()
  server!.closeAllConnections()
  expect(await train({ root })).toMatchObject([{ level: 'warning', from: 'remoteMonitor' }])
  const silent = await listen(null)
  expect(await train({ root: silent.root, timeout: 50 })).toMatchObject([{ level: 'warning' }])
})

test('refuses addresses that are none, and unknown options, all at once', () => {
  expect(() => callbacks.remoteMonitor({ root: 'file:///etc', timeout: 0, pth: '' } as object)).toThrow(
    expect.objectContaining({ code: 'bad-options', problems: expect.objectContaining({ length: 3 }) }),
  )
})
