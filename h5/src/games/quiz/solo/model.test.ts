import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Result, SoloPicture } from '../events'
import { bench, question } from '../testing'
import { soloModel } from './model'

const PICTURE: SoloPicture = { mode: 'solo', attempts: 0, current: null, last: null, best: 0, points: 0, prizes: {} }
const RESULT: Result = { attempt: 1, score: 200, right: 2, of: 2, passed: true, ms: 900, points: 20, review: [] }
let stop = (): void => undefined

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  stop()
  vi.useRealTimers()
})

function made(picture: Partial<SoloPicture> = {}) {
  const kit = bench({ mode: 'solo' }, { ...PICTURE, ...picture })
  stop = kit.stop
  return { ...kit, model: kit.run(() => soloModel(kit.context)) }
}

const solution = { choices: [0], explanation: '' }
const checked = (number: number, fields: object) => ({
  ev: 'checked', attempt: 1, question: number, right: true, solution, gained: 100, score: 100, lives: null,
  next: null, result: null, ...fields,
})

test('an attempt goes from the start through its questions to the result', async () => {
  const { model, sent, says, pass } = made()
  expect(model.phase.value).toBe('start')
  void model.begin()
  expect(sent[0]).toMatchObject({ op: 'begin', fields: { attempt: 1 }, plays: 1 })
  says({ ev: 'asked', attempt: 1, question: question(0), lives: 3, score: 0 })
  await sent[0]!.take()
  expect([model.phase.value, model.lives.value]).toEqual(['asked', 3])
  void model.answer({ choices: [1] })
  expect(sent[1]).toMatchObject({ op: 'answer', fields: { attempt: 1, question: 0, choices: [1] }, plays: 0 })
  says(checked(0, { next: question(1, 3500) }))
  expect([model.phase.value, model.score.value, model.asked.value?.question]).toEqual(['checked', 100, 0])
  await pass(2000)
  expect(model.phase.value).toBe('checked') // the next one's time has not begun
  await pass(600)
  expect([model.phase.value, model.asked.value?.question]).toEqual(['asked', 1])
  void model.answer({ choices: [0] })
  says(checked(1, { result: RESULT, score: 200 }))
  model.turn()
  expect([model.phase.value, model.result.value, model.best.value, model.points.value]).toEqual(['result', RESULT, 200, 20])
})

test('a question is answered once; a refused answer may be given again', async () => {
  const { model, sent } = made({ attempts: 1, current: { attempt: 1, question: question(0), score: 0 } })
  void model.answer({ choices: [1] })
  void model.answer({ choices: [0] })
  expect(sent.length).toBe(1)
  await sent[0]!.refuse('rate_limited')
  expect([model.refused.value, model.given.value]).toEqual(['rate_limited', null])
  void model.answer({ choices: [0] })
  expect(sent.length).toBe(2)
})

test('a refresh in mid-question has the same deadline, and its time runs out', async () => {
  const { model, pass } = made({ attempts: 2, current: { attempt: 2, question: question(1), score: 50, lives: 1 } })
  expect([model.phase.value, model.attempt.value, model.score.value, model.lives.value]).toEqual(['asked', 2, 50, 1])
  await pass(4000)
  expect([model.left.value, model.over.value]).toEqual([6000, false])
  await pass(6000)
  expect([model.left.value, model.over.value]).toEqual([0, true])
})

test('a reconnect does not disturb what is on show', () => {
  const { model, says, welcome } = made({ attempts: 1, current: { attempt: 1, question: question(0), score: 0 } })
  says(checked(0, { next: question(1) }))
  welcome({ ...PICTURE, attempts: 1, current: { attempt: 1, question: question(1), score: 100 } })
  expect([model.phase.value, model.asked.value?.question]).toEqual(['checked', 0])
})

test('an attempt that ended while the page was away shows its result', () => {
  const { model, welcome } = made({ attempts: 1, current: { attempt: 1, question: question(0), score: 0 } })
  welcome({ ...PICTURE, attempts: 1, last: RESULT })
  expect([model.phase.value, model.result.value]).toEqual(['result', RESULT])
})

test('a refused beginning says why', async () => {
  const { model, sent } = made()
  void model.begin()
  expect(model.beginning.value).toBe(true)
  await sent[0]!.refuse('no_chance_left')
  expect([model.beginning.value, model.refused.value, model.phase.value]).toEqual([false, 'no_chance_left', 'start'])
})
