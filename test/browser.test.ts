import { existsSync } from 'node:fs'
import type { Server } from 'node:http'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Device } from '../src/index.js'
import type { anneal } from './browser/page.js'
import { type Recipe, recipes, survive, type Training, train } from './browser/recipe.js'
import { bundle, serve } from './browser/serve.js'

declare global {
  interface Window {
    anneal: typeof anneal
    gpu: { live: number; read: number }
  }
}

const names = Object.keys(recipes) as Recipe[]
const wanted = new Map<Recipe, Training>()
beforeAll(async () => {
  for (const name of names) wanted.set(name, await train(name, 'cpu'))
})

/** Same losses as native, to a relative 1e-4: each device sums in its own order. */
function expectSame(name: Recipe, got: Training): void {
  const { losses, weights, evaluated, predicted } = wanted.get(name)!
  expect(losses.at(-1)).toBeLessThan(losses[0]!)
  expect(got.losses).toHaveLength(losses.length)
  const all = (t: Training): number[] => [...t.losses, t.weights, t.evaluated]
  all(got).forEach((value, i) => {
    const native = all({ losses, weights, evaluated, predicted, msPerStep: 0 })[i]!
    expect(Math.abs(value / native - 1), `${value} against ${native}, figure ${i}`).toBeLessThan(1e-4)
  })
  for (const [i, value] of predicted.entries()) expect(got.predicted[i]).toBeCloseTo(value, 3)
}

describe('the same model, trained in Node', () => {
  test.each(names)('%s has the native losses on wasm', async name => expectSame(name, await train(name, 'wasm')))

  test('a batch that is not finite costs nothing that was learned on wasm', async () => {
    const { before, error, after } = await survive('wasm')
    expect(error).toBe('NumericError')
    expect(after).toBe(before)
  })
})

test('the browser bundle reaches Node only through dynamic import', async () => {
  const scripts = await bundle()
  expect([...scripts.keys()]).toContain('/page.js')
  for (const text of scripts.values()) expect(text).not.toContain('onnxruntime_binding')
})

const executable = [process.env.CHROMIUM, '/usr/bin/chromium'].find(path => path !== undefined && existsSync(path))
const why = executable === undefined ? ' (skipped: no /usr/bin/chromium, and $CHROMIUM names none)' : ''

// WebGPU without a GPU translates every shader for the processor: the first step takes its time.
const slow = { timeout: 180_000 }

describe.skipIf(executable === undefined)(`the same model, trained in a page of Chromium${why}`, slow, () => {
  let browser: Browser
  let server: Server
  let page: Page
  beforeAll(async () => {
    const served = await serve(await bundle())
    server = served.server
    browser = await chromium.launch({
      executablePath: executable!,
      args: [
        '--no-sandbox',
        '--enable-unsafe-webgpu',
        '--use-webgpu-adapter=swiftshader',
        '--disable-quic',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
    page = await browser.newPage()
    const problems: string[] = []
    page.on('pageerror', error => problems.push(String(error)))
    await page.addInitScript(countGpuMemory)
    await page.goto(served.url)
    await page.waitForFunction(() => 'anneal' in window).catch(() => expect(problems).toEqual([]))
  })
  afterAll(async () => {
    await browser?.close()
    server?.close()
  })
  const trainInPage = (name: Recipe, device: Device, steps = 10): Promise<Training> =>
    page.evaluate(([n, d, s]) => window.anneal.train(n, d, s), [name, device, steps] as const)

  for (const device of ['wasm', 'webgpu'] as const) {
    test.each(names)(`%s has the native losses on ${device}`, async name =>
      expectSame(name, await trainInPage(name, device)),
    )

    test(`a batch that is not finite costs nothing that was learned on ${device}`, async () => {
      const { before, error, after } = await page.evaluate(d => window.anneal.survive(d), device)
      expect(error).toBe('NumericError')
      expect(after).toBe(before)
    })
  }

  test('weights and moments stay on the GPU, and its memory does not grow', async () => {
    const use = async (steps: number) => {
      const before = await page.evaluate(() => ({ ...window.gpu }))
      await trainInPage('a perceptron', 'webgpu', steps)
      const after = await page.evaluate(() => ({ ...window.gpu }))
      return { live: after.live - before.live, read: after.read - before.read }
    }
    await use(2)
    const short = await use(5)
    const long = await use(65)
    // The runtime keeps some buffers for later; a single tensor left behind at each step would make sixty more.
    expect(long.live - short.live).toBeLessThan(30)
    // The larger kernel alone has 2,560 bytes, and Adam's moments twice as many.
    const kernel = 20 * 32 * 4
    expect((long.read - short.read) / 60).toBeLessThan(kernel)
    expect(long.read).toBeGreaterThan(0)
  })

  test('an unknown device is refused with a list of those there are', async () => {
    const message = await page.evaluate(() =>
      window.anneal.train('a perceptron', 'cuda').then(
        () => 'none',
        (error: Error) => `${error.name}: ${error.message}`,
      ),
    )
    expect(message).toMatch(/^RuntimeError: no-device: .*one of cpu, wasm, webgpu, received cuda/)
  })
})

/** In the page, before its scripts: counts the GPU buffers alive and the bytes read back. */
function countGpuMemory(): void {
  type Buffer = { size: number; destroy(): void; mapAsync(mode: number, offset?: number, size?: number): unknown }
  const classes = globalThis as unknown as {
    GPUDevice?: { prototype: { createBuffer(this: object, of: object): Buffer } }
    GPUBuffer: { prototype: Buffer }
  }
  window.gpu = { live: 0, read: 0 }
  if (classes.GPUDevice === undefined) return
  const { createBuffer } = classes.GPUDevice.prototype
  const { destroy, mapAsync } = classes.GPUBuffer.prototype
  classes.GPUDevice.prototype.createBuffer = function (of) {
    window.gpu.live++
    return createBuffer.call(this, of)
  }
  classes.GPUBuffer.prototype.destroy = function () {
    window.gpu.live--
    return destroy.call(this)
  }
  classes.GPUBuffer.prototype.mapAsync = function (mode, offset, size) {
    window.gpu.read += size ?? this.size
    return mapAsync.call(this, mode, offset, size)
  }
}
